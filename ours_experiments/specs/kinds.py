"""What the fields of a spec may hold, read from their annotations."""

import math
from collections.abc import Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, cast, get_args, get_origin

import attrs

from ours_experiments._codec.hooks import wire_name
from ours_experiments._unset import UNSET, Unset
from ours_experiments.models import Metric
from ours_experiments.specs.errors import Problem


EXTRA = "additional_properties"
MAX_JSON_DEPTH = 50
SCALARS = (bool, int, float, date)
DESCRIPTIONS: Mapping[type, str] = {
    str: "text",
    date: "a date",
    list: "a list",
    tuple: "a list",
    Mapping: "fields",
}
NULL_REFUSED = "null clears nothing here: leave the field out"
NOT_NULL = frozenset({(Metric, "event_name")})
"""Fields of models that a spec may leave out, but not set to null."""


@attrs.frozen
class Kind:
    """What one field holds."""

    type: object
    """A class, `tuple[X, ...]` or `Mapping[str, object]`."""
    nullable: bool = False
    """Whether null is a value of its own."""
    words: tuple[str, ...] = ()
    """The words that are known; empty: any text."""
    open: bool = True
    """Whether text beside the known words is accepted."""


@cache
def kind_of(annotation: object) -> Kind:
    """Read an annotation such as `int | Unset | None`."""
    if annotation is Any:
        # Free-form JSON; in a file it has to be an object.
        return Kind(Mapping[str, object], nullable=True)
    members = get_args(annotation) if isinstance(annotation, UnionType) else ()
    kept = [kind for kind in members or (annotation,) if kind not in (Unset, NoneType)]
    enums = [
        kind for kind in kept if isinstance(kind, type) and issubclass(kind, StrEnum)
    ]
    return Kind(
        type=str if enums else kept[0],
        nullable=NoneType in members,
        words=tuple(member.value for enum in enums for member in enum),
        open=str in kept,
    )


@cache
def kinds_of(cls: type) -> dict[str, Kind]:
    """List the fields of a class that a file may set, with what they hold."""
    kinds: dict[str, Kind] = {}
    for field in attrs.fields(cast("type[attrs.AttrsInstance]", cls)):
        if field.name != EXTRA:
            kind = kind_of(field.type)
            if (cls, field.name) in NOT_NULL:
                kind = attrs.evolve(kind, nullable=False)
            kinds[field.name] = kind
    return kinds


@cache
def spellings_of(cls: type) -> dict[str, str]:
    """List the fields of a class under their snake and camel case names."""
    return {
        spelling: name for name in kinds_of(cls) for spelling in (wire_name(name), name)
    }


def item_of(kind: Kind) -> Kind | None:
    """Return what a list holds; None for what is no list."""
    if get_origin(kind.type) is tuple:
        return kind_of(get_args(kind.type)[0])
    return None


def describe(value: object) -> str:
    """Describe a value as whoever wrote the file calls it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:.12g}" if isinstance(value, float) else str(value)[:20]
    names = (name for kind, name in DESCRIPTIONS.items() if isinstance(value, kind))
    return next(names, type(value).__name__)


def suggestion(word: str, known: "Iterator[str] | tuple[str, ...] | list[str]") -> str:
    """Return `; did you mean X?` where a known word is near, else nothing."""
    near = get_close_matches(word, list(known), 1)
    return f"; did you mean {near[0]}?" if near else ""


def type_problems(kind: Kind, value: object, path: str) -> Iterator[Problem]:
    """Find values of another type than their field's."""
    if value is UNSET or (value is None and kind.nullable):
        return
    item = item_of(kind)
    if value is None:
        yield Problem(path, NULL_REFUSED)
    elif item is not None and isinstance(value, tuple):
        for index, element in enumerate(cast("tuple[object, ...]", value)):
            yield from type_problems(item, element, f"{path}[{index}]")
    elif item is not None:
        yield Problem(path, f"expected a list, not {describe(value)}")
    elif kind.type is str:
        yield from text_problems(kind, value, path)
    elif kind.type is bool or kind.type is int:
        # True is an int to isinstance.
        if type(value) is not kind.type:
            expected = "true or false" if kind.type is bool else "a whole number"
            yield Problem(path, f"expected {expected}, not {describe(value)}")
    else:
        yield from object_problems(kind, value, path)


