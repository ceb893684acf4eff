"""The parts of an experiment and its variants.

These objects are read, built by hand, and written back whole. They keep the keys that
this version does not know in `additional_properties`, so that none is lost.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import attrs

from ours_experiments._validation import to_tuple
from ours_experiments.models._enums import DomAction, QueryOperator


READ_ONLY = (
    "additional_properties cannot be changed: attrs.evolve gives an object others"
)


class NoProperties(dict[str, object]):
    """The one empty dict of all objects that have no unknown keys.

    Dicts of their own would take a fifth of a page's memory and a tenth of its time: a
    page of 100 experiments has 1 260 such objects.
    """

    __slots__ = ()

    def __setitem__(self, *_: object) -> NoReturn:
        """Raise TypeError: all objects share this dict."""
        raise TypeError(READ_ONLY)

    def __ior__(self, *_: object) -> NoReturn:  # type: ignore[misc]
        """Raise TypeError."""
        raise TypeError(READ_ONLY)

    def setdefault(self, *_: object) -> NoReturn:
        """Raise TypeError."""
        raise TypeError(READ_ONLY)

    def update(self, *_: object, **__: object) -> NoReturn:
        """Raise TypeError."""
        raise TypeError(READ_ONLY)

    def __reduce__(self) -> str:
        """Return the one instance again when it is copied or unpickled."""
        return "NO_PROPERTIES"


NO_PROPERTIES = NoProperties()


def to_url_patterns(values: Iterable[str]) -> tuple[str, ...]:
    """Return URL patterns as a tuple."""
    return to_tuple(str, "url_patterns", values)


@attrs.frozen
class QueryParam:
    """A condition on a query parameter of the page's URL."""

    key: str
    """The name of the query parameter."""
    operator: QueryOperator | str
    """How the parameter is compared with the value."""
    value: str | None = None
    """The value to compare with; None for `exists` and `not_exists` only."""
    additional_properties: Mapping[str, object] = attrs.field(
        default=NO_PROPERTIES, kw_only=True, repr=False, hash=False
    )
    """Keys that this version does not know, with their values."""


def to_query_params(values: Iterable[QueryParam]) -> tuple[QueryParam, ...]:
    """Return query conditions as a tuple."""
    return to_tuple(QueryParam, "query_params", values)


@attrs.frozen
class TargetingRules:
    """The rules for which visitors and pages an experiment runs."""

    url_patterns: tuple[str, ...] = attrs.field(default=(), converter=to_url_patterns)
    """Globs over a path, or over a host and path; `["**"]` matches every page.

    The host must also be in the settings' `whitelist_domains`, else the experiment
    never runs, even after it has started. An empty list matches every page according
    to the API's document; `["**"]` says so without doubt.
    """
    audience_id: str | None = None
    """The id of an audience to which the visitor must belong."""
    visitor_properties: Any = attrs.field(default=None, hash=False)
    """Rules on visitor properties: free-form JSON, mostly a dict; None: no rules."""
    visitor_status: str | None = None
    """Which visitors are eligible: new, returning or all."""
    query_params: tuple[QueryParam, ...] = attrs.field(
        default=(), converter=to_query_params
    )
    """Conditions on the query string, all of which must hold."""
    additional_properties: Mapping[str, object] = attrs.field(
        default=NO_PROPERTIES, kw_only=True, repr=False, hash=False
    )
    """Keys that this version does not know, with their values."""


@attrs.frozen
class Metric:
    """An event that counts as a conversion."""

    event_name: str | None = None
    """The name of the event; a primary metric needs one before the start."""
    funnel_id: str | None = None
    """The id of the funnel that the metric belongs to; None: no funnel."""
    additional_properties: Mapping[str, object] = attrs.field(
        default=NO_PROPERTIES, kw_only=True, repr=False, hash=False
    )
    """Keys that this version does not know, with their values."""


def to_secondary(values: Iterable[Metric]) -> tuple[Metric, ...]:
    """Return secondary metrics as a tuple."""
    return to_tuple(Metric, "secondary", values)


@attrs.frozen
class Metrics:
    """The metrics of an experiment."""

    primary: Metric | None = None
    """The metric that results are computed for; None until one is set."""
    secondary: tuple[Metric, ...] = attrs.field(default=(), converter=to_secondary)
    """Metrics that are tracked beside the primary one."""
    additional_properties: Mapping[str, object] = attrs.field(
        default=NO_PROPERTIES, kw_only=True, repr=False, hash=False
    )
    """Keys that this version does not know, with their values."""


@attrs.frozen
class Style:
    """One CSS declaration."""

    property: str
    """The name of the CSS property, in camel or kebab case."""
    value: str
    """The value of the CSS property."""
    additional_properties: Mapping[str, object] = attrs.field(
        default=NO_PROPERTIES, kw_only=True, repr=False, hash=False
    )
    """Keys that this version does not know, with their values."""


def to_styles(values: Iterable[Style]) -> tuple[Style, ...]:
    """Return CSS declarations as a tuple."""
    return to_tuple(Style, "styles", values)


@attrs.frozen
class DomModification:
    """A change to the first element that a selector matches.

    The service answers `value` together with the `styles` or `attribute` that it
    parsed from it. To change one of those, set `value` to None.
    """

    selector: str
    """The CSS selector of the element."""
    action: DomAction | str
    """The change that is made to the element."""
    value: str | None = None
    """The text, HTML, CSS, script or URL; for styles and attributes a JSON object."""
    styles: tuple[Style, ...] | None = attrs.field(
        default=None, converter=attrs.converters.optional(to_styles)
    )
    """The CSS declarations that `setStyle` sets; None for other actions."""
    attribute: Any = attrs.field(default=None, hash=False)
    """The attributes that `setAttribute` sets, by name; None for other actions."""
    additional_properties: Mapping[str, object] = attrs.field(
        default=NO_PROPERTIES, kw_only=True, repr=False, hash=False
    )
    """Keys that this version does not know, with their values."""
