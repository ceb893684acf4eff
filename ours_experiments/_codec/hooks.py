"""The converter's hooks: which JSON a field takes, and how it is written.

A structure hook raises `Mismatch` for a JSON value of another type. cattrs notes where.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, cast, get_args, get_origin

import attrs
from cattrs import (
    BaseValidationError,
    Converter,
    IterableValidationError,
    IterableValidationNote,
    gen,
)

from ours_experiments._unset import UNSET


Hook = Callable[[Any, Any], Any]

MAX_LEVELS = 200
"""Levels of objects and arrays in free-form JSON: fewer than the 254 that orjson
writes, so that everything that was read can be sent again."""
NESTED = frozenset({dict, list})
MAX_PROBLEMS = 10
"""Wrong values of one array or mapping that are listed: listing a million of them took
28 s and 2.1 GB."""

ADDITIONAL_PROPERTIES = "additional_properties"
"""The field that holds the keys which this version does not know."""


class Mismatch(Exception):  # noqa: N818 - it never leaves the codec
    """A JSON value is of another type than its field."""


def wire_name(name: str) -> str:
    """Return a field's name in camel case."""
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def expect(kind: type, expected: str, value: object) -> None:
    """Raise `Mismatch` unless a value is exactly of a JSON type."""
    if type(value) is not kind:
        names: dict[type, str] = {NoneType: "null", dict: "object", list: "array"}
        got = names.get(type(value), type(value).__name__)
        raise Mismatch(f"expected {expected}, got {got}")


def strict_hook(kind: type) -> Hook:
    """Return a hook that takes one JSON type and no other."""

    def structure(value: Any, _: Any) -> Any:
        expect(kind, kind.__name__, value)
        return value

    return structure


def check_nesting(value: Any, levels: int = MAX_LEVELS) -> None:
    """Raise `Mismatch` for JSON that is too deep for Python to display or compare."""
    kind = value.__class__
    if kind is dict:
        value = value.values()
    elif kind is not list:
        return
    if not levels:
        raise Mismatch(f"expected at most {MAX_LEVELS} levels")
    for item in value:
        if type(item) in NESTED:
            check_nesting(item, levels - 1)


def take_json(value: Any, _: Any) -> Any:
    """Return any JSON value as it is, unless it is nested too deep."""
    check_nesting(value)
    return value


def to_number(value: Any, _: Any) -> Any:
    """Return a number as it is, an integer or not."""
    if type(value) is not int:
        expect(float, "float", value)
    return value


def to_integer(value: Any, _: Any) -> Any:
    """Return an integer; JSON may write 50 as 50.0."""
    if type(value) is float and value.is_integer():
        return int(value)
    expect(int, "int", value)
    return value


def to_datetime(value: Any, _: Any) -> datetime:
    """Parse a timestamp; one without an offset is in UTC."""
    expect(str, "timestamp", value)
    try:
        parsed = datetime.fromisoformat(value)
        # `astimezone` alone would read it in this machine's time zone.
        if parsed.tzinfo is None:
            return parsed.replace(tzinfo=UTC)
        return parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Mismatch("expected timestamp, got other text") from None


def to_date(value: Any, _: Any) -> date:
    """Parse a calendar day."""
    expect(str, "date", value)
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise Mismatch("expected date, got other text") from None


def members_by_text(kind: Any) -> dict[Any, Any]:
    """Return the members of the enum in a union by their text."""
    return {
        member.value: member
        for option in get_args(kind)
        if isinstance(option, type) and issubclass(option, StrEnum)
        for member in option
    }


def is_open_enum(kind: Any) -> bool:
    """Return whether a type is `SomeEnum | str`, with or without None."""
    return isinstance(kind, UnionType) and bool(members_by_text(kind))


def open_enum_hook(kind: Any) -> Hook:
    """Return a hook for an enum; a value that is not known stays text."""
    members = members_by_text(kind)
    optional = NoneType in get_args(kind)

    def structure(value: Any, _: Any) -> Any:
        if value is not None or not optional:
            expect(str, "str", value)
        return members.get(value, value)

    return structure


