"""Decoding: which JSON becomes which object, and what is reported of the rest."""

import copy
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ours_experiments._codec.converter import decode, decode_entities, encode
from ours_experiments.errors import DecodeError
from ours_experiments.models import (
    DraftChanges,
    Experiment,
    ExperimentStatus,
    ExperimentType,
    Metric,
    Metrics,
    Results,
    Settings,
    TargetingRules,
    TimeSeries,
    Transition,
    Variant,
)
from tests.support import strategies, wire


CLASSES = (Experiment, Transition, Results, TimeSeries, Settings, DraftChanges)
REQUIRED = {
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
    """Return an experiment's JSON: the required fields and these."""
    return copy.deepcopy({**REQUIRED, **fields})


def problems(cls: type, payload: object, *, at: str = "$") -> tuple[str, ...]:
    """Return what a `DecodeError` reports of a payload."""
    with pytest.raises(DecodeError) as caught:
        decode(cls, payload, at=at)
    return caught.value.problems


@given(st.lists(strategies.experiments, max_size=3))
def test_decode_entities(experiments: list[Experiment]) -> None:
    """A list is decoded to a tuple in the same order."""
    payload = [wire.experiment(experiment) for experiment in experiments]
    assert decode_entities(Experiment, payload) == tuple(experiments)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "2026-04-30T18:42:11.219Z",
            datetime(2026, 4, 30, 18, 42, 11, 219000, UTC),
            id="utc",
        ),
        pytest.param(
            "2026-04-30T18:42:11+02:00",
            datetime(2026, 4, 30, 16, 42, 11, tzinfo=UTC),
            id="offset",
        ),
        pytest.param(
            "2026-04-30T18:42:11",
            datetime(2026, 4, 30, 18, 42, 11, tzinfo=UTC),
            id="naive",
        ),
    ],
)
def test_timestamps(text: str, expected: datetime) -> None:
    """A timestamp is converted to UTC; one without an offset is in UTC."""
    created_at = decode(Experiment, experiment(createdAt=text)).created_at
    assert (created_at, created_at.utcoffset()) == (expected, timedelta())


def test_calendar_day() -> None:
    """A calendar day is decoded to a date."""
    series = decode(TimeSeries, {"days": [{"date": "2026-04-30", "variants": []}]})
    assert series.days[0].date == date(2026, 4, 30)


@pytest.mark.parametrize("number", [50, 50.0])
def test_a_whole_number(number: float) -> None:
    """An integer may be written as 50 or as 50.0."""
    decoded = decode(Variant, {**VARIANT, "weight": number})
    assert decoded.weight == 50
    assert type(decoded.weight) is int


def test_huge_number_taken() -> None:
    """An integer larger than every machine type is kept exactly."""
    assert (
        decode(Experiment, experiment(trafficAllocation=10**400)).traffic_allocation
        == 10**400
    )


def test_known_words() -> None:
    """A known value of an enum is decoded to its member."""
    decoded = decode(Experiment, experiment(type="ab"))
    assert decoded.type is ExperimentType.AB
    assert decoded.status is ExperimentStatus.RUNNING


def test_new_words() -> None:
    """A value that an enum does not have stays plain text."""
    decoded = decode(Experiment, experiment(type="bandit", status="archived"))
    assert (decoded.type, decoded.status) == ("bandit", "archived")
    assert {type(decoded.type), type(decoded.status)} == {str}


