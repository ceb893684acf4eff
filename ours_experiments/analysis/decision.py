"""The first day on which the rules decide.

The days are taken in order, so that the same day decides however many days follow:
a recomputed analysis looks as often as one that ran every night.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from math import ceil

import attrs

from ours_experiments.analysis.counts import Daily
from ours_experiments.analysis.posterior import posterior
from ours_experiments.analysis.records import Interval, Verdict
from ours_experiments.analysis.rules import Rules
from ours_experiments.analysis.sequence import Comparison, compare, fixed_interval


WEEK = 7
"""Days; a shop has other customers at the weekend."""
WEEKDAYS_WAIVED = 15
"""The calendar day from which a weekday without any traffic is not waited for."""


@attrs.frozen(eq=False)
class Metric:
    """The counts of one metric, and each treatment's comparison with the control."""

    days: tuple[date, ...]
    control: Daily
    treatments: Mapping[str, Daily]
    comparisons: Mapping[str, Comparison]


@attrs.frozen
class Stop:
    """What the rules decide, and when."""

    verdict: Verdict
    day: date
    """The day at whose end they decide."""
    index: int
    """The last day with traffic up to it."""
    variant_id: str | None = None
    """The treatment to ship."""
    planned_end: bool = False
    """Whether this is the look at the planned sample."""


def compare_metric(
    days: tuple[date, ...],
    control: Daily,
    treatments: Mapping[str, Daily],
    rules: Rules,
) -> Metric:
    """Compare each treatment with the control, with its part of the error rate."""
    comparisons = {
        variant_id: compare(
            treatment,
            control,
            alpha=rules.sequence_alpha(len(treatments)),
            tuning_sample=rules.tightest_at,
            min_conversions=rules.min_conversions,
        )
        for variant_id, treatment in treatments.items()
    }
    return Metric(days, control, treatments, comparisons)


def find_stop(
    primary: Metric, guardrails: Sequence[Metric], rules: Rules, as_of: date
) -> Stop | None:
    """Return the first decision of the rules; None while there is none."""
    comparisons = primary.comparisons
    running = [
        list(zip(c.running_lower.tolist(), c.running_upper.tolist(), strict=True))
        for c in comparisons.values()
    ]
    lower = {variant_id: c.lower.tolist() for variant_id, c in comparisons.items()}
    enough = enough_days(primary.days, rules.min_days)
    for day, index, has_traffic in steps(primary.days, as_of):
        if has_traffic:
            if all(path[index][1] < 0 for path in running):
                return Stop(Verdict.ROLL_BACK, day, index)
            better = [
                variant_id for variant_id in lower if lower[variant_id][index] > 0
            ]
            if better and enough[index]:
                best = choose(primary, better, guardrails, rules, day=day, index=index)
                if best is not None:
                    return Stop(Verdict.SHIP, day, index, best)
        if is_planned_end(primary, rules, day, index):
            return planned_end(primary, guardrails, rules, day, index)
        if (
            has_traffic
            and rules.mde is not None
            and enough[index]
            and all(
                -rules.mde < path[index][0] and path[index][1] < rules.mde
                for path in running
            )
        ):
            return Stop(Verdict.INCONCLUSIVE, day, index)
    return None


def steps(days: Sequence[date], as_of: date) -> Iterator[tuple[date, int, bool]]:
    """Yield the days with traffic and the ends of weeks, in order.

    Yields:
        The day, the index of the last day with traffic up to it, and whether it is
        that day itself.
    """
    if not days:
        return
    known = set(days)
    # Counts stay as they are after the last day with traffic and the week's end.
    last = min(calendar_day(days, as_of), calendar_day(days, days[-1]) + WEEK)
    ends = {
        days[0] + timedelta(days=number - 1) for number in range(WEEK, last + 1, WEEK)
    }
    for day in sorted(known | ends):
        yield day, bisect_right(days, day) - 1, day in known


def enough_days(days: Sequence[date], min_days: int) -> list[bool]:
    """Return for each day whether it and those before are days enough."""
    seen: set[int] = set()
    enough: list[bool] = []
    for number, day in enumerate(days, start=1):
        seen.add(day.weekday())
        covered = len(seen) == WEEK or calendar_day(days, day) >= WEEKDAYS_WAIVED
        enough.append(number >= min_days and covered)
    return enough


