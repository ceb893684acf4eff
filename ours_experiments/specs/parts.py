"""The parts of a spec: a field that is UNSET is not managed."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

import attrs

from ours_experiments._unset import UNSET, Unset
from ours_experiments.models import DomModification, Metric, QueryParam


T = TypeVar("T")


def to_tuple(values: "Iterable[T] | Unset | None") -> "tuple[T, ...] | Unset | None":
    """Keep a list as a tuple; leave what is no list to the checks."""
    return tuple(values) if isinstance(values, list) else values  # type: ignore[return-value]


@attrs.frozen(kw_only=True)
class TargetingSpec:
    """Who is eligible for an experiment."""

    url_patterns: tuple[str, ...] | Unset = attrs.field(
        default=UNSET, converter=to_tuple
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
        default=UNSET, converter=to_tuple
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
        default=UNSET, converter=to_tuple
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
    """The variant's identifier, where names do not tell variants apart."""
    name: str | Unset = UNSET
    """The name shown in results."""
    was: str | Unset = UNSET
    """The former name of a variant that is renamed."""
    weight: int | Unset = UNSET
    """Percent of the enrolled traffic, 0 to 100; all treatments at most 99."""
    redirect_url: str | Unset | None = UNSET
    """A path of the site, or an https URL."""
    dom_modifications: tuple[DomModification, ...] | Unset | None = attrs.field(
        default=UNSET, converter=to_tuple
    )
    """The changes to the page; the whole list, in order."""
