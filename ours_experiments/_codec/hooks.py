"""The hooks of the converter: what each kind of field takes and how it is sent.

A structure hook gets a JSON value and says by a `Mismatch` that it is of another
kind; cattrs notes where.
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

DEEPEST = 200
"""Levels of objects and arrays in a value that has no class of its own: fewer than
orjson writes, so that everything that was read can be sent again."""
NESTED = frozenset({dict, list})
MOST_WRONG = 10
"""Wrong values of one array or mapping that an error tells of."""

EXTRA = "additional_properties"
"""The field that holds the keys which this version does not know."""


class Mismatch(Exception):  # noqa: N818 - it never leaves the codec
    """A JSON value is not what its place asks for."""


def wire_name(name: str) -> str:
    """Spell a field's name as JSON does."""
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def expect(kind: type, word: str, value: object) -> None:
    """Refuse a value that is not exactly of a JSON type."""
    if type(value) is not kind:
        words: dict[type, str] = {NoneType: "null", dict: "object", list: "array"}
        got = words.get(type(value), type(value).__name__)
        raise Mismatch(f"expected {word}, got {got}")


def exactly(kind: type) -> Hook:
    """Make a hook that takes one JSON type and no other."""

    def structure(value: Any, _: Any) -> Any:
        expect(kind, kind.__name__, value)
        return value

    return structure


def check_nesting(value: Any, levels: int = DEEPEST) -> None:
    """Refuse what is nested so deep that Python could not display or compare it."""
    kind = value.__class__
    if kind is dict:
        value = value.values()
    elif kind is not list:
        return
    if not levels:
        raise Mismatch(f"expected at most {DEEPEST} levels")
    for each in value:
        if type(each) in NESTED:
            check_nesting(each, levels - 1)


def keep(value: Any, _: Any) -> Any:
    """Take any JSON value as it is, if it is not nested too deep."""
    check_nesting(value)
    return value


def to_number(value: Any, _: Any) -> Any:
    """Take a number as it is, whole or not."""
    if type(value) is not int:
        expect(float, "float", value)
    return value


def to_integer(value: Any, _: Any) -> Any:
    """Take a whole number; JSON may write 50 as 50.0."""
    if type(value) is float and value.is_integer():
        return int(value)
    expect(int, "int", value)
    return value


def to_datetime(value: Any, _: Any) -> datetime:
    """Read a timestamp; one without an offset is in UTC."""
    expect(str, "timestamp", value)
    try:
        parsed = datetime.fromisoformat(value)
        if parsed.tzinfo is None:
            return parsed.replace(tzinfo=UTC)
        return parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Mismatch("expected timestamp, got other text") from None


def to_date(value: Any, _: Any) -> date:
    """Read a calendar day."""
    expect(str, "date", value)
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise Mismatch("expected date, got other text") from None


def words_of(kind: Any) -> dict[Any, Any]:
    """List the members of the enum in a union, by their text."""
    return {
        member.value: member
        for each in get_args(kind)
        if isinstance(each, type) and issubclass(each, StrEnum)
        for member in each
    }


def is_open_enum(kind: Any) -> bool:
    """Recognise `SomeEnum | str`, with or without None."""
    return isinstance(kind, UnionType) and bool(words_of(kind))


def open_enum_hook(kind: Any) -> Hook:
    """Make a hook that knows an enum's words and lets others pass as text."""
    words = words_of(kind)
    optional = NoneType in get_args(kind)

    def structure(value: Any, _: Any) -> Any:
        if value is not None or not optional:
            expect(str, "str", value)
        return words.get(value, value)

    return structure


def is_tuple(kind: Any) -> bool:
    """Recognise `tuple[X, ...]`."""
    return get_origin(kind) is tuple


def several(pairs: Iterable[tuple[Any, Any]], kind: Any, hook: Hook) -> list[Any]:
    """Structure values one by one; give up when `MOST_WRONG` of them were wrong.

    cattrs would tell of every one, and a hostile answer has room for a million.
    """
    built: list[Any] = []
    wrong: list[Exception] = []
    for place, value in pairs:
        try:
            built.append((place, hook(value, kind)))
        except (BaseValidationError, Mismatch) as error:
            error.add_note(IterableValidationNote(f"at {place}", place, kind))
            wrong.append(error)
            if len(wrong) == MOST_WRONG:
                break
    if wrong:
        group = cast("Any", IterableValidationError)
        raise group("of several", wrong, kind)
    return built


def tuple_hook(kind: Any, using: Converter) -> Hook:
    """Make a hook that takes an array, not just anything that can be iterated."""
    item: Any = get_args(kind)[0]
    hook = using.get_structure_hook(item)

    def structure(value: Any, _: Any) -> Any:
        expect(list, "array", value)
        places: enumerate[Any] = enumerate(value)
        return tuple(built for _, built in several(places, item, hook))

    return structure


def or_empty(hook: Hook) -> Hook:
    """Let a hook for arrays read null as no items."""
    return lambda value, kind: () if value is None else hook(value, kind)


def is_mapping(kind: Any) -> bool:
    """Recognise `Mapping[str, X]`."""
    return get_origin(kind) is Mapping


def mapping_hook(kind: Any, using: Converter) -> Hook:
    """Make a hook that takes an object whose keys are its own."""
    item: Any = get_args(kind)[1]
    hook = using.get_structure_hook(item)

    def structure(value: Any, _: Any) -> Any:
        expect(dict, "object", value)
        if using.detailed_validation:
            return dict(several(value.items(), item, hook))
        return {key: hook(value[key], item) for key in value}

    return structure


def object_hook(cls: Any, using: Converter) -> Hook:
    """Make a hook that builds one of the models."""
    fields = {field.name: field for field in attrs.fields(cls)}
    keeps_extra = fields.pop(EXTRA, None) is not None
    known = frozenset(wire_name(name) for name in fields)
    options: dict[str, Any] = {EXTRA: gen.override(omit=True)}
    for name, field in fields.items():
        hook = using.get_structure_hook(field.type)
        options[name] = gen.override(
            rename=wire_name(name),
            struct_hook=or_empty(hook) if field.default == () else hook,
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
    """Make a hook that spells a draft, or a part of it, as JSON does."""
    fields = {field.name: field for field in attrs.fields(cls)}
    keeps_extra = fields.pop(EXTRA, None) is not None
    known = frozenset(wire_name(name) for name in fields)
    options: dict[str, Any] = {EXTRA: gen.override(omit=True)}
    for name, field in fields.items():
        options[name] = gen.override(
            rename=wire_name(name),
            omit_if_default=field.default is None or field.default is UNSET,
        )
    build: Any = gen.make_dict_unstructure_fn(cls, using, **options)

    def unstructure(value: Any) -> Any:
        encoded = build(value)
        if keeps_extra:
            extra = value.additional_properties
            encoded |= {key: extra[key] for key in extra if key not in known}
        return encoded

    return unstructure
