"""What the variants of an experiment achieve."""

from datetime import date
from itertools import chain

import attrs


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
    """How often it was served."""
    conversions: int
    """How many conversions followed."""
    conversion_rate: float
    """Conversions per impression."""
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
        """List one dict for each variant, ready for a table."""
        return [attrs.asdict(each) for each in self.variants]


@attrs.frozen(kw_only=True)
class DayVariant:
    """What one variant achieved on one day."""

    id: str
    """The variant's identifier."""
    impressions: int
    """How often it was served."""
    conversions: int
    """How many conversions followed."""
    conversion_rate: float
    """Conversions per impression."""


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
    """Conversions per impression over all days; 0 without impressions."""


@attrs.frozen
class TimeSeries:
    """What the variants of an experiment achieved, day by day."""

    days: tuple[Day, ...]
    """Oldest first; days without impressions are left out."""

    def to_records(self) -> list[dict[str, object]]:
        """List one dict for each day and variant, ready for a table."""
        return [
            {"date": day.date, **attrs.asdict(each)}
            for day in self.days
            for each in day.variants
        ]

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
