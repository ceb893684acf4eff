"""What a growing service may do to its answers, and what a broken one might.

A growing service adds: fields, words, nested objects. It leaves out or nulls what was
optional before, orders keys as it likes, and may write 50 as 50.0.
"""

from collections.abc import Callable, Iterator, Mapping
from random import Random
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

import attrs
import orjson

from ours_experiments._codec.hooks import (
    ADDITIONAL_PROPERTIES,
    members_by_text,
    wire_name,
)


Part = tuple[Any, Any, str]
"""What a payload is read as, the payload, and its JSON path."""

NEW_VALUES: tuple[object, ...] = (
    None,
    True,
    7,
    0.5,
    "text",
    [],
    [1, "two", None],
    {"since": 2, "nested": {"values": [{"deep": [1.0]}]}},
)


@attrs.frozen(eq=False)
class Place:
    """A known field in a payload."""

    owner: dict[str, Any]
    """The object that has it."""
    key: str
    """Its name there."""
    kind: Any
    """What it is read as, None aside."""
    optional: bool
    """Whether it may be missing or null."""
    path: str
    """Its JSON path, where any key of a mapping is `*`."""

    @property
    def value(self) -> Any:
        """What it holds now."""
        return self.owner[self.key]


def places_of(kind: Any, value: Any, path: str) -> Iterator[Place]:
    """Walk through the known fields of a payload, the outermost first."""
    if value is None:
        return
    if isinstance(kind, UnionType):
        kind = next(each for each in get_args(kind) if each is not NoneType)
    if attrs.has(kind):
        for field in attrs.fields(kind):
            key = wire_name(field.name)
            if field.name == ADDITIONAL_PROPERTIES or key not in value:
                continue
            optional = field.default is not attrs.NOTHING
            at = f"{path}.{key}"
            yield Place(value, key, field.type, optional, at)
            yield from places_of(field.type, value[key], at)
    elif get_origin(kind) is tuple:
        for index, item in enumerate(value):
            yield from places_of(get_args(kind)[0], item, f"{path}[{index}]")
    elif get_origin(kind) is Mapping:
        for key in value:
            yield from places_of(get_args(kind)[1], value[key], f"{path}.*")


def all_places(parts: list[Part]) -> list[Place]:
    """List the known fields of all parts of an answer."""
    return [place for part in parts for place in places_of(*part)]


def add_fields(random: Random, places: list[Place]) -> None:
    """Add a field that nobody knows to some of the objects, or to all."""
    share = random.choice((0.2, 1.0))
    for place in places:
        if random.random() < share:
            name = f"future{random.randrange(100)}"
            place.owner[name] = random.choice(NEW_VALUES)


def add_words(random: Random, places: list[Place]) -> None:
    """Use words that no enum knows yet."""
    for place in places:
        if members_by_text(place.kind) and isinstance(place.value, str):
            place.owner[place.key] = f"future_{random.randrange(100)}"


def leave_out(random: Random, places: list[Place]) -> None:
    """Null or drop what is optional."""
    for place in places:
        if place.optional and random.random() < 0.3 and place.key in place.owner:
            if random.random() < 0.5:
                place.owner[place.key] = None
            else:
                del place.owner[place.key]


def spell_numbers(_: Random, places: list[Place]) -> None:
    """Write whole numbers with a point, and without where they had one."""
    for place in places:
        value = place.owner.get(place.key)
        if type(value) is int:
            place.owner[place.key] = float(value)
        elif type(value) is float and value.is_integer():
            place.owner[place.key] = int(value)


def reorder(random: Random, places: list[Place]) -> None:
    """Order the keys of all objects anew."""
    owners = {id(place.owner): place.owner for place in places}
    for owner in owners.values():
        items = list(owner.items())
        random.shuffle(items)
        owner.clear()
        owner.update(items)


Growth = Callable[[Random, list[Place]], None]

SAME_MEANING: tuple[Growth, ...] = (add_fields, spell_numbers, reorder)
"""What changes nothing of what is known."""
NEW_MEANING: tuple[Growth, ...] = (add_words, leave_out)


def spelled(random: Random, payload: Any) -> bytes:
    """Write an answer, now and then with a key twice: the last one counts."""
    body = orjson.dumps(payload)
    if isinstance(payload, dict) and payload and random.random() < 0.2:
        first = orjson.dumps({random.choice(list(payload)): "outdated"})
        body = first[:-1] + b"," + body[1:]
    return body


def damage(random: Random, places: list[Place]) -> str:
    """Give one field a value of another type, or take away what is required.

    Returns the JSON path of the field.
    """
    # Free-form JSON takes any value.
    place = random.choice([place for place in places if place.kind is not Any])
    if not place.optional and random.random() < 0.4:
        if random.random() < 0.5:
            del place.owner[place.key]
        else:
            place.owner[place.key] = None
    else:
        place.owner[place.key] = random.choice(others(place.value))
    return place.path


def others(value: Any) -> list[Any]:
    """List values of types that can stand nowhere this one can."""
    values: list[Any] = [[[]], {"of": "another kind"}, "no such thing", True, -7.5]
    if value is None:
        # Whatever belongs there, it is no array of arrays.
        return values[:1]
    alike = (int, float) if type(value) is int else (type(value),)
    return [each for each in values if type(each) not in alike]
