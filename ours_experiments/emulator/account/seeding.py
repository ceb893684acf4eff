"""Create experiments in process: 10 000 of them take half a second."""

from ours_experiments.emulator.account import lifecycle as _lifecycle
from ours_experiments.emulator.account.records import STATUSES
from ours_experiments.emulator.account.state import State
from ours_experiments.emulator.problems import ProblemError


MAX_VARIANTS = 100
"""Every variant has at least one percent of the split."""
_ACTIONS_TO = {
    "draft": (),
    "running": ("start",),
    "paused": ("start", "pause"),
    "completed": ("start", "stop"),
}


def seed_experiments(
    state: State, count: int, *, status: str = "draft", variants: int = 2
) -> list[str]:
    """Create experiments that are published already, and return their ids."""
    if count < 0:
        raise ValueError(f"count: at least 0, not {count}")
    if status not in STATUSES:
        raise ValueError(f"status: one of {', '.join(sorted(STATUSES))}")
    if not 1 <= variants <= MAX_VARIANTS:
        raise ValueError(f"variants: 1 to {MAX_VARIANTS}, not {variants}")
    if variants == 1 and status != "draft":
        raise ValueError("variants: an experiment that is started has at least 2")
    if not state.settings_by_id:
        state.adopt_settings(state.create_settings({}))
    settings_id = next(iter(state.settings_by_id))
    try:
        return [
            _seed_experiment(state, settings_id, status, variants) for _ in range(count)
        ]
    except ProblemError as problem:
        raise ValueError(f"count: {problem.error}") from None


def _seed_experiment(state: State, settings_id: str, status: str, variants: int) -> str:
    ordinal = state.created + 1
    experiment = state.create(
        {
            "experimentSettingsId": settings_id,
            "name": f"Experiment {ordinal}",
            # Of its own: rules that shorten names would make all keys alike.
            "key": f"experiment-{ordinal}",
            "metrics": {
                "primary": {"eventName": "signup", "funnelId": None},
                "secondary": None,
            },
        }
    )
    for number in range(1, variants):
        state.create_variant(
            {
                "experimentId": experiment.id,
                "name": f"Variant {number}",
                "weight": 100 // variants,
                "redirectUrl": f"/variant-{number}",
            }
        )
    for action in _ACTIONS_TO[status]:
        _lifecycle.perform(action, experiment, {}, state.now())
    state.adopt(experiment)
    return experiment.id
