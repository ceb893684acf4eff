"""Counts, durations, rates and probabilities as text for people."""

from collections.abc import Mapping
from typing import Final

from ours_experiments.bulk.outcomes import BulkReport, OutcomeStatus


INSTANT: Final = 0.1
MINUTE: Final = 60
HOUR: Final = 3600
DECIMAL_BELOW: Final = 10
"""Rates and seconds below this have a decimal."""
MIN_PROBABILITY: Final = 0.0005
"""Smaller probabilities would be rounded to 0.0%."""


def format_duration(seconds: float) -> str:
    """Format a duration with its unit."""
    # Below this one decimal of a second would be 0.0 or 0.1.
    if seconds < INSTANT:
        return f"{seconds * 1000:.0f} ms"
    if seconds < DECIMAL_BELOW:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE:02} s"
    return f"{whole // HOUR:,} h {whole % HOUR // MINUTE:02} min"


def format_rate(per_second: float) -> str:
    """Format a rate per second."""
    if per_second >= DECIMAL_BELOW:
        return f"{per_second:,.0f}/s"
    return f"{per_second:.1f}/s"


def format_probability(share: float) -> str:
    """Format a probability; only 0 and 1 are rounded to 0 and 100 percent."""
    if 0 < share < MIN_PROBABILITY:
        return "<0.1%"
    if 1 - MIN_PROBABILITY < share < 1:
        return ">99.9%"
    return f"{share:.1%}"


def format_counts(counts: Mapping[OutcomeStatus, int], *, dry_run: bool = False) -> str:
    """Format the counts of outcomes that are not zero."""
    describe = BulkReport("", (), 0, dry_run=dry_run).describe
    return ", ".join(
        f"{count:,} {describe(status)}" for status, count in counts.items() if count
    )


def headline(report: BulkReport) -> str:
    """Format what a bulk call did as one line."""
    counts = {status: len(group) for status, group in report.by_status.items()}
    done = format_counts(counts, dry_run=report.dry_run) or "nothing to do"
    # Ids that a journal has as done are not sent, and would make the rate too high.
    sent = sum(bool(outcome.attempts) for outcome in report.outcomes)
    line = f"{report.action}: {done}"
    if report.outcomes:
        line += f" in {format_duration(report.seconds)}"
    if sent > 1 and report.seconds and not report.dry_run:
        line += f" ({format_rate(sent / report.seconds)})"
    if report.version is not None:
        line += f"; published as version {report.version.version_number}"
    if report.publish_error is not None:
        line += f"; not published: {report.publish_error}"
    return line
