"""Drafts from files and options."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias, TypeVar, cast

import attrs

from ours_experiments._codec.converter import decode, decode_entities
from ours_experiments._codec.hooks import wire_name
from ours_experiments.cli.context import Context, read_text
from ours_experiments.errors import ConfigurationError, DecodeError
from ours_experiments.models import (
    DomModification,
    Metric,
    Metrics,
    QueryParam,
    Style,
    TargetingRules,
)


D = TypeVar("D")
Values: TypeAlias = Mapping[object, object]

YAML_SUFFIXES = frozenset({".yaml", ".yml"})
MAX_VALUES = 100_000
MAX_DEPTH = 50
"""Limits of a file; a draft has a few hundred values, 6 levels deep."""

NESTED: Mapping[str, type[TargetingRules] | type[Metrics]] = {
    "targeting_rules": TargetingRules,
    "metrics": Metrics,
}
CONTENT = (DomModification, Metric, Metrics, QueryParam, Style, TargetingRules)
WIRE_NAMES = {
    field.name: wire_name(field.name)
    for kind in CONTENT
    for field in attrs.fields(kind)
}
FREE_FORM = frozenset({"visitorProperties", "visitor_properties", "attribute"})
"""Fields whose keys are the user's own."""


def read_fields(
    context: Context, path: Path | None, draft: type, model: type
) -> dict[str, object]:
    """Read the fields of a draft from a file, spelled as here or as in the API.

    Args:
        context: For a note about fields that are not sent.
        path: JSON, or YAML by its suffix; `-` is standard input; None: no fields.
        draft: The class of the draft.
        model: The class of the API's answer. Its other fields are skipped, so that
            the output of `get --format json` can be sent back.

    Raises:
        ConfigurationError: The file cannot be read, or has an unknown field.
    """
    if path is None:
        return {}
    payload = parse_file(path)
    if not isinstance(payload, dict):
        raise ConfigurationError(f"--from {path}: expected an object of fields")
    known = spellings(draft)
    read_only = spellings(model)
    fields: dict[str, object] = {}
    skipped: list[str] = []
    for key, value in cast("dict[str, object]", payload).items():
        if key in known:
            fields[known[key]] = build_content(path, known[key], value)
        elif key in read_only:
            skipped.append(key)
        else:
            allowed = ", ".join(sorted(set(known.values())))
            raise ConfigurationError(
                f"--from {path}: unknown field {key!r}; allowed are {allowed}"
            )
    if skipped:
        context.note(f"not sent, since they cannot be set: {', '.join(skipped)}")
    return fields


def spellings(kind: type) -> dict[str, str]:
    """Map both spellings of a class's fields to their names."""
    names = [field.name for field in attrs.fields(kind)]
    return {name: name for name in names} | {wire_name(name): name for name in names}


def parse_file(path: Path) -> object:
    """Parse a file.

    Raises:
        ConfigurationError: It has a syntax error, or is larger than any draft.
    """
    source = f"--from {path}"
    text = read_text(path, source)
    try:
        parse = parse_yaml if path.suffix.lower() in YAML_SUFFIXES else json.loads
        loaded = parse(text)
    except ModuleNotFoundError:
        raise ConfigurationError(
            f"{source}: YAML needs PyYAML: pip install 'ours-experiments[cli]'"
        ) from None
    except ValueError as problem:
        raise ConfigurationError(f"{source}: {problem}") from None
    except RecursionError:
        loaded = None
    if loaded is None or not is_bounded(loaded):
        raise ConfigurationError(
            f"{source}: it is empty, too large or nested too deeply"
        )
    return loaded


def parse_yaml(text: str) -> object:
    """Parse YAML into plain values."""
    import yaml  # noqa: PLC0415 - not for help

    try:
        return cast("object", yaml.safe_load(text))
    except yaml.YAMLError as problem:
        raise ValueError(" ".join(str(problem).split())) from None


def is_bounded(loaded: object) -> bool:
    """Return whether a value is small after its references are expanded.

    A few lines of YAML can contain themselves, or stand for gigabytes.
    """
    pending = [(loaded, 0)]
    for _ in range(MAX_VALUES):
        if not pending:
            return True
        value, depth = pending.pop()
        if depth > MAX_DEPTH:
            return False
        if isinstance(value, dict):
            pending += ((item, depth + 1) for item in cast("Values", value).values())
        elif isinstance(value, list):
            pending += ((item, depth + 1) for item in cast("list[object]", value))
    return False


def build_content(path: Path, field: str, value: object) -> object:
    """Build the objects within a draft.

    Raises:
        ConfigurationError: The value has another shape.
    """
    at = f"$.{field}"
    try:
        if value is None:
            return None
        if field in NESTED:
            return decode(NESTED[field], to_wire_names(value), at=at)
        if field == "dom_modifications":
            return decode_entities(DomModification, to_wire_names(value), at=at)
    except DecodeError as problem:
        reason = "; ".join(problem.problems)
        raise ConfigurationError(f"--from {path}: {reason}") from None
    except RecursionError:
        raise ConfigurationError(f"--from {path}: {at}: nested too deeply") from None
    return value


def to_wire_names(value: object) -> object:
    """Rename the known keys to the API's spelling, at every level."""
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return {
            WIRE_NAMES.get(key, key): item if key in FREE_FORM else to_wire_names(item)
            for key, item in items
        }
    if isinstance(value, list):
        return [to_wire_names(item) for item in cast("list[object]", value)]
    return value


def given(**options: object) -> dict[str, object]:
    """Return the options that are on the command line."""
    return {name: value for name, value in options.items() if value is not None}


def build_draft(kind: type[D], fields: Mapping[str, object]) -> D:
    """Build a draft.

    Raises:
        ConfigurationError: A field is missing, or the draft refuses a value.
    """
    missing = [
        field.name
        for field in attrs.fields(cast("type[attrs.AttrsInstance]", kind))
        if field.default is attrs.NOTHING and field.name not in fields
    ]
    if missing:
        raise ConfigurationError(f"{', '.join(missing)}: required")
    return kind(**fields)
