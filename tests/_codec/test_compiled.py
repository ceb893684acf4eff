"""The compiled hooks build what the precise ones build, and refuse what they refuse."""

import copy
from datetime import UTC, datetime
from types import NoneType
from typing import Any

import attrs
import pytest
from cattrs import BaseValidationError, Converter
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ours_experiments import models
from ours_experiments._codec.compiled import is_compilable
from ours_experiments._codec.converter import (
    compiled_converter,
    converter,
    decode,
    decode_entities,
)
from ours_experiments._codec.hooks import Mismatch
from ours_experiments._pagination import Position
from ours_experiments.errors import DecodeError
from ours_experiments.models import (
    DomModification,
    Experiment,
    Metric,
    Metrics,
    Style,
    TargetingRules,
)
from tests._codec.payloads import MISSING, NEAR_MISSES, payloads, plainest
from tests.support import strategies, wire


NEVER_DECODED = {"Page", "VariantTotals"}
"""Models that the client makes itself."""
NAMED: list[type] = [vars(models)[name] for name in models.__all__]
CLASSES = [
    cls
    for cls in (*NAMED, Position)
    if attrs.has(cls) and cls.__name__ not in NEVER_DECODED
]
REFUSALS = (Mismatch, BaseValidationError, KeyError, TypeError, ValueError)
"""What a converter may raise for a payload of another shape."""


def compiled(cls: type, payload: object) -> object:
    """Decode with the compiled hooks alone."""
    return compiled_converter().structure(copy.deepcopy(payload), cls)


def build_or_none(using: Converter, cls: Any, payload: object) -> object:
    """Return the object that a converter builds, or None where it refuses."""
    try:
        return using.structure(copy.deepcopy(payload), cls)
    except REFUSALS:
        return None


def check(cls: type, payload: object) -> object:
    """Check that both converters build the same or refuse; return what is built."""
    expected = build_or_none(converter(), cls, payload)
    built = build_or_none(compiled_converter(), cls, payload)
    if built is None and wire.has_large_float(payload):
        # It may have been an integer: then the text is read again, exactly.
        built = expected
    assert built == expected, payload
    assert repr(built) == repr(expected)
    assert type(built) in {cls, NoneType}
    if expected is None:
        with pytest.raises(DecodeError) as refused:
            decode(cls, copy.deepcopy(payload))
        assert refused.value.problems
        assert all(problem.startswith("$") for problem in refused.value.problems)
    return expected


def places(value: object) -> list[tuple[Any, Any]]:
    """List every container in a payload with each of its keys."""
    if isinstance(value, dict):
        keys: list[Any] = list(value)
    elif isinstance(value, list):
        keys = list(range(len(value)))
    else:
        return []
    own = [(value, key) for key in keys]
    return own + [place for key in keys for place in places(value[key])]


def mutate(payload: dict[str, object], data: st.DataObject) -> None:
    """Replace, drop or add something somewhere."""
    container, key = data.draw(st.sampled_from(places(payload)))
    change = data.draw(st.sampled_from(("replace", "drop", "add")))
    if change == "replace":
        container[key] = data.draw(strategies.json_values)
    elif change == "drop":
        del container[key]
    elif isinstance(container, dict):
        container[data.draw(strategies.text)] = data.draw(strategies.json_values)
    else:
        container.append(data.draw(strategies.json_values))


@pytest.mark.parametrize("cls", CLASSES)
def test_every_field(cls: type) -> None:
    """Both agree on every near miss of every field, also with an unknown key."""
    complete = plainest(cls)
    assert check(cls, complete) is not None
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
def test_any_payload(cls: type, data: st.DataObject) -> None:
    """Both agree on payloads that are drawn from the fields of a class."""
    check(cls, data.draw(payloads(cls) | strategies.json_values))


@given(strategies.answers)
def test_valid(answer: tuple[object, dict[str, object]]) -> None:
    """Every answer is decoded to the model that it was made from."""
    model, payload = answer
    assert check(type(model), payload) == model
    assert decode(type(model), payload) == model


@given(strategies.answers, st.data())
def test_mutated(answer: tuple[object, dict[str, object]], data: st.DataObject) -> None:
    """Both agree on answers with up to four changes."""
    model, payload = answer
    for _ in range(data.draw(st.integers(1, 4))):
        if places(payload):
            mutate(payload, data)
    check(type(model), payload)


