"""What the models do beside holding values."""

import copy
import csv
import json
import operator
import pickle
from collections.abc import Callable
from datetime import date
from io import StringIO
from types import NoneType

import attrs
import pytest
from hypothesis import given

from ours_experiments._codec.converter import decode
from ours_experiments.errors import ConfigurationError
from ours_experiments.models import (
    ChangedEntity,
    CollectionChanges,
    Day,
    DayVariant,
    DomModification,
    Experiment,
    Metric,
    Metrics,
    ModifiedEntity,
    Page,
    QueryParam,
    Results,
    Style,
    TargetingRules,
    TimeSeries,
    VariantResult,
    VariantTotals,
)
from tests.support import strategies


def result(variant_id: str, probability: float, *, control: bool) -> VariantResult:
    """Make a variant's result."""
    return VariantResult(
        id=variant_id,
        name=variant_id.upper(),
        is_control=control,
        impressions=10,
        conversions=5,
        conversion_rate=0.5,
        probability_to_be_best=probability,
    )


def day(number: int, **counts: tuple[int, int]) -> Day:
    """Make a day of variants with impressions and conversions."""
    return Day(
        date(2026, 5, number),
        tuple(
            DayVariant(
                id=variant_id,
                impressions=impressions,
                conversions=conversions,
                conversion_rate=0.5,
            )
            for variant_id, (impressions, conversions) in counts.items()
        ),
    )


BASE = result("a", 0.2, control=True)
RIVAL = result("b", 0.4, control=False)
EQUAL = result("c", 0.4, control=False)


@pytest.mark.parametrize(
    ("variants", "expected"),
    [
        pytest.param((RIVAL, BASE), BASE, id="among-others"),
        pytest.param((RIVAL,), None, id="none"),
    ],
)
def test_control(
    variants: tuple[VariantResult, ...], expected: VariantResult | None
) -> None:
    """The control's result is found wherever it stands."""
    assert Results(variants).control is expected


@pytest.mark.parametrize(
    ("variants", "expected"),
    [
        pytest.param((BASE, RIVAL), RIVAL, id="highest"),
        pytest.param((BASE, EQUAL, RIVAL), EQUAL, id="first-of-equals"),
        pytest.param((), None, id="empty"),
    ],
)
def test_best(
    variants: tuple[VariantResult, ...], expected: VariantResult | None
) -> None:
    """The best result is the most probable winner, the first among equals."""
    assert Results(variants).best is expected


def test_results_as_records() -> None:
    """Results turn into one flat dict for each variant."""
    assert Results((BASE,), experiment_id="exp_1").to_records() == [
        {
            "experiment_id": "exp_1",
            "id": "a",
            "name": "A",
            "is_control": True,
            "impressions": 10,
            "conversions": 5,
            "conversion_rate": 0.5,
            "probability_to_be_best": 0.2,
        }
    ]


def test_time_series_as_records() -> None:
    """A series turns into one flat dict for each day and variant."""
    series = TimeSeries((day(1, a=(4, 2), b=(6, 3)), day(2), day(3, a=(2, 1))))
    assert [
        (record["date"], record["id"], record["impressions"])
        for record in series.to_records()
    ] == [
        (date(2026, 5, 1), "a", 4),
        (date(2026, 5, 1), "b", 6),
        (date(2026, 5, 3), "a", 2),
    ]


def test_rates_are_floats_in_records() -> None:
    """A rate that came as a whole number does not make a column of whole numbers."""
    nobody = attrs.evolve(BASE, conversion_rate=0, probability_to_be_best=1)
    (record,) = Results((nobody,)).to_records()
    assert [repr(one) for one in list(record.values())[-2:]] == ["0.0", "1.0"]
    figures = DayVariant(id="a", impressions=0, conversions=0, conversion_rate=0)
    (record,) = TimeSeries((Day(date(2026, 5, 1), (figures,)),)).to_records()
    assert repr(record["conversion_rate"]) == "0.0"


@given(strategies.time_series)
def test_records_are_flat_and_complete(series: TimeSeries) -> None:
    """Records all have the same keys, plain values, and survive a csv file."""
    records = series.to_records()
    keys = ["experiment_id", "date", "id", "name"]
    keys += ["impressions", "conversions", "conversion_rate"]
    assert all(list(record) == keys for record in records)
    assert {type(each) for record in records for each in record.values()} <= {
        date,
        float,
        int,
        str,
        NoneType,
    }
    file = StringIO(newline="")
    writer = csv.DictWriter(file, keys)
    writer.writerows(records)
    file.seek(0)
    again = [
        (
            row["experiment_id"] or None,
            date.fromisoformat(row["date"]),
            row["id"],
            row["name"],
            int(row["impressions"]),
            int(row["conversions"]),
            float(row["conversion_rate"]) if row["conversion_rate"] else None,
        )
        for row in csv.DictReader(file, keys)
    ]
    assert again == [tuple(record.values()) for record in records]


