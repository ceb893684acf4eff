"""Posteriors of rates, against betaincinv and Simpson's rule."""

from collections.abc import Sequence
from math import comb, inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ours_experiments.analysis.posterior import (
    chances,
    credible_interval,
    lift_intervals,
    posterior,
    rate_interval,
)


Counts = Sequence[tuple[int, int]]


@pytest.mark.parametrize(
    ("conversions", "impressions", "low", "high"),
    [
        (671, 6979, 0.0894532919, 0.1032883646),
        (807, 7080, 0.1067921267, 0.1215984381),
        (100, 1000, 0.0829363985, 0.1201691298),
        (130, 1000, 0.1105866539, 0.1522861854),
        (1000, 10000, 0.0942751131, 0.106036332),
        (1100, 10000, 0.1040187816, 0.1162848782),
        (0, 500, 0, 0.0059616639),
        (3, 500, 0.0021795407, 0.0173990764),
        (500, 500, 0.9940383361, 1),
    ],
)
def test_interval_of_a_rate(
    conversions: int, impressions: int, low: float, high: float
) -> None:
    """The interval is that of the Beta distribution after a flat prior."""
    interval = rate_interval(impressions, conversions)
    assert interval == pytest.approx((low, high), rel=1e-6)


@pytest.mark.parametrize(
    ("impressions", "conversions"), [(0, 0), (10, 11), (10, -1), (-1, -1)]
)
def test_counts_without_an_interval(impressions: int, conversions: int) -> None:
    """Impossible counts have no interval, and raise nothing."""
    assert rate_interval(impressions, conversions) is None


def test_interval_of_a_billion_impressions() -> None:
    """Large counts lose no accuracy."""
    interval = rate_interval(10**9, 10**8)
    assert interval is not None
    # The standard error of the rate is 9.4868e-6.
    assert interval == pytest.approx((0.1 - 1.95996 * 9.4868e-6, 0.1 + 1.86e-5), 1e-6)


@pytest.mark.parametrize(
    ("counts", "best", "loss"),
    [
        pytest.param(
            [(671, 6979), (807, 7080)],
            (0.00028160, 0.99971840),
            (0.017831155, 3.7094731e-07),
            id="clear",
        ),
        pytest.param(
            [(100, 1000), (130, 1000)],
            (0.01783493, 0.98216507),
            (0.030032494, 9.2374492e-05),
            id="likely",
        ),
        pytest.param(
            [(1000, 10000), (1100, 10000)],
            (0.01054265, 0.98945735),
            (0.010013583, 1.5582444e-05),
            id="larger",
        ),
        pytest.param(
            [(0, 500), (3, 500)],
            (0.06212556, 0.93787444),
            (0.0060993582, 0.00012326256),
            id="no-conversions",
        ),
        pytest.param(
            [(100, 1000), (100, 1000)],
            (0.5, 0.5),
            (0.0053592374, 0.0053592374),
            id="equal",
        ),
        pytest.param(
            [(100, 1000), (110, 1000), (120, 1000)],
            (0.04620831, 0.22690519, 0.72688650),
            (0.0222527306, 0.0122726907, 0.0022926508),
            id="three",
        ),
        pytest.param(
            [(2, 3), (1, 3)],
            (0.75714286, 0.24285714),
            (0.0428571429, 0.2428571429),
            id="tiny",
        ),
    ],
)
def test_probability_to_be_best_and_loss(
    counts: Counts, best: Sequence[float], loss: Sequence[float]
) -> None:
    """Probabilities and losses are those of the integrals, and add up to 1."""
    found = chances([posterior(n, k) for k, n in counts])
    assert [chance.best for chance in found] == pytest.approx(best, rel=1e-4)
    assert [chance.loss for chance in found] == pytest.approx(loss, rel=1e-4)
    assert sum(chance.best for chance in found) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("control", "treatment", "low", "high"),
    [
        ((671, 6979), (807, 7080), 0.0760679, 0.3061436),
        ((100, 1000), (130, 1000), 0.0175670, 0.6610486),
        ((1000, 10000), (1100, 10000), 0.0144059, 0.1928225),
        ((0, 500), (3, 500), -0.3372190, 156.1882277),
        ((100, 1000), (100, 1000), -0.2307675, 0.2999970),
    ],
)
def test_interval_of_the_lift(
    control: tuple[int, int], treatment: tuple[int, int], low: float, high: float
) -> None:
    """The quantiles are those of the ratio of the two posteriors."""
    (interval,) = lift_intervals(
        [posterior(control[1], control[0])], [posterior(treatment[1], treatment[0])]
    )
    assert interval == pytest.approx((low, high), rel=1e-4)


def test_a_narrow_posterior_beside_a_wide_one() -> None:
    """A hundred million impressions beside none keep their probability."""
    found = chances([posterior(0, 0), posterior(10**8, 10**7)])
    assert found[0].best == pytest.approx(0.9, abs=1e-5)
    assert sum(chance.best for chance in found) == pytest.approx(1, abs=1e-5)


def test_lift_intervals_of_several_pairs_are_those_of_each() -> None:
    """Pairs that are computed together do not disturb each other."""
    control = [posterior(1000, 100), posterior(10, 0)]
    treatments = [posterior(1000, 130), posterior(10**6, 10**5)]
    together = lift_intervals(control, treatments)
    alone = [
        lift_intervals([base], [rate])[0]
        for base, rate in zip(control, treatments, strict=True)
    ]
    assert together == [pytest.approx(interval, rel=1e-6) for interval in alone]
    assert all(-1 < low < high < inf for low, high in together)


def test_the_interval_of_half_a_conversion() -> None:
    """Counts that dispersion divides need not be whole."""
    low, high = credible_interval(posterior(10, 0.5))
    assert 0 < low < 0.05 < high < 1


@given(st.integers(1, 10**9), st.floats(0, 1))
def test_an_interval_holds_the_observed_rate(impressions: int, share: float) -> None:
    """Whatever was observed lies inside, and both ends are rates."""
    conversions = round(impressions * share)
    low, high = rate_interval(impressions, conversions) or (1.0, 0.0)
    assert 0 <= low <= conversions / impressions <= high <= 1


def chance_of_at_least(hits: int, trials: int, rate: float) -> float:
    """Sum up the binomial distribution: the posterior's other face."""
    return sum(
        comb(trials, k) * rate**k * (1 - rate) ** (trials - k)
        for k in range(hits, trials + 1)
    )


@given(st.integers(1, 200), st.data())
def test_an_interval_holds_its_probability(
    impressions: int, data: st.DataObject
) -> None:
    """The posterior's mass inside is 95 %, as exact binomial sums tell."""
    conversions = data.draw(st.integers(0, impressions))
    low, high = rate_interval(impressions, conversions) or (1.0, 0.0)
    mass = [
        chance_of_at_least(conversions + 1, impressions + 1, rate)
        for rate in (low, high)
    ]
    assert mass[1] - mass[0] == pytest.approx(0.95, abs=1e-4)
