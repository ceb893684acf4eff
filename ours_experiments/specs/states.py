"""Bring an experiment to its state, its winner and its rollout."""

from ours_experiments._unset import Unset
from ours_experiments.models import (
    Experiment,
    ExperimentStatus,
    ExperimentType,
    Metrics,
    Variant,
)
from ours_experiments.specs.changes import Action, Difference, FieldChange
from ours_experiments.specs.checks import to_metrics
from ours_experiments.specs.parts import MetricsSpec
from ours_experiments.specs.variants import Match


UNREADABLE = "its variants cannot be read: the API key may lack experiment:find"
DRAFT, RUNNING = ExperimentStatus.DRAFT, ExperimentStatus.RUNNING
PAUSED, COMPLETED = ExperimentStatus.PAUSED, ExperimentStatus.COMPLETED
STEPS = {
    (DRAFT, RUNNING): Action.START,
    (RUNNING, PAUSED): Action.PAUSE,
    (PAUSED, RUNNING): Action.RESUME,
    (RUNNING, COMPLETED): Action.STOP,
    (PAUSED, COMPLETED): Action.STOP,
}


def compare_state(
    difference: Difference,
    experiment: Experiment,
    variants: tuple[Variant, ...],
    match: Match,
) -> None:
    """Compare the state, and the winner and rollout of what is completed."""
    spec, status = difference.spec, experiment.status
    state = status if isinstance(spec.state, Unset) else spec.state
    endings = {"winner": spec.winner, "rollout": spec.rollout}
    wanted = {k: v for k, v in endings.items() if not isinstance(v, Unset)}
    if state != COMPLETED:
        for name in wanted:
            difference.conflict(f"{name}: the experiment is not completed")
    if state == status:
        if status == COMPLETED:
            compare_endings(difference, experiment, variants, wanted)
        return
    if status not in tuple(ExperimentStatus):
        difference.conflict(f"state {status} -> {state}: {status} is not known")
        return
    action = STEPS.get((ExperimentStatus(status), ExperimentStatus(state)))
    if action is None:
        reason = "was never started" if status == DRAFT else "cannot go back"
        difference.conflict(f"state {status} -> {state}: {reason}")
        return
    change = FieldChange("state", str(status), str(state))
    if action is Action.STOP:
        fields = resolved(difference, experiment, variants, wanted)
        if fields is not None:
            difference.change(action, (change, *fields), live=True)
    elif action is Action.START:
        start(difference, experiment, variants, match)
    else:
        difference.change(action, (change,), live=True)


def start(
    difference: Difference,
    experiment: Experiment,
    variants: tuple[Variant, ...],
    match: Match,
) -> None:
    """Add the start of a draft, if it can be started."""
    spec = difference.spec
    treatments = sum(not variant.is_control for variant in variants)
    if not isinstance(spec.variants, Unset):
        treatments = len(match.pairs) + len(match.new)
    metrics = experiment.metrics or Metrics()
    if spec.metrics is None:
        metrics = Metrics()
    elif isinstance(spec.metrics, MetricsSpec):
        metrics = to_metrics(spec.metrics, metrics)
    kind = str(experiment.type or ExperimentType.AB)
    add_start(difference, metrics, kind, treatments, known=bool(variants))


def add_start(
    difference: Difference,
    metrics: Metrics,
    kind: str,
    treatments: int,
    *,
    known: bool = True,
) -> None:
    """Add a start, or why the service would refuse it."""
    if not (metrics.primary and (metrics.primary.event_name or "").strip()):
        difference.conflict("cannot start: metrics.primary.event_name is missing")
        difference.blocked = True
    if kind != ExperimentType.PERSONALIZATION and not treatments and known:
        difference.conflict("cannot start: it has no treatment")
        difference.blocked = True
    if not difference.blocked:
        change = FieldChange("state", "draft", "running")
        difference.change(Action.START, (change,), live=True)


def compare_endings(
    difference: Difference,
    experiment: Experiment,
    variants: tuple[Variant, ...],
    wanted: dict[str, str | None],
) -> None:
    """Compare the winner and rollout of a completed experiment."""
    fields = resolved(difference, experiment, variants, wanted)
    for field in fields or ():
        if field.path == "winner":
            difference.change(Action.WINNER, (field,))
        else:
            action = Action.END_ROLLOUT if field.new is None else Action.ROLLOUT
            difference.change(action, (field,), live=True)


def resolved(
    difference: Difference,
    experiment: Experiment,
    variants: tuple[Variant, ...],
    wanted: dict[str, str | None],
) -> tuple[FieldChange, ...] | None:
    """Turn the winner and rollout into changes of ids; None: one is not a variant."""
    fields: list[FieldChange] = []
    for name, reference in wanted.items():
        old: str | None = getattr(experiment, f"{name}_variant_id")
        if reference is None:
            if old is not None:
                fields.append(FieldChange(name, old, None))
            continue
        if not variants:
            difference.conflict(f"{name} {reference}: {UNREADABLE}")
            return None
        found = [v for v in variants if v.id == reference]
        found = found or [v for v in variants if v.name == reference]
        if len(found) != 1:
            reason = f"{len(found)} variants have the name: give the id"
            if not found:
                reason = "no variant has the name or id"
            difference.conflict(f"{name} {reference}: {reason}")
            return None
        if name == "rollout" and found[0].is_control:
            difference.conflict(
                f"rollout {reference}: the control cannot be rolled out"
            )
            return None
        if found[0].id != old:
            fields.append(FieldChange(name, old, found[0].id))
    return tuple(fields)
