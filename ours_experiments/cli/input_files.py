"""From files and options to drafts."""

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

YAML = frozenset({".yaml", ".yml"})
MOST_VALUES = 100_000
DEEPEST = 50
"""Of a file; a draft has far less."""

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
FREE = frozenset({"visitorProperties", "visitor_properties", "attribute"})
"""Where the keys are the user's own."""


def fields_from(
    context: Context, path: Path | None, draft: type, model: type
) -> dict[str, object]:
    """Read the fields of a draft from a file, spelled as here or as the API does.

    Args:
        context: Where to say what was left out.
        path: JSON, or YAML by its name; `-` is standard input; None: no fields.
        draft: The class of the draft.
        model: What the API answers. Its other fields are left out, so that what
            `get --format json` wrote can be sent back.

    Raises:
        ConfigurationError: The file cannot be read, or has a field nobody knows.
    """
    if path is None:
        return {}
    payload = parsed(path)
    if not isinstance(payload, dict):
        raise ConfigurationError(f"--from {path}: expected an object of fields")
    known = spellings(draft)
    answered = spellings(model)
    fields: dict[str, object] = {}
    left_out: list[str] = []
    for key, value in cast("dict[str, object]", payload).items():
        if key in known:
            fields[known[key]] = content(path, known[key], value)
        elif key in answered:
            left_out.append(key)
        else:
            allowed = ", ".join(sorted(set(known.values())))
            raise ConfigurationError(
                f"--from {path}: unknown field {key!r}; it may have {allowed}"
            )
    if left_out:
        context.note(f"not sent, since they cannot be set: {', '.join(left_out)}")
    return fields


def spellings(kind: type) -> dict[str, str]:
    """List the fields of a class under both of their names."""
    names = [field.name for field in attrs.fields(kind)]
    return {name: name for name in names} | {wire_name(name): name for name in names}


def parsed(path: Path) -> object:
    """Parse a file.

    Raises:
        ConfigurationError: It is not what its name says, or larger than any draft.
    """
    told = f"--from {path}"
    written = read_text(path, told)
    try:
        loaded = (from_yaml if path.suffix.lower() in YAML else json.loads)(written)
    except ModuleNotFoundError:
        raise ConfigurationError(
            f"{told}: YAML needs PyYAML: pip install 'ours-experiments[cli]'"
        ) from None
    except ValueError as problem:
        raise ConfigurationError(f"{told}: {problem}") from None
    except RecursionError:
        loaded = None
    if loaded is None or not is_bounded(loaded):
        raise ConfigurationError(f"{told}: it is empty, too large or nested too deeply")
    return loaded


def from_yaml(written: str) -> object:
    """Parse YAML; only plain values come of it."""
    import yaml  # noqa: PLC0415 - not for help

    try:
        return cast("object", yaml.safe_load(written))
    except yaml.YAMLError as problem:
        raise ValueError(" ".join(str(problem).split())) from None


def is_bounded(loaded: object) -> bool:
    """Tell whether a file's content is small, once what it repeats is written out.

    A few lines of YAML can refer to themselves, or stand for gigabytes.
    """
    left = [(loaded, 0)]
    for _ in range(MOST_VALUES):
        if not left:
            return True
        value, depth = left.pop()
        if depth > DEEPEST:
            return False
        if isinstance(value, dict):
            left += ((each, depth + 1) for each in cast("Values", value).values())
        elif isinstance(value, list):
            left += ((each, depth + 1) for each in cast("list[object]", value))
    return False


def content(path: Path, field: str, value: object) -> object:
    """Build what is nested in a draft.

    Raises:
        ConfigurationError: It is of another shape.
    """
    at = f"$.{field}"
    try:
        if value is None:
            return None
        if field in NESTED:
            return decode(NESTED[field], on_the_wire(value), at=at)
        if field == "dom_modifications":
            return decode_entities(DomModification, on_the_wire(value), at=at)
    except DecodeError as problem:
        told = "; ".join(problem.problems)
        raise ConfigurationError(f"--from {path}: {told}") from None
    except RecursionError:
        raise ConfigurationError(f"--from {path}: {at}: nested too deeply") from None
    return value


def on_the_wire(value: object) -> object:
    """Spell the keys that the API knows as the API does."""
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return {
            WIRE_NAMES.get(key, key): each if key in FREE else on_the_wire(each)
            for key, each in items
        }
    if isinstance(value, list):
        return [on_the_wire(each) for each in cast("list[object]", value)]
    return value


def given(**options: object) -> dict[str, object]:
    """Keep the options that are on the command line."""
    return {name: value for name, value in options.items() if value is not None}


def build(kind: type[D], fields: Mapping[str, object]) -> D:
    """Build a draft.

    Raises:
        ConfigurationError: A field is missing, or the draft refuses it.
    """
    required = [
        field.name
        for field in attrs.fields(cast("type[attrs.AttrsInstance]", kind))
        if field.default is attrs.NOTHING and field.name not in fields
    ]
    if required:
        raise ConfigurationError(f"{', '.join(required)}: has to be given")
    return kind(**fields)