def calendar_day(days: Sequence[date], day: date) -> int:
    """Return the number of a day since the first one, which is 1."""
    return (day - days[0]).days + 1


def is_planned_end(primary: Metric, rules: Rules, day: date, index: int) -> bool:
    """Return whether a week ends on a day at which the planned sample is reached."""
    if rules.planned_sample is None or calendar_day(primary.days, day) % WEEK:
        return False
    return index + 1 >= rules.min_days and all(
        comparison.smaller_arm[index] / comparison.dispersion[index]
        >= rules.planned_sample
        for comparison in primary.comparisons.values()
    )


def planned_end(
    primary: Metric,
    guardrails: Sequence[Metric],
    rules: Rules,
    day: date,
    index: int,
) -> Stop:
    """Decide by the intervals of the one look that was planned."""
    intervals = planned_intervals(primary, rules, index)
    better = [variant_id for variant_id, (low, _) in intervals.items() if low > 0]
    best = choose(primary, better, guardrails, rules, day=day, index=index)
    if best is not None:
        return Stop(Verdict.SHIP, day, index, best, planned_end=True)
    worse = all(high < 0 for _, high in intervals.values())
    verdict = Verdict.ROLL_BACK if worse else Verdict.INCONCLUSIVE
    return Stop(verdict, day, index, planned_end=True)


def planned_intervals(primary: Metric, rules: Rules, index: int) -> dict[str, Interval]:
    """Return each treatment's interval at the planned look; nan if not known."""
    alpha = rules.fixed_alpha(len(primary.comparisons))
    return {
        variant_id: fixed_interval(comparison, index, alpha)
        for variant_id, comparison in primary.comparisons.items()
    }


def choose(
    primary: Metric,
    better: Sequence[str],
    guardrails: Sequence[Metric],
    rules: Rules,
    *,
    day: date,
    index: int,
) -> str | None:
    """Return the treatment of the highest mean that harms no guardrail.

    Args:
        primary: The metric to choose by.
        better: The treatments that are better than the control.
        guardrails: The metrics not to harm.
        rules: The rules of the decision.
        day: The day of the decision.
        index: The last day with traffic up to it.
    """
    harmless = [
        variant_id
        for variant_id in better
        if not any(
            is_harmed(guardrail, variant_id, rules, day) for guardrail in guardrails
        )
    ]
    largest = max(c.dispersion[index] for c in primary.comparisons.values())

    def mean(variant_id: str) -> float:
        counts = primary.treatments[variant_id]
        impressions = counts.impressions[: index + 1].sum() / largest
        conversions = counts.conversions[: index + 1].sum() / largest
        return posterior(impressions, conversions).mean

    return max(harmless, key=mean, default=None)


def is_harmed(guardrail: Metric, variant_id: str, rules: Rules, day: date) -> bool:
    """Return whether a treatment is surely worse by a guardrail, up to a day."""
    index = bisect_right(guardrail.days, day) - 1
    if index < 0:
        return False
    upper = guardrail.comparisons[variant_id].running_upper[index]
    return bool(upper < -rules.guardrail_margin)


def days_left(primary: Metric, rules: Rules, as_of: date) -> int | None:
    """Estimate the days until the planned look; None without a plan or traffic.

    The traffic of the last seven days is taken to go on.
    """
    days = primary.days
    if rules.planned_sample is None or not days:
        return None
    today = calendar_day(days, as_of)
    recent = min(today, WEEK)
    first = bisect_right(days, as_of - timedelta(days=recent))
    last_day = max(today, rules.min_days)
    for variant_id, comparison in primary.comparisons.items():
        missing = (
            rules.planned_sample * comparison.dispersion[-1]
            - comparison.smaller_arm[-1]
        )
        per_day = min(
            primary.control.impressions[first:].sum(),
            primary.treatments[variant_id].impressions[first:].sum(),
        )
        if missing > 0:
            if not per_day:
                return None
            last_day = max(last_day, today + ceil(missing * recent / per_day))
    return ceil(last_day / WEEK) * WEEK - today or WEEK
