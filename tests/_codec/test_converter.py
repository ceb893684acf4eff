"""Between JSON and the package's classes."""

import copy
import subprocess
import sys
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ours_experiments._codec.converter import decode, decode_entities, encode
from ours_experiments.drafts import (
    ExperimentPatch,
    NewExperiment,
    NewVariant,
    VariantPatch,
)
from ours_experiments.errors import DecodeError
from ours_experiments.models import (
    DomAction,
    DomModification,
    DraftChanges,
    Experiment,
    ExperimentType,
    Metric,
    Metrics,
    QueryParam,
    Results,
    Settings,
    Style,
    TargetingRules,
    TimeSeries,
    Transition,
    Variant,
)
from tests.support import strategies, wire


CLASSES = (Experiment, Transition, Results, TimeSeries, Settings, DraftChanges)
LEAST = {
    "id": "e",
    "key": "k",
    "name": "n",
    "status": "running",
    "createdAt": "2026-04-30T18:42:11.219Z",
    "trafficAllocation": 50,
}
VARIANT = {
    "id": "v",
    "experimentId": "e",
    "name": "n",
    "isControl": False,
    "weight": 1,
}


def experiment(**fields: object) -> dict[str, object]:
    """Make an experiment's JSON out of what is required and some fields."""
    return copy.deepcopy({**LEAST, **fields})


def problems(cls: type, payload: object, *, at: str = "$") -> tuple[str, ...]:
    """Decode what cannot be decoded, and tell why it cannot."""
    with pytest.raises(DecodeError) as caught:
        decode(cls, payload, at=at)
    return caught.value.problems


@given(strategies.answers)
def test_decode(answer: tuple[object, dict[str, object]]) -> None:
    """Every answer is decoded to the object that it was made of."""
    model, payload = answer
    assert decode(type(model), payload) == model


@given(st.lists(strategies.experiments, max_size=3))
def test_decode_entities(experiments: list[Experiment]) -> None:
    """A list is decoded to a tuple in the same order."""
    payload = [wire.experiment(each) for each in experiments]
    assert decode_entities(Experiment, payload) == tuple(experiments)


@given(strategies.bodies)
def test_encode(body: tuple[object, dict[str, object]]) -> None:
    """Every draft is encoded to JSON in the wire's words."""
    draft, payload = body
    assert orjson.loads(orjson.dumps(encode(draft))) == orjson.loads(
        orjson.dumps(payload)
    )


def test_problem_below_a_path() -> None:
    """Paths begin where the caller says that the payload is."""
    assert problems(Variant, {**VARIANT, "id": 3}, at="$.entities[4]") == (
        "$.entities[4].id: expected str, got int",
    )


def test_problem_in_a_list() -> None:
    """A list tells which of its items are wrong."""
    with pytest.raises(DecodeError) as caught:
        decode_entities(Variant, [dict(VARIANT), 3])
    assert caught.value.problems == ("$.entities[1]: expected object, got int",)


def test_message() -> None:
    """The error's text shows the first problems only."""
    with pytest.raises(DecodeError) as caught:
        decode(Experiment, {})
    assert str(caught.value) == (
        "the answer has another shape: "
        "$.id: missing; $.key: missing; $.name: missing; and 3 more"
    )


def test_error_keeps_no_payload() -> None:
    """The error holds on to nothing that was in the answer."""
    with pytest.raises(DecodeError) as caught:
        decode(Experiment, experiment(id=3))
    assert (caught.value.__context__, caught.value.__cause__) == (None, None)


@given(strategies.json_values, st.sampled_from(CLASSES))
def test_any_json(payload: object, cls: type) -> None:
    """Whatever JSON comes, only a DecodeError is raised."""
    with pytest.raises(DecodeError):
        decode(cls, payload)


@given(strategies.experiments.map(wire.experiment), st.data())
def test_any_field(payload: dict[str, object], data: st.DataObject) -> None:
    """Whatever a field holds, decoding ends in an object or a DecodeError."""
    name = data.draw(st.sampled_from(sorted(payload)))
    payload[name] = data.draw(strategies.json_values)
    try:
        assert isinstance(decode(Experiment, payload), Experiment)
    except DecodeError as error:
        assert all(each.startswith(f"$.{name}") for each in error.problems)  # noqa: PT017


def deep(levels: int) -> object:
    """Nest arrays."""
    value: object = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(deep(100_000), id="alone"),
        pytest.param(experiment() | {"id": deep(100_000)}, id="field"),
        pytest.param(experiment(id=10**5000), id="huge"),
    ],
)
def test_extremes_refused(payload: object) -> None:
    """Depth and size of a wrong value do not matter."""
    problems(Experiment, payload)


def nest(levels: int) -> Any:
    """Nest objects."""
    return orjson.loads(b'{"a":' * levels + b"1" + b"}" * levels)


def test_depth_passes_through() -> None:
    """What is passed through may be nested, is displayed, compared and sent again."""
    nested = nest(199)
    rules = decode(TargetingRules, {"visitorProperties": nested, "new": nested})
    sent = encode(rules)
    assert sent["new"] is nested
    assert sent["visitorProperties"] == rules.visitor_properties
    assert orjson.loads(orjson.dumps(sent)) == sent
    assert repr(rules)


@pytest.mark.parametrize("name", ["visitorProperties", "new"])
def test_depth_refused(name: str) -> None:
    """What could neither be displayed nor sent again is refused where it is read."""
    (problem,) = problems(TargetingRules, {name: nest(300)})
    assert problem.endswith("expected at most 200 levels")


