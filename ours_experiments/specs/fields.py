"""Compare the fields of a spec with an experiment's, and build the patch."""

from collections.abc import Iterator
from typing import TypeVar

import attrs

from ours_experiments._unset import UNSET, Unset
from ours_experiments.drafts import ExperimentPatch, NewExperiment
from ours_experiments.models import (
    DomAction,
    DomModification,
    Experiment,
    ExperimentStatus,
    Metric,
    Metrics,
    TargetingRules,
)
from ours_experiments.specs.changes import FieldChange
from ours_experiments.specs.checks import to_metrics, to_targeting_rules
from ours_experiments.specs.normal import (
    is_empty_metrics,
    is_empty_rules,
    normal,
)
from ours_experiments.specs.parts import MetricSpec, MetricsSpec, TargetingSpec
from ours_experiments.specs.spec import ExperimentSpec


T = TypeVar("T")
TARGETING_FIELDS = tuple(field.name for field in attrs.fields(TargetingSpec))


def field_changes(
    spec: ExperimentSpec, experiment: Experiment
) -> Iterator[FieldChange]:
    """Yield the managed fields that differ, without type, variants and state."""
    if spec.id is not UNSET:
        yield from differing("key", experiment.key, spec.key)
    for name in ("name", "description", "traffic_allocation"):
        yield from differing(name, getattr(experiment, name), getattr(spec, name))
    if spec.include_query_string is not UNSET:
        yield from differing(
            "include_query_string",
            bool(experiment.include_query_string),
            bool(spec.include_query_string),
        )
    yield from targeting_changes(spec.targeting_rules, experiment.targeting_rules)
    yield from metrics_changes(spec.metrics, experiment.metrics)


def differing(path: str, old: object, new: object) -> Iterator[FieldChange]:
    """Compare two values, of which empty ones mean the same as none."""
    # Most fields are equal as they stand, and a plan compares thousands.
    if new is UNSET or old == new:
        return
    before, after = normal(old), normal(new)
    before, after = (None if is_empty(value) else value for value in (before, after))
    if before != after:
        yield FieldChange(path, before, after)


def is_empty(value: object) -> bool:
    """Return whether a value means the same as null."""
    return value is None or value in ("", [], {})


def targeting_changes(
    spec: TargetingSpec | Unset | None, rules: TargetingRules | None
) -> Iterator[FieldChange]:
    """Compare targeting rules field by field."""
    path = "targeting_rules"
    if spec is None:
        if not is_empty_rules(rules):
            yield FieldChange(path, summary(rules), None)
    elif not isinstance(spec, Unset):
        base = rules or TargetingRules()
        for name in TARGETING_FIELDS:
            old, new = getattr(base, name), getattr(spec, name)
            yield from differing(f"{path}.{name}", old, new)


def metrics_changes(
    spec: MetricsSpec | Unset | None, metrics: Metrics | None
) -> Iterator[FieldChange]:
    """Compare metrics field by field."""
    if spec is None:
        if not is_empty_metrics(metrics):
            yield FieldChange("metrics", summary(metrics), None)
        return
    if isinstance(spec, Unset):
        return
    base = metrics or Metrics()
    if isinstance(spec.primary, MetricSpec):
        primary = base.primary or Metric()
        for name in ("event_name", "funnel_id"):
            old, new = getattr(primary, name), getattr(spec.primary, name)
            yield from differing(f"metrics.primary.{name}", old, new)
    yield from differing("metrics.secondary", base.secondary, spec.secondary)


def summary(value: TargetingRules | Metrics | None) -> object:
    """Return what an object holds as plain JSON, without empty fields."""
    if value is None:
        return None
    fields = {
        field.name: getattr(value, field.name) for field in attrs.fields(type(value))
    }
    extra = dict(fields.pop("additional_properties"))
    plain = {name: normal(content) for name, content in fields.items()}
    return {name: content for name, content in plain.items() if content} | extra


def patch_of(spec: ExperimentSpec, experiment: Experiment) -> ExperimentPatch | None:
    """Build the patch that brings an experiment to its spec; None: nothing differs.

    Nested objects are replaced whole by the service, so what the spec does not manage,
    and keys that this version does not know, are taken from the experiment.
    """
    changed = {
        change.path.partition(".")[0] for change in field_changes(spec, experiment)
    }
    if not changed:
        return None
    # A draft without a stored key would get another one with its new name.
    if "name" in changed and experiment.status == ExperimentStatus.DRAFT:
        changed.add("key")
    values: dict[str, object] = {name: getattr(spec, name) for name in changed}
    if isinstance(spec.targeting_rules, TargetingSpec) and "targeting_rules" in changed:
        values["targeting_rules"] = merged_rules(
            spec.targeting_rules, experiment.targeting_rules or TargetingRules()
        )
    if isinstance(spec.metrics, MetricsSpec) and "metrics" in changed:
        values["metrics"] = merged_metrics(
            spec.metrics, experiment.metrics or Metrics()
        )
    return ExperimentPatch(**values)  # type: ignore[arg-type]


def merged_rules(spec: TargetingSpec, base: TargetingRules) -> TargetingRules:
    """Change what the spec manages, and keep unknown keys of equal items."""
    rules = to_targeting_rules(spec, base)
    params = kept_items(rules.query_params, base.query_params)
    return attrs.evolve(rules, query_params=params)


def merged_metrics(spec: MetricsSpec, base: Metrics) -> Metrics:
    """Change what the spec manages, and keep unknown keys of equal items."""
    metrics = to_metrics(spec, base)
    secondary = kept_items(metrics.secondary, base.secondary)
    return attrs.evolve(metrics, secondary=secondary)


def kept_items(new: tuple[T, ...], old: tuple[T, ...]) -> tuple[T, ...]:
    """Replace items by the equal ones of the service, which may know more keys."""
    left = [(normal(item), item) for item in old]
    items: list[T] = []
    for item in new:
        wanted = normal(item)
        index = next((i for i, (known, _) in enumerate(left) if known == wanted), None)
        items.append(item if index is None else left.pop(index)[1])
    return tuple(items)


def sendable(
    new: tuple[DomModification, ...], old: tuple[DomModification, ...] = ()
) -> tuple[DomModification, ...]:
    """Return changes to the page as they are sent: one payload in each."""
    known = {id(item) for item in old}
    return tuple(
        item if id(item) in known else one_payload(item)
        for item in kept_items(new, old)
    )


def one_payload(value: DomModification) -> DomModification:
    """Leave out the JSON text beside the declarations or attributes it repeats."""
    has_parts = (value.action == DomAction.SET_STYLE and value.styles) or (
        value.action == DomAction.SET_ATTRIBUTE and value.attribute is not None
    )
    return attrs.evolve(value, value=None) if has_parts else value


def new_experiment(spec: ExperimentSpec, settings_id: str) -> NewExperiment:
    """Build the draft of an experiment that has a name."""
    values = {
        name: value
        for name in (
            "description",
            "type",
            "traffic_allocation",
            "include_query_string",
        )
        if (value := getattr(spec, name)) is not UNSET
    }
    if isinstance(spec.targeting_rules, TargetingSpec):
        rules = to_targeting_rules(spec.targeting_rules, TargetingRules())
        values["targeting_rules"] = rules
    if isinstance(spec.metrics, MetricsSpec):
        values["metrics"] = to_metrics(spec.metrics, Metrics())
    return NewExperiment(settings_id, str(spec.name), key=spec.key, **values)
