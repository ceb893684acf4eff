"""What a dry run can foretell of an experiment from what the service shows."""

from ours_experiments.models import Experiment, ExperimentStatus, ExperimentType


ALLOWED_FROM = {
    "start": {ExperimentStatus.DRAFT},
    "pause": {ExperimentStatus.RUNNING},
    "resume": {ExperimentStatus.PAUSED},
    "stop": {ExperimentStatus.RUNNING, ExperimentStatus.PAUSED},
}
"""The states from which the service allows each action."""
MIN_VARIANTS = 2


def refusal_reason(
    action: str, experiment: Experiment, winner_variant_id: str | None
) -> str | None:
    """Return why the service would refuse an action; None when it would not."""
    if experiment.status not in ALLOWED_FROM[action]:
        return f"it is {experiment.status}"
    variants = experiment.variants
    if action == "start":
        metrics = experiment.metrics
        if not (metrics and metrics.primary and metrics.primary.event_name):
            return "it has no primary metric with an event name"
        if (
            experiment.type != ExperimentType.PERSONALIZATION
            and variants is not None
            and len(variants) < MIN_VARIANTS
        ):
            return f"it has {len(variants)} variants and needs two"
    if (
        winner_variant_id
        and variants is not None
        and winner_variant_id not in {variant.id for variant in variants}
    ):
        return f"the winner {winner_variant_id} is none of its variants"
    return None
