"""The counts of an experiment, by day and arm, from what the API answers."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import attrs

from ours_experiments.analysis.rules import check_number
from ours_experiments.errors import ConfigurationError
from ours_experiments.models import (
    DayVariant,
    Experiment,
    Results,
    TimeSeries,
    Variant,
    VariantResult,
)


if TYPE_CHECKING:
    from numpy import bool_, float64
    from numpy.typing import NDArray

    Floats = NDArray[float64]
    Flags = NDArray[bool_]

Row = VariantResult | DayVariant
Pair = tuple[int, int]
"""Impressions and conversions."""


@attrs.frozen(eq=False)
class Daily:
    """The counts of one arm on each day with traffic, oldest first."""

    impressions: "Floats"
    conversions: "Floats"


@attrs.frozen
class Counts:
    """The counts of all arms that take part."""

    days: tuple[date, ...]
    """The days with impressions; empty where there is no series."""
    by_day: Mapping[str, tuple[Pair, ...]]
    """For each variant a pair for each day; without days a pair for all of them."""

    def total(self, id: str) -> Pair:
        """Return the impressions and conversions of a variant over all days."""
        pairs = self.by_day[id]
        return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)

    def daily(self, id: str) -> Daily:
        """Return the counts of a variant as arrays."""
        import numpy as np  # noqa: PLC0415 - scipy brings it

        table = np.array(self.by_day[id], dtype=float).reshape(-1, 2)
        return Daily(table[:, 0], table[:, 1])


def read_counts(
    variants: Sequence[Variant],
    results: Results,
    series: TimeSeries | None,
    as_of: date | None,
) -> Counts:
    """Return the counts of the variants up to a day.

    Rows of the same variant and day are added up, so that a day that is answered in
    two parts counts once.
    """
    if series is None:
        totals = add_up(results.variants)
        return Counts(
            (), {variant.id: (totals.get(variant.id, (0, 0)),) for variant in variants}
        )
    rows: dict[date, list[DayVariant]] = {}
    for day in series.days:
        if as_of is None or day.date <= as_of:
            rows.setdefault(day.date, []).extend(day.variants)
    by_date = {day: add_up(rows[day]) for day in sorted(rows)}
    with_traffic = [
        day
        for day, counts in by_date.items()
        if any(counts.get(variant.id, (0, 0))[0] for variant in variants)
    ]
    return Counts(
        tuple(with_traffic),
        {
            variant.id: tuple(
                by_date[day].get(variant.id, (0, 0)) for day in with_traffic
            )
            or ((0, 0),)
            for variant in variants
        },
    )


def add_up(rows: Iterable[Row]) -> dict[str, Pair]:
    """Return the impressions and conversions of each variant over all rows."""
    totals: dict[str, Pair] = {}
    for row in rows:
        impressions, conversions = totals.get(row.id, (0, 0))
        totals[row.id] = impressions + row.impressions, conversions + row.conversions
    return totals


def rows_of(series: TimeSeries | None) -> list[DayVariant]:
    """Return the rows of all days."""
    if series is None:
        return []
    return [row for day in series.days for row in day.variants]


def check_source(
    name: str, experiment: Experiment, results: object, series: object
) -> None:
    """Refuse what is not the results and time series of this experiment.

    Args:
        name: What stands before the arguments' names in an error.
        experiment: The experiment that they should belong to.
        results: What was given as results.
        series: What was given as a time series; None is allowed.
    """
    if not isinstance(results, Results):
        raise ConfigurationError(
            f"{name}results must be Results, not {type(results).__name__}"
        )
    if series is not None and not isinstance(series, TimeSeries):
        raise ConfigurationError(
            f"{name}series must be a TimeSeries, not {type(series).__name__}"
        )
    check_rows(f"{name}results", experiment, results.variants)
    check_rows(f"{name}series", experiment, rows_of(series))


def check_rows(name: str, experiment: Experiment, rows: Sequence[Row]) -> None:
    """Refuse counts that are not integers, and rows of another experiment."""
    for row in rows:
        for field in ("impressions", "conversions"):
            value: object = getattr(row, field)
            if isinstance(value, bool) or not isinstance(value, int):
                raise ConfigurationError(
                    f"{name}: {field} of {row.id!r:.60} must be an integer, "
                    f"not {value!r:.40}"
                )
    known = {variant.id for variant in experiment.variants or ()}
    if known and rows and known.isdisjoint(row.id for row in rows):
        raise ConfigurationError(
            f"{name} must belong to experiment {experiment.id!r:.60}: "
            "none of its variants is in them"
        )


def check_weights(experiment: Experiment) -> tuple[Variant, ...]:
    """Return the variants; refuse an experiment without usable weights."""
    if not experiment.variants:
        raise ConfigurationError(
            "experiment.variants must be known: retrieve() answers them, "
            "a listing may not"
        )
    for index, variant in enumerate(experiment.variants):
        check_number(
            f"experiment.variants[{index}].weight",
            variant.weight,
            0,
            100,
            low_allowed=True,
            high_allowed=True,
        )
    return experiment.variants
