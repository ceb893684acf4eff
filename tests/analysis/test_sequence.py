"""Dispersion and the confidence sequence, against gbstats and statsmodels."""

from math import log

import numpy as np
import pytest

from ours_experiments.analysis.counts import Daily
from ours_experiments.analysis.sequence import Comparison, compare, fixed_interval


EVEN_DAYS = 7


def even(conversions: float, impressions: float) -> Daily:
    """Divide counts evenly among days, so that the dispersion is 1."""
    return Daily(
        np.full(EVEN_DAYS, impressions / EVEN_DAYS),
        np.full(EVEN_DAYS, conversions / EVEN_DAYS),
    )


def compared(
    treatment: Daily, control: Daily, tuning_sample: int = 5_000
) -> Comparison:
    """Compare two arms at the usual error rate."""
    return compare(
        treatment,
        control,
        alpha=0.05,
        tuning_sample=tuning_sample,
        min_conversions=5,
    )


@pytest.mark.parametrize(
    ("control", "treatment", "tuning", "multiplier", "low", "high", "p_value"),
    [
        pytest.param(
            (671, 6979), (807, 7080), 5_000,
            3.09033549, 0.0175324, 0.3812544, 0.016663612, id="clear",
        ),
        pytest.param(
            (671, 6979), (807, 7080), 29_502,
            3.09100518, 0.0174987, 0.3813001, 0.020200393, id="clear-planned",
        ),
        pytest.param(
            (100, 1000), (130, 1000), 5_000,
            3.12377909, -0.1209805, 0.9225968, 0.38543714, id="small",
        ),
        pytest.param(
            (1000, 10000), (1100, 10000), 5_000,
            3.12711414, -0.0333979, 0.2518077, 0.43516392, id="larger",
        ),
        pytest.param(
            (1000, 10000), (1100, 10000), 29_502,
            3.05003870, -0.0303130, 0.2478253, 0.26862707, id="larger-planned",
        ),
        pytest.param(
            (100, 1000), (100, 1000), 5_000,
            3.12377909, -0.3423609, 0.5205908, 1, id="equal",
        ),
    ],
)  # fmt: skip
def test_reference_sequences(
    *,
    control: tuple[int, int],
    treatment: tuple[int, int],
    tuning: int,
    multiplier: float,
    low: float,
    high: float,
    p_value: float,
) -> None:
    """Interval, multiplier and p-value are those of the reference library."""
    path = compared(even(*treatment), even(*control), tuning)
    assert path.dispersion[-1] == 1
    assert path.lower[-1] == pytest.approx(low, rel=1e-5)
    assert path.upper[-1] == pytest.approx(high, rel=1e-6)
    reach = log(1 + path.upper[-1]) - path.log_ratio[-1]
    assert reach / path.standard_error[-1] == pytest.approx(multiplier, rel=1e-6)
    lowest = path.p_value[-1]
    assert lowest <= p_value * (1 + 1e-6)
    if p_value < 1:
        assert lowest == pytest.approx(p_value, rel=1e-6)


@pytest.mark.parametrize(
    ("control", "treatment", "low", "high"),
    [
        ((671, 6979), (807, 7080), 0.0760245, 0.3061702),
        ((100, 1000), (130, 1000), 0.0169843, 0.6617759),
        ((1000, 10000), (1100, 10000), 0.0143855, 0.1928404),
        ((100, 1000), (100, 1000), -0.2312249, 0.3007705),
    ],
)
def test_the_interval_of_one_look_is_that_of_katz(
    control: tuple[int, int], treatment: tuple[int, int], low: float, high: float
) -> None:
    """The fixed interval is the logarithmic one for a ratio of rates."""
    path = compared(even(*treatment), even(*control))
    assert fixed_interval(path, -1, 0.05) == pytest.approx((low, high), rel=1e-5)


CONTROL = Daily(
    np.array([1000.0, 1100, 980, 1020, 1300, 1750, 1600]),
    np.array([98.0, 121, 95, 104, 118, 170, 166]),
)
IMPRESSIONS = np.array([1010.0, 1080, 1005, 990, 1320, 1790, 1585])


def test_independent_days_have_no_dispersion() -> None:
    """Days that scatter less than chance allows leave the counts as they are."""
    treatment = Daily(IMPRESSIONS, np.array([112.0, 128, 101, 120, 150, 188, 171]))
    path = compared(treatment, CONTROL)
    assert path.dispersion[-1] == 1
    assert path.is_measured[-1]


def test_scattered_days_are_measured() -> None:
    """The same total on uneven days widens every interval."""
    treatment = Daily(IMPRESSIONS, np.array([70.0, 170, 60, 165, 100, 260, 145]))
    path = compared(treatment, CONTROL)
    assert path.dispersion[-1] == pytest.approx(9.62905754330477, rel=1e-6)


def test_a_good_day_of_both_arms_cancels() -> None:
    """A weekend that is good for everybody is no dispersion."""
    rates = np.array([0.05, 0.2, 0.05, 0.2, 0.05, 0.2, 0.05])
    arm = Daily(np.full(7, 1000.0), rates * 1000)
    assert compared(arm, arm).dispersion.tolist() == [4, 4, 4, 1, 1, 1, 1]


def test_dispersion_is_assumed_where_it_cannot_be_measured() -> None:
    """Three days, or an arm without conversions, double the standard errors."""
    path = compared(even(130, 1000), even(100, 1000))
    assert path.dispersion[:3].tolist() == [4, 4, 4]
    assert not path.is_measured[2]
    nothing = compared(even(0, 1000), even(100, 1000))
    assert nothing.dispersion[-1] == 4


@pytest.mark.parametrize(
    ("control", "treatment"),
    [
        ((0, 500), (3, 500)),
        ((4, 500), (50, 500)),
        ((2, 3), (1, 3)),
        ((496, 500), (400, 500)),
    ],
)
def test_no_effect_of_few_conversions(
    control: tuple[int, int], treatment: tuple[int, int]
) -> None:
    """Under five conversions, or five others, there is neither lift nor interval."""
    path = compared(even(*treatment), even(*control))
    assert np.isnan(path.log_ratio).all()
    assert np.isnan(path.running_lower).all()
    assert np.isnan(path.p_value).all()


def test_the_running_interval_only_narrows() -> None:
    """What was excluded once stays excluded."""
    generator = np.random.default_rng(1)
    arms = [
        Daily(np.full(60, 500.0), generator.binomial(500, 0.1, 60).astype(float))
        for _ in range(2)
    ]
    path = compared(arms[0], arms[1])
    assert (np.diff(path.running_lower) >= 0).all()
    assert (np.diff(path.running_upper) <= 0).all()
    assert (np.diff(path.p_value) <= 0).all()
