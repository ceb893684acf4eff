"""How impressions are divided among the arms, against scipy and ssrm-test."""

from collections.abc import Sequence

import pytest

from ours_experiments.analysis import SampleRatio, analyze

from .made import make_case, make_experiment, make_results


def ratio_of(
    observed: Sequence[int], weights: Sequence[int], days: int = 0
) -> SampleRatio:
    """Test impressions: in one sum, or on so many days alike."""
    if days:
        row = [(number // days // 10, number // days) for number in observed]
        analysis = make_case([row] * days, weights).analyze()
    else:
        totals = [(number // 10, number) for number in observed]
        analysis = analyze(make_experiment(weights), make_results(totals))
    assert analysis.sample_ratio is not None
    return analysis.sample_ratio


@pytest.mark.parametrize(
    ("observed", "weights", "p_value", "sequential", "status"),
    [
        pytest.param((5000, 5000), (50, 50), 1, 1, "ok", id="equal"),
        pytest.param((6979, 7080), (50, 50), 0.39431800472, None, "ok", id="close"),
        pytest.param(
            (9463, 7681), (50, 50), 3.50219227305e-42, 6.22287669e-26, "mismatch",
            id="far",
        ),
        pytest.param(
            (10200, 9800), (50, 50), 0.00467773498105, 0.120330666, "warning",
            id="warning",
        ),
        pytest.param(
            (8100, 1900), (80, 20), 0.0124193306516, 0.290733421, "ok", id="unequal"
        ),
        pytest.param(
            (33500, 33000, 33500), (34, 33, 33), 0.000573157863265, 0.0124380146,
            "warning", id="three-arms",
        ),
        pytest.param(
            (1_000_500_000, 999_500_000), (50, 50), 9.50539776655e-111, 1.1952e-106,
            "warning", id="certain-and-tiny",
        ),
        pytest.param((30, 20), (50, 50), None, None, "too_few", id="too-few"),
    ],
)  # fmt: skip
def test_reference_figures(
    observed: Sequence[int],
    weights: Sequence[int],
    p_value: float | None,
    sequential: float | None,
    status: str,
) -> None:
    """The p-values and the status are those of the reference libraries."""
    ratio = ratio_of(observed, weights)
    assert ratio.status == status
    if p_value is None:
        assert ratio.p_value is None
    else:
        assert ratio.p_value == pytest.approx(p_value, rel=1e-6)
    if sequential is not None:
        # lgamma of 2e9 leaves five digits of a p-value of 1e-106.
        rel = 1e-6 if sequential > 1e-100 else 1e-3
        assert ratio.sequential_p_value == pytest.approx(sequential, rel=rel)


def test_an_arm_without_impressions_is_a_mismatch() -> None:
    """A p-value below what a float can hold is 0, and no error."""
    ratio = ratio_of((5000, 0), (50, 50))
    assert ratio.status == "mismatch"
    assert ratio.p_value is not None
    assert ratio.p_value < 1e-300
    assert ratio.deviation == pytest.approx(0.5)


def test_expected_impressions_follow_the_weights() -> None:
    """The same total is divided as the weights say."""
    ratio = ratio_of((8100, 1900), (80, 20))
    assert ratio.observed == {"control": 8100, "treatment_1": 1900}
    assert ratio.expected == {"control": 8000, "treatment_1": 2000}
    assert ratio.deviation == pytest.approx(0.01)


def test_even_days_make_a_warning_a_mismatch() -> None:
    """Days that do not scatter leave no other cause than the division."""
    ratio = ratio_of((33500, 33000, 33500), (34, 33, 33), days=4)
    assert ratio.status == "mismatch"
    assert ratio.p_value_by_day == pytest.approx(0, abs=1e-12)


def test_the_scatter_of_the_days_is_the_reference() -> None:
    """The test by day is the F test of the totals against the days."""
    control = (1000, 1100, 980, 1020, 1300, 1750, 1600)
    treatment = (1010, 1080, 1005, 990, 1320, 1790, 1585)
    rows = [((100, n), (100, m)) for n, m in zip(control, treatment, strict=True)]
    ratio = make_case(rows).analyze().sample_ratio
    assert ratio is not None
    assert ratio.p_value == pytest.approx(0.820746805894, rel=1e-6)
    assert ratio.p_value_by_day == pytest.approx(0.678027, rel=1e-5)
    assert ratio.status == "ok"


def test_three_days_do_not_show_their_scatter() -> None:
    """Under 4 days there is no test by day."""
    assert ratio_of((300, 300), (50, 50), days=3).p_value_by_day is None


@pytest.mark.parametrize(
    ("leaked", "status"),
    [(900, "mismatch"), (6, "mismatch"), (5, "ok"), (0, "ok")],
)
def test_a_variant_without_weight_that_is_served(leaked: int, status: str) -> None:
    """Over five impressions of a variant of weight 0 are a leak."""
    ratio = ratio_of((5000, 5000, leaked), (50, 50, 0))
    assert ratio.status == status
    assert bool(ratio.leaked_variant_ids) == (status == "mismatch")
    assert "treatment_2" not in ratio.observed