def test_totals() -> None:
    """Totals add the days up, in the order in which variants appear."""
    series = TimeSeries((day(1, b=(4, 1)), day(2, a=(0, 1), b=(6, 2))))
    assert series.totals() == (
        VariantTotals(id="b", impressions=10, conversions=3, conversion_rate=0.3),
        VariantTotals(id="a", impressions=0, conversions=1, conversion_rate=0.0),
    )


@given(strategies.time_series)
def test_totals_lose_nothing(series: TimeSeries) -> None:
    """Totals count every impression of every day once."""
    counted = sum(total.impressions for total in series.totals())
    assert counted == sum(
        each.impressions for one_day in series.days for each in one_day.variants
    )


def test_touched_ids() -> None:
    """The changes of a collection know every entity that they touch."""
    one, two, three = (ChangedEntity(id=name) for name in "abc")
    changes = CollectionChanges((one,), (two,), (ModifiedEntity(three, three),))
    assert changes.ids == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param(
            lambda: TargetingRules(["/a"]).url_patterns, ("/a",), id="url_patterns"
        ),
        pytest.param(
            lambda: TargetingRules(query_params=[QueryParam("k", "x")]).query_params,
            (QueryParam("k", "x"),),
            id="query_params",
        ),
        pytest.param(
            lambda: Metrics(secondary=[Metric("e")]).secondary,
            (Metric("e"),),
            id="secondary",
        ),
        pytest.param(
            lambda: DomModification("h1", "setStyle", styles=[Style("a", "b")]).styles,
            (Style("a", "b"),),
            id="styles",
        ),
        pytest.param(
            lambda: DomModification("h1", "remove").styles, None, id="no-styles"
        ),
    ],
)
def test_sequences(made: Callable[[], object], expected: object) -> None:
    """A sequence of any kind is kept as a tuple."""
    assert made() == expected


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(
            lambda: TargetingRules("/pricing"),
            "url_patterns must be a sequence, not str",
            id="text",
        ),
        pytest.param(
            lambda: TargetingRules({"/a": 1}),
            "url_patterns must be a sequence, not dict",
            id="mapping",
        ),
        pytest.param(
            lambda: Metrics(secondary=Metric("e")),  # type: ignore[arg-type]
            "secondary must be a sequence, not Metric",
            id="single",
        ),
        pytest.param(
            lambda: TargetingRules(query_params=["k"]),  # type: ignore[list-item]
            r"query_params\[0\] must be QueryParam, not str",
            id="item",
        ),
        pytest.param(
            lambda: DomModification("h1", "setStyle", styles=[{}]),  # type: ignore[list-item]
            r"styles\[0\] must be Style, not dict",
            id="optional",
        ),
    ],
)
def test_sequences_refused(make: Callable[[], object], message: str) -> None:
    """What is no sequence of the right things is refused by the field's name."""
    with pytest.raises(ConfigurationError, match=f"^{message}$"):
        make()


@given(strategies.experiments)
def test_copies(experiment: Experiment) -> None:
    """A deep copy and a pickle are equal to an experiment, and have its hash."""
    pickled = pickle.loads(pickle.dumps(experiment))  # noqa: S301 - our own bytes
    assert pickled == experiment
    assert len({experiment, copy.deepcopy(experiment), pickled}) == 1


def test_frozen() -> None:
    """A model cannot be changed in place."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Metric("e").event_name = "f"  # type: ignore[misc]


def test_page() -> None:
    """A page holds what it was given."""
    page = Page(("a", "b"), None, has_more=False)
    assert (page.entities, page.next_cursor, page.has_more) == (("a", "b"), None, False)


def merge(properties: dict[str, object]) -> None:
    """Add to properties in place."""
    properties |= {"new": 1}


ADDITIONS: tuple[Callable[[dict[str, object]], object], ...] = (
    lambda properties: operator.setitem(properties, "new", 1),
    merge,
    lambda properties: properties.setdefault("new", 1),
    lambda properties: properties.update(new=1),
)


@pytest.mark.parametrize("add", ADDITIONS)
def test_no_properties_are_the_same_for_all(
    add: Callable[[dict[str, object]], object],
) -> None:
    """Objects without unknown keys share one dict, to which nobody can add."""
    decoded = decode(Style, {"property": "a", "value": "b"})
    properties = decoded.additional_properties
    assert properties is Style("c", "d").additional_properties
    assert isinstance(properties, dict)
    with pytest.raises(TypeError, match=r"attrs\.evolve"):
        add(properties)
    assert properties == {}
    assert json.dumps(attrs.asdict(decoded)["additional_properties"]) == "{}"
    for copied in (copy.deepcopy(decoded), pickle.loads(pickle.dumps(decoded))):  # noqa: S301
        assert copied.additional_properties is properties
