"""What the API answers as records: dicts that any format can be made of."""

import json
from collections.abc import Generator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeGuard, cast

import attrs

from ours_experiments.cli.output.text import UNSAFE_IN_JSON


EXTRA = "additional_properties"
"""The field of a model whose keys belong beside the other fields."""

Record = Mapping[str, object]


def record_of(model: attrs.AttrsInstance) -> dict[str, object]:
    """Turn a model into a record; keys that are not known stand beside the others."""
    record = {
        field.name: plain(getattr(model, field.name))
        for field in attrs.fields(type(model))
    }
    extra = record.pop(EXTRA, None)
    return record | cast("dict[str, object]", extra or {})


def plain(value: object) -> object:
    """Turn a value of a model into dicts, lists, times and plain values."""
    if attrs.has(type(value)):
        return record_of(cast("attrs.AttrsInstance", value))
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {str(key): plain(each) for key, each in items}
    if isinstance(value, list | tuple):
        return [plain(each) for each in cast("Sequence[object]", value)]
    return value


def fields_of(kind: type) -> tuple[str, ...]:
    """Name the keys of a model's records."""
    return tuple(f.name for f in attrs.fields(kind) if f.name != EXTRA)


def moment(value: object) -> str:
    """Spell a time as the service does, in UTC."""
    if isinstance(value, datetime):
        told = value.astimezone(UTC).isoformat(timespec="milliseconds")
        return told.replace("+00:00", "Z")
    return str(value)


def to_json(value: object, *, indent: int | None = None) -> str:
    """Write JSON that is safe on a terminal and means the same."""
    dumped = json.dumps(value, ensure_ascii=False, indent=indent, default=moment)
    return UNSAFE_IN_JSON.sub(lambda match: json.dumps(match[0])[1:-1], dumped)


def is_nested(value: object) -> bool:
    """Tell what has more than one value in it."""
    return isinstance(value, dict | list)


def is_texts(value: object) -> TypeGuard[list[str]]:
    """Tell a list that has texts in it and nothing else."""
    words = cast("list[object]", value) if isinstance(value, list) else []
    return bool(words) and all(isinstance(word, str) for word in words)


def records_in(value: object) -> list[Record]:
    """Give the records of a list of them; none where it is something else."""
    if not isinstance(value, list):
        return []
    rows = cast("list[object]", value)
    if not all(isinstance(row, dict) for row in rows):
        return []
    return cast("list[Record]", rows)


def flat(record: Record, above: str = "") -> Generator[tuple[str, object]]:
    """Walk over the fields of a record, and over those of records in it."""
    for key, value in record.items():
        name = f"{above}{key}"
        if isinstance(value, dict) and value:
            yield from flat(cast("Record", value), f"{name} ")
        elif not above or value not in (None, []):
            yield name, value
