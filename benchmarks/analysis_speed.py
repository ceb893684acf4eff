"""What an analysis costs: `python -m benchmarks.analysis_speed`.

Processor time of `analyze` once scipy is loaded, against the milliseconds that it may
take on a machine of 2026: the median of 30 calls.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from statistics import quantiles
from time import process_time

from benchmarks.measuring import Comparison, Goal, Options, run_alone
from ours_experiments.analysis import analyze
from ours_experiments.models import (
    Day,
    DayVariant,
    Experiment,
    ExperimentStatus,
    Results,
    TimeSeries,
    Variant,
    VariantResult,
)


ARMS = ("control", "a", "b", "c")
GOALS = {28: 10.0, 366: 150.0}
"""Milliseconds by days."""


def counts_of(day: int, arm: int) -> tuple[int, int]:
    """Return the impressions and conversions of an arm on a day."""
    return 1_000, 100 + (day * 7 + arm * 3) % 11


def measure(days: int, calls: int) -> list[float]:
    """Return the milliseconds of each analysis of so many days."""
    experiment = Experiment(
        id="exp",
        key="exp",
        name="exp",
        status=ExperimentStatus.RUNNING,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        traffic_allocation=100,
        variants=tuple(
            Variant(
                id=variant_id,
                experiment_id="exp",
                name=variant_id,
                is_control=variant_id == "control",
                weight=25,
            )
            for variant_id in ARMS
        ),
    )
    series = TimeSeries(
        tuple(
            Day(
                date(2026, 1, 1) + timedelta(days=day),
                tuple(
                    DayVariant(
                        id=variant_id,
                        impressions=counts_of(day, arm)[0],
                        conversions=counts_of(day, arm)[1],
                        conversion_rate=0.1,
                    )
                    for arm, variant_id in enumerate(ARMS)
                ),
            )
            for day in range(days)
        )
    )
    results = Results(
        tuple(
            VariantResult(
                id=row.id,
                name=row.id,
                is_control=row.id == "control",
                impressions=row.impressions,
                conversions=row.conversions,
                conversion_rate=row.conversion_rate,
                probability_to_be_best=0.25,
            )
            for row in series.totals()
        )
    )
    analyze(experiment, results, series)
    times: list[float] = []
    for _ in range(calls):
        started = process_time()
        analyze(experiment, results, series)
        times.append((process_time() - started) * 1_000)
    return times


def compare(options: Options) -> Iterator[Comparison]:
    """Measure a run of four weeks, and one of a year."""
    for days, limit in GOALS.items():
        times = measure(days, options.rounds(30))
        low, middle, high = quantiles(times, n=4)
        yield Comparison(
            f"analyze {days} days of 4 arms",
            "ours",
            f"{limit:g} ms",
            "ms CPU",
            middle,
            limit,
            middle / limit,
            low / limit,
            high / limit,
            Goal(1.0),
        )


if __name__ == "__main__":
    run_alone(compare, __doc__)