def is_tuple(kind: Any) -> bool:
    """Return whether a type is `tuple[X, ...]`."""
    return get_origin(kind) is tuple


def structure_items(
    pairs: Iterable[tuple[Any, Any]], kind: Any, hook: Hook
) -> list[Any]:
    """Structure the values of pairs; stop when `MAX_PROBLEMS` of them are wrong."""
    items: list[Any] = []
    problems: list[Exception] = []
    for key, value in pairs:
        try:
            items.append((key, hook(value, kind)))
        except (BaseValidationError, Mismatch) as error:
            error.add_note(IterableValidationNote(f"at {key}", key, kind))
            problems.append(error)
            if len(problems) == MAX_PROBLEMS:
                break
    if problems:
        group = cast("Any", IterableValidationError)
        raise group("items of another shape", problems, kind)
    return items


def tuple_hook(kind: Any, using: Converter) -> Hook:
    """Return a hook that takes an array and no other iterable."""
    item: Any = get_args(kind)[0]
    hook = using.get_structure_hook(item)

    def structure(value: Any, _: Any) -> Any:
        expect(list, "array", value)
        pairs: enumerate[Any] = enumerate(value)
        return tuple(built for _, built in structure_items(pairs, item, hook))

    return structure


def null_as_empty(hook: Hook) -> Hook:
    """Return a hook for arrays that takes null for no items."""
    return lambda value, kind: () if value is None else hook(value, kind)


def is_mapping(kind: Any) -> bool:
    """Return whether a type is `Mapping[str, X]`."""
    return get_origin(kind) is Mapping


def mapping_hook(kind: Any, using: Converter) -> Hook:
    """Return a hook that takes an object with arbitrary keys."""
    item: Any = get_args(kind)[1]
    hook = using.get_structure_hook(item)

    def structure(value: Any, _: Any) -> Any:
        expect(dict, "object", value)
        # Only the converter that explains a failure needs each value's place.
        if using.detailed_validation:
            return dict(structure_items(value.items(), item, hook))
        return {key: hook(value[key], item) for key in value}

    return structure


def object_hook(cls: Any, using: Converter) -> Hook:
    """Return a hook that builds an attrs class, and says what is wrong and where."""
    fields = {field.name: field for field in attrs.fields(cls)}
    keeps_extra = fields.pop(ADDITIONAL_PROPERTIES, None) is not None
    known = frozenset(wire_name(name) for name in fields)
    options: dict[str, Any] = {ADDITIONAL_PROPERTIES: gen.override(omit=True)}
    for name, field in fields.items():
        hook = using.get_structure_hook(field.type)
        options[name] = gen.override(
            rename=wire_name(name),
            struct_hook=null_as_empty(hook) if field.default == () else hook,
        )
    build: Any = gen.make_dict_structure_fn(cls, using, **options)

    def structure(value: Any, _: Any) -> Any:
        if type(value) is cls:
            return value
        expect(dict, "object", value)
        built = build(value, cls)
        if keeps_extra and not known.issuperset(value):
            extra = {key: value[key] for key in value if key not in known}
            check_nesting(extra)
            built = attrs.evolve(built, additional_properties=extra)
        return built

    return structure


def encoding_hook(cls: Any, using: Converter) -> Callable[[Any], Any]:
    """Return a hook that writes a draft, or a part of it, as a JSON object."""
    fields = {field.name: field for field in attrs.fields(cls)}
    keeps_extra = fields.pop(ADDITIONAL_PROPERTIES, None) is not None
    known = frozenset(wire_name(name) for name in fields)
    options: dict[str, Any] = {ADDITIONAL_PROPERTIES: gen.override(omit=True)}
    for name, field in fields.items():
        options[name] = gen.override(
            rename=wire_name(name),
            omit_if_default=field.default is None or field.default is UNSET,
        )
    build: Any = gen.make_dict_unstructure_fn(cls, using, **options)

    def unstructure(value: Any) -> Any:
        encoded = build(value)
        if keeps_extra:
            # A field wins over an additional property of the same name.
            extra = value.additional_properties
            encoded |= {key: extra[key] for key in extra if key not in known}
        return encoded

    return unstructure
