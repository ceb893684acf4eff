"""Encoding: drafts become the API's JSON, with every unknown key that was read."""

import copy
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import attrs
import orjson
import pytest
from hypothesis import given

from ours_experiments._codec.converter import decode, encode
from ours_experiments.drafts import (
    ExperimentPatch,
    NewExperiment,
    NewVariant,
    VariantPatch,
)
from ours_experiments.models import (
    DomAction,
    DomModification,
    ExperimentType,
    Metric,
    Metrics,
    QueryParam,
    Style,
    TargetingRules,
)
from tests.support import strategies


PARAM = {"key": "k", "operator": "exists"}
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


@given(strategies.bodies)
def test_encode(body: tuple[object, dict[str, object]]) -> None:
    """Every draft is encoded to the JSON that the API documents."""
    draft, payload = body
    assert orjson.loads(orjson.dumps(encode(draft))) == orjson.loads(
        orjson.dumps(payload)
    )


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
    """A draft omits fields that are not given, and sends null to clear one."""
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
    """A body consists of plain JSON types that any serialiser takes."""
    rules = TargetingRules(visitor_properties=MappingProxyType({}), query_params=())
    body = encode(NewExperiment("s", "n", type="ab", targeting_rules=rules))
    assert type(find(body)) in {str, list, dict}


@pytest.mark.parametrize(("cls", "payload"), CONTENT)
def test_unknown_keys_return(cls: type, payload: object) -> None:
    """Decoding and encoding keeps unknown keys at every level."""
    assert encode(decode(cls, copy.deepcopy(payload))) == payload


def test_unknown_keys_survive_a_change() -> None:
    """Unknown keys survive a change of another field and a patch."""
    rules = {"urlPatterns": ["/a"], "new": 1, "queryParams": [{**PARAM, "new": 2}]}
    read = decode(TargetingRules, copy.deepcopy(rules))
    patch = ExperimentPatch(targeting_rules=attrs.evolve(read, url_patterns=["/b"]))
    assert encode(patch) == {"targetingRules": {**rules, "urlPatterns": ["/b"]}}


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
    """A field wins over an unknown key of its name, even where it is omitted."""
    assert encode(value) == expected
