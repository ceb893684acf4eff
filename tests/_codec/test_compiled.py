"""The fast hooks: they build what the precise ones build, and refuse what they do."""

import copy
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from cattrs import BaseValidationError
from hypothesis import given
from hypothesis import strategies as st

from ours_experiments._codec.compiled import is_compilable
from ours_experiments._codec.converter import (
    compiled_converter,
    converter,
    decode_entities,
)
from ours_experiments._codec.hooks import Mismatch
from ours_experiments.errors import DecodeError
from ours_experiments.models import (
    DomModification,
    Experiment,
    Metric,
    Metrics,
    Style,
    TargetingRules,
)
from tests.support import strategies, wire


REFUSALS = (Mismatch, BaseValidationError, KeyError, TypeError, ValueError)
"""What the fast hooks may raise, and `decode` answers by asking the precise ones."""


def fast(cls: type, payload: object) -> object:
    """Decode with the fast hooks alone."""
    return compiled_converter().structure(copy.deepcopy(payload), cls)


def precise(cls: type, payload: object) -> object:
    """Decode with the precise hooks alone."""
    return converter().structure(copy.deepcopy(payload), cls)


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


@given(strategies.answers)
def test_valid(answer: tuple[object, dict[str, object]]) -> None:
    """What is valid is built without the help of the precise hooks."""
    model, payload = answer
    built = fast(type(model), payload)
    assert built == model
    assert repr(built) == repr(precise(type(model), payload))


@given(strategies.answers, st.data())
def test_mutated(answer: tuple[object, dict[str, object]], data: st.DataObject) -> None:
    """What became something else is built alike, or refused by both."""
    model, payload = answer
    for _ in range(data.draw(st.integers(1, 4))):
        if places(payload):
            mutate(payload, data)
    try:
        expected = precise(type(model), payload)
    except Exception:  # noqa: BLE001 - the other tests tell which error it is
        with pytest.raises(REFUSALS):
            fast(type(model), payload)
    else:
        built = fast(type(model), payload)
        assert built == expected
        assert repr(built) == repr(expected)


@given(st.lists(strategies.experiments.map(wire.experiment), min_size=1), st.data())
def test_same_errors(payload: list[dict[str, object]], data: st.DataObject) -> None:
    """What the fast hooks have begun to build does not change what is wrong."""
    mutate(payload[-1], data)
    kind: Any = tuple[Experiment, ...]
    try:
        expected: object = precise(kind, payload)
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
    """What is built is of its own class, frozen and complete."""
    built = fast(DomModification, wire.modification(modification))
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
    """Unknown keys are kept where all the known ones are there."""
    expected = Style("color", "red", additional_properties=extra)  # type: ignore[arg-type]
    assert fast(Style, payload) == expected


def test_unknown_key_in_place_of_a_known_one() -> None:
    """An unknown key is told from a missing one, however many there are."""
    built = fast(Metric, {"eventName": "e", "new": 1})
    assert built == Metric("e", additional_properties={"new": 1})


def test_known_key_found_missing_late() -> None:
    """What was built before a key was found missing is not built again."""
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
    assert fast(Experiment, {**payload, "new": 1}) == experiment


def test_missing_array_is_empty() -> None:
    """An array that is missing or null reads as empty where that is its default."""
    payload = {"urlPatterns": None}
    assert fast(TargetingRules, payload) == TargetingRules()
    assert precise(TargetingRules, payload) == TargetingRules()


def test_built_already() -> None:
    """What is an object already is taken as it is."""
    style = Style("a", "b")
    assert compiled_converter().structure(style, Style) is style


@attrs.frozen
class Checked:
    """A class with a validator."""

    name: str = attrs.field(validator=attrs.validators.min_len(1))


@attrs.frozen
class Completed:
    """A class that completes itself."""

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
def test_is_flat(cls: type, *, expected: bool) -> None:
    """Only classes that are no more than their slots are built the fast way."""
    assert is_compilable(cls) is expected


def test_other_classes() -> None:
    """A class that needs its `__init__` is built through it."""
    assert fast(Completed, {"name": ""}) == Completed("unnamed")
