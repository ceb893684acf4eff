"""Payloads that are made from the fields of the models alone."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

import attrs
from hypothesis import strategies as st

from ours_experiments._codec.hooks import ADDITIONAL_PROPERTIES, wire_name
from tests.support import strategies


MISSING: Any = object()
NEAR_MISSES: tuple[Any, ...] = (
    *(MISSING, None, True, False, 0, 1, -1, 2**64 - 1, 1.0, 1.5, -0.0),
    *("", "running", "2026-01-01", "2026-01-01T10:00:00Z", "2026-01-01T10:00:00"),
    *([], [None], [1], ["a"], ["a", 1], [{}], {}, {"key": "a"}, {"eventName": None}),
)

moments = st.one_of(
    st.datetimes(timezones=st.none() | st.timezones()).map(datetime.isoformat),
    st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
    st.sampled_from(
        ("2026-01-01", "20260101T000000Z", "0001-01-01T00:00:00+14:00", "soon", "")
    ),
)
SCALARS: Mapping[Any, st.SearchStrategy[Any]] = {
    str: strategies.text,
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**64 - 1),
    float: st.floats(allow_nan=False) | st.integers(-(2**53), 2**53),
    datetime: moments,
    date: st.dates().map(date.isoformat) | st.sampled_from(("2026-W01-1", "soon")),
    object: strategies.json_values,
    Any: strategies.json_values,
    NoneType: st.none(),
}
PLAIN: Mapping[Any, Any] = {
    str: "a",
    bool: True,
    int: 1,
    float: 0.5,
    datetime: "2026-01-01T10:00:00Z",
    date: "2026-01-01",
    object: {"b": [1]},
    Any: {"b": [1]},
}


def valid(kind: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for JSON that a field of a type usually accepts."""
    if attrs.has(kind):
        return payloads(kind)
    if isinstance(kind, UnionType):
        return st.one_of([valid(option) for option in get_args(kind)])
    if get_origin(kind) is tuple:
        return st.lists(likely(get_args(kind)[0]), max_size=3)
    if get_origin(kind) is Mapping:
        values = likely(get_args(kind)[1])
        return st.dictionaries(strategies.text, values, max_size=2)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return st.sampled_from([member.value for member in kind])
    return SCALARS[kind]


def likely(kind: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for such JSON, or for any JSON once in 31 draws."""
    good = valid(kind)
    return st.integers(0, 30).flatmap(
        lambda luck: good if luck else strategies.json_values
    )


@cache
def payloads(cls: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for objects with most keys of a class, and unknown ones."""
    fields = [
        field for field in attrs.fields(cls) if field.name != ADDITIONAL_PROPERTIES
    ]
    own = {wire_name(field.name): likely(field.type) for field in fields}
    needed = {
        wire_name(field.name) for field in fields if field.default is attrs.NOTHING
    }

    def without(payload: dict[str, Any], key: str | None) -> dict[str, Any]:
        return {name: payload[name] for name in payload if name != key}

    complete = st.fixed_dictionaries(
        {name: own[name] for name in own if name in needed},
        optional={name: own[name] for name in own if name not in needed},
    ) | st.fixed_dictionaries(own)
    dropped = st.integers(0, 20).flatmap(
        lambda luck: st.none() if luck else st.sampled_from(sorted(own))
    )
    return st.tuples(
        st.builds(without, complete, dropped), strategies.unknown_keys
    ).map(lambda pair: {**pair[0], **pair[1]})


def plainest(kind: Any) -> Any:
    """Return the smallest JSON that a field of a type accepts, with every key."""
    if attrs.has(kind):
        fields: Any = attrs.fields(kind)
        return {
            wire_name(field.name): plainest(field.type)
            for field in fields
            if field.name != ADDITIONAL_PROPERTIES
        }
    if isinstance(kind, UnionType):
        return plainest(get_args(kind)[0])
    if get_origin(kind) is tuple:
        return [plainest(get_args(kind)[0])]
    if get_origin(kind) is Mapping:
        return {"a": plainest(get_args(kind)[1])}
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return next(iter(kind)).value
    return PLAIN[kind]
