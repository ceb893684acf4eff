"""Results of the variants of an experiment."""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import chain

import attrs

from ours_experiments._html import html_table
from ours_experiments._text import format_percent
from ours_experiments.models._records import record_of


@attrs.frozen(kw_only=True)
class VariantResult:
    """The results of a variant over the whole run."""

    id: str
    """The variant's identifier."""
    name: str
    """The variant's name."""
    is_control: bool
    """Whether this is the control."""
    impressions: int
    """The number of times the variant was served: events, not visitors."""
    conversions: int
    """The number of conversion events; may exceed the impressions."""
    conversion_rate: float | None = None
    """Conversions per impression; 0 without impressions; None: unknown."""
    probability_to_be_best: float | None = None
    """The probability that no other variant is better, 0 to 1; None: unknown."""


@attrs.frozen
class Results:
    """The results of an experiment's variants."""

    variants: tuple[VariantResult, ...]
    """The results of each variant."""
    experiment_id: str | None = attrs.field(default=None, kw_only=True, eq=False)
    """The experiment's identifier; None: unknown."""

    @property
    def control(self) -> VariantResult | None:
        """Return the control's results; None without a control."""
        return next((row for row in self.variants if row.is_control), None)

    @property
    def best(self) -> VariantResult | None:
        """Return the variant that is most probably the best, the first of equals.

        None where nothing is known: without impressions or without probabilities.
        """
        best, highest = None, -1.0
        for row in self.variants:
            probability = row.probability_to_be_best
            if row.impressions and probability is not None and probability > highest:
                best, highest = row, probability
        return best

    def to_records(self) -> list[dict[str, object]]:
        """Return a flat dict for each variant, for pandas, polars or csv.

        Keys: experiment_id, id, name, is_control, impressions, conversions,
        conversion_rate and probability_to_be_best, both 0 to 1.
        """
        return [
            {"experiment_id": self.experiment_id, **record_of(row)}
            for row in self.variants
        ]

    def _repr_html_(self) -> str:
        """Return a table, for notebooks."""
        rows = (
            (
                f"{row.name} (control)" if row.is_control else row.name,
                f"{row.impressions:,}",
                f"{row.conversions:,}",
                format_percent(row.conversion_rate, 2),
                format_percent(row.probability_to_be_best, 1),
            )
            for row in self.variants
        )
        headings = ("variant", "impressions", "conversions", "rate", "to be best")
        count = len(self.variants)
        return html_table(f"results of {count} variants", headings, rows, count)


@attrs.frozen(kw_only=True)
class DayVariant:
    """The results of a variant on one day."""

    id: str
    """The variant's identifier."""
    impressions: int
    """The number of times the variant was served: events, not visitors."""
    conversions: int
    """The number of conversion events; may exceed the impressions."""
    conversion_rate: float | None = None
    """Conversions per impression; 0 without impressions; None: unknown."""


@attrs.frozen
class Day:
    """The results of the variants on one day."""

    date: date
    """The day, in UTC."""
    variants: tuple[DayVariant, ...]
    """The results of each variant on this day."""


@attrs.frozen(kw_only=True)
class VariantTotals:
    """The results of a variant over the days of a series."""

    id: str
    """The variant's identifier."""
    impressions: int
    """The sum of the impressions of all days."""
    conversions: int
    """The sum of the conversions of all days."""
    conversion_rate: float
    """Conversions per impression over all days; 0 without impressions."""


@attrs.frozen
class TimeSeries:
    """The results of an experiment's variants day by day."""

    days: tuple[Day, ...]
    """The days, oldest first; days without impressions are left out."""
    experiment_id: str | None = attrs.field(default=None, kw_only=True, eq=False)
    """The experiment's identifier; None: unknown."""
    variant_names: Mapping[str, str] | None = attrs.field(
        default=None, kw_only=True, eq=False
    )
    """The names of the variants by id, without deleted ones; None: unknown."""

    def rows(self) -> Iterator[tuple[Day, DayVariant]]:
        """Yield each variant of each day, with its day."""
        return ((day, row) for day in self.days for row in day.variants)

    def name_of(self, variant_id: str) -> str:
        """Return a variant's name, or its id where no name is known."""
        return (self.variant_names or {}).get(variant_id, variant_id)

    def to_records(self) -> list[dict[str, object]]:
        """Return a flat dict for each day and variant, for pandas, polars or csv.

        Keys: experiment_id, date (a `datetime.date`, UTC), id and name (the
        variant's), impressions, conversions and conversion_rate, 0 to 1.
        """
        return [
            {
                "experiment_id": self.experiment_id,
                "date": day.date,
                "id": row.id,
                "name": self.name_of(row.id),
                **record_of(row),
            }
            for day, row in self.rows()
        ]

    def _repr_html_(self) -> str:
        """Return a table, for notebooks."""
        rows = (
            (
                day.date,
                self.name_of(row.id),
                f"{row.impressions:,}",
                f"{row.conversions:,}",
                format_percent(row.conversion_rate, 2),
            )
            for day, row in self.rows()
        )
        title = f"time series of {len(self.days)} days"
        if self.days:
            title += f", {self.days[0].date} to {self.days[-1].date}"
        headings = ("day", "variant", "impressions", "conversions", "rate")
        count = sum(len(day.variants) for day in self.days)
        return html_table(title, headings, rows, count)

    def totals(self) -> tuple[VariantTotals, ...]:
        """Return the sums over the days for each variant, in order of appearance."""
        sums: dict[str, tuple[int, int]] = {}
        for row in chain.from_iterable(day.variants for day in self.days):
            impressions, conversions = sums.get(row.id, (0, 0))
            sums[row.id] = (
                impressions + row.impressions,
                conversions + row.conversions,
            )
        return tuple(
            VariantTotals(
                id=variant_id,
                impressions=impressions,
                conversions=conversions,
                conversion_rate=conversions / impressions if impressions else 0.0,
            )
            for variant_id, (impressions, conversions) in sums.items()
        )