def test_new_fields() -> None:
    """An unknown field is ignored where a class does not keep it."""
    assert decode(Experiment, experiment(owner={"id": 3})) == decode(
        Experiment, experiment()
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, None, id="absent"),
        pytest.param({"variants": None}, None, id="null"),
        pytest.param({"variants": []}, (), id="empty"),
    ],
)
def test_variants_of_an_answer(
    fields: Mapping[str, object], expected: tuple[Variant, ...] | None
) -> None:
    """Missing or null variants are None; an empty array is an empty tuple."""
    assert decode(Experiment, experiment(**fields)).variants == expected


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        pytest.param({"primary": {}}, Metrics(Metric()), id="empty-primary"),
        pytest.param({"secondary": None}, Metrics(), id="null-secondary"),
        pytest.param({}, Metrics(), id="empty"),
    ],
)
def test_sparse_metrics(metrics: object, expected: Metrics) -> None:
    """All metrics may be missing; secondary ones are then an empty tuple."""
    assert decode(Experiment, experiment(metrics=metrics)).metrics == expected


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param(None, ["$: expected object, got null"], id="null"),
        pytest.param([], ["$: expected object, got array"], id="array"),
        pytest.param(
            {"id": "e"},
            [
                "$.key: missing",
                "$.name: missing",
                "$.status: missing",
                "$.createdAt: missing",
                "$.trafficAllocation: missing",
            ],
            id="missing",
        ),
        pytest.param(experiment(id=3), ["$.id: expected str, got int"], id="number"),
        pytest.param(
            experiment(name=None), ["$.name: expected str, got null"], id="required"
        ),
        pytest.param(
            experiment(status=None), ["$.status: expected str, got null"], id="word"
        ),
        pytest.param(
            experiment(type=[]), ["$.type: expected str, got array"], id="optional-word"
        ),
        pytest.param(
            experiment(trafficAllocation=True),
            ["$.trafficAllocation: expected float, got bool"],
            id="bool-for-number",
        ),
        pytest.param(
            experiment(includeQueryString=1),
            ["$.includeQueryString: expected bool, got int"],
            id="number-for-bool",
        ),
        pytest.param(
            experiment(createdAt="yesterday"),
            ["$.createdAt: expected timestamp, got other text"],
            id="timestamp",
        ),
        pytest.param(
            experiment(updatedAt=0),
            ["$.updatedAt: expected timestamp, got int"],
            id="number-for-timestamp",
        ),
        pytest.param(
            experiment(createdAt="0001-01-01T00:00:00+23:59"),
            ["$.createdAt: expected timestamp, got other text"],
            id="before-time",
        ),
        pytest.param(
            experiment(variants={}),
            ["$.variants: expected array, got object"],
            id="object-for-array",
        ),
        pytest.param(
            experiment(targetingRules={"urlPatterns": "/a"}),
            ["$.targetingRules.urlPatterns: expected array, got str"],
            id="text-for-array",
        ),
        pytest.param(
            experiment(targetingRules={"urlPatterns": ["/a", 3]}),
            ["$.targetingRules.urlPatterns[1]: expected str, got int"],
            id="number-in-texts",
        ),
        pytest.param(
            experiment(targetingRules=[]),
            ["$.targetingRules: expected object, got array"],
            id="array-for-object",
        ),
        pytest.param(
            experiment(
                variants=[VARIANT, {**VARIANT, "isControl": "no", "weight": 1.5}]
            ),
            [
                "$.variants[1].isControl: expected bool, got str",
                "$.variants[1].weight: expected int, got float",
            ],
            id="nested",
        ),
        pytest.param(
            experiment(metrics={"secondary": [{"eventName": 3}]}),
            ["$.metrics.secondary[0].eventName: expected str, got int"],
            id="deeply-nested",
        ),
    ],
)
def test_problems(payload: object, expected: list[str]) -> None:
    """Every wrong field is reported at once, by its name in the JSON."""
    assert problems(Experiment, payload) == tuple(expected)


def test_problem_in_a_mapping() -> None:
    """The path of a problem replaces a mapping's key by an asterisk."""
    payload = {"count": 1, "differences": {"someTags": {"added": [{"id": None}]}}}
    assert problems(DraftChanges, payload) == (
        "$.differences.*.added[0].id: expected str, got null",
    )


def test_problem_with_a_day() -> None:
    """A day that is no date is reported with its position."""
    payload = {"days": [{"date": "30.4.2026", "variants": []}, {"date": 3}]}
    assert problems(TimeSeries, payload) == (
        "$.days[0].date: expected date, got other text",
        "$.days[1].date: expected date, got int",
        "$.days[1].variants: missing",
    )