@given(
    st.lists(strategies.experiments.map(wire.experiment), min_size=1, max_size=3),
    st.data(),
)
def test_same_errors(payload: list[dict[str, object]], data: st.DataObject) -> None:
    """An item that the compiled hooks began to build is reported as if alone."""
    mutate(payload[-1], data)
    kind: Any = tuple[Experiment, ...]
    try:
        expected: object = converter().structure(copy.deepcopy(payload), kind)
    except Exception:  # noqa: BLE001 - only whether there is one counts
        with pytest.raises(DecodeError) as again:
            decode_entities(Experiment, [copy.deepcopy(payload[-1])])
        last = f"$.entities[{len(payload) - 1}]"
        with pytest.raises(DecodeError) as caught:
            decode_entities(Experiment, payload)
        assert caught.value.problems == tuple(
            problem.replace("$.entities[0]", last, 1)
            for problem in again.value.problems
        )
    else:
        assert decode_entities(Experiment, payload) == expected


@given(strategies.dom_modifications)
def test_an_ordinary_object(modification: DomModification) -> None:
    """What is built is of its own class, frozen, with every attribute."""
    payload = wire.modification(modification)
    assume(not wire.has_large_float(payload))
    built = compiled(DomModification, payload)
    assert type(built) is DomModification
    assert attrs.asdict(built) == attrs.asdict(modification)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        built.selector = "h2"  # type: ignore[misc]


STYLE = {"property": "color", "value": "red"}


@pytest.mark.parametrize(
    ("payload", "extra"),
    [
        pytest.param(STYLE, {}, id="complete"),
        pytest.param({**STYLE, "new": 1}, {"new": 1}, id="more"),
        pytest.param(
            {**STYLE, "additionalProperties": {}},
            {"additionalProperties": {}},
            id="own-name",
        ),
    ],
)
def test_unknown_keys(payload: object, extra: object) -> None:
    """Unknown keys are kept beside all the known ones."""
    expected = Style("color", "red", additional_properties=extra)  # type: ignore[arg-type]
    assert compiled(Style, payload) == expected


def test_unknown_key_in_place_of_a_known_one() -> None:
    """An unknown key is kept where a known one is missing."""
    built = compiled(Metric, {"eventName": "e", "new": 1})
    assert built == Metric("e", additional_properties={"new": 1})


def test_known_key_found_missing_late() -> None:
    """A missing key and an unknown one do not change the other fields."""
    experiment = Experiment(
        id="e",
        key="k",
        name="n",
        status="running",
        created_at=datetime(2026, 4, 30, tzinfo=UTC),
        traffic_allocation=50,
        metrics=Metrics(secondary=[Metric("e")]),
    )
    payload = wire.experiment(experiment)
    del payload["variants"]
    assert compiled(Experiment, {**payload, "new": 1}) == experiment


@pytest.mark.parametrize(
    "payload", [{}, {"urlPatterns": None}, {"queryParams": None}], ids=str
)
def test_missing_array_is_empty(payload: object) -> None:
    """An array that is missing or null is decoded to its default, an empty tuple."""
    assert check(TargetingRules, payload) == TargetingRules()


def test_built_already() -> None:
    """An object of the class is returned as it is."""
    style = Style("a", "b")
    assert compiled_converter().structure(style, Style) is style


@attrs.frozen
class Checked:
    """A class with a validator."""

    name: str = attrs.field(validator=attrs.validators.min_len(1))


@attrs.frozen
class Completed:
    """A class with a post-init method."""

    name: str

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or "unnamed")


@attrs.frozen(slots=False)
class Open:
    """A class whose instances take any attribute."""

    name: str


@pytest.mark.parametrize(
    ("cls", "expected"),
    [
        pytest.param(Style, True, id="slots"),
        pytest.param(Checked, False, id="validator"),
        pytest.param(Completed, False, id="post-init"),
        pytest.param(Open, False, id="dict"),
        pytest.param(str, False, id="no-attrs"),
    ],
)
def test_is_compilable(cls: type, *, expected: bool) -> None:
    """Only plain classes with slots get a compiled hook."""
    assert is_compilable(cls) is expected


def test_class_with_a_post_init() -> None:
    """A class that needs its `__init__` is built by it."""
    assert compiled(Completed, {"name": ""}) == Completed("unnamed")


def test_every_class_is_compilable() -> None:
    """Every model is decoded by compiled hooks."""
    assert len(CLASSES) > 20
    assert [cls.__name__ for cls in CLASSES if not is_compilable(cls)] == []
