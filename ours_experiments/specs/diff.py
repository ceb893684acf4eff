"""Compare one spec with one experiment: what to change, and what cannot be."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any

from ours_experiments._unset import UNSET, Unset
from ours_experiments.models import (
    Experiment,
    ExperimentStatus,
    ExperimentType,
    Metrics,
    Variant,
)
from ours_experiments.specs.changes import Action, Difference, FieldChange
from ours_experiments.specs.dump import to_plain
from ours_experiments.specs.fields import TARGETING, field_changes, normal
from ours_experiments.specs.parts import (
    MetricsSpec,
    VariantSpec,
    given,
    managed,
    to_metrics,
)
from ours_experiments.specs.spec import ExperimentSpec
from ours_experiments.specs.text import show
from ours_experiments.specs.variants import Match, Pair, match_variants


LOCKED = "locked, variants change only in draft"
UNREADABLE = "its variants cannot be read: the API key may lack experiment:find"
DRAFT, RUNNING = ExperimentStatus.DRAFT, ExperimentStatus.RUNNING
PAUSED, COMPLETED = ExperimentStatus.PAUSED, ExperimentStatus.COMPLETED
LIVE = frozenset({RUNNING, PAUSED})
STEPS: Mapping[tuple[str, str], Action] = {
    (DRAFT, RUNNING): Action.START,
    (RUNNING, PAUSED): Action.PAUSE,
    (PAUSED, RUNNING): Action.RESUME,
    (RUNNING, COMPLETED): Action.STOP,
    (PAUSED, COMPLETED): Action.STOP,
}
FIELDS = attrgetter("name", "description", "traffic_allocation", "include_query_string")
TARGETING_FIELDS = attrgetter(*TARGETING)
METRIC_FIELDS = attrgetter("event_name", "funnel_id")
VARIANT_FIELDS = attrgetter("id", "name", "weight", "redirect_url", "dom_modifications")
NOT_CREATED = frozenset(
    {"control", "variants", "state", "rules", "settings", "winner", "rollout"}
)
"""Fields that the call which creates an experiment does not send."""


def is_equal(
    spec: ExperimentSpec, experiment: Experiment, variants: tuple[Variant, ...]
) -> bool:
    """Return whether all that a spec manages is equal as it stands.

    Most experiments of a plan are. Deciding that here, without normal forms and
    without a `Difference`, takes a fifth of the time of `compare`.
    """
    if (
        spec.state not in (UNSET, experiment.status)
        or spec.type not in (UNSET, experiment.type)
        or not (spec.id is UNSET or spec.key == experiment.key)
        or not (spec.winner is UNSET and spec.rollout is UNSET)
        or not agrees(spec, experiment, FIELDS)
        or not agrees(
            spec.targeting_rules, experiment.targeting_rules, TARGETING_FIELDS
        )
    ):
        return False
    wanted, found = spec.metrics, experiment.metrics
    if isinstance(wanted, MetricsSpec):
        if found is None or not (
            agrees(wanted.primary, found.primary, METRIC_FIELDS)
            and wanted.secondary in (UNSET, found.secondary)
        ):
            return False
    elif wanted is not UNSET and wanted != found:
        return False
    if spec.control is UNSET and spec.variants is UNSET:
        return True
    return variants_agree(spec, variants)


def agrees(
    part: object, found: object, values: Callable[[Any], Iterable[object]]
) -> bool:
    """Return whether the values that a part of a spec manages are equal."""
    if part is UNSET:
        return True
    if part is None or found is None:
        return part is found
    for wanted, present in zip(values(part), values(found), strict=True):
        if wanted is not UNSET and wanted != present:
            return False
    return True


def variants_agree(spec: ExperimentSpec, variants: tuple[Variant, ...]) -> bool:
    """Return whether variants are equal, and in the order of the spec."""
    control = UNSET if isinstance(spec.control, Unset) else spec.control.name
    treatments: list[Variant] = []
    for variant in variants:
        if not variant.is_control:
            treatments.append(variant)
        elif control not in (UNSET, variant.name):
            return False
    if isinstance(spec.variants, Unset) or not variants:
        return bool(variants)
    if len(treatments) != len(spec.variants):
        return False
    for wanted, found in zip(spec.variants, treatments, strict=True):
        # A variant with both payloads is to lose the one that the spec leaves out.
        if found.redirect_url and found.dom_modifications:
            return False
        if not agrees(wanted, found, VARIANT_FIELDS):
            return False
    return True


def compare(
    spec: ExperimentSpec,
    experiment: Experiment,
    variants: tuple[Variant, ...],
    *,
    staged: bool = False,
) -> Difference:
    """Compare a spec with the experiment that it means.

    Args:
        spec: What it is to be like.
        experiment: What it is.
        variants: Its variants, the control included; empty where they are not known.
        staged: Whether it is among the unpublished changes.
    """
    difference = Difference(spec, experiment.id)
    kind = str(experiment.type or ExperimentType.AB)
    if not isinstance(spec.type, Unset) and str(spec.type) != kind:
        difference.conflict(f"type cannot be changed: {kind} -> {spec.type}")
        difference.blocked = True
    compare_fields(difference, experiment)
    match = Match()
    if not (spec.variants is UNSET and spec.control is UNSET):
        if variants:
            match = match_variants(spec, variants)
            compare_variants(difference, experiment, match)
        else:
            difference.conflict(UNREADABLE)
            difference.blocked = True
    treatments = sum(not variant.is_control for variant in variants)
    if not isinstance(spec.variants, Unset):
        treatments = len(match.pairs) + len(match.new)
    compare_state(difference, experiment, variants, treatments)
    if staged and spec.state in (UNSET, experiment.status):
        live = [change for change in difference.changes if change.live]
        if not live and not difference.conflicts:
            difference.change(Action.PUBLISH, live=True)
    return difference


def compare_fields(difference: Difference, experiment: Experiment) -> None:
    """Compare the fields of the experiment itself."""
    fields = tuple(field_changes(difference.spec, experiment))
    if experiment.status == COMPLETED:
        for field in fields:
            change = f"{field.path} {show(field.old)} -> {show(field.new)}"
            difference.conflict(f"{change}: locked: completed")
        return
    if not fields:
        return
    live = experiment.status in LIVE
    difference.change(Action.UPDATE, fields, live=live)
    for field in fields if live else ():
        if field.path in ("metrics", "metrics.primary.event_name"):
            difference.warn("the results so far were of another event")
        old, new = experiment.traffic_allocation, difference.spec.traffic_allocation
        if field.path == "traffic_allocation" and given(new, old) < old:
            difference.warn(f"traffic is lowered, {field.old} -> {field.new}")


def compare_variants(
    difference: Difference, experiment: Experiment, match: Match
) -> None:
    """Compare the variants, in the order in which they can be changed."""
    for message in match.conflicts:
        difference.conflict(message)
    if experiment.status != DRAFT:
        for message in locked(match):
            difference.conflict(f"variant {message}: {LOCKED}")
        return
    if match.conflicts:
        difference.blocked = True
        return
    update_variants(difference, match.lowered)
    for variant in match.extra:
        difference.change(
            Action.DELETE_VARIANT, variant=variant.name, variant_id=variant.id
        )
    update_variants(difference, match.raised)
    create_variants(difference, match.new)


def update_variants(difference: Difference, pairs: Iterable[Pair]) -> None:
    """Add the changes of variants."""
    for pair in pairs:
        name, variant_id = pair.variant.name, pair.variant.id
        difference.change(
            Action.UPDATE_VARIANT, pair.fields, variant=name, variant_id=variant_id
        )


def create_variants(difference: Difference, variants: Iterable[VariantSpec]) -> None:
    """Add the creation of treatments."""
    for variant in variants:
        fields = [
            FieldChange(name, None, normal(value))
            for name, value in managed(variant).items()
            if name not in ("id", "was") and value is not None
        ]
        name = given(variant.name, "")
        difference.change(Action.CREATE_VARIANT, fields, variant=name)


def locked(match: Match) -> Iterator[str]:
    """Describe differences of variants that do not change any more."""
    for pair in (*([match.control] if match.control else []), *match.pairs):
        for field in pair.fields:
            change = f"{field.path} {show(field.old)} -> {show(field.new)}"
            yield f"{pair.variant.name}: {change}"
    yield from (f"{variant.name}: is not in the file" for variant in match.extra)
    yield from (f"{given(spec.name, '')}: is new" for spec in match.new)


def compare_state(
    difference: Difference,
    experiment: Experiment,
    variants: tuple[Variant, ...],
    treatments: int,
) -> None:
    """Compare the state, and the winner and rollout of what is completed."""
    spec, status = difference.spec, experiment.status
    state = status if isinstance(spec.state, Unset) else spec.state
    for name in ("winner", "rollout") if state != COMPLETED else ():
        if getattr(spec, name) is not UNSET:
            difference.conflict(f"{name}: the experiment is not completed")
    if state == status:
        if status == COMPLETED:
            compare_endings(difference, experiment, variants)
        return
    action = STEPS.get((status, state))
    fields: tuple[FieldChange, ...] | None = ()
    if action is None:
        reason = "was never started" if status == DRAFT else "cannot go back"
        if status not in tuple(ExperimentStatus):
            reason = f"{status} is not known"
        difference.conflict(f"state {status} -> {state}: {reason}")
    elif action is Action.START:
        kind = str(experiment.type or ExperimentType.AB)
        known = bool(variants)
        add_start(difference, experiment.metrics, kind, treatments, known=known)
    else:
        if action is Action.STOP:
            fields = resolved_endings(difference, experiment, variants)
        if fields is not None:
            change = FieldChange("state", str(status), str(state))
            difference.change(action, (change, *fields), live=True)


def add_start(
    difference: Difference,
    metrics: Metrics | None,
    kind: str,
    treatments: int,
    *,
    known: bool = True,
) -> None:
    """Add a start, or why the service would refuse it.

    Args:
        difference: Where to add it.
        metrics: The experiment's, before they are changed.
        kind: The experiment's type.
        treatments: How many it has after the changes.
        known: Whether its variants could be read.
    """
    wanted = difference.spec.metrics
    if isinstance(wanted, MetricsSpec):
        metrics = to_metrics(wanted, metrics or Metrics())
    primary = None if wanted is None or metrics is None else metrics.primary
    if primary is None or not (primary.event_name or "").strip():
        difference.conflict("cannot start: metrics.primary.event_name is missing")
        difference.blocked = True
    if kind != ExperimentType.PERSONALIZATION and not treatments and known:
        difference.conflict("cannot start: it has no treatment")
        difference.blocked = True
    if not difference.blocked:
        change = FieldChange("state", str(DRAFT), str(RUNNING))
        difference.change(Action.START, (change,), live=True)


def compare_endings(
    difference: Difference, experiment: Experiment, variants: tuple[Variant, ...]
) -> None:
    """Compare the winner and rollout of a completed experiment."""
    for field in resolved_endings(difference, experiment, variants) or ():
        if field.path == "winner":
            difference.change(Action.WINNER, (field,))
        else:
            action = Action.END_ROLLOUT if field.new is None else Action.ROLLOUT
            difference.change(action, (field,), live=True)


def resolved_endings(
    difference: Difference, experiment: Experiment, variants: tuple[Variant, ...]
) -> tuple[FieldChange, ...] | None:
    """Turn the winner and rollout into changes of ids; None: one is not a variant."""
    fields: list[FieldChange] = []
    for name in ("winner", "rollout"):
        wanted: str | Unset | None = getattr(difference.spec, name)
        old: str | None = getattr(experiment, f"{name}_variant_id")
        new = None
        if isinstance(wanted, Unset):
            continue
        if wanted is not None:
            found = [variant for variant in variants if variant.id == wanted]
            found = found or [v for v in variants if v.name == wanted]
            reason = ending_problem(name, found) if variants else UNREADABLE
            if reason is not None:
                difference.conflict(f"{name} {wanted}: {reason}")
                return None
            new = found[0].id
        if new != old:
            fields.append(FieldChange(name, old, new))
    return tuple(fields)


def ending_problem(name: str, found: list[Variant]) -> str | None:
    """Describe why variants with a name or id are not the winner or rollout."""
    if not found:
        return "no variant has the name or id"
    if len(found) > 1:
        return f"{len(found)} variants have the name: give the id"
    if name == "rollout" and found[0].is_control:
        return "the control cannot be rolled out"
    return None


def compare_absent(spec: ExperimentSpec, settings: str | None) -> Difference:
    """Plan the creation of an experiment.

    Args:
        spec: What it is to be like.
        settings: The name of its settings; None: nobody knows which.
    """
    difference = Difference(spec)
    for message in absent_conflicts(spec, settings):
        difference.conflict(message)
    if difference.conflicts:
        return difference
    fields = [
        FieldChange(name, None, to_plain(value))
        for name, value in managed(spec).items()
        if name not in NOT_CREATED and value is not None
    ]
    fields.append(FieldChange("settings", None, settings))
    difference.change(Action.CREATE, fields)
    if not isinstance(spec.control, Unset) and spec.control.name is not UNSET:
        field = FieldChange("name", None, spec.control.name)
        difference.change(Action.UPDATE_VARIANT, (field,), variant="control")
    variants = given(spec.variants, ())
    create_variants(difference, variants)
    if spec.state is RUNNING:
        add_start(difference, None, str(given(spec.type, "ab")), len(variants))
    return difference


def absent_conflicts(spec: ExperimentSpec, settings: str | None) -> Iterator[str]:
    """Find why an experiment cannot be created."""
    if isinstance(spec.id, str):
        yield f"no experiment has the id {spec.id}"
        return
    if spec.state in (PAUSED, COMPLETED):
        yield f"does not exist, and cannot be created {spec.state}"
    if spec.name is UNSET:
        yield "does not exist, and needs a name to be created"
    if settings is None:
        yield "does not exist, and the settings to create it with are not known"
    for variant in given(spec.variants, ()):
        if variant.name is UNSET:
            yield f"no variant has the id {variant.id}: the experiment does not exist"
        elif variant.weight is UNSET:
            yield f"variant {variant.name}: is new and needs a weight"
