"""Compare one spec with one experiment: what to change, and what cannot be."""

from collections.abc import Iterable, Iterator

from ours_experiments._unset import UNSET, Unset
from ours_experiments.models import (
    Experiment,
    ExperimentType,
    Metrics,
    Variant,
)
from ours_experiments.specs.changes import Action, Difference, FieldChange
from ours_experiments.specs.checks import given, managed, to_metrics
from ours_experiments.specs.dump import to_plain
from ours_experiments.specs.fields import field_changes
from ours_experiments.specs.normal import normal
from ours_experiments.specs.parts import MetricsSpec, VariantSpec
from ours_experiments.specs.spec import ExperimentSpec
from ours_experiments.specs.states import (
    COMPLETED,
    DRAFT,
    PAUSED,
    RUNNING,
    UNREADABLE,
    add_start,
    compare_state,
)
from ours_experiments.specs.values import show
from ours_experiments.specs.variants import Match, Pair, match_variants


LOCKED_VARIANTS = "locked, variants change only in draft"
LIVE = frozenset({RUNNING, PAUSED})


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
    compare_type(difference, experiment)
    compare_fields(difference, experiment)
    is_managed = not (spec.variants is UNSET and spec.control is UNSET)
    match = match_variants(spec, variants) if is_managed and variants else Match()
    if is_managed and not variants:
        difference.conflict(UNREADABLE)
        difference.blocked = True
    elif is_managed:
        compare_variants(difference, experiment, match)
    compare_state(difference, experiment, variants, match)
    if staged and spec.state in (UNSET, experiment.status):
        live = [change for change in difference.changes if change.live]
        if not live and not difference.conflicts:
            difference.change(Action.PUBLISH, live=True)
    return difference


def compare_type(difference: Difference, experiment: Experiment) -> None:
    """Find another type, which cannot be changed."""
    old = str(experiment.type or ExperimentType.AB)
    wanted = difference.spec.type
    if not isinstance(wanted, Unset) and str(wanted) != old:
        difference.conflict(f"type cannot be changed: {old} -> {wanted}")
        difference.blocked = True


def compare_fields(difference: Difference, experiment: Experiment) -> None:
    """Compare the fields of the experiment itself."""
    fields = tuple(field_changes(difference.spec, experiment))
    if experiment.status == COMPLETED:
        for field in fields:
            difference.conflict(
                f"{field.path} {show(field.old)} -> {show(field.new)}: "
                "locked: completed"
            )
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
            difference.conflict(message)
        return
    if match.conflicts:
        difference.blocked = True
        return
    for pair in match.lowered:
        update_variant(difference, pair)
    for variant in match.extra:
        difference.change(
            Action.DELETE_VARIANT, variant=variant.name, variant_id=variant.id
        )
    for pair in match.raised:
        update_variant(difference, pair)
    create_variants(difference, match.new)


def update_variant(difference: Difference, pair: Pair) -> None:
    """Add the change of one variant."""
    difference.change(
        Action.UPDATE_VARIANT,
        pair.fields,
        variant=pair.variant.name,
        variant_id=pair.variant.id,
    )


def create_variants(difference: Difference, variants: Iterable[VariantSpec]) -> None:
    """Add the creation of treatments."""
    for variant in variants:
        values = {
            name: value
            for name, value in managed(variant).items()
            if name not in ("id", "was") and value is not None
        }
        difference.change(
            Action.CREATE_VARIANT,
            (FieldChange(name, None, normal(v)) for name, v in values.items()),
            variant=given(variant.name, ""),
        )


def locked(match: Match) -> Iterator[str]:
    """Describe differences of variants that do not change any more."""
    control = [match.control] if match.control else []
    for pair in [*control, *match.pairs]:
        for field in pair.fields:
            yield (
                f"variant {pair.variant.name}: {field.path} {show(field.old)} -> "
                f"{show(field.new)}: {LOCKED_VARIANTS}"
            )
    for variant in match.extra:
        yield f"variant {variant.name}: is not in the file: {LOCKED_VARIANTS}"
    for spec in match.new:
        yield f"variant {given(spec.name, '')}: is new: {LOCKED_VARIANTS}"


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
    skipped = {"control", "variants", "state", "rules", "settings", "winner", "rollout"}
    values = {name: v for name, v in managed(spec).items() if name not in skipped}
    fields = [
        FieldChange(name, None, to_plain(v))
        for name, v in values.items()
        if v is not None
    ]
    fields.append(FieldChange("settings", None, settings))
    difference.change(Action.CREATE, fields)
    if not isinstance(spec.control, Unset) and spec.control.name is not UNSET:
        field = FieldChange("name", None, spec.control.name)
        difference.change(Action.UPDATE_VARIANT, (field,), variant="control")
    variants = given(spec.variants, ())
    create_variants(difference, variants)
    if spec.state is RUNNING:
        metrics = Metrics()
        if isinstance(spec.metrics, MetricsSpec):
            metrics = to_metrics(spec.metrics, metrics)
        add_start(difference, metrics, str(given(spec.type, "ab")), len(variants))
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