def test_many_wrong_values_cost_no_more_than_some() -> None:
    """Of a million wrong items an error tells ten, and their places."""
    with pytest.raises(DecodeError) as caught:
        decode_entities(Experiment, [{}] * 1_000_000)
    told = caught.value.problems
    assert len(told) == 10 * len(problems(Experiment, {}))
    assert told[-1].startswith("$.entities[9].")


def test_many_wrong_names_cost_no_more_than_some() -> None:
    """Of many wrong values in a mapping an error tells ten, and none of their names."""
    wrong = {f"secret{number}": 1 for number in range(100_000)}
    told = problems(DraftChanges, {"count": 1, "differences": wrong})
    assert told == ("$.differences.*: expected object, got int",) * 10


def test_what_has_another_shape_is_forgotten() -> None:
    """A traceback that shows locals does not show an answer that makes no sense."""
    payload: dict[str, object] = {"headers": {"Authorization": "Bearer s3cret"}}
    problems(Experiment, payload)
    assert payload == {}


def test_huge_number_taken() -> None:
    """A number beyond every machine type is a number still."""
    assert (
        decode(Experiment, experiment(trafficAllocation=10**400)).traffic_allocation
        == 10**400
    )


CONTENT: tuple[Any, ...] = (
    pytest.param(
        TargetingRules,
        {
            "urlPatterns": ["/a"],
            "queryParams": [{"key": "k", "operator": "near", "new": {"a": [1]}}],
            "visitorProperties": {"a": None},
            "new": None,
        },
        id="targeting-rules",
    ),
    pytest.param(
        Metrics,
        {
            "primary": {"eventName": "e", "new": 1},
            "secondary": [{"funnelId": "f", "new": 2}],
            "new": [3],
        },
        id="metrics",
    ),
    pytest.param(
        DomModification,
        {
            "selector": "h1",
            "action": "spin",
            "styles": [{"property": "a", "value": "b", "new": 1}],
            "attribute": {"tabindex": 0},
            "additionalProperties": {"additional_properties": 1},
        },
        id="modification",
    ),
)


@pytest.mark.parametrize(("cls", "payload"), CONTENT)
def test_unknown_keys_return(cls: type, payload: object) -> None:
    """What is written back whole keeps the keys that it does not know."""
    assert encode(decode(cls, copy.deepcopy(payload))) == payload


def test_unknown_keys_survive_a_change() -> None:
    """Unknown keys of every level survive reading, changing and patching."""
    rules = {"urlPatterns": ["/a"], "new": 1, "queryParams": [{**PARAM, "new": 2}]}
    read = decode(Experiment, experiment(targetingRules=rules)).targeting_rules
    assert read is not None
    patch = ExperimentPatch(targeting_rules=attrs.evolve(read, url_patterns=["/b"]))
    assert encode(patch) == {"targetingRules": {**rules, "urlPatterns": ["/b"]}}


PARAM = {"key": "k", "operator": "exists"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(
            Style("a", "b", additional_properties={"value": "c", "new": 1}),
            {"property": "a", "value": "b", "new": 1},
            id="given",
        ),
        pytest.param(
            QueryParam("k", "exists", additional_properties={"value": "c"}),
            PARAM,
            id="left-out",
        ),
    ],
)
def test_declared_fields_win(value: object, expected: object) -> None:
    """A field wins over an unknown key of its name, also where it is left out."""
    assert encode(value) == expected


@pytest.mark.parametrize(
    ("draft", "expected"),
    [
        pytest.param(
            NewExperiment("s", "n", type=ExperimentType.AB),
            {"experimentSettingsId": "s", "name": "n", "type": "ab"},
            id="none-left-out",
        ),
        pytest.param(
            ExperimentPatch(description=None, metrics=Metrics(Metric("e"))),
            {
                "description": None,
                "metrics": {"primary": {"eventName": "e"}, "secondary": []},
            },
            id="none-clears",
        ),
        pytest.param(
            VariantPatch(redirect_url=None, dom_modifications=()),
            {"redirectUrl": None, "domModifications": []},
            id="empty-is-sent",
        ),
        pytest.param(
            NewVariant(
                "e",
                "n",
                50,
                dom_modifications=[
                    DomModification("h1", DomAction.SET_STYLE, styles=[Style("a", "b")])
                ],
            ),
            {
                "experimentId": "e",
                "name": "n",
                "weight": 50,
                "domModifications": [
                    {
                        "selector": "h1",
                        "action": "setStyle",
                        "styles": [{"property": "a", "value": "b"}],
                    }
                ],
            },
            id="nested",
        ),
    ],
)
def test_bodies(draft: object, expected: object) -> None:
    """Drafts leave out what is not given, and send null where that clears."""
    assert encode(draft) == expected


@pytest.mark.parametrize(
    "find",
    [
        pytest.param(lambda body: body["type"], id="enum"),
        pytest.param(lambda body: body["targetingRules"]["queryParams"], id="tuple"),
        pytest.param(
            lambda body: body["targetingRules"]["visitorProperties"], id="mapping"
        ),
    ],
)
def test_plain_json(find: Callable[[Any], object]) -> None:
    """A body is made of plain JSON types, ready for any serialiser."""
    rules = TargetingRules(visitor_properties=MappingProxyType({}), query_params=())
    body = encode(NewExperiment("s", "n", type="ab", targeting_rules=rules))
    assert type(find(body)) in {str, list, dict}


def test_nothing_is_generated_at_import() -> None:
    """Hooks are generated with the first use, not at import."""
    script = (
        "from ours_experiments._codec import converter as c;"
        "print([f.cache_info().currsize for f in (c.converter, c.compiled_converter)])"
    )
    ran = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[0, 0]"