def object_problems(kind: Kind, value: object, path: str) -> Iterator[Problem]:
    """Find what has no fields, and fields of another type."""
    free = get_origin(kind.type) is Mapping
    if not isinstance(value, Mapping if free else cast("type", kind.type)):
        yield Problem(path, f"expected fields, not {describe(value)}")
    elif free:
        yield from json_problems(value, path)
    else:
        yield from field_problems(value, path)


def field_problems(value: object, path: str = "") -> Iterator[Problem]:
    """Find the type problems of all the fields of an object."""
    prefix = f"{path}." if path else ""
    cls = cast("type[attrs.AttrsInstance]", value.__class__)
    defaults = attrs.fields_dict(cls)
    for name, kind in kinds_of(cls).items():
        content = getattr(value, name)
        # A model's None is a field that was left out; a spec's is a null.
        if content is not None or defaults[name].default is not None:
            yield from type_problems(kind, content, f"{prefix}{name}")


def text_problems(kind: Kind, value: object, path: str) -> Iterator[Problem]:
    """Find what is no text, or none of the words of a closed set."""
    if not isinstance(value, str):
        quote = ": quote it" if isinstance(value, SCALARS) else ""
        yield Problem(path, f"expected text, not {describe(value)}{quote}")
        return
    if any("\ud800" <= char <= "\udfff" for char in value):
        yield Problem(path, "holds a lone surrogate")
    elif not kind.open and value not in kind.words:
        near = suggestion(value, kind.words)
        yield Problem(
            path, f"expected one of {', '.join(kind.words)}, not {value!r}{near}"
        )


def json_problems(value: object, path: str, depth: int = 0) -> Iterator[Problem]:
    """Find what JSON cannot hold in a value of any content."""
    if depth > MAX_JSON_DEPTH:
        yield Problem(path, f"nested deeper than {MAX_JSON_DEPTH} levels")
    elif isinstance(value, Mapping):
        for key, element in cast("Mapping[object, object]", value).items():
            yield from text_problems(Kind(str), key, path)
            yield from json_problems(element, f"{path}.{key}", depth + 1)
    elif isinstance(value, list | tuple):
        for index, element in enumerate(cast("list[object]", value)):
            yield from json_problems(element, f"{path}[{index}]", depth + 1)
    elif isinstance(value, str):
        yield from text_problems(Kind(str), value, path)
    else:
        yield from number_problems(value, path)


def number_problems(value: object, path: str) -> Iterator[Problem]:
    """Find numbers that JSON does not have, and what is no JSON at all."""
    if isinstance(value, date):
        yield Problem(path, "expected text, not a date: quote it")
    elif isinstance(value, float) and not math.isfinite(value):
        yield Problem(path, "JSON has no infinite or undefined numbers")
    elif isinstance(value, int) and not -(2**63) <= value < 2**64:
        yield Problem(path, "a whole number has at most 64 bits")
    elif value is not None and not isinstance(value, int | float):
        yield Problem(path, f"expected a JSON value, not {describe(value)}")


def word_warnings(value: object, path: str = "") -> Iterator[Problem]:
    """Find words that are not among the known ones of an open set."""
    prefix = f"{path}." if path else ""
    for name, kind in kinds_of(cast("type", value.__class__)).items():
        content = getattr(value, name)
        here = f"{prefix}{name}"
        if isinstance(content, str) and kind.words and content not in kind.words:
            near = suggestion(content, kind.words)
            yield Problem(here, f"{content!r} is not a word that is known{near}")
        elif isinstance(content, tuple):
            for index, element in enumerate(cast("tuple[object, ...]", content)):
                if attrs.has(type(element)):
                    yield from word_warnings(element, f"{here}[{index}]")
        elif attrs.has(content.__class__):
            yield from word_warnings(content, here)
