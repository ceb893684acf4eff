"""The parts of a spec: a field that is UNSET is not managed."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

import attrs

from ours_experiments._unset import UNSET, Unset
from ours_experiments.drafts import NewVariant
from ours_experiments.models import DomModification, Metric, Metrics, QueryParam


T = TypeVar("T")
MAX_TREATMENTS = 99
"""Percent of all treatments together: a control has at least 1."""


def as_tuple(values: object) -> Any:
    """Keep a list as a tuple; leave what is no list to the checks."""
    return tuple(cast("list[object]", values)) if isinstance(values, list) else values


def to_texts(values: Iterable[str] | Unset) -> tuple[str, ...] | Unset:
    """Keep texts as a tuple."""
    kept: tuple[str, ...] | Unset = as_tuple(values)
    return kept


def to_params(values: Iterable[QueryParam] | Unset) -> tuple[QueryParam, ...] | Unset:
    """Keep query conditions as a tuple."""
    kept: tuple[QueryParam, ...] | Unset = as_tuple(values)
    return kept


def to_secondary(values: Iterable[Metric] | Unset) -> tuple[Metric, ...] | Unset:
    """Keep metrics as a tuple."""
    kept: tuple[Metric, ...] | Unset = as_tuple(values)
    return kept


def to_modifications(
    values: Iterable[DomModification] | Unset | None,
) -> tuple[DomModification, ...] | Unset | None:
    """Keep changes to the page as a tuple."""
    kept: tuple[DomModification, ...] | Unset | None = as_tuple(values)
    return kept


@attrs.frozen(kw_only=True)
class TargetingSpec:
    """Who is eligible for an experiment."""

    url_patterns: tuple[str, ...] | Unset = attrs.field(
        default=UNSET, converter=to_texts
    )
    """Globs over path, or host and path; the whole list, in order."""
    audience_id: str | Unset | None = UNSET
    """An audience that the visitor must belong to; None: anybody."""
    visitor_properties: Mapping[str, object] | Unset | None = attrs.field(
        default=UNSET, hash=False
    )
    """Rules on visitor properties, as JSON; compared as a whole."""
    visitor_status: str | Unset | None = UNSET
    """Whether new, returning or all visitors are meant."""
    query_params: tuple[QueryParam, ...] | Unset = attrs.field(
        default=UNSET, converter=to_params
    )
    """Conditions on the query string; the whole list, in order."""


@attrs.frozen(kw_only=True)
class MetricSpec:
    """What is counted as a conversion."""

    event_name: str | Unset = UNSET
    """The event's name."""
    funnel_id: str | Unset | None = UNSET
    """The funnel that the metric comes from; None: none."""


@attrs.frozen(kw_only=True)
class MetricsSpec:
    """What an experiment is measured by."""

    primary: MetricSpec | Unset = UNSET
    """The metric of the results."""
    secondary: tuple[Metric, ...] | Unset = attrs.field(
        default=UNSET, converter=to_secondary
    )
    """Further metrics; the whole list, in order."""


@attrs.frozen(kw_only=True)
class ControlSpec:
    """The baseline of an experiment; its weight is what the treatments leave."""

    name: str | Unset = UNSET
    """The name shown in results."""


@attrs.frozen(kw_only=True)
class VariantSpec:
    """A treatment; it is matched by `id`, else by `name`, else by `was`."""

    id: str | Unset = UNSET
    """The variant's identifier, where names do not identify variants."""
    name: str | Unset = UNSET
    """The name shown in results."""
    was: str | Unset = UNSET
    """The former name of a variant that is renamed."""
    weight: int | Unset = UNSET
    """Percent of the enrolled traffic, 0 to 100; all treatments at most 99."""
    redirect_url: str | Unset | None = UNSET
    """A path of the site, or an https URL."""
    dom_modifications: tuple[DomModification, ...] | Unset | None = attrs.field(
        default=UNSET, converter=to_modifications
    )
    """The changes to the page; the whole list, in order."""


def to_variants(
    values: Iterable[VariantSpec] | Unset,
) -> tuple[VariantSpec, ...] | Unset:
    """Keep treatments as a tuple."""
    kept: tuple[VariantSpec, ...] | Unset = as_tuple(values)
    return kept


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


def to_new_variant(spec: VariantSpec, experiment_id: str = "new") -> NewVariant:
    """Build the draft of a variant; what is not given is filled in."""
    return NewVariant(
        experiment_id,
        given(spec.name, "unnamed"),
        given(spec.weight, 0),
        redirect_url=given(spec.redirect_url, None),
        dom_modifications=given(spec.dom_modifications, None),
    )


def weights_problem(total: int) -> str:
    """Describe weights that leave nothing to the control."""
    limit = f"at most {MAX_TREATMENTS}: the control has what is left"
    return f"the weights add up to {total}, {limit}"