def test_problem_below_a_path() -> None:
    """Paths start with the caller's path of the payload."""
    assert problems(Variant, {**VARIANT, "id": 3}, at="$.entities[4]") == (
        "$.entities[4].id: expected str, got int",
    )


def test_problem_in_a_list() -> None:
    """The path of a problem in a list holds the item's index."""
    with pytest.raises(DecodeError) as caught:
        decode_entities(Variant, [dict(VARIANT), 3])
    assert caught.value.problems == ("$.entities[1]: expected object, got int",)


def test_message() -> None:
    """The error's message lists three problems and counts the rest."""
    with pytest.raises(DecodeError) as caught:
        decode(Experiment, {})
    assert str(caught.value) == (
        "the answer has another shape: "
        "$.id: missing; $.key: missing; $.name: missing; and 3 more"
    )


def test_many_wrong_items() -> None:
    """Of a million wrong items the error lists the first ten."""
    with pytest.raises(DecodeError) as caught:
        decode_entities(Experiment, [{}] * 1_000_000)
    listed = caught.value.problems
    assert len(listed) == 10 * len(problems(Experiment, {}))
    assert listed[-1].startswith("$.entities[9].")


def test_many_wrong_values_of_a_mapping() -> None:
    """Of many wrong values in a mapping the error lists ten, without their keys."""
    wrong = {f"secret{number}": 1 for number in range(100_000)}
    listed = problems(DraftChanges, {"count": 1, "differences": wrong})
    assert listed == ("$.differences.*: expected object, got int",) * 10


def test_error_keeps_no_payload() -> None:
    """The error holds no reference to the answer."""
    with pytest.raises(DecodeError) as caught:
        decode(Experiment, experiment(id=3))
    assert (caught.value.__context__, caught.value.__cause__) == (None, None)


def test_payload_of_another_shape_is_cleared() -> None:
    """A traceback that shows locals does not show an answer of another shape."""
    payload: dict[str, object] = {"headers": {"Authorization": "Bearer s3cret"}}
    problems(Experiment, payload)
    assert payload == {}


@given(strategies.json_values, st.sampled_from(CLASSES))
def test_any_json(payload: object, cls: type) -> None:
    """Arbitrary JSON raises a `DecodeError` and nothing else."""
    with pytest.raises(DecodeError):
        decode(cls, payload)


@given(strategies.experiments.map(wire.experiment), st.data())
def test_any_field(payload: dict[str, object], data: st.DataObject) -> None:
    """Any value of a field gives an object, or a `DecodeError` that names the field."""
    name = data.draw(st.sampled_from(sorted(payload)))
    payload[name] = data.draw(strategies.json_values)
    try:
        assert isinstance(decode(Experiment, payload), Experiment)
    except DecodeError as error:
        assert all(path.startswith(f"$.{name}") for path in error.problems)  # noqa: PT017


def deep(levels: int) -> object:
    """Return an array inside that many arrays."""
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
    """A wrong value of any depth or size is a `DecodeError`."""
    problems(Experiment, payload)


def nest(levels: int) -> Any:
    """Return a number inside that many objects."""
    return orjson.loads(b'{"a":' * levels + b"1" + b"}" * levels)


def test_depth_passes_through() -> None:
    """Free-form JSON of 200 levels can be displayed, compared and sent again."""
    nested = nest(199)
    rules = decode(TargetingRules, {"visitorProperties": nested, "new": nested})
    sent = encode(rules)
    assert sent["new"] is nested
    assert sent["visitorProperties"] == rules.visitor_properties
    assert orjson.loads(orjson.dumps(sent)) == sent
    assert repr(rules)


@pytest.mark.parametrize("name", ["visitorProperties", "new"])
def test_depth_refused(name: str) -> None:
    """Free-form JSON of more than 200 levels is refused."""
    (problem,) = problems(TargetingRules, {name: nest(300)})
    assert problem.endswith("expected at most 200 levels")


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
