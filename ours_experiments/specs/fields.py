"""Compare fields of a spec with an experiment's in a normal form; build the patch.

Two spellings that mean the same to the service have one normal form.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar, cast

import attrs
import orjson

from ours_experiments._unset import UNSET
from ours_experiments.drafts import ExperimentPatch, NewExperiment
from ours_experiments.models import (
    DomAction,
    DomModification,
    Experiment,
    ExperimentStatus,
    Metric,
    Metrics,
    QueryParam,
    TargetingRules,
)
from ours_experiments.specs.changes import FieldChange
from ours_experiments.specs.parts import (
    MetricsSpec,
    TargetingSpec,
    managed,
    to_metrics,
)
from ours_experiments.specs.spec import ExperimentSpec


T = TypeVar("T")
EMPTY: tuple[object, ...] = ("", [], {})
NO_RULES, NO_METRICS = TargetingRules(), Metrics()
TARGETING = tuple(field.name for field in attrs.fields(TargetingSpec))
CAPITAL = re.compile(r"[A-Z]")


def normal(value: object) -> object:
    """Return the normal form of a field's value."""
    if isinstance(value, DomModification):
        return normal_modification(value)
    if isinstance(value, QueryParam):
        operator = str(value.operator)
        return {"key": value.key, "operator": operator, "value": value.value}
    if isinstance(value, Metric):
        return {"event_name": value.event_name or None, "funnel_id": value.funnel_id}
    if isinstance(value, tuple):
        return [normal(element) for element in cast("tuple[object, ...]", value)]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return str(value) if isinstance(value, str) else value


def is_empty(value: TargetingRules | Metrics | Metric | None) -> bool:
    """Return whether an object means the same as null: it has only empty fields."""
    if value is None:
        return True
    contents = (getattr(value, field.name) for field in attrs.fields(type(value)))
    return all(
        is_empty(content) if isinstance(content, Metric) else not content
        for content in contents
    )


def normal_modification(value: DomModification) -> dict[str, object]:
    """Return the normal form of a change to the page."""
    payload: dict[str, object] = {"value": value.value or ""}
    styles = styles_of(value) if value.action == DomAction.SET_STYLE else None
    is_attribute = value.action == DomAction.SET_ATTRIBUTE
    attribute = attribute_of(value) if is_attribute else None
    if styles is not None:
        payload = {"styles": [list(style) for style in styles]}
    elif attribute is not None:
        payload = {"attribute": attribute}
    elif value.action == DomAction.REMOVE:
        payload = {}
    return {"selector": value.selector, "action": str(value.action), **payload}


def styles_of(value: DomModification) -> tuple[tuple[str, str], ...] | None:
    """Return declarations as pairs, names in kebab case; None where there are none."""
    if value.styles:
        pairs = [(style.property, style.value) for style in value.styles]
    else:
        parsed = parsed_object(value.value)
        if parsed is None:
            return None
        # JSON may hold a CSS value as a number.
        pairs = [
            (name, css if isinstance(css, str) else orjson.dumps(css).decode())
            for name, css in parsed.items()
        ]
    # The service keeps one declaration for a property: the last one counts.
    return tuple({kebab(name): content for name, content in pairs if name}.items())


def attribute_of(value: DomModification) -> Mapping[str, object] | None:
    """Return attributes by name; None where there are none."""
    return (
        value.attribute if value.attribute is not None else parsed_object(value.value)
    )


def parsed_object(text: str | None) -> Mapping[str, object] | None:
    """Parse the text of a JSON object; None where it is something else."""
    try:
        parsed: object = orjson.loads(text or "")
    except ValueError:
        return None
    return cast("dict[str, object]", parsed) if isinstance(parsed, dict) else None


def kebab(name: str) -> str:
    """Spell a CSS property in kebab case; those of the page's own keep their case."""
    if name.startswith("--"):
        return name
    return CAPITAL.sub(lambda match: f"-{match[0].lower()}", name)


