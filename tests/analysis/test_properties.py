"""What holds for any counts."""

from math import isnan

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ours_experiments.analysis import Rules, Verdict
from ours_experiments.analysis.counts import read_counts
from ours_experiments.analysis.sequence import compare, fixed_interval

from .made import Case, Row, day, make_case


@st.composite
def runs(draw: st.DrawFn, arms: int = 2) -> list[Row]:
    """Draw days whose arms have rates that differ by more or less."""
    days = draw(st.integers(1, 40))
    impressions = draw(st.integers(20, 2_000))
    rates = [draw(st.floats(0.02, 0.5)) for _ in range(arms)]
    noise = draw(st.randoms(use_true_random=False))
    rows: list[Row] = []
    for _ in range(days):
        row: list[tuple[int, int]] = []
        for rate in rates:
            count = impressions + noise.randint(-impressions // 20, impressions // 20)
            row.append(
                (min(round(count * rate * noise.uniform(0.8, 1.2)), count), count)
            )
        rows.append(row)
    return rows


rules = st.builds(
    Rules,
    planned_sample=st.none() | st.integers(1_000, 30_000),
    mde=st.none() | st.floats(0.05, 0.5),
    min_days=st.integers(1, 10),
)


@settings(max_examples=50)
@given(runs(), rules)
def test_the_same_arguments_give_the_same_analysis(
    rows: list[Row], given_rules: Rules
) -> None:
    """A decision can be recomputed, and nothing that it is made of is changed."""
    case = make_case(rows)
    before = attrs.asdict(case)
    first = case.analyze(given_rules)
    assert case.analyze(given_rules) == first
    assert attrs.asdict(case) == before


@settings(max_examples=30)
@given(runs(), rules)
def test_a_day_more_never_moves_a_decision(rows: list[Row], given_rules: Rules) -> None:
    """Once decided, the day and the verdict stay, unless the data lose trust."""
    case = make_case(rows)
    decided_on = None
    for number in range(1, len(rows) + 1):
        analysis = case.analyze(given_rules, as_of=day(number))
        if analysis.verdict is Verdict.DO_NOT_TRUST:
            continue
        if decided_on is not None:
            assert (analysis.decided_on, analysis.verdict) == decided_on
        elif analysis.decided_on is not None:
            assert analysis.decided_on == day(number)
            decided_on = analysis.decided_on, analysis.verdict


def swapped(rows: list[Row]) -> Case:
    """Let the treatment be the control."""
    return make_case([tuple(reversed(row)) for row in rows])


@given(runs())
def test_swapping_the_arms_flips_the_signs(rows: list[Row]) -> None:
    """On the logarithmic scale the effect of one arm is minus that of the other."""
    there = make_case(rows).analyze().variants[1]
    back = swapped(rows).analyze().variants[1]
    if there.lift is None or back.lift is None:
        assert there.lift is back.lift is None
        return
    assert (1 + there.lift) * (1 + back.lift) == pytest.approx(1)
    assert there.sequential_p_value == pytest.approx(back.sequential_p_value)
    for name in ("lift_interval", "confidence_sequence"):
        one, other = getattr(there, name), getattr(back, name)
        assert (one is None) == (other is None)
        if one is not None:
            flipped = (1 / (1 + other[1]) - 1, 1 / (1 + other[0]) - 1)
            assert one == pytest.approx(flipped, rel=1e-5, abs=1e-6)


@given(runs(arms=4))
def test_probabilities_add_up_to_one(rows: list[Row]) -> None:
    """One of the arms is the best; each probability lies between 0 and 1."""
    variants = make_case(rows, (25, 25, 25, 25)).analyze().variants
    chances = [variant.probability_to_be_best or 0.0 for variant in variants]
    assert sum(chances) == pytest.approx(1, abs=1e-5)
    assert all(-1e-9 <= chance <= 1 + 1e-9 for chance in chances)
    losses = [variant.expected_loss for variant in variants]
    assert all(loss is not None and loss >= -1e-12 for loss in losses)


@given(runs(arms=3))
def test_the_sequence_contains_the_interval_of_one_look(rows: list[Row]) -> None:
    """To look every night costs width: on every day, for every treatment."""
    case = make_case(rows, (34, 33, 33))
    variants = case.experiment.variants or ()
    counts = read_counts(variants, case.results, case.series, None)
    for variant in variants[1:]:
        path = compare(
            counts.daily(variant.id),
            counts.daily("control"),
            alpha=0.05,
            tuning_sample=5_000,
            min_conversions=5,
        )
        for index in range(len(rows)):
            low, high = fixed_interval(path, index, 0.05)
            if not isnan(low):
                assert path.lower[index] <= low
                assert high <= path.upper[index]


@given(runs(), st.integers(2, 9))
def test_scatter_counts_as_fewer_impressions(rows: list[Row], times: int) -> None:
    """Impressions that come several at a time widen the intervals as if single."""
    clustered: list[Row] = [
        [(conversions * times, impressions * times) for conversions, impressions in row]
        for row in rows
    ]
    single = make_case(rows).analyze()
    several = make_case(clustered).analyze()
    assert single.dispersion is not None
    assert several.dispersion is not None
    assert several.dispersion <= single.dispersion * times * (1 + 1e-6)
    if single.dispersion > 1 and single.variants[1].lift and len(rows) >= 4:
        assert several.dispersion == pytest.approx(single.dispersion * times, rel=1e-6)
        assert several.variants[1].rate_interval == pytest.approx(
            single.variants[1].rate_interval
        )
