"""What the fields of a spec have to agree on."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import attrs

from ours_experiments._unset import UNSET, Unset
from ours_experiments.drafts import ExperimentPatch, NewVariant
from ours_experiments.errors import ConfigurationError
from ours_experiments.models import (
    ExperimentStatus,
    Metric,
    Metrics,
    TargetingRules,
)
from ours_experiments.specs.errors import Problem
from ours_experiments.specs.kinds import suggestion
from ours_experiments.specs.parts import (
    ControlSpec,
    MetricSpec,
    MetricsSpec,
    TargetingSpec,
    VariantSpec,
)


T = TypeVar("T")
Variants = tuple[VariantSpec, ...]

MAX_TREATMENTS = 99
"""Percent of all treatments together: a control has at least 1."""
REFUSED_FIELD = re.compile(r"(?P<field>[\w.\[\]]+):? ")
"""Where a draft's refusal names its field."""
RULES: Mapping[str, type] = {
    "alpha": float,
    "planned_sample": int,
    "mde": float,
    "min_days": int,
    "min_conversions": int,
    "tuning_sample": int,
    "early_share": float,
    "guardrail_margin": float,
}
"""The fields of `analysis.Rules`, which is imported only where it is used."""
OPTIONAL_RULES = ("planned_sample", "mde")
"""Rules that may be null."""


def given(value: T | Unset | None, default: T) -> T:
    """Return a value, or the default where it is UNSET or None."""
    return default if isinstance(value, Unset) or value is None else value


def to_metrics(spec: MetricsSpec, base: Metrics) -> Metrics:
    """Change what a spec manages of metrics, and keep the rest."""
    changed = managed(spec)
    if isinstance(spec.primary, MetricSpec):
        primary = base.primary or Metric()
        changed["primary"] = attrs.evolve(primary, **managed(spec.primary))
    return attrs.evolve(base, **changed)


def managed(spec: attrs.AttrsInstance) -> dict[str, Any]:
    """Return the fields of a spec, or of a part of one, that are not UNSET."""
    values = {
        field.name: getattr(spec, field.name) for field in attrs.fields(type(spec))
    }
    return {name: value for name, value in values.items() if value is not UNSET}


def draft_problems(fields: Mapping[str, object]) -> Iterator[Problem]:
    """Find what a draft refuses, in fields of an experiment."""
    for name, value in fields.items():
        sent = value
        if isinstance(value, TargetingSpec):
            sent = TargetingRules(**managed(value))
        elif isinstance(value, MetricsSpec):
            # An event that the file leaves out is the service's.
            primary = Metric(event_name="any") if value.primary is not UNSET else None
            sent = to_metrics(value, Metrics(primary=primary))
        yield from refusal(lambda: ExperimentPatch(**{name: sent}))  # type: ignore[arg-type]  # noqa: B023


def refusal(build: Callable[[], object]) -> Iterator[Problem]:
    """Find why a draft cannot be built."""
    try:
        build()
    except ConfigurationError as error:
        match = REFUSED_FIELD.match(str(error))
        yield Problem(
            match["field"] if match else "", str(error)[match.end() if match else 0 :]
        )


def variant_problems(variants: Variants) -> Iterator[Problem]:
    """Find what is wrong with the treatments of an experiment."""
    for index, variant in enumerate(variants):
        path = f"variants[{index}]"
        if variant.name is UNSET and variant.id is UNSET:
            yield Problem(path, "needs a name or an id")
        modifies = isinstance(variant.dom_modifications, tuple)
        if modifies and variant.dom_modifications and given(variant.redirect_url, ""):
            yield Problem(path, "one of redirect_url and dom_modifications, not both")
            continue
        for problem in refusal(lambda: to_new_variant(variant)):  # noqa: B023
            yield Problem(f"{path}.{problem.field}", problem.message)
    yield from repeated("id", dict(enumerate(variants)))
    unnamed = {i: v for i, v in enumerate(variants) if v.id is UNSET}
    for field in ("name", "was"):
        yield from repeated(field, unnamed)
    total = sum(given(variant.weight, 0) for variant in variants)
    if total > MAX_TREATMENTS:
        yield Problem(
            "variants",
            f"the weights add up to {total}, at most {MAX_TREATMENTS}: "
            "the control has what is left",
        )


def to_new_variant(spec: VariantSpec, experiment_id: str = "new") -> NewVariant:
    """Build the draft of a variant; what is not given is filled in."""
    return NewVariant(
        experiment_id,
        given(spec.name, "unnamed"),
        given(spec.weight, 0),
        redirect_url=given(spec.redirect_url, None),
        dom_modifications=given(spec.dom_modifications, None),
    )


def repeated(field: str, variants: Mapping[int, VariantSpec]) -> Iterator[Problem]:
    """Find variants with the same value of a field."""
    seen: set[str] = set()
    for index, variant in variants.items():
        value = getattr(variant, field)
        if value is UNSET:
            continue
        if value in seen:
            hint = ": give each its id" if field == "name" else ""
            yield Problem(
                f"variants[{index}].{field}", f"{value!r} is another variant's{hint}"
            )
        seen.add(value)


def state_problems(
    state: ExperimentStatus | Unset, metrics: MetricsSpec | Unset | None
) -> Iterator[Problem]:
    """Find an experiment that is to run without a primary event."""
    if state is ExperimentStatus.RUNNING and metrics is not UNSET:
        primary = UNSET if metrics is None else metrics.primary
        event = primary.event_name if isinstance(primary, MetricSpec) else UNSET
        if event is UNSET:
            yield Problem("metrics", "state: running needs primary.event_name")


def ending_problems(
    state: ExperimentStatus | Unset,
    endings: Mapping[str, str | Unset | None],
    control: ControlSpec | Unset,
    variants: Variants | Unset,
) -> Iterator[Problem]:
    """Find a winner or rollout that cannot be."""
    name_of_control = UNSET if isinstance(control, Unset) else control.name
    for field, value in endings.items():
        if isinstance(value, Unset):
            continue
        if state not in (UNSET, ExperimentStatus.COMPLETED):
            yield Problem(field, "needs state: completed")
        if value is None:
            continue
        if field == "rollout" and value == name_of_control:
            yield Problem(field, "the control cannot be rolled out")
            continue
        if isinstance(variants, Unset) or (
            field == "winner" and name_of_control in (UNSET, value)
        ):
            continue
        yield from reference_problems(field, value, variants)


def reference_problems(field: str, value: str, variants: Variants) -> Iterator[Problem]:
    """Find a reference that is no treatment's, or more than one treatment's."""
    names = Counter(v.name for v in variants if isinstance(v.name, str))
    ids = {v.id for v in variants if isinstance(v.id, str)}
    if value in ids:
        return
    if names[value] > 1:
        yield Problem(field, f"two variants are called {value!r}: give the id")
    elif not names[value] and len(names) == len(variants):
        near = suggestion(value, list(names))
        yield Problem(field, f"no treatment is called {value!r}{near}")


def rules_problems(rules: Mapping[str, object]) -> Iterator[Problem]:
    """Find rules that the analysis does not know, or of another type."""
    for name, value in rules.items():
        path = f"rules.{name}"
        kind = RULES.get(name)
        if kind is None:
            near = suggestion(str(name), list(RULES))
            yield Problem(path, f"unknown rule{near}")
        elif value is None and name in OPTIONAL_RULES:
            continue
        elif isinstance(value, bool) or not isinstance(value, int | float):
            yield Problem(path, "expected a number")
        elif kind is int and value != int(value):
            yield Problem(path, "expected a whole number")
