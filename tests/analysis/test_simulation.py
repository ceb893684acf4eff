"""Simulated experiments, and what importing the analysis loads."""

import subprocess
import sys
from datetime import timedelta

import pytest
from numpy.random import default_rng

from ours_experiments.analysis import Rules, Verdict, decided, false_winner_rate
from ours_experiments.analysis.simulation import (
    FIRST_DAY,
    End,
    Truth,
    draw_arms,
    first_end,
    simulate,
)

from .made import make_case


@pytest.mark.parametrize(
    ("truth", "rules"),
    [
        pytest.param(
            Truth(baseline=0.1, effects=(0.2,), per_arm=800), Rules(), id="+20"
        ),
        pytest.param(
            Truth(baseline=0.1, effects=(0,), per_arm=800, loses=0.06), Rules(),
            id="lossy",
        ),
        pytest.param(
            Truth(baseline=0.1, effects=(0,), per_arm=800),
            Rules(planned_sample=10_000), id="planned",
        ),
        pytest.param(
            Truth(baseline=0.1, effects=(-0.5,), per_arm=300), Rules(), id="-50"
        ),
    ],
)  # fmt: skip
def test_a_night_by_night_analysis_ends_on_the_same_night(
    truth: Truth, rules: Rules
) -> None:
    """The simulation's shortcut is what `analyze` says when it is asked nightly."""
    generator = default_rng(7)
    ends: list[End] = []
    for _ in range(12):
        arms = draw_arms(truth, 28, generator)
        rows = [
            [(int(arm.conversions[night]), int(arm.impressions[night])) for arm in arms]
            for night in range(28)
        ]
        days = [FIRST_DAY + timedelta(days=night) for night in range(28)]
        case = make_case(rows, days=days)
        end = End(Verdict.KEEP_RUNNING, 28)
        for number, night in enumerate(days, start=1):
            analysis = case.analyze(rules, as_of=night)
            if decided(analysis):
                end = End(analysis.verdict, number)
                break
        assert first_end(arms, rules) == end
        ends.append(end)
    assert len(set(ends)) > 1


def test_the_same_seed_gives_the_same_runs() -> None:
    """A simulation can be repeated."""
    truth = Truth(baseline=0.1, effects=(0.2,), per_arm=500)
    first, again = (
        list(simulate(truth, Rules(), days=21, runs=20, seed=3)) for _ in range(2)
    )
    assert first == again
    assert first != list(simulate(truth, Rules(), days=21, runs=20, seed=4))


def test_false_winners_are_rare() -> None:
    """Nightly looks at equal arms find a difference in under 2 % of the runs."""
    rate = false_winner_rate(Rules(), baseline=0.1, per_day=2_000, runs=300)
    assert 0 <= rate <= 0.02


def test_generous_rules_find_more_false_winners() -> None:
    """The error rate that is asked for is what is simulated."""
    generous = Rules(alpha=0.9, min_days=1)
    rate = false_winner_rate(generous, baseline=0.1, per_day=2_000, runs=200, days=14)
    assert 0.1 < rate < 0.9


def test_clusters_and_losses_are_drawn() -> None:
    """Counts come in multiples, and a lossy arm has fewer impressions."""
    truth = Truth(
        baseline=0.1,
        effects=(0,),
        per_arm=3_000,
        impressions_per_visitor=3,
        conversions_per_converter=2,
        loses=0.1,
    )
    control, treatment = draw_arms(truth, 28, default_rng(1))
    for arm in (control, treatment):
        assert not (arm.impressions % 3).any()
        assert not (arm.conversions % 2).any()
        assert arm.conversions.sum() / arm.impressions.sum() == pytest.approx(0.1, 0.05)
    ratio = treatment.impressions.sum() / control.impressions.sum()
    assert ratio == pytest.approx(0.9, 0.02)


@pytest.mark.parametrize("absent", ["scipy", "numpy", "aiohttp"])
def test_importing_loads_no_extra(absent: str) -> None:
    """Sizes and rules need the standard library alone."""
    script = (
        "import sys; from ours_experiments.analysis import Rules, sample_size;"
        "sample_size(0.1, 0.1); Rules();"
        f"sys.exit({absent!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0  # noqa: S603 - our own script
