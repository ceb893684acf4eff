"""Make something hostile of something valid: of bytes, of text, of JSON."""

import copy
from collections.abc import Sequence
from random import Random
from typing import Any


def nested(levels: int) -> object:
    """Nest objects and arrays."""
    value: object = 0
    for _ in range(levels):
        value = {"deeper": [value]}
    return value


TIMES = (1, 1, 1, 2, 4)

TOKENS: Sequence[bytes] = (
    b"",
    b"\x00",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\\u0000",
    b"\\ud800",
    b'"',
    b"\\",
    b"[",
    b"]",
    b"{",
    b"}",
    b"[" * 2000,
    b'{"a":' * 1100,
    b",",
    b":",
    b"-",
    b"null",
    b"true",
    b"NaN",
    b"Infinity",
    b"1e400",
    b"-0",
    b"0.0",
    b"9" * 400,
    b"18446744073709551616",
    b"\xc2\x85",
    b"\xe2\x80\xae",
)
"""What parsers stumble over."""

VALUES: Sequence[object] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    50.0,
    0.5,
    -0.0,
    1e308,
    2**31,
    2**53 + 1,
    2**64 - 1,
    -(2**63),
    "",
    " ",
    "0",
    "draft",
    "archived",
    "setStyle",
    "\x00",
    "\r\n\x1b[2J",
    "\u202e",
    "é𝄞",
    "x" * 5000,
    "2026-02-29",
    "2026-02-28",
    "2026-02-28T12:00:00Z",
    "2026-02-28T12:00:00.123456789+23:59",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-W09-6T24:00",
    "٢٠٢٦-٠٢-٢٨",
    [],
    [None],
    [[]],
    [1, "two", {"three": 3}],
    {},
    {"": None},
    {"id": "x"},
    {"eventName": 1, "new": {"deep": [1.0, 1]}},
    nested(50),
)
"""What a field may hold all of a sudden."""

NAMES: Sequence[str] = (
    "",
    "id",
    "new",
    "newField",
    "status",
    "variants",
    "entities",
    "url_patterns",
    "additionalProperties",
    "additional_properties",
    "__class__",
    "__init__",
    "a.b[0]",
    "é𝄞",
    "\x00\n",
)
"""What a field may be called all of a sudden."""


def hostile_bytes(random: Random, data: bytes) -> bytes:
    """Cut, repeat, insert and overwrite, once to four times."""
    for _ in range(random.choice(TIMES)):
        start = random.randrange(len(data) + 1)
        end = min(len(data), start + random.choice((0, 1, 1, 2, 8, 64)))
        match random.randrange(6):
            case 0:
                data = data[:start]
            case 1:
                data = data[:start] + data[end:]
            case 2:
                data = data[:end] + data[start:]
            case 3:
                data = data[:start] + random.choice(TOKENS) + data[end:]
            case 4:
                data = data[:start] + random.randbytes(end - start) + data[end:]
            case _:
                other = random.randrange(len(data) + 1)
                data = data[:start] + data[other : other + 16] + data[end:]
    return data


def hostile_text(random: Random, text: str) -> str:
    """Do the same to text, as it comes out of an HTTP header."""
    data = hostile_bytes(random, text.encode(errors="surrogateescape"))
    return data.decode(errors="surrogateescape")


def hostile_json(random: Random, payload: Any) -> Any:
    """Replace, drop, add and rename somewhere, once to four times, in place."""
    for _ in range(random.choice(TIMES)):
        owner, key = somewhere(random, payload)
        if owner is None:
            return any_value(random)
        match random.randrange(6):
            case 0 | 1:
                owner[key] = any_value(random)
            case 2:
                del owner[key]
            case 3:
                owner[key] = [owner[key]]
            case 4 if isinstance(owner, dict):
                owner[random.choice(NAMES)] = any_value(random)
            case 5 if isinstance(owner, dict):
                owner[random.choice(NAMES)] = owner.pop(key)
            case _:
                other, place = somewhere(random, payload)
                owner[key] = copy.deepcopy(other[place])
    return payload


def any_value(random: Random) -> Any:
    """Choose a value that nothing else holds."""
    return copy.deepcopy(random.choice(VALUES))


def somewhere(random: Random, payload: Any) -> tuple[Any, Any]:
    """Choose a place: what holds it, and its key there; None when there is none."""
    owner: Any = None
    key: Any = None
    value = payload
    while isinstance(value, dict | list) and value:
        owner = value
        key = random.choice(
            list(value) if isinstance(value, dict) else range(len(value))
        )
        value = owner[key]
        if random.random() < 0.25:
            break
    return owner, key
