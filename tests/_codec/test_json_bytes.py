"""JSON to bytes and back: what is read and sent is exact, or refused."""

import json
import math
from collections.abc import Mapping
from types import MappingProxyType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ours_experiments._codec.json_bytes import dumps, loads
from ours_experiments.drafts import NewExperiment
from ours_experiments.errors import ConfigurationError
from ours_experiments.models import TargetingRules
from tests.support import strategies


integers = st.integers() | st.integers(-(10**40), 10**40)
finite = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | integers | st.floats() | strategies.text,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(strategies.text, inner, max_size=3)
    ),
    max_leaves=8,
)
"""JSON values, and what looks like one: NaN, infinity, integers of any size."""
json_texts = st.recursive(
    st.none() | st.booleans() | integers | finite | strategies.text,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(strategies.text, inner, max_size=3)
    ),
    max_leaves=8,
).map(json.dumps)


@given(json_texts)
@example("9223372036854775808")
@example("18446744073709551616")
@example("-9223372036854775809")
@example("[1e300, -0.0, 12345678901234567890123]")
@example('{"a": "0000000000000000000"}')
def test_what_is_read_is_exact(text: str) -> None:
    """Numbers are read as they stand in the text, whatever their size."""
    assert repr(loads(text.encode())) == repr(json.loads(text))


@given(values)
@example(math.nan)
@example({"a": [None, math.inf]})
@example(2**64)
def test_what_is_sent_is_exact_or_refused(value: object) -> None:
    """A value is sent so that it is read as it was, or refused."""
    try:
        body = dumps(value)
    except ConfigurationError:
        return
    assert repr(json.loads(body)) == repr(value)


@given(strategies.json_values)
def test_json_is_sent(value: object) -> None:
    """What is JSON and fits 64 bits is sent."""
    assert json.loads(dumps(value)) == value


@given(values)
def test_free_fields_of_drafts_are_exact_or_refused(value: object) -> None:
    """Drafts take what can be sent exactly, and refuse the rest."""
    try:
        draft = NewExperiment(
            "settings",
            "name",
            targeting_rules=TargetingRules(visitor_properties={"any": value}),
        )
    except ConfigurationError:
        return
    assert draft.targeting_rules is not None
    properties = draft.targeting_rules.visitor_properties
    assert json.loads(dumps(properties)) == {"any": value}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param({"a": [1, math.nan]}, r"json\.a\[1\] must be finite", id="nan"),
        pytest.param([-math.inf], r"json\[0\] must be finite", id="infinity"),
        pytest.param({"a": 2**64}, r"json\.a must be an integer of", id="integer"),
        pytest.param({"a": object()}, "json cannot be", id="object"),
        pytest.param({1: 2}, "json cannot be", id="number-as-key"),
        pytest.param({"a": "\ud800"}, "json cannot be", id="surrogate"),
        pytest.param(MappingProxyType({}), "json cannot be", id="other-mapping"),
        pytest.param(json.loads("[" * 300 + "]" * 300), "json.* levels", id="deep"),
    ],
)
def test_refused(value: object, message: str) -> None:
    """What JSON cannot hold is refused with its place."""
    with pytest.raises(ConfigurationError, match=f"^{message}"):
        dumps(value)


@pytest.mark.parametrize("body", [b"", b"{", b"NaN", b"[1e400]", b"1" * 5000])
def test_no_json(body: bytes) -> None:
    """What is no JSON is a ValueError, as is an integer of thousands of digits."""
    with pytest.raises(ValueError, match=r"."):
        loads(body)


def test_deep_json_with_a_long_integer() -> None:
    """A long integer in deep JSON is read or a ValueError, never a RecursionError."""
    body = b'{"a":' * 900 + b"9" * 30 + b"}" * 900
    try:
        value = loads(body)
    except ValueError:
        return
    for _ in range(900):
        assert isinstance(value, Mapping)
        value = value["a"]
    assert value == int("9" * 30)
