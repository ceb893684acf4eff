"""Counts, durations and rates in words for people."""

from collections.abc import Mapping
from typing import Final

from ours_experiments.bulk.outcomes import BulkReport, OutcomeStatus


INSTANT: Final = 0.1
MINUTE: Final = 60
HOUR: Final = 3600
FAST: Final = 10
"""Rates and seconds below this have a decimal."""
ALMOST_NEVER: Final = 0.0005
"""Probabilities below this would be told as 0.0%."""


def duration(seconds: float) -> str:
    """Tell how long something takes."""
    if seconds < INSTANT:
        return f"{seconds * 1000:.0f} ms"
    if seconds < FAST:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE:02} s"
    return f"{whole // HOUR:,} h {whole % HOUR // MINUTE:02} min"


def rate_of(count: float) -> str:
    """Tell how many there are in a second."""
    return f"{count:,.0f}/s" if count >= FAST else f"{count:.1f}/s"


def chance(share: float) -> str:
    """Tell a probability; what is not certain is not told as if it were."""
    if 0 < share < ALMOST_NEVER:
        return "<0.1%"
    if 1 - ALMOST_NEVER < share < 1:
        return ">99.9%"
    return f"{share:.1%}"


def counted(counts: Mapping[OutcomeStatus, int], *, dry_run: bool = False) -> str:
    """Count outcomes, those of nothing left out."""
    describe = BulkReport("", (), 0, dry_run=dry_run).describe
    told = [
        f"{count:,} {describe(status)}" for status, count in counts.items() if count
    ]
    return ", ".join(told)


def headline(report: BulkReport) -> str:
    """Tell what a bulk call did in one line."""
    counts = {status: len(group) for status, group in report.by_status.items()}
    told = counted(counts, dry_run=report.dry_run) or "nothing to do"
    sent = sum(bool(outcome.attempts) for outcome in report.outcomes)
    line = f"{report.action}: {told}"
    if report.outcomes:
        line += f" in {duration(report.seconds)}"
    if sent > 1 and report.seconds and not report.dry_run:
        line += f" ({rate_of(sent / report.seconds)})"
    if report.version is not None:
        line += f"; published as version {report.version.version_number}"
    if report.publish_error is not None:
        line += f"; not published: {report.publish_error}"
    return line
