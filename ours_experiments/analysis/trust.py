"""What makes results unfit for a decision, and what is worth a look."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from ours_experiments.analysis.counts import Counts, Row, add_up, rows_of
from ours_experiments.analysis.decision import Metric
from ours_experiments.analysis.records import (
    Reason,
    ReasonCode,
    SampleRatio,
    VariantAnalysis,
)
from ours_experiments.models import (
    Experiment,
    ExperimentStatus,
    Results,
    TimeSeries,
    Variant,
)


MAX_CONTRADICTION = 0.05
"""The part by which results and series may differ: they are read one by one."""
HIGH_DISPERSION = 1.5
MAX_PROBABILITY_DIFFERENCE = 0.05
MAX_SILENT_DAYS = 2
LOW_VOLUME = 0.5
MIN_EXPECTED = 50
"""Below it half of the expected impressions may be chance."""
RECENT_DAYS = 7


def find_broken_counts(
    variants: Sequence[Variant],
    results: Results,
    series: TimeSeries | None,
    counts: Counts,
    source: str = "",
) -> Iterator[Reason]:
    """Yield why no figure can be computed from these counts.

    Args:
        variants: The experiment's variants.
        results: The results as they were answered.
        series: The time series as it was answered.
        counts: The counts that the figures would stand on.
        source: Names the guardrail in front of each text.
    """
    rows: list[Row] = [*results.variants, *rows_of(series)]
    known = {variant.id for variant in variants}
    unknown = sorted({row.id for row in rows} - known)
    if unknown:
        text = f"{source}The experiment has no variant {unknown[0]!r:.60}."
        yield Reason(ReasonCode.UNKNOWN_VARIANT, text)
    controls = [row.id for row in variants if row.is_control and row.weight]
    answered = {row.id for row in results.variants}
    if len(controls) != 1 or controls[0] not in answered:
        text = f"{source}There must be one control with results."
        yield Reason(ReasonCode.NO_CONTROL, text)
    if any(row.impressions < 0 or row.conversions < 0 for row in rows):
        yield Reason(ReasonCode.NEGATIVE_COUNTS, f"{source}A count is negative.")
    totals = add_up(results.variants)
    for variant in variants:
        pairs = (totals.get(variant.id, (0, 0)), counts.total(variant.id))
        if variant.weight and any(k > n for n, k in pairs):
            text = (
                f"{source}{variant.name!r:.60} has more conversions than impressions: "
                "the event may be counted several times for each visitor."
            )
            yield Reason(ReasonCode.CONVERSIONS_EXCEED_IMPRESSIONS, text)
    if series is not None:
        by_day = add_up(rows_of(series))
        for variant in variants:
            answered_once = totals.get(variant.id, (0, 0))[0]
            summed = by_day.get(variant.id, (0, 0))[0]
            if abs(answered_once - summed) > MAX_CONTRADICTION * answered_once:
                text = (
                    f"{source}{variant.name!r:.60} has {answered_once:,} impressions "
                    f"in the results and {summed:,} in the series."
                )
                yield Reason(ReasonCode.SERIES_CONTRADICTS_RESULTS, text)


def find_doubts(
    ratio: SampleRatio, primary: Metric, names: Mapping[str, str]
) -> Iterator[Reason]:
    """Yield why figures that can be computed must not be trusted."""
    if ratio.leaked_variant_ids:
        text = f"{ratio.leaked_variant_ids[0]!r:.60} has weight 0 and was served."
        yield Reason(ReasonCode.LEAK, text)
    elif ratio.status == "mismatch":
        text = (
            "Impressions are not divided as the weights say "
            f"(p = {ratio.p_value:.2g}). Look for redirects that lose visitors, bots, "
            "and a script that loads late."
        )
        yield Reason(ReasonCode.SAMPLE_RATIO_MISMATCH, text)
    for variant_id, comparison in primary.comparisons.items():
        if comparison.running_lower[-1] > comparison.running_upper[-1]:
            text = (
                f"The effect of {names[variant_id]} changed during the run. Look for a "
                "change of the page, the targeting rules or the metric, and for "
                "novelty."
            )
            yield Reason(ReasonCode.EFFECT_CHANGED, text)


def find_warnings(
    experiment: Experiment,
    results: Results,
    counts: Counts,
    *,
    as_of: date | None,
    ratio: SampleRatio,
    primary: Metric,
    variants: Sequence[VariantAnalysis],
) -> Iterator[Reason]:
    """Yield what is worth a look and changes no verdict.

    Args:
        experiment: The experiment.
        results: The results as they were answered.
        counts: The counts that the figures stand on.
        as_of: The last day that counts; None without a series.
        ratio: How the impressions are divided.
        primary: The comparisons with the control.
        variants: The figures.
    """
    if ratio.status == "warning":
        text = (
            "Impressions may not be divided as the weights say "
            f"(p = {ratio.p_value:.2g})."
        )
        yield Reason(ReasonCode.SAMPLE_RATIO_WARNING, text)
    measured = [
        float(comparison.dispersion[-1])
        for comparison in primary.comparisons.values()
        if comparison.is_measured[-1]
    ]
    if max(measured, default=1.0) > HIGH_DISPERSION:
        text = (
            f"Daily counts scatter {max(measured):.1f} times as much as those of "
            "independent impressions would; intervals are widened."
        )
        yield Reason(ReasonCode.OVERDISPERSED, text)
    yield from find_different_probabilities(results, variants)
    if as_of is not None and counts.days:
        yield from find_late_changes(experiment, counts, as_of)
        yield from find_low_volume(experiment.variants or (), counts, as_of)


def find_different_probabilities(
    results: Results, variants: Sequence[VariantAnalysis]
) -> Iterator[Reason]:
    """Yield a warning where the service's probability is another one."""
    answered = {row.id: row.probability_to_be_best for row in results.variants}
    for variant in variants:
        theirs: object = answered.get(variant.id)
        ours = variant.probability_to_be_best
        if (
            isinstance(theirs, int | float)
            and ours is not None
            and abs(theirs - ours) > MAX_PROBABILITY_DIFFERENCE
        ):
            text = (
                f"The service gives {variant.name!r:.60} a probability of {theirs:.1%} "
                f"to be best, this analysis {ours:.1%}. The service's method is not "
                "known; this one widens for scatter and counts complete days only."
            )
            yield Reason(ReasonCode.PROBABILITY_DIFFERS, text)
            return


