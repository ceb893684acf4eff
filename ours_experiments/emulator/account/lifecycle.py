"""The lifecycle of an experiment: conditions and effects of its calls."""

from collections.abc import Mapping

from ours_experiments.emulator.account.records import Experiment
from ours_experiments.emulator.json_values import Values, string
from ours_experiments.emulator.problems import conflict, not_found


ALLOWED_FROM: Mapping[str, tuple[str, ...]] = {
    "start": ("draft",),
    "pause": ("running",),
    "resume": ("paused",),
    "stop": ("running", "paused"),
    "rollout": ("completed",),
    "end_rollout": ("completed",),
    "winner": ("completed",),
}
_STATUS_AFTER = {
    "start": "running",
    "pause": "paused",
    "resume": "running",
    "stop": "completed",
}


def check(action: str, experiment: Experiment, values: Values) -> None:
    """Raise ProblemError if the state or the variants do not allow a call."""
    winner = values.get("winnerVariantId")
    rollout = values.get("rolloutVariantId", values.get("variantId"))
    own = {variant.id for variant in experiment.variants}
    for name, chosen in (("winner", winner), ("rollout", rollout)):
        if chosen is not None and chosen not in own:
            raise not_found(f"{name} variant: not a variant of this experiment")
    if experiment.status not in ALLOWED_FROM[action]:
        needed = " or ".join(ALLOWED_FROM[action])
        verb = action.replace("_", " ")
        raise conflict(
            f"Cannot {verb}: the experiment is {experiment.status}, not {needed}"
        )
    if any(v.id == rollout and v.is_control for v in experiment.variants):
        raise conflict("The control variant cannot be rolled out")
    if action == "end_rollout" and experiment.rollout_variant_id is None:
        raise conflict("No variant is rolled out")
    if action == "start":
        if experiment.primary_event() is None:
            raise conflict("A primary metric event name is needed to start")
        if experiment.type != "personalization" and len(experiment.variants) < 2:
            raise conflict("At least two variants are needed to start")


def perform(action: str, experiment: Experiment, values: Values, now: int) -> None:
    """Carry out a call that `check` has accepted."""
    experiment.status = _STATUS_AFTER.get(action, experiment.status)
    experiment.updated_at = now
    if action in ("start", "resume"):
        experiment.started_at = now
    if action == "start":
        experiment.run_started_at = now
    if action == "stop":
        experiment.stopped_at = now
    if action in ("winner", "stop"):
        experiment.winner_variant_id = string(values.get("winnerVariantId"))
    if action in ("rollout", "end_rollout", "stop"):
        rollout = values.get("rolloutVariantId", values.get("variantId"))
        experiment.rollout_variant_id = string(rollout)
