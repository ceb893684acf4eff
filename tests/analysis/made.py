"""Experiments, results and time series with given counts."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import attrs

from ours_experiments.analysis import Analysis, Rules, analyze
from ours_experiments.models import (
    Day,
    DayVariant,
    Experiment,
    ExperimentStatus,
    ExperimentType,
    Results,
    TimeSeries,
    Variant,
    VariantResult,
)


FIRST = date(2026, 8, 3)
"""A Monday."""

Row = Sequence[tuple[int, int]]
"""Conversions and impressions of each arm, control first."""


@attrs.frozen
class Case:
    """What `analyze` is given."""

    experiment: Experiment
    results: Results
    series: TimeSeries

    def analyze(
        self, rules: Rules | None = None, *, as_of: date | None = None
    ) -> Analysis:
        """Analyze it."""
        return analyze(
            self.experiment,
            self.results,
            self.series,
            rules=rules or Rules(),
            as_of=as_of,
        )


def names_of(count: int) -> list[str]:
    """Return the ids of a control and treatments."""
    return ["control", *(f"treatment_{number}" for number in range(1, count))]


def make_experiment(
    weights: Sequence[int] = (50, 50),
    *,
    status: ExperimentStatus = ExperimentStatus.RUNNING,
    type: ExperimentType = ExperimentType.AB,
    updated_at: datetime | None = None,
) -> Experiment:
    """Make an experiment with a variant for each weight, control first."""
    return Experiment(
        id="exp_1",
        key="exp-1",
        name="Checkout",
        type=type,
        status=status,
        created_at=datetime(2026, 8, 1, tzinfo=UTC),
        updated_at=updated_at,
        traffic_allocation=100,
        variants=tuple(
            Variant(
                id=variant_id,
                experiment_id="exp_1",
                name=variant_id.title(),
                is_control=variant_id == "control",
                weight=weight,
            )
            for variant_id, weight in zip(names_of(len(weights)), weights, strict=True)
        ),
    )


def make_results(totals: Row, probability: float = 0.5) -> Results:
    """Make results of these counts."""
    return Results(
        tuple(
            VariantResult(
                id=variant_id,
                name=variant_id.title(),
                is_control=variant_id == "control",
                impressions=impressions,
                conversions=conversions,
                conversion_rate=0.0,
                probability_to_be_best=probability,
            )
            for variant_id, (conversions, impressions) in zip(
                names_of(len(totals)), totals, strict=True
            )
        )
    )


def make_series(rows: Sequence[Row], days: Sequence[date] | None = None) -> TimeSeries:
    """Make a series of these rows; by default of days without a gap."""
    dates = days or [FIRST + timedelta(days=number) for number in range(len(rows))]
    return TimeSeries(
        tuple(
            Day(
                day,
                tuple(
                    DayVariant(
                        id=variant_id,
                        impressions=impressions,
                        conversions=conversions,
                        conversion_rate=0.0,
                    )
                    for variant_id, (conversions, impressions) in zip(
                        names_of(len(row)), row, strict=True
                    )
                ),
            )
            for day, row in zip(dates, rows, strict=True)
        )
    )


def totals_of(rows: Sequence[Row]) -> Row:
    """Add up conversions and impressions of each arm."""
    return [
        (sum(pair[0] for pair in arm), sum(pair[1] for pair in arm))
        for arm in zip(*rows, strict=True)
    ]


def make_case(
    rows: Sequence[Row],
    weights: Sequence[int] = (50, 50),
    days: Sequence[date] | None = None,
) -> Case:
    """Make a running experiment whose results are the sum of its days."""
    return Case(
        make_experiment(weights),
        make_results(totals_of(rows)),
        make_series(rows, days),
    )


def day(number: int) -> date:
    """Return a day of the run; the first is 1."""
    return FIRST + timedelta(days=number - 1)