def find_late_changes(
    experiment: Experiment, counts: Counts, as_of: date
) -> Iterator[Reason]:
    """Yield warnings about changes during the run, and days that are missing."""
    first, last = counts.days[0], counts.days[-1]
    updated = experiment.updated_at
    if updated is not None and updated.date() > first:
        text = (
            f"The experiment was changed on {updated.date()}, after its first day. "
            "Which change it was is not known; the present setup is used."
        )
        yield Reason(ReasonCode.CHANGED_WHILE_RUNNING, text)
    silent = (as_of - last).days
    if experiment.status == ExperimentStatus.RUNNING and silent > MAX_SILENT_DAYS:
        text = f"The experiment is running, and has had no traffic since {last}."
        yield Reason(ReasonCode.NO_RECENT_DAYS, text)
    missing = (last - first).days + 1 - len(counts.days)
    if missing:
        text = f"{missing} days between {first} and {last} have no traffic."
        yield Reason(ReasonCode.MISSING_DAYS, text)


def find_low_volume(
    variants: Sequence[Variant], counts: Counts, as_of: date
) -> Iterator[Reason]:
    """Yield a warning for a treatment that lately has half of its share or less."""
    start = as_of - timedelta(days=RECENT_DAYS)
    recent = [index for index, day in enumerate(counts.days) if day > start]
    arms = {variant.id: variant for variant in variants if variant.weight}
    impressions = {
        variant_id: sum(counts.by_day[variant_id][index][0] for index in recent)
        for variant_id in arms
    }
    whole = sum(variant.weight for variant in arms.values())
    for variant_id, variant in arms.items():
        expected = sum(impressions.values()) * variant.weight / whole
        if (
            not variant.is_control
            and expected >= MIN_EXPECTED
            and impressions[variant_id] < LOW_VOLUME * expected
        ):
            text = (
                f"{variant.name!r:.60} had {impressions[variant_id]:,} impressions in "
                f"the last {RECENT_DAYS} days, where its weight gives {expected:,.0f}."
            )
            yield Reason(ReasonCode.LOW_VOLUME, text)
