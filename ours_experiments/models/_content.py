"""What an experiment and its variants are made of.

These objects are written back whole. They are built by hand too, and keep the keys
that this version does not know in `additional_properties`, to be sent again.
"""

from collections.abc import Iterable, Mapping
from typing import NoReturn

import attrs

from ours_experiments._validation import to_tuple
from ours_experiments.models._enums import DomAction, QueryOperator


FIXED = "additional_properties cannot be changed: attrs.evolve gives an object others"


class NoProperties(dict[str, object]):
    """A dict for all objects that have no keys to keep: most of them have none.

    A tenth of what an experiment takes would be empty dicts of their own.
    """

    __slots__ = ()

    def __setitem__(self, *_: object) -> NoReturn:
        """Refuse: it is everybody's."""
        raise TypeError(FIXED)

    def __ior__(self, *_: object) -> NoReturn:  # type: ignore[misc]
        """Refuse."""
        raise TypeError(FIXED)

    def setdefault(self, *_: object) -> NoReturn:
        """Refuse."""
        raise TypeError(FIXED)

    def update(self, *_: object, **__: object) -> NoReturn:
        """Refuse."""
        raise TypeError(FIXED)

    def __reduce__(self) -> str:
        """Remain the only one when it is copied or pickled."""
        return "NO_PROPERTIES"


NO_PROPERTIES = NoProperties()


def to_url_patterns(values: Iterable[str]) -> tuple[str, ...]:
    """Keep URL patterns as a tuple."""
    return to_tuple(str, "url_patterns", values)


@attrs.frozen
class QueryParam:
    """A condition on one query parameter of the page's URL."""

    key: str
    """The parameter's name."""
    operator: QueryOperator | str
    """How the parameter is compared."""
    value: str | None = None
    """What it is compared with; None for `exists` and `not_exists`."""
    additional_properties: Mapping[str, object] = attrs.field(
        default=NO_PROPERTIES, kw_only=True, repr=False, hash=False
    )
    """Keys that this version does not know, as they came."""


def to_query_params(values: Iterable[QueryParam]) -> tuple[QueryParam, ...]:
    """Keep query conditions as a tuple."""
    return to_tuple(QueryParam, "query_params", values)


@attrs.frozen
class TargetingRules:
    """Who is eligible for an experiment."""

    url_patterns: tuple[str, ...] = attrs.field(default=(), converter=to_url_patterns)
    """Globs over path or host and path, at most 200; none: every URL."""
    audience_id: str | None = None
    """An audience that the visitor must belong to."""
    visitor_properties: Mapping[str, object] | None = attrs.field(
        default=None, hash=False
    )
    """Rules on visitor properties, passed through as JSON."""
    visitor_status: str | None = None
    """Whether new, returning or all visitors are meant."""
    query_params: tuple[QueryParam, ...] = attrs.field(
        default=(), converter=to_query_params
    )
    """Conditions on the query string; all of them must hold."""
    additional_properties: Mapping[str, object] = attrs.field(
        default=NO_PROPERTIES, kw_only=True, repr=False, hash=False
    )
    """Keys that this version does not know, as they came."""


@attrs.frozen
class Metric:
    """What is counted as a conversion."""

    event_name: str | None = None
    """The event's name; an experiment cannot start without one in its primary."""
    funnel_id: str | None = None
    """The funnel that the metric comes from; None where it comes from none."""
    additional_properties: Mapping[str, object] = attrs.field(
        default=NO_PROPERTIES, kw_only=True, repr=False, hash=False
    )
    """Keys that this version does not know, as they came."""


def to_secondary(values: Iterable[Metric]) -> tuple[Metric, ...]:
    """Keep secondary metrics as a tuple."""
    return to_tuple(Metric, "secondary", values)


@attrs.frozen
class Metrics:
    """What an experiment is measured by."""

    primary: Metric | None = None
    """The metric of the results; None until one is chosen."""
    secondary: tuple[Metric, ...] = attrs.field(default=(), converter=to_secondary)
    """Further metrics that are tracked."""
    additional_properties: Mapping[str, object] = attrs.field(
        default=NO_PROPERTIES, kw_only=True, repr=False, hash=False
    )
    """Keys that this version does not know, as they came."""


@attrs.frozen
class Style:
    """One CSS declaration."""

    property: str
    """The CSS property, in camel or kebab case."""
    value: str
    """The CSS value."""
    additional_properties: Mapping[str, object] = attrs.field(
        default=NO_PROPERTIES, kw_only=True, repr=False, hash=False
    )
    """Keys that this version does not know, as they came."""


def to_styles(values: Iterable[Style]) -> tuple[Style, ...]:
    """Keep CSS declarations as a tuple."""
    return to_tuple(Style, "styles", values)


@attrs.frozen
class DomModification:
    """A change to the first element that a selector matches.

    The service answers `styles` and `attribute` beside the `value` that it parsed
    them from: whoever changes one of them sets `value` to None.
    """

    selector: str
    """The CSS selector."""
    action: DomAction | str
    """What is done to the element."""
    value: str | None = None
    """The text, HTML, CSS, script or URL; for styles and attributes their JSON."""
    styles: tuple[Style, ...] | None = attrs.field(
        default=None, converter=attrs.converters.optional(to_styles)
    )
    """The declarations of `setStyle`; None for other actions."""
    attribute: Mapping[str, object] | None = attrs.field(default=None, hash=False)
    """The attributes of `setAttribute` by name; None for other actions."""
    additional_properties: Mapping[str, object] = attrs.field(
        default=NO_PROPERTIES, kw_only=True, repr=False, hash=False
    )
    """Keys that this version does not know, as they came."""
