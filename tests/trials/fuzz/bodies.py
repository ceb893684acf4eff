"""The client's reading of bodies: objects, and pages of them."""

import json
from collections.abc import Mapping
from functools import cache
from random import Random
from typing import Any

import attrs
import orjson
from cattrs import BaseValidationError

from ours_experiments import (
    DecodeError,
    DomModification,
    Experiment,
    Metrics,
    TargetingRules,
    Variant,
)
from ours_experiments._codec.converter import (
    compiled_converter,
    converter,
    decode,
    decode_entities,
    encode,
)
from ours_experiments._codec.hooks import ADDITIONAL_PROPERTIES, Mismatch, wire_name
from ours_experiments._codec.json_bytes import loads, parse
from ours_experiments._pagination import Position, Progress, split
from tests.support import wire
from tests.trials.fuzz.examples import examples
from tests.trials.fuzz.mutations import hostile_bytes, hostile_json


WRITTEN_BACK = (TargetingRules, Metrics, DomModification)
REFUSED = object()


def hostile(random: Random, body: bytes) -> bytes:
    """Change a body as JSON, as bytes, or both."""
    way = random.random()
    if way < 0.9:
        body = orjson.dumps(hostile_json(random, orjson.loads(body)))
    return body if way < 0.75 else hostile_bytes(random, body)


def draw_object(random: Random) -> tuple[type, bytes]:
    """Draw one object, and the class to read it as, mostly its own."""
    kind, body = random.choice(examples())
    if random.random() < 0.02:
        kind = random.choice(examples())[0]
    return kind, hostile(random, body)


def judge_object(drawn: tuple[type, bytes]) -> str:
    """Both ways to decode agree, and what is kept is what was sent."""
    kind, body = drawn
    try:
        payload = parse(body)
    except ValueError:
        return "not JSON"
    expected, fast = precise(kind, parse(body)), flat(kind, parse(body))
    if fast is REFUSED and wire.has_large_float(payload):
        # It may have been an integer: then the text is read again, exactly.
        expected = fast = precise(kind, loads(body))
    assert fast == expected, "the fast way and the precise one differ"
    assert repr(fast) == repr(expected)
    try:
        built: object = decode(kind, payload, exact=lambda: loads(body))
    except DecodeError as error:
        assert expected is REFUSED
        check_problems(error, "$")
        return "refused"
    assert built == expected
    check_kept(built, loads(body))
    if kind in WRITTEN_BACK:
        sent = loads(json.dumps(encode(built)).encode())
        assert decode(kind, sent) == built, "writing it back changes it"
    return "decoded"


def precise(kind: type, payload: object) -> object:
    """Decode with the hooks that know where something is wrong."""
    try:
        return converter().structure(payload, kind)
    except (BaseValidationError, Mismatch):
        return REFUSED


def flat(kind: type, payload: object) -> object:
    """Decode with the fast hooks."""
    try:
        return compiled_converter().structure(payload, kind)
    except (BaseValidationError, Mismatch, KeyError, TypeError, ValueError):
        return REFUSED


def check_kept(built: Any, source: Any) -> None:
    """Compare the unknown keys that an object keeps with those that it came with."""
    if isinstance(built, tuple):
        for each, origin in zip(built, source or (), strict=True):
            check_kept(each, origin)
    elif attrs.has(type(built)):
        kind: Any = type(built)
        names = wire_names(kind)
        for name, wire in names.items():
            check_kept(getattr(built, name), source.get(wire))
        if hasattr(built, ADDITIONAL_PROPERTIES):
            known = names.values()
            extra = {key: source[key] for key in source if key not in known}
            kept = orjson.dumps(built.additional_properties)
            assert kept == orjson.dumps(extra), "an unknown key has changed"


@cache
def wire_names(kind: type) -> Mapping[str, str]:
    """List the fields of a class with their names in JSON."""
    names = [
        field.name
        for field in attrs.fields(kind)
        if field.name != ADDITIONAL_PROPERTIES
    ]
    return {name: wire_name(name) for name in names}


def check_problems(error: DecodeError, at: str) -> None:
    """Check that an error says where something is wrong, below the given path."""
    assert str(error).encode()
    assert error.problems
    assert all(problem.startswith(at) for problem in error.problems)


def draw_page(random: Random) -> bytes:
    """Draw the answer of a listing."""
    kind, body = random.choice(examples()[:16])
    assert kind in {Experiment, Variant}
    page = {
        "entities": [orjson.loads(body)],
        "pagination": {
            "nextCursor": random.choice(("abc", None, "")),
            "hasMore": random.choice((True, False)),
        },
    }
    if random.random() < 0.5:
        hostile_json(random, page["pagination"])
    return hostile(random, orjson.dumps(page))


def judge_page(body: bytes) -> str:
    """A page is entities and a position, or refused."""
    try:
        payload = orjson.loads(body)
    except ValueError:
        return "not JSON"
    try:
        entities, position = split(payload)
    except DecodeError as error:
        check_problems(error, "$")
        return "refused envelope"
    assert isinstance(position, Position)
    assert isinstance(position.has_more, bool)
    assert isinstance(position.next_cursor, str | None)
    problem = Progress(Experiment, "abc").record(entities, position)
    assert problem is None or problem.encode()
    try:
        decoded = decode_entities(Experiment, entities)
    except DecodeError as error:
        check_problems(error, "$.entities")
        return "refused entities"
    assert all(type(row) is Experiment for row in decoded)
    return "page"
