"""What the variants of an experiment achieve."""

from datetime import date
from itertools import chain

import attrs

from ours_experiments._html import html_table


@attrs.frozen(kw_only=True)
class VariantResult:
    """What one variant has achieved over the whole run."""

    id: str
    """The variant's identifier."""
    name: str
    """The variant's name."""
    is_control: bool
    """Whether this is the baseline."""
    impressions: int
    """How often it was served; 0 or more."""
    conversions: int
    """How many conversions followed; 0 or more."""
    conversion_rate: float
    """Conversions per impression, 0 to 1; 0 without impressions."""
    probability_to_be_best: float
    """The probability that no other variant is better, 0 to 1."""


@attrs.frozen
class Results:
    """What the variants of an experiment have achieved."""

    variants: tuple[VariantResult, ...]
    """One result for each variant."""

    @property
    def control(self) -> VariantResult | None:
        """Find the baseline's result; None when there is none."""
        return next((each for each in self.variants if each.is_control), None)

    @property
    def best(self) -> VariantResult | None:
        """Find the most probable winner, the first of equals; None when empty."""
        return max(
            self.variants, key=lambda each: each.probability_to_be_best, default=None
        )

    def to_records(self) -> list[dict[str, object]]:
        """List one flat dict for each variant, for pandas, polars or csv.

        Keys: id, name, is_control, impressions, conversions, conversion_rate and
        probability_to_be_best, both 0 to 1.
        """
        return [record_of(each) for each in self.variants]

    def _repr_html_(self) -> str:
        """Show a table, in notebooks."""
        rows = (
            (
                f"{each.name} (control)" if each.is_control else each.name,
                f"{each.impressions:,}",
                f"{each.conversions:,}",
                f"{each.conversion_rate:.2%}",
                f"{each.probability_to_be_best:.1%}",
            )
            for each in self.variants
        )
        headings = ("variant", "impressions", "conversions", "rate", "to be best")
        count = len(self.variants)
        return html_table(f"results of {count} variants", headings, rows, count)


@attrs.frozen(kw_only=True)
class DayVariant:
    """What one variant achieved on one day."""

    id: str
    """The variant's identifier."""
    impressions: int
    """How often it was served; 0 or more."""
    conversions: int
    """How many conversions followed; 0 or more."""
    conversion_rate: float
    """Conversions per impression, 0 to 1; 0 without impressions."""


@attrs.frozen
class Day:
    """What the variants achieved on one day."""

    date: date
    """The calendar day, UTC."""
    variants: tuple[DayVariant, ...]
    """One entry for each variant."""


@attrs.frozen(kw_only=True)
class VariantTotals:
    """What one variant achieved over the days of a series."""

    id: str
    """The variant's identifier."""
    impressions: int
    """The sum over the days."""
    conversions: int
    """The sum over the days."""
    conversion_rate: float
    """Conversions per impression over all days, 0 to 1; 0 without impressions."""


@attrs.frozen
class TimeSeries:
    """What the variants of an experiment achieved, day by day."""

    days: tuple[Day, ...]
    """Oldest first; days without impressions are left out."""

    def to_records(self) -> list[dict[str, object]]:
        """List one flat dict for each day and variant, for pandas, polars or csv.

        Keys: date (a `datetime.date`, UTC), id (the variant's), impressions,
        conversions and conversion_rate, 0 to 1.
        """
        return [
            {"date": day.date, **record_of(each)}
            for day in self.days
            for each in day.variants
        ]

    def _repr_html_(self) -> str:
        """Show a table, in notebooks."""
        rows = (
            (
                day.date,
                each.id,
                f"{each.impressions:,}",
                f"{each.conversions:,}",
                f"{each.conversion_rate:.2%}",
            )
            for day in self.days
            for each in day.variants
        )
        title = f"time series of {len(self.days)} days"
        if self.days:
            title += f", {self.days[0].date} to {self.days[-1].date}"
        headings = ("day", "variant", "impressions", "conversions", "rate")
        count = sum(len(day.variants) for day in self.days)
        return html_table(title, headings, rows, count)

    def totals(self) -> tuple[VariantTotals, ...]:
        """Add the days up for each variant, in the order of appearance."""
        sums: dict[str, tuple[int, int]] = {}
        for each in chain.from_iterable(day.variants for day in self.days):
            impressions, conversions = sums.get(each.id, (0, 0))
            sums[each.id] = (
                impressions + each.impressions,
                conversions + each.conversions,
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


SHARES = ("conversion_rate", "probability_to_be_best")
"""Numbers that JSON may write as `0` or `1`, and that are floats in a table."""


def record_of(row: VariantResult | DayVariant) -> dict[str, object]:
    """Make a flat dict, whose values have the same types in every row."""
    record: dict[str, object] = attrs.asdict(row)
    for name in SHARES:
        if hasattr(row, name):
            record[name] = float(getattr(row, name))
    return record
