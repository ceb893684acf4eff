"""Names of fields in files: both spellings, and what a misspelled name means."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final, cast

import attrs

from ours_experiments._codec.hooks import wire_name
from ours_experiments.errors import ConfigurationError
from ours_experiments.models import (
    DomModification,
    Metric,
    Metrics,
    QueryParam,
    Style,
    TargetingRules,
)


NESTED: Final[Mapping[str, type]] = {
    "targeting_rules": TargetingRules,
    "query_params": QueryParam,
    "metrics": Metrics,
    "primary": Metric,
    "secondary": Metric,
    "dom_modifications": DomModification,
    "styles": Style,
}
"""Classes of the objects within a draft, by the field that holds them."""
FREE_FORM: Final = frozenset({"visitor_properties", "attribute"})
"""Fields whose keys are the user's own."""


def spellings(kind: type) -> dict[str, str]:
    """Map both spellings of a class's fields, ours and the API's, to their names."""
    names = [
        field.name
        for field in attrs.fields(kind)
        if field.name != "additional_properties"
    ]
    return {name: name for name in names} | {wire_name(name): name for name in names}


def unknown_field(
    source: str, name: object, known: Iterable[str]
) -> ConfigurationError:
    """Build the error for an unknown field.

    Args:
        source: The place of the field.
        name: Its name.
        known: Names that are allowed.
    """
    names = sorted(known)
    # YAML reads a key such as `1` or `on` as a number or a boolean.
    close = get_close_matches(str(name), names, n=1)
    help_text = (
        f"did you mean {close[0]!r}?" if close else f"known are {', '.join(names)}"
    )
    return ConfigurationError(f"{source}: unknown field {name!r}; {help_text}")


def to_wire_names(value: object, kind: type, source: str) -> object:
    """Rename fields to the API's spelling, at every level.

    Args:
        value: An object of the class, or a list of them, from a file.
        kind: The class.
        source: The place of the value, for errors.

    Raises:
        ConfigurationError: A field is unknown.
    """
    if isinstance(value, list):
        items = cast("list[object]", value)
        return [
            to_wire_names(item, kind, f"{source}[{index}]")
            for index, item in enumerate(items)
        ]
    if not isinstance(value, dict):
        return value
    known = spellings(kind)
    renamed: dict[str, object] = {}
    for key, item in cast("dict[str, object]", value).items():
        name = known.get(key)
        if name is None:
            raise unknown_field(source, key, known)
        child = NESTED.get(name)
        if child is None or name in FREE_FORM:
            renamed[wire_name(name)] = item
        else:
            renamed[wire_name(name)] = to_wire_names(item, child, f"{source}.{key}")
    return renamed
