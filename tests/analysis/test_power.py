"""Sizes of samples, against statsmodels' samplesize_proportions_2indep_onetail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ours_experiments.analysis import (
    days_needed,
    minimum_detectable_effect,
    sample_size,
)
from ours_experiments.analysis.power import control_sample
from ours_experiments.errors import ConfigurationError


@pytest.mark.parametrize(
    ("baseline", "mde", "power", "alpha", "ratio", "control"),
    [
        (0.10, 0.10, 0.8, 0.05, 1, 14750.790469),
        (0.05, 0.10, 0.8, 0.05, 1, 31233.437940),
        (0.10, 0.05, 0.8, 0.05, 1, 57762.651454),
        (0.01, 0.20, 0.8, 0.05, 1, 42692.802359),
        (0.003, 0.10, 0.8, 0.05, 1, 547689.724485),
        (0.10, 0.10, 0.9, 0.05, 1, 19746.624476),
        (0.10, 0.10, 0.8, 0.025, 1, 17863.419131),
        (0.10, -0.10, 0.8, 0.05, 1, 13494.969706),
        (0.10, 0.10, 0.8, 0.05, 0.25, 36498.331033),
        (0.10, 0.10, 0.8, 0.05, 4, 9310.204212),
    ],
)
def test_the_formula_is_that_of_statsmodels(
    *,
    baseline: float,
    mde: float,
    power: float,
    alpha: float,
    ratio: float,
    control: float,
) -> None:
    """The control's impressions agree in six digits, before they are rounded."""
    found = control_sample(baseline, mde, ratio, alpha, power)
    assert found == pytest.approx(control, rel=1e-6)


def test_sizes_are_whole_impressions_of_the_control() -> None:
    """A size is rounded up; several treatments share the error rate."""
    assert sample_size(0.10, 0.10) == 14_751
    assert sample_size(0.10, 0.10, power=0.9) == 19_747
    assert sample_size(0.10, 0.10, arms=3) == 17_864
    assert sample_size(0.10, -0.10) == 13_495


def test_with_weights_the_size_is_that_of_all_arms() -> None:
    """Unequal arms need more in all, and the total can be divided by the weights."""
    assert sample_size(0.10, 0.10, weights=(80, 20)) == 45_623
    assert sample_size(0.10, 0.10, weights=[50, 50]) == 29_502


@pytest.mark.parametrize(
    ("sample", "per_day", "weights", "allocation", "days"),
    [
        (14_751, 3_000, (50, 50), 100, 14),
        (14_751, 3_000, (50, 50), 50, 21),
        ((36_499, 9_125), 3_000, (80, 20), 100, 21),
        (14_751, 100_000, (50, 50), 100, 7),
    ],
)
def test_days_are_whole_weeks(
    sample: int | tuple[int, ...],
    per_day: float,
    weights: tuple[int, ...],
    allocation: float,
    days: int,
) -> None:
    """The slowest arm counts, and a started week is a week."""
    found = days_needed(sample, per_day, weights=weights, traffic_allocation=allocation)
    assert found == days


@given(st.floats(0.001, 0.5), st.floats(0.02, 0.9), st.integers(2, 5))
def test_the_effect_of_a_size_is_the_effect_it_was_computed_for(
    baseline: float, mde: float, arms: int
) -> None:
    """A sample finds the effect that it was planned for, and hardly a smaller one."""
    sample = sample_size(baseline, mde, arms=arms)
    found = minimum_detectable_effect(baseline, sample, arms=arms)
    assert found <= mde * (1 + 1e-9)
    assert found == pytest.approx(mde, rel=0.02)
    assert sample_size(baseline, found, arms=arms) <= sample


def test_the_effect_with_weights_takes_the_total() -> None:
    """With weights both functions speak of all arms."""
    found = minimum_detectable_effect(0.10, 45_623, weights=(80, 20))
    assert found == pytest.approx(0.10, rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"baseline": 0}, "baseline"),
        ({"baseline": 1}, "baseline"),
        ({"baseline": "0.1"}, "baseline"),
        ({"baseline": float("nan")}, "baseline"),
        ({"mde": 0}, "mde"),
        ({"mde": -1}, "mde"),
        ({"mde": 9.5}, "mde"),
        ({"mde": float("inf")}, "mde"),
        ({"alpha": 0}, "alpha"),
        ({"power": 1}, "power"),
        ({"arms": 1}, "arms"),
        ({"arms": True}, "arms"),
        ({"weights": (50,)}, "weights"),
        ({"weights": (50, 0)}, "weights"),
        ({"weights": "55"}, "weights"),
    ],
)
def test_a_size_of_bad_arguments(arguments: dict[str, object], name: str) -> None:
    """An argument out of range is refused by its name."""
    given_arguments = {"baseline": 0.1, "mde": 0.1, **arguments}
    with pytest.raises(ConfigurationError, match=f"^{name} "):
        sample_size(**given_arguments)  # type: ignore[arg-type]


def test_a_sample_that_finds_nothing() -> None:
    """A sample too small for any increase is refused."""
    with pytest.raises(ConfigurationError, match=r"^sample "):
        minimum_detectable_effect(0.9, 5)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"sample": (1, 2, 3)}, "sample"),
        ({"sample": 0}, "sample"),
        ({"sample": "12"}, "sample"),
        ({"per_day": 0}, "per_day"),
        ({"traffic_allocation": 0}, "traffic_allocation"),
        ({"traffic_allocation": 101}, "traffic_allocation"),
        ({"weights": ()}, "weights"),
    ],
)
def test_days_of_bad_arguments(arguments: dict[str, object], name: str) -> None:
    """An argument out of range is refused by its name."""
    given_arguments = {"sample": 10, "per_day": 5, "weights": (1, 1), **arguments}
    with pytest.raises(ConfigurationError, match=f"^{name} "):
        days_needed(**given_arguments)  # type: ignore[arg-type]
