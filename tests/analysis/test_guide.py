"""The guide is true: its words exist, its figures are simulated.

Its blocks are run by `tests/test_guides.py`, with those of the other pages.
"""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.random import Generator, default_rng
from scipy.special import ndtr

import ours_experiments.analysis
from ours_experiments.analysis import Rules, Verdict, false_winner_rate
from ours_experiments.analysis.counts import Daily
from ours_experiments.analysis.sequence import compare, fixed_interval
from ours_experiments.analysis.simulation import Truth, draw_arms, simulate


GUIDE = Path(ours_experiments.analysis.__file__).parent / "README.md"
TEXT = GUIDE.read_text(encoding="utf-8")
MAX_LINES = 150


def test_every_verdict_is_explained() -> None:
    """The table has a row for each verdict, and no other."""
    rows = re.findall(r"^\| `([A-Z_]+)` \|", TEXT, re.MULTILINE)
    assert rows == [verdict.name for verdict in Verdict]


def test_the_guide_is_short() -> None:
    """It can be read in one sitting."""
    assert len(TEXT.splitlines()) <= MAX_LINES


def test_a_plan_names_few_winners_where_there_are_none() -> None:
    """About 4 of 100 with a plan: under 6 in 400 simulated runs."""
    rules = Rules(planned_sample=14_751)
    rate = false_winner_rate(rules, baseline=0.1, per_day=2_000, days=35, runs=400)
    assert 0.01 < rate < 0.06


@pytest.mark.parametrize(
    ("sample", "low", "high"),
    [
        pytest.param(6_000, 0.05, 0.11, id="short-plans-are-wrong"),
        pytest.param(14_751, 0.02, 0.09, id="long-plans-less-so"),
    ],
)
def test_conversions_that_come_twice(sample: int, low: float, high: float) -> None:
    """Short plans are wrong in 8 of 100, and two weeks become about four."""
    truth = Truth(
        baseline=0.1, effects=(0.0,), per_arm=1_000, conversions_per_converter=2
    )
    rules = Rules(planned_sample=sample)
    ends = list(simulate(truth, rules, days=42, runs=400, seed=1))
    false = [end for end in ends if end.verdict in {Verdict.SHIP, Verdict.ROLL_BACK}]
    assert low < len(false) / len(ends) < high
    mean = sum(end.day for end in ends) / len(ends)
    assert mean == pytest.approx(2.1 * sample / 1_000, rel=0.2)


def test_a_probability_that_is_looked_at_every_night() -> None:
    """Stopping at 95 % names a winner in 40 to 50 of 100 equal experiments."""
    generator = default_rng(1)
    truth = Truth(baseline=0.1, effects=(0.0,), per_arm=1_000)
    stopped = 0
    for _ in range(1_000):
        arms = draw_arms(truth, 28, generator)
        n = np.array([arm.impressions.cumsum() for arm in arms])
        mean = (np.array([arm.conversions.cumsum() for arm in arms]) + 1) / (n + 2)
        error = np.sqrt((mean * (1 - mean) / (n + 3)).sum(axis=0))
        probability = ndtr(np.abs(mean[1] - mean[0]) / error)
        stopped += bool((probability >= 0.95).any())
    assert 0.40 <= stopped / 1_000 <= 0.50


def draw_returning(generator: Generator) -> Daily:
    """Draw an arm half of whose visitors come back once, and behave as before."""
    visitors = 3_000
    converts = generator.random(visitors) < 0.1
    first = generator.integers(0, 28, visitors)
    again = (first + generator.integers(1, 28, visitors)) % 28
    back = generator.random(visitors) < 0.5
    days = np.concatenate([first, again[back]])
    hits = np.concatenate([converts, converts[back]])
    return Daily(
        np.bincount(days, minlength=28).astype(np.float64),
        np.bincount(days[hits], minlength=28).astype(np.float64),
    )


def test_visitors_who_come_back_are_not_seen() -> None:
    """Daily counts do not show them, and 95 % intervals are wrong too often."""
    generator = default_rng(1)
    wrong = 0
    for _ in range(800):
        path = compare(
            draw_returning(generator),
            draw_returning(generator),
            alpha=0.05,
            tuning_sample=5_000,
            min_conversions=5,
        )
        low, high = fixed_interval(path, -1, 0.05)
        wrong += not low <= 0 <= high
    assert 0.10 < wrong / 800 < 0.16
