"""Models as records: dicts that can be written in any format."""

import json
from collections.abc import Generator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeGuard, cast

import attrs

from ours_experiments.cli.output.terminal import UNSAFE_IN_JSON


EXTRA = "additional_properties"
"""The field of a model whose keys belong beside the other fields."""

Record = Mapping[str, object]


def record_of(model: attrs.AttrsInstance) -> dict[str, object]:
    """Convert a model to a record; unknown keys stand beside the known ones."""
    record = {
        field.name: plain_value(getattr(model, field.name))
        for field in attrs.fields(type(model))
    }
    extra = record.pop(EXTRA, None)
    return record | cast("dict[str, object]", extra or {})


def plain_value(value: object) -> object:
    """Convert a value of a model to dicts, lists, times and plain values."""
    if attrs.has(type(value)):
        return record_of(cast("attrs.AttrsInstance", value))
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {str(key): plain_value(item) for key, item in items}
    if isinstance(value, list | tuple):
        return [plain_value(item) for item in cast("Sequence[object]", value)]
    return value


def fields_of(kind: type) -> tuple[str, ...]:
    """Return the keys of a model's records."""
    return tuple(field.name for field in attrs.fields(kind) if field.name != EXTRA)


def format_scalar(value: object) -> str:
    """Format a plain value; times as the service writes them, in UTC."""
    if isinstance(value, datetime):
        moment = value.astimezone(UTC).isoformat(timespec="milliseconds")
        return moment.replace("+00:00", "Z")
    return str(value)


def to_json(
    value: object, *, indent: int | None = None, for_terminal: bool = False
) -> str:
    """Encode as JSON.

    Args:
        value: Plain values and times.
        indent: Spaces for each level; None: a single line.
        for_terminal: Whether to escape what a terminal acts upon. The JSON means the
            same.
    """
    dumped = json.dumps(value, ensure_ascii=False, indent=indent, default=format_scalar)
    if not for_terminal:
        return dumped
    return UNSAFE_IN_JSON.sub(lambda match: json.dumps(match[0])[1:-1], dumped)


def is_nested(value: object) -> bool:
    """Return whether a value contains others."""
    return isinstance(value, dict | list)


def is_list_of_texts(value: object) -> TypeGuard[list[str]]:
    """Return whether a value is a list of texts, with at least one."""
    items = cast("list[object]", value) if isinstance(value, list) else []
    return bool(items) and all(isinstance(item, str) for item in items)


def records_in(value: object) -> list[Record]:
    """Return a value that is a list of records; for anything else no records."""
    if not isinstance(value, list):
        return []
    rows = cast("list[object]", value)
    if not all(isinstance(row, dict) for row in rows):
        return []
    return cast("list[Record]", rows)


def flatten(record: Record, prefix: str = "") -> Generator[tuple[str, object]]:
    """Yield the fields of a record and of the records within it."""
    for key, value in record.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            yield from flatten(cast("Record", value), f"{name} ")
        elif not prefix or value not in (None, []):
            yield name, value
