"""Counts, durations, rates and probabilities in words."""

import pytest

from ours_experiments.bulk.outcomes import BulkReport, Outcome, OutcomeStatus
from ours_experiments.cli.output.phrases import (
    format_counts,
    format_duration,
    format_probability,
    format_rate,
    headline,
)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.0, "0 ms"),
        (0.0421, "42 ms"),
        (0.1, "0.1 s"),
        (9.94, "9.9 s"),
        (10.4, "10 s"),
        (59.4, "59 s"),
        (60, "1 min 00 s"),
        (200.2, "3 min 20 s"),
        (3599.6, "1 h 00 min"),
        (7384, "2 h 03 min"),
    ],
)
def test_a_duration_has_units(seconds: float, told: str) -> None:
    """Short times have small units, long ones two."""
    assert format_duration(seconds) == told


@pytest.mark.parametrize(
    ("rate", "told"), [(0.44, "0.4/s"), (12.6, "13/s"), (1234.5, "1,234/s")]
)
def test_a_rate_is_rounded(rate: float, told: str) -> None:
    """Slow rates have a decimal, fast ones separators."""
    assert format_rate(rate) == told


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (0.0, "0.0%"),
        (0.0001, "<0.1%"),
        (0.5, "50.0%"),
        (0.9994, "99.9%"),
        (0.99996, ">99.9%"),
        (1.0, "100.0%"),
    ],
)
def test_what_is_not_certain_is_not_told_as_certain(share: float, told: str) -> None:
    """Only a probability of 1 is 100 percent."""
    assert format_probability(share) == told


def test_counts_leave_out_nothing_but_zeros() -> None:
    """Outcomes are counted with separators; a dry run says what would be."""
    counts = {OutcomeStatus.APPLIED: 1200, OutcomeStatus.NOT_ATTEMPTED: 3}
    assert format_counts(counts) == "1,200 applied, 3 not attempted"
    counts = {OutcomeStatus.FAILED: 0, OutcomeStatus.NOT_ATTEMPTED: 3}
    assert format_counts(counts, dry_run=True) == "3 would be applied"


def test_a_headline_tells_what_was_sent() -> None:
    """The rate counts what was sent, and nothing has no duration."""
    done = [
        Outcome(f"exp_{number}", "start", OutcomeStatus.APPLIED, attempts=1)
        for number in range(2400)
    ]
    report = BulkReport("start", tuple(done), 200.0)
    assert headline(report) == "start: 2,400 applied in 3 min 20 s (12/s)"
    assert headline(BulkReport("start", (), 0.0)) == "start: nothing to do"
