"""The fast hooks against the precise ones, on payloads made from the classes alone."""

import copy
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

import attrs
import pytest
from cattrs import BaseValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from ours_experiments import models
from ours_experiments._codec.compiled import is_compilable
from ours_experiments._codec.converter import compiled_converter, converter, decode
from ours_experiments._codec.hooks import ADDITIONAL_PROPERTIES, Mismatch, wire_name
from ours_experiments._pagination import Position
from ours_experiments.errors import DecodeError
from tests.support import strategies


BUILT_BY_HAND = {"Page", "VariantTotals"}
"""What no answer is decoded into as such."""
NAMED: list[type] = [vars(models)[name] for name in models.__all__]
CLASSES = [
    each
    for each in (*NAMED, Position)
    if attrs.has(each) and each.__name__ not in BUILT_BY_HAND
]
MISSING: Any = object()
NEAR_MISSES: tuple[Any, ...] = (
    *(MISSING, None, True, False, 0, 1, -1, 2**64 - 1, 1.0, 1.5, -0.0),
    *("", "running", "2026-01-01", "2026-01-01T10:00:00Z", "2026-01-01T10:00:00"),
    *([], [None], [1], ["a"], ["a", 1], [{}], {}, {"key": "a"}, {"eventName": None}),
)
REFUSALS = (Mismatch, KeyError, TypeError, ValueError)

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
    """Draw JSON that a field of some type takes, as a rule."""
    if attrs.has(kind):
        return payloads(kind)
    if isinstance(kind, UnionType):
        return st.one_of([valid(each) for each in get_args(kind)])
    if get_origin(kind) is tuple:
        return st.lists(likely(get_args(kind)[0]), max_size=3)
    if get_origin(kind) is Mapping:
        values = likely(get_args(kind)[1])
        return st.dictionaries(strategies.text, values, max_size=2)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return st.sampled_from([each.value for each in kind])
    return SCALARS[kind]


def likely(kind: Any) -> st.SearchStrategy[Any]:
    """Draw JSON that a field of some type takes, or anything, once in a while."""
    good = valid(kind)
    return st.integers(0, 30).flatmap(
        lambda luck: good if luck else strategies.json_values
    )


@cache
def payloads(cls: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Draw objects with most of a class's keys, more of them, and others' types."""
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
    """Spell the least that a field of some type takes; a field is never left out."""
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


def built_by(build: Any, cls: Any, payload: object) -> object:
    """Build with one converter; None where it refuses."""
    try:
        return build().structure(copy.deepcopy(payload), cls)
    except (BaseValidationError, *REFUSALS):
        return None


def check(cls: type, payload: object) -> bool:
    """See that both build the same or both refuse; tell whether they build."""
    expected = built_by(converter, cls, payload)
    built = built_by(compiled_converter, cls, payload)
    assert built == expected, payload
    assert repr(built) == repr(expected)
    assert type(built) in {cls, NoneType}
    if expected is None:
        with pytest.raises(DecodeError) as refused:
            decode(cls, copy.deepcopy(payload))
        assert refused.value.problems
        assert all(problem.startswith("$") for problem in refused.value.problems)
    return expected is not None


@pytest.mark.parametrize("cls", CLASSES)
def test_every_field(cls: type) -> None:
    """Each field with each near miss, all else being right, and with one key more."""
    complete = plainest(cls)
    assert check(cls, complete)
    for key in complete:
        for miss in NEAR_MISSES:
            payload = {name: complete[name] for name in complete if name != key}
            if miss is not MISSING:
                payload[key] = miss
            check(cls, payload)
            check(cls, {**payload, "new": None})


@pytest.mark.parametrize("cls", CLASSES)
@given(st.data())
@settings(max_examples=50)
def test_alike(cls: type, data: st.DataObject) -> None:
    """Both build the same object or both refuse, and what is refused has a place."""
    check(cls, data.draw(payloads(cls) | strategies.json_values))


def test_every_class_is_built_fast() -> None:
    """No model has quietly become one that the fast hooks leave alone."""
    assert len(CLASSES) > 20
    assert [each.__name__ for each in CLASSES if not is_compilable(each)] == []
