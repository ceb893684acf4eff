"""What the benchmarks say follows from what they measured."""

from itertools import count
from statistics import mean

import orjson
import pytest

from benchmarks.growth import exponent
from benchmarks.measuring import OURS, Comparison, Goal, compared, take_turns
from benchmarks.picture import share_of_goal
from tests.support.corpus import Corpus


COSTS = {OURS: [2.0, 2.0, 4.0, 1.0], "theirs": [4.0, 4.0, 4.0, 1.0]}


def comparison(goal: Goal | None) -> Comparison:
    """Compare some costs."""
    return compared("work", COSTS, "theirs", unit="s", goal=goal)


@pytest.mark.parametrize(
    ("goal", "ratio", "verdict"),
    [
        pytest.param(None, 0.75, "", id="none"),
        pytest.param(Goal(0.8), 0.75, "met", id="cost"),
        pytest.param(Goal(0.7), 0.75, "MISSED", id="cost-missed"),
        pytest.param(Goal(1.5, at_least=True), 1.5, "met", id="speed"),
        pytest.param(Goal(1.6, at_least=True), 1.5, "MISSED", id="speed-missed"),
    ],
)
def test_ratio(goal: Goal | None, ratio: float, verdict: str) -> None:
    """The ratio is the median of the rounds', cost over cost or speed over speed."""
    made = comparison(goal)
    assert (made.ratio, made.verdict) == (ratio, verdict)
    assert made.low <= ratio <= made.high
    assert (made.our_median, made.their_median) == (2.0, 4.0)


def test_share_of_the_goal() -> None:
    """In the picture a goal is at one, and what is worse lies beyond."""
    missed = comparison(Goal(1.6, at_least=True))
    assert share_of_goal(missed, missed.ratio) > 1
    met = comparison(Goal(1.5, at_least=True))
    assert share_of_goal(met, met.ratio) == 1


def test_turns() -> None:
    """Everybody has one turn in each round, the first after a warm-up, both ways."""
    order: list[str] = []
    ticks = count()

    def turn(name: str) -> float:
        order.append(name)
        return next(ticks)

    costs = take_turns({"a": lambda: turn("a"), "b": lambda: turn("b")}, 2)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert costs == {"a": [3, 4], "b": [2, 5]}


@pytest.mark.parametrize("power", [1.0, 1.5])
def test_exponent(power: float) -> None:
    """The slope on logarithmic axes is the power with which cost grows."""
    costs = {number: 3e-5 * number**power for number in (100, 1_000, 10_000)}
    assert exponent(costs) == pytest.approx(power)


def test_corpus() -> None:
    """Pages are as large, and experiments as manifold, as an account's."""
    pages = [Corpus(seed).page() for seed in range(5)]
    assert 225_000 < mean(map(len, pages)) < 275_000
    experiments = [each for page in pages for each in orjson.loads(page)["entities"]]
    variants = [each["variants"] for each in experiments]
    assert {len(each) for each in variants} == {2, 3, 4}
    changes = [one["domModifications"] or () for each in variants for one in each]
    assert {len(each) for each in changes} == set(range(7))
    assert all(each["targetingRules"] and each["metrics"] for each in experiments)
