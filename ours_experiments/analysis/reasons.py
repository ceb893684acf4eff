"""The sentences that explain a verdict.

They claim no more than the figures do: an interval, never a point, and never that an
effect is absent because it was not found.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

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
        f"{evidence.names[id]} {percent_range(interval)}"
        if interval[0] == interval[0]  # noqa: PLR0124 - not a number
        else f"{evidence.names[id]} unknown, too few conversions"
        for id, interval in intervals.items()
    )
    when = f"On {stop.day}"
    if stop.planned_end:
        when += ", at the planned sample,"
    if stop.verdict is Verdict.SHIP and stop.variant_id is not None:
        text = (
            f"{when} the effect of {evidence.names[stop.variant_id]} lay between "
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
            id: (float(c.lower[stop.index]), float(c.upper[stop.index]))
            for id, c in comparisons.items()
        }
    return {
        id: (float(c.running_lower[stop.index]), float(c.running_upper[stop.index]))
        for id, c in comparisons.items()
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
        evidence.names[id]
        for id, comparison in primary.comparisons.items()
        if is_unknown(comparison.log_ratio[-1])
    ]
    if few:
        text = (
            f"{', '.join(few)} or the control has under {rules.min_conversions} "
            "conversions or impressions without one: no effect is computed."
        )
        reasons.append(Reason(ReasonCode.TOO_FEW_CONVERSIONS, text))
    reasons += explain_sample(primary, rules)
    reasons += explain_harm(evidence, evidence.as_of)
    undecided = [
        f"{evidence.names[id]} {percent_range((low, high))}"
        for id, low, high in last_intervals(primary)
        if low <= 0 <= high
    ]
    if undecided or not reasons:
        text = "The effect may be above or below 0"
        text += f": {', '.join(undecided)}." if undecided else "."
        reasons.append(Reason(ReasonCode.NOT_DECIDED, text))
    return tuple(reasons)


def last_intervals(primary: Metric) -> Iterator[tuple[str, float, float]]:
    """Yield each treatment's bounds of the last day."""
    for id, comparison in primary.comparisons.items():
        yield id, float(comparison.lower[-1]), float(comparison.upper[-1])


def is_unknown(value: float) -> bool:
    """Return whether a figure could not be computed."""
    return bool(value != value)  # noqa: PLR0124 - not a number


def explain_days(days: Sequence[date], rules: Rules) -> Reason:
    """Say how many days and weekdays there are."""
    text = f"{len(days)} of {rules.min_days} days have traffic"
    weekdays = len({day.weekday() for day in days})
    if weekdays < WEEK and (
        not days or calendar_day(days, days[-1]) < WEEKDAYS_WAIVED
    ):
        text += f", and {weekdays} of {WEEK} weekdays"
    return Reason(ReasonCode.TOO_FEW_DAYS, f"{text}.")


def explain_sample(primary: Metric, rules: Rules) -> Iterator[Reason]:
    """Say how much of the planned sample is there."""
    planned = rules.planned_sample
    if planned is None:
        return
    counted = min(
        comparison.smaller_arm[-1] / comparison.dispersion[-1]
        for comparison in primary.comparisons.values()
    )
    if counted < planned:
        text = f"The smallest arm counts as {counted:,.0f} of {planned:,} impressions."
        largest = max(c.dispersion[-1] for c in primary.comparisons.values())
        if largest > 1:
            text = f"{text[:-1]}: daily counts scatter {largest:.1f} times too much."
        yield Reason(ReasonCode.PLANNED_SAMPLE_NOT_REACHED, text)


def explain_harm(evidence: Evidence, day: date) -> Iterator[Reason]:
    """Name the treatments that are surely worse by a guardrail."""
    for event, guardrail in evidence.guardrails.items():
        for id, comparison in guardrail.comparisons.items():
            if is_harmed(guardrail, id, evidence.rules, day):
                interval = (
                    float(comparison.running_lower[-1]),
                    float(comparison.running_upper[-1]),
                )
                text = (
                    f"{evidence.names[id]} lowers {event!r:.60}: "
                    f"its effect there is {percent_range(interval)}."
                )
                yield Reason(ReasonCode.GUARDRAIL_HARMED, text)
