"""The lifecycle of an experiment: what each call needs, and what it does."""

from ours_experiments.emulator.account.records import Experiment
from ours_experiments.emulator.json_values import Values, string
from ours_experiments.emulator.problems import conflict, not_found


_FROM = {
    "start": ("draft",),
    "pause": ("running",),
    "resume": ("paused",),
    "stop": ("running", "paused"),
    "rollout": ("completed",),
    "end_rollout": ("completed",),
    "winner": ("completed",),
}
_TO = {
    "start": "running",
    "pause": "paused",
    "resume": "running",
    "stop": "completed",
}


def check(action: str, experiment: Experiment, values: Values) -> None:
    """Refuse a call that the experiment's state or variants do not allow."""
    winner = values.get("winnerVariantId")
    rollout = values.get("rolloutVariantId", values.get("variantId"))
    own = {variant.id for variant in experiment.variants}
    for name, chosen in (("winner", winner), ("rollout", rollout)):
        if chosen is not None and chosen not in own:
            raise not_found(f"{name} variant: none of this experiment's")
    if experiment.status not in _FROM[action]:
        needed = " or ".join(_FROM[action])
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
    """Do what `check` has let pass."""
    experiment.status = _TO.get(action, experiment.status)
    experiment.updated_at = now
    if action in ("start", "resume"):
        experiment.started_at = now
    if action == "start":
        experiment.run_began_at = now
    if action == "stop":
        experiment.stopped_at = now
    if action in ("winner", "stop"):
        experiment.winner_variant_id = string(values.get("winnerVariantId"))
    if action in ("rollout", "end_rollout", "stop"):
        rollout = values.get("rolloutVariantId", values.get("variantId"))
        experiment.rollout_variant_id = string(rollout)
