"""The sentences that explain a verdict.

They claim no more than the figures do: an interval, never a point, and never that an
effect is absent because it was not found.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from math import isnan
from operator import itemgetter

import attrs

from ours_experiments.analysis.decision import (
    WEEK,
    WEEKDAYS_WAIVED,
    Metric,
    Stop,
    calendar_day,
    enough_days,
    is_harmed,
    planned_intervals,
)
from ours_experiments.analysis.records import (
    Interval,
    Reason,
    ReasonCode,
    Verdict,
    percent_range,
)
from ours_experiments.analysis.rules import Rules


@attrs.frozen(eq=False)
class Evidence:
    """What a verdict stands on."""

    primary: Metric
    guardrails: Mapping[str, Metric]
    names: Mapping[str, str]
    """The variants' names, quoted, by id."""
    rules: Rules
    as_of: date | None


def explain_stop(stop: Stop, evidence: Evidence) -> tuple[Reason, ...]:
    """Return the reasons of a decision."""
    intervals = decisive_intervals(stop, evidence)
    every = ", ".join(
        f"{evidence.names[variant_id]} {percent_range(interval)}"
        if not isnan(interval[0])
        else f"{evidence.names[variant_id]} unknown, too few conversions"
        for variant_id, interval in intervals.items()
    )
    when = f"On {stop.day}"
    if stop.planned_end:
        when += ", at the planned sample,"
    if stop.verdict is Verdict.SHIP and stop.variant_id is not None:
        text = (
            f"{when} the effect of {evidence.names[stop.variant_id]} was "
            f"{percent_range(intervals[stop.variant_id], '+.1%')}, above 0."
        )
        if not stop.planned_end:
            text += " A run that stops early overstates its effect."
        return (Reason(ReasonCode.BETTER_THAN_CONTROL, text),)
    if stop.verdict is Verdict.ROLL_BACK:
        text = f"{when} every treatment was worse than the control: {every}."
        return (Reason(ReasonCode.WORSE_THAN_CONTROL, text),)
    harmed = tuple(explain_harm(evidence, stop.day))
    if stop.planned_end:
        text = (
            f"{when} no treatment could ship and not all were worse: {every}. "
            "This does not show that there is no effect."
        )
        return (Reason(ReasonCode.PLANNED_SAMPLE_REACHED, text), *harmed)
    text = f"{when} every effect was smaller than {evidence.rules.mde:.1%}: {every}."
    return (Reason(ReasonCode.SMALLER_THAN_MDE, text), *harmed)


def decisive_intervals(stop: Stop, evidence: Evidence) -> dict[str, Interval]:
    """Return the intervals that a decision was made by."""
    if stop.planned_end:
        return planned_intervals(evidence.primary, evidence.rules, stop.index)
    comparisons = evidence.primary.comparisons
    if stop.verdict is Verdict.SHIP:
        return {
            variant_id: (float(c.lower[stop.index]), float(c.upper[stop.index]))
            for variant_id, c in comparisons.items()
        }
    return {
        variant_id: (
            float(c.running_lower[stop.index]),
            float(c.running_upper[stop.index]),
        )
        for variant_id, c in comparisons.items()
    }


def explain_waiting(evidence: Evidence) -> tuple[Reason, ...]:
    """Return the reasons why nothing is decided."""
    primary, rules = evidence.primary, evidence.rules
    if evidence.as_of is None:
        text = "Without a time series nothing is decided: its days show the scatter."
        return (Reason(ReasonCode.NO_SERIES, text),)
    reasons: list[Reason] = []
    if not primary.days or not enough_days(primary.days, rules.min_days)[-1]:
        reasons.append(explain_days(primary.days, rules))
    few = [
        evidence.names[variant_id]
        for variant_id, comparison in primary.comparisons.items()
        if isnan(comparison.log_ratio[-1])
    ]
    if few:
        text = (
            f"{', '.join(few)} or the control has under {rules.min_conversions} "
            "conversions or impressions without one: too few to decide."
        )
        reasons.append(Reason(ReasonCode.TOO_FEW_CONVERSIONS, text))
    reasons += explain_sample(primary, rules)
    reasons += explain_harm(evidence, evidence.as_of)
    undecided = [
        f"{evidence.names[variant_id]} {percent_range(interval)}"
        for variant_id, interval in undecided_intervals(primary)
    ]
    if undecided or not reasons:
        text = "The effect may be above or below 0"
        text += f": {', '.join(undecided)}." if undecided else "."
        reasons.append(Reason(ReasonCode.NOT_DECIDED, text))
    return tuple(reasons)


def undecided_intervals(primary: Metric) -> Iterator[tuple[str, Interval]]:
    """Yield the interval of each treatment that may be better or worse.

    A treatment ships by the interval of the day. The running one is narrower, and is
    shown as long as it says the same.
    """
    for variant_id, comparison in primary.comparisons.items():
        day = float(comparison.lower[-1]), float(comparison.upper[-1])
        running = (
            float(comparison.running_lower[-1]),
            float(comparison.running_upper[-1]),
        )
        if day[0] <= 0 <= day[1]:
            yield variant_id, running if running[0] <= 0 <= running[1] else day


def explain_days(days: Sequence[date], rules: Rules) -> Reason:
    """Say how many days and weekdays there are."""
    text = f"{len(days)} of {rules.min_days} days have traffic"
    weekdays = len({day.weekday() for day in days})
    if weekdays < WEEK and (not days or calendar_day(days, days[-1]) < WEEKDAYS_WAIVED):
        text += f", and {weekdays} of {WEEK} weekdays"
    return Reason(ReasonCode.TOO_FEW_DAYS, f"{text}.")


def explain_sample(primary: Metric, rules: Rules) -> Iterator[Reason]:
    """Say how much of the planned sample is there."""
    planned = rules.planned_sample
    if planned is None:
        return
    counted, comparison = min(
        (
            (float(c.smaller_arm[-1] / c.dispersion[-1]), c)
            for c in primary.comparisons.values()
        ),
        key=itemgetter(0),
    )
    if counted < planned:
        text = f"The smallest arm counts as {counted:,.0f} of {planned:,} impressions"
        scatter = float(comparison.dispersion[-1])
        if not comparison.is_measured[-1]:
            text += f"; {scatter:.0f} count as one until four days show their scatter"
        elif scatter > 1:
            text += f"; its {comparison.smaller_arm[-1]:,.0f} scatter as so many do"
        yield Reason(ReasonCode.PLANNED_SAMPLE_NOT_REACHED, f"{text}.")


def explain_harm(evidence: Evidence, day: date) -> Iterator[Reason]:
    """Name the treatments that are surely worse by a guardrail."""
    for event, guardrail in evidence.guardrails.items():
        for variant_id, comparison in guardrail.comparisons.items():
            if is_harmed(guardrail, variant_id, evidence.rules, day):
                interval = (
                    float(comparison.running_lower[-1]),
                    float(comparison.running_upper[-1]),
                )
                text = (
                    f"{evidence.names[variant_id]} lowers {event!r:.60}: "
                    f"its effect there is {percent_range(interval)}."
                )
                yield Reason(ReasonCode.GUARDRAIL_HARMED, text)
