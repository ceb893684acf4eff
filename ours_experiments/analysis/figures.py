"""The figures of each variant."""

from collections.abc import Mapping, Sequence
from datetime import date
from math import expm1, isnan

from ours_experiments.analysis.counts import Counts
from ours_experiments.analysis.decision import Metric
from ours_experiments.analysis.posterior import (
    Beta,
    chances,
    credible_interval,
    lift_intervals,
    posterior,
)
from ours_experiments.analysis.records import DailyEffect, Interval, VariantAnalysis
from ours_experiments.analysis.sequence import Comparison
from ours_experiments.models import Results, Variant


def bare_variants(
    arms: Sequence[Variant], results: Results, counts: Counts
) -> tuple[VariantAnalysis, ...]:
    """Return the counts of the arms, without any figure that rests on them."""
    names = answered_names(arms, results)
    found: list[VariantAnalysis] = []
    for arm in arms:
        impressions, conversions = counts.total(arm.id)
        found.append(
            VariantAnalysis(
                id=arm.id,
                name=names[arm.id],
                is_control=arm.is_control,
                impressions=impressions,
                conversions=conversions,
                rate=None,
            )
        )
    return tuple(found)


def analyze_variants(
    arms: Sequence[Variant], results: Results, counts: Counts, metric: Metric
) -> tuple[VariantAnalysis, ...]:
    """Return the figures of the arms up to the last day.

    A treatment's lift and intervals use the dispersion of its own comparison; what
    concerns all arms uses the largest.
    """
    names = answered_names(arms, results)
    totals = {arm.id: counts.total(arm.id) for arm in arms}
    index = next(index for index, arm in enumerate(arms) if arm.is_control)
    control = arms[index].id
    largest = largest_dispersion(metric)
    rates = [scaled_posterior(totals[arm.id], largest) for arm in arms]
    lifts = lifts_of(metric.comparisons, totals, control)
    impressions, conversions = totals[control]
    base_rate = conversions / impressions if impressions else 0.0
    found: list[VariantAnalysis] = []
    for arm, rate, chance in zip(arms, rates, chances(rates, index), strict=True):
        impressions, conversions = totals[arm.id]
        comparison = metric.comparisons.get(arm.id)
        found.append(
            VariantAnalysis(
                id=arm.id,
                name=names[arm.id],
                is_control=arm.is_control,
                impressions=impressions,
                conversions=conversions,
                rate=conversions / impressions if impressions else None,
                rate_interval=credible_interval(rate) if impressions else None,
                lift=None if comparison is None else lift_of(comparison),
                lift_interval=lifts.get(arm.id),
                confidence_sequence=(
                    None if comparison is None else sequence_of(comparison)
                ),
                sequential_p_value=(
                    None if comparison is None else known(comparison.p_value[-1])
                ),
                effect_by_day=(
                    () if comparison is None else effects_of(metric.days, comparison)
                ),
                probability_to_beat_control=(
                    None if comparison is None else chance.beats_control
                ),
                probability_to_be_best=chance.best,
                expected_loss=chance.loss,
                expected_loss_relative=chance.loss / base_rate if base_rate else None,
            )
        )
    return tuple(found)


def answered_names(arms: Sequence[Variant], results: Results) -> dict[str, str]:
    """Return the names in the results; else those of the experiment."""
    names = {arm.id: arm.name for arm in arms}
    return names | {row.id: row.name for row in results.variants if row.id in names}


def largest_dispersion(metric: Metric) -> float:
    """Return the dispersion of all days that is largest."""
    return max(float(c.dispersion[-1]) for c in metric.comparisons.values())


def scaled_posterior(total: tuple[int, int], dispersion: float) -> Beta:
    """Return the posterior of a rate from the counts that dispersion leaves."""
    impressions, conversions = total
    return posterior(impressions / dispersion, conversions / dispersion)


def lifts_of(
    comparisons: Mapping[str, Comparison],
    totals: Mapping[str, tuple[int, int]],
    control: str,
) -> dict[str, Interval]:
    """Return each treatment's credible interval of the relative effect."""
    scatter = {
        variant_id: float(c.dispersion[-1]) for variant_id, c in comparisons.items()
    }
    intervals = lift_intervals(
        [
            scaled_posterior(totals[control], scatter[variant_id])
            for variant_id in comparisons
        ],
        [
            scaled_posterior(totals[variant_id], scatter[variant_id])
            for variant_id in comparisons
        ],
    )
    return dict(zip(comparisons, intervals, strict=True))


def lift_of(comparison: Comparison) -> float | None:
    """Return the observed relative effect; None below the fewest conversions."""
    log_ratio = known(comparison.log_ratio[-1])
    return None if log_ratio is None else expm1(log_ratio)


def sequence_of(comparison: Comparison) -> Interval | None:
    """Return the running interval; None where it is empty or not known."""
    low = known(comparison.running_lower[-1])
    high = known(comparison.running_upper[-1])
    return None if low is None or high is None or low > high else (low, high)


def effects_of(days: Sequence[date], comparison: Comparison) -> tuple[DailyEffect, ...]:
    """Return the effect after each day on which it is known."""
    paths = (comparison.log_ratio, comparison.running_lower, comparison.running_upper)
    rows = zip(days, *(path.tolist() for path in paths), strict=False)
    return tuple(
        DailyEffect(day, expm1(log_ratio), low, high)
        for day, log_ratio, low, high in rows
        if not isnan(log_ratio) and low <= high
    )


def known(value: float) -> float | None:
    """Return a plain float; None for one that is no number."""
    return None if isnan(value) else float(value)
