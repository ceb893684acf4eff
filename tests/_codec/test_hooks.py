"""What each kind of field takes."""

import copy
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import pytest

from ours_experiments._codec.converter import decode
from ours_experiments.errors import DecodeError
from ours_experiments.models import (
    DraftChanges,
    Experiment,
    ExperimentStatus,
    ExperimentType,
    Metric,
    Metrics,
    TargetingRules,
    TimeSeries,
    Variant,
)


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
    """A timestamp is read in UTC, whatever its offset."""
    created_at = decode(Experiment, experiment(createdAt=text)).created_at
    assert (created_at, created_at.utcoffset()) == (expected, timedelta())


def test_calendar_day() -> None:
    """The day of a series is a date."""
    series = decode(TimeSeries, {"days": [{"date": "2026-04-30", "variants": []}]})
    assert series.days[0].date == date(2026, 4, 30)


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
    """What is wrong is told with the wire's names, all of it at once."""
    assert problems(Experiment, payload) == tuple(expected)


def test_problem_in_a_mapping() -> None:
    """A problem under a key of the service's own is told without that key's text."""
    payload = {"count": 1, "differences": {"someTags": {"added": [{"id": None}]}}}
    assert problems(DraftChanges, payload) == (
        "$.differences.*.added[0].id: expected str, got null",
    )


@pytest.mark.parametrize("number", [50, 50.0])
def test_a_whole_number(number: float) -> None:
    """A number is whole whichever way JSON writes it."""
    decoded = decode(Variant, {**VARIANT, "weight": number})
    assert decoded.weight == 50
    assert type(decoded.weight) is int


def test_problem_with_a_day() -> None:
    """A day that is no date is a problem."""
    payload = {"days": [{"date": "30.4.2026", "variants": []}, {"date": 3}]}
    assert problems(TimeSeries, payload) == (
        "$.days[0].date: expected date, got other text",
        "$.days[1].date: expected date, got int",
        "$.days[1].variants: missing",
    )


def test_known_words() -> None:
    """The words of an enum are decoded to its members."""
    decoded = decode(Experiment, experiment(type="ab"))
    assert decoded.type is ExperimentType.AB
    assert decoded.status is ExperimentStatus.RUNNING


def test_new_words() -> None:
    """A word that an enum does not know stays plain text."""
    decoded = decode(Experiment, experiment(type="bandit", status="archived"))
    assert (decoded.type, decoded.status) == ("bandit", "archived")
    assert {type(decoded.type), type(decoded.status)} == {str}


def test_new_fields() -> None:
    """A field that a class does not know is ignored."""
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
    """No variants in an answer differ from an answer that tells of none."""
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
    """Metrics may lack everything; no secondary metrics are an empty tuple."""
    assert decode(Experiment, experiment(metrics=metrics)).metrics == expected


def test_no_query_params() -> None:
    """Null where conditions belong reads as none."""
    assert decode(TargetingRules, {"queryParams": None}).query_params == ()