def field_changes(
    spec: ExperimentSpec, experiment: Experiment
) -> Iterator[FieldChange]:
    """Yield the managed fields that differ, without type, variants and state."""
    if spec.id is not UNSET:
        yield from differing("key", experiment.key, spec.key)
    names = ("name", "description", "traffic_allocation")
    yield from part_changes("", spec, experiment, names)
    if spec.include_query_string is not UNSET:
        old, new = experiment.include_query_string, spec.include_query_string
        yield from differing("include_query_string", bool(old), bool(new))
    for path in ("targeting_rules", "metrics"):
        part, found = getattr(spec, path), getattr(experiment, path)
        if part is None and not is_empty(found):
            yield FieldChange(path, summary(found), None)
        elif isinstance(part, TargetingSpec):
            yield from part_changes(f"{path}.", part, found or NO_RULES, TARGETING)
        elif isinstance(part, MetricsSpec):
            metrics = experiment.metrics or NO_METRICS
            primary = metrics.primary or Metric()
            yield from part_changes(
                f"{path}.primary.", part.primary, primary, ("event_name", "funnel_id")
            )
            yield from part_changes(f"{path}.", part, metrics, ("secondary",))


def part_changes(
    prefix: str, part: object, found: object, names: Iterable[str]
) -> Iterator[FieldChange]:
    """Yield the fields that a part of a spec manages and that differ."""
    for name in names if part is not UNSET else ():
        yield from differing(
            f"{prefix}{name}", getattr(found, name), getattr(part, name)
        )


def differing(path: str, old: object, new: object) -> Iterator[FieldChange]:
    """Compare two values, of which empty ones mean the same as none."""
    # Most fields are equal as they stand, and a plan compares thousands.
    if new is UNSET or old == new:
        return
    before, after = (None if v in EMPTY else v for v in (normal(old), normal(new)))
    if before != after:
        yield FieldChange(path, before, after)


def summary(value: TargetingRules | Metrics) -> object:
    """Return what an object holds as plain JSON, without empty fields."""
    fields = {
        field.name: getattr(value, field.name) for field in attrs.fields(type(value))
    }
    extra = dict(fields.pop("additional_properties"))
    plain = {name: normal(content) for name, content in fields.items()}
    return {name: content for name, content in plain.items() if content} | extra


def build_patch(
    spec: ExperimentSpec, experiment: Experiment, fields: Iterable[FieldChange]
) -> ExperimentPatch:
    """Build the patch that brings fields of an experiment to its spec.

    Nested objects are replaced whole by the service, so what the spec does not manage,
    and keys that this version does not know, are taken from the experiment.
    """
    changed = {field.path.partition(".")[0] for field in fields}
    # A draft without a stored key would get another one with its new name.
    if "name" in changed and experiment.status == ExperimentStatus.DRAFT:
        changed.add("key")
    values: dict[str, object] = {name: getattr(spec, name) for name in changed}
    if isinstance(spec.targeting_rules, TargetingSpec) and "targeting_rules" in changed:
        old_rules = experiment.targeting_rules or NO_RULES
        rules = attrs.evolve(old_rules, **managed(spec.targeting_rules))
        params = kept_items(rules.query_params, old_rules.query_params)
        values["targeting_rules"] = attrs.evolve(rules, query_params=params)
    if isinstance(spec.metrics, MetricsSpec) and "metrics" in changed:
        old_metrics = experiment.metrics or NO_METRICS
        metrics = to_metrics(spec.metrics, old_metrics)
        secondary = kept_items(metrics.secondary, old_metrics.secondary)
        values["metrics"] = attrs.evolve(metrics, secondary=secondary)
    return ExperimentPatch(**values)  # type: ignore[arg-type]


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
    """Return changes to the page as they are sent: one payload in each.

    The service answers declarations and attributes beside the JSON text of them.
    """
    kept = {id(item) for item in old}
    items: list[DomModification] = []
    for item in kept_items(new, old):
        has_styles = item.action == DomAction.SET_STYLE and bool(item.styles)
        has_attribute = item.action == DomAction.SET_ATTRIBUTE and (
            item.attribute is not None
        )
        repeats = id(item) not in kept and (has_styles or has_attribute)
        items.append(attrs.evolve(item, value=None) if repeats else item)
    return tuple(items)


def new_experiment(spec: ExperimentSpec, settings_id: str) -> NewExperiment:
    """Build the draft of an experiment that has a name."""
    names = ("description", "type", "traffic_allocation", "include_query_string")
    values = {name: value for name, value in managed(spec).items() if name in names}
    if isinstance(spec.targeting_rules, TargetingSpec):
        values["targeting_rules"] = TargetingRules(**managed(spec.targeting_rules))
    if isinstance(spec.metrics, MetricsSpec):
        values["metrics"] = to_metrics(spec.metrics, NO_METRICS)
    return NewExperiment(settings_id, str(spec.name), key=spec.key, **values)
