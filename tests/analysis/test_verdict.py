"""What is decided, and on which day."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from ours_experiments.analysis import (
    Analysis,
    ReasonCode,
    Rules,
    Verdict,
    analyze,
    decided,
)
from ours_experiments.models import ExperimentStatus, ExperimentType

from .made import Row, day, make_case, make_experiment, make_results


PLANNED = Rules(planned_sample=14_751)


def alike(days: int, *arms: tuple[int, int]) -> list[Row]:
    """Make days of the same counts."""
    return [arms] * days


def codes(analysis: Analysis) -> set[ReasonCode]:
    """Return the codes of the reasons."""
    return {reason.code for reason in analysis.reasons}


def warned(analysis: Analysis) -> set[ReasonCode]:
    """Return the codes of the warnings."""
    return {warning.code for warning in analysis.warnings}


SCATTERED = [((100, 1000), (k, 1000)) for k in (40, 260, 30, 250, 50, 270, 20)]


@pytest.mark.parametrize(
    ("rows", "rules", "verdict", "decided_on", "code"),
    [
        pytest.param(
            alike(14, (100, 1000), (100, 1000)), Rules(),
            Verdict.KEEP_RUNNING, None, ReasonCode.NOT_DECIDED, id="no-difference",
        ),
        pytest.param(
            alike(3, (100, 1000), (130, 1000)), Rules(),
            Verdict.KEEP_RUNNING, None, ReasonCode.TOO_FEW_DAYS, id="three-days",
        ),
        pytest.param(
            alike(14, (100, 1000), (130, 1000)), Rules(),
            Verdict.SHIP, 7, ReasonCode.BETTER_THAN_CONTROL, id="clearly-better",
        ),
        pytest.param(
            alike(5, (100, 1000), (200, 1000)), Rules(),
            Verdict.KEEP_RUNNING, None, ReasonCode.TOO_FEW_DAYS, id="better-too-early",
        ),
        pytest.param(
            alike(14, (100, 1000), (70, 1000)), Rules(),
            Verdict.ROLL_BACK, 4, ReasonCode.WORSE_THAN_CONTROL, id="clearly-worse",
        ),
        pytest.param(
            alike(10, (20, 100), (120, 100)), Rules(), Verdict.DO_NOT_TRUST, None,
            ReasonCode.CONVERSIONS_EXCEED_IMPRESSIONS, id="too-many-conversions",
        ),
        pytest.param(
            alike(28, (100, 1000), (110, 1000)), PLANNED,
            Verdict.SHIP, 21, ReasonCode.BETTER_THAN_CONTROL, id="planned-end",
        ),
        pytest.param(
            alike(28, (100, 1000), (120, 1000)), PLANNED,
            Verdict.SHIP, 7, ReasonCode.BETTER_THAN_CONTROL, id="planned-early",
        ),
        pytest.param(
            alike(28, (100, 1000), (100, 1000)), PLANNED,
            Verdict.INCONCLUSIVE, 21, ReasonCode.PLANNED_SAMPLE_REACHED, id="planned",
        ),
        pytest.param(
            alike(28, (100, 1000), (91, 1000)), PLANNED,
            Verdict.ROLL_BACK, 21, ReasonCode.WORSE_THAN_CONTROL, id="planned-worse",
        ),
        pytest.param(
            SCATTERED * 2, Rules(),
            Verdict.KEEP_RUNNING, None, ReasonCode.NOT_DECIDED, id="scattered",
        ),
        pytest.param(
            alike(10, (0, 1000), (3, 1000)), Rules(), Verdict.KEEP_RUNNING, None,
            ReasonCode.TOO_FEW_CONVERSIONS, id="few-conversions",
        ),
        pytest.param(
            alike(28, (1000, 10000), (1000, 10000)), Rules(mde=0.1),
            Verdict.INCONCLUSIVE, 7, ReasonCode.SMALLER_THAN_MDE, id="negligible",
        ),
    ],
)  # fmt: skip
def test_scenarios(
    rows: Sequence[Row],
    rules: Rules,
    verdict: Verdict,
    decided_on: int | None,
    code: ReasonCode,
) -> None:
    """Each scenario has its verdict, its day and its reason."""
    analysis = make_case(rows).analyze(rules)
    assert analysis.verdict is verdict
    assert analysis.decided_on == (None if decided_on is None else day(decided_on))
    assert code in codes(analysis)
    assert (analysis.variant_id == "treatment_1") == (verdict is Verdict.SHIP)
    assert decided(analysis) == (verdict is not Verdict.KEEP_RUNNING)


@pytest.mark.parametrize(
    ("rows", "rules", "dispersion", "low", "high"),
    [
        pytest.param(
            alike(14, (100, 1000), (100, 1000)),
            Rules(),
            1,
            -0.107342,
            0.120249,
            id="no-difference",
        ),
        pytest.param(
            alike(3, (100, 1000), (130, 1000)),
            Rules(),
            4,
            -0.181645,
            1.065118,
            id="three-days",
        ),
        pytest.param(
            alike(7, (100, 1000), (130, 1000)),
            Rules(),
            1,
            0.123068,
            0.504806,
            id="clearly-better",
        ),
        pytest.param(
            alike(5, (100, 1000), (200, 1000)),
            Rules(),
            1,
            0.710938,
            1.337899,
            id="better-too-early",
        ),
        pytest.param(
            alike(4, (100, 1000), (70, 1000)),
            Rules(),
            1,
            -0.442414,
            -0.121211,
            id="clearly-worse",
        ),
        pytest.param(
            alike(21, (100, 1000), (110, 1000)),
            PLANNED,
            1,
            -0.006744,
            0.218215,
            id="planned-end",
        ),
        pytest.param(
            alike(7, (100, 1000), (120, 1000)),
            PLANNED,
            1,
            0.007503,
            0.429277,
            id="planned-early",
        ),
        pytest.param(
            SCATTERED * 2, Rules(), 49.9203, -0.156898, 0.623071, id="scattered"
        ),
    ],
)
def test_reference_sequences(
    rows: Sequence[Row], rules: Rules, dispersion: float, low: float, high: float
) -> None:
    """The running interval is the reference on the day that matters."""
    analysis = make_case(rows).analyze(rules)
    assert analysis.dispersion == pytest.approx(dispersion, rel=1e-5)
    sequence = analysis.variants[1].confidence_sequence
    assert sequence == pytest.approx((low, high), abs=1e-6)


def test_the_planned_look_tells_its_interval() -> None:
    """The reason holds the interval of the look that decided."""
    rows = alike(28, (100, 1000), (110, 1000))
    (reason,) = make_case(rows).analyze(PLANNED).reasons
    assert "+3.7% to +16.6%" in reason.text
    assert "2026-08-23" in reason.text


def test_the_better_of_two_treatments_ships() -> None:
    """Of three arms the second treatment ships, and is not said to beat the first."""
    rows = alike(28, (102, 1020), (109, 990), (124, 990))
    analysis = make_case(rows, (34, 33, 33)).analyze(Rules())
    assert (analysis.verdict, analysis.variant_id) == (Verdict.SHIP, "treatment_2")
    assert analysis.decided_on == day(7)
    assert ReasonCode.TREATMENTS_NOT_COMPARED in warned(analysis)
    week = make_case(rows, (34, 33, 33)).analyze(Rules(), as_of=day(7))
    _, first, second = (variant.confidence_sequence for variant in week.variants)
    assert first == pytest.approx((-0.065651, 0.297399), abs=1e-6)
    assert second == pytest.approx((0.068740, 0.467915), abs=1e-6)


def test_of_several_winners_the_best_ships() -> None:
    """Where both treatments win, the one with the higher rate ships."""
    rows = alike(14, (1000, 10000), (1300, 10000), (1250, 10000))
    analysis = make_case(rows, (34, 33, 33)).analyze(Rules())
    assert analysis.verdict is Verdict.DO_NOT_TRUST
    rows = alike(14, (1020, 10200), (1290, 9900), (1250, 9900))
    analysis = make_case(rows, (34, 33, 33)).analyze(Rules())
    assert (analysis.verdict, analysis.variant_id) == (Verdict.SHIP, "treatment_1")


def test_equal_counts_of_unequal_weights_are_a_mismatch() -> None:
    """A thousand impressions of each arm are not 34 to 33 to 33."""
    rows = alike(28, (102, 1000), (109, 1000), (124, 1000))
    analysis = make_case(rows, (34, 33, 33)).analyze(Rules())
    assert analysis.verdict is Verdict.DO_NOT_TRUST
    assert codes(analysis) == {ReasonCode.SAMPLE_RATIO_MISMATCH}
    assert analysis.sample_ratio is not None
    assert analysis.sample_ratio.p_value == pytest.approx(0.00024397, rel=1e-4)
    assert analysis.decided_on is None
    assert analysis.variant_id is None


def test_without_a_series_nothing_is_decided() -> None:
    """A sum is no path: it may be one good day."""
    results = make_results([(1000, 10000), (1300, 10000)])
    analysis = analyze(make_experiment(), results)
    assert analysis.verdict is Verdict.KEEP_RUNNING
    assert codes(analysis) == {ReasonCode.NO_SERIES}
    assert analysis.dispersion == 4


def test_a_day_is_counted_when_it_is_complete() -> None:
    """Days after `as_of` do not count, whatever is in them."""
    rows = [*alike(10, (100, 1000), (100, 1000)), *alike(4, (100, 1000), (900, 1000))]
    analysis = make_case(rows).analyze(Rules(), as_of=day(10))
    assert analysis.verdict is Verdict.KEEP_RUNNING
    assert analysis.as_of == day(10)
    assert analysis.variants[1].impressions == 10_000
    assert analysis.variants[1].conversions == 1_000


def test_before_the_first_day_there_is_nothing() -> None:
    """A series without a complete day is no error."""
    rows = alike(3, (100, 1000), (100, 1000))
    analysis = make_case(rows).analyze(PLANNED, as_of=day(0))
    assert analysis.verdict is Verdict.KEEP_RUNNING
    assert {ReasonCode.TOO_FEW_DAYS, ReasonCode.TOO_FEW_CONVERSIONS} <= codes(analysis)
    assert (analysis.days, analysis.days_left) == (0, None)
    assert analysis.variants[0].rate is None


@pytest.mark.parametrize(
    ("days", "left"),
    [
        pytest.param(1, 62, id="four-impressions-count-as-one"),
        pytest.param(7, 14, id="one-week"),
        pytest.param(10, 11, id="ten-days"),
        pytest.param(15, 6, id="sample-reached-in-mid-week"),
        pytest.param(20, 1, id="last-day"),
        pytest.param(21, None, id="decided"),
    ],
)
def test_days_left_to_the_planned_look(days: int, left: int | None) -> None:
    """An estimate leads to the end of the week in which the sample is reached."""
    analysis = make_case(alike(days, (100, 1000), (100, 1000))).analyze(PLANNED)
    assert analysis.days_left == left


def test_a_shop_that_is_closed_at_weekends() -> None:
    """From the fifteenth day weekdays without any traffic are not waited for."""
    days = [day(number) for number in range(1, 23) if day(number).weekday() < 5]
    rows = alike(len(days), (100, 1000), (130, 1000))
    analysis = make_case(rows, days=days).analyze(Rules())
    assert analysis.verdict is Verdict.SHIP
    assert analysis.decided_on == day(15)
    assert analysis.weekdays == 5
    assert ReasonCode.MISSING_DAYS in warned(analysis)


def test_the_planned_look_needs_no_traffic_on_its_day() -> None:
    """The week ends on a Sunday also where nobody comes on Sundays."""
    days = [day(number) for number in range(1, 27) if day(number).weekday() < 6]
    rows = alike(len(days), (100, 1000), (110, 1000))
    analysis = make_case(rows, days=days).analyze(PLANNED)
    assert analysis.decided_on == day(21)
    assert analysis.decided_on not in days
    earlier = make_case(rows, days=days).analyze(PLANNED, as_of=day(20))
    assert earlier.verdict is Verdict.KEEP_RUNNING
    assert earlier.days_left == 1


def test_a_treatment_that_cannot_be_compared_blocks_no_other() -> None:
    """An arm without conversions neither ships nor rolls back, nor stops others."""
    rows = alike(14, (100, 1000), (0, 1000), (130, 1000))
    analysis = make_case(rows, (33, 33, 33)).analyze(Rules())
    assert (analysis.verdict, analysis.variant_id) == (Verdict.SHIP, "treatment_2")
    worse = alike(14, (100, 1000), (0, 1000), (60, 1000))
    analysis = make_case(worse, (33, 33, 33)).analyze(Rules())
    assert analysis.verdict is Verdict.KEEP_RUNNING
    assert ReasonCode.TOO_FEW_CONVERSIONS in codes(analysis)


def test_scatter_delays_the_planned_look() -> None:
    """Impressions that come in clusters count for less than they are."""
    analysis = make_case(SCATTERED * 3).analyze(Rules(planned_sample=6_000))
    assert analysis.verdict is Verdict.KEEP_RUNNING
    assert ReasonCode.PLANNED_SAMPLE_NOT_REACHED in codes(analysis)
    assert ReasonCode.OVERDISPERSED in warned(analysis)


@pytest.mark.parametrize(
    ("status", "type", "weights", "code"),
    [
        (ExperimentStatus.DRAFT, ExperimentType.AB, (50, 50), ReasonCode.DRAFT),
        (
            ExperimentStatus.RUNNING,
            ExperimentType.PERSONALIZATION,
            (50, 50),
            ReasonCode.PERSONALIZATION,
        ),
        (
            ExperimentStatus.RUNNING,
            ExperimentType.AB,
            (100,),
            ReasonCode.TOO_FEW_ARMS,
        ),
        (
            ExperimentStatus.RUNNING,
            ExperimentType.AB,
            (100, 0),
            ReasonCode.TOO_FEW_ARMS,
        ),
    ],
)
def test_not_applicable(
    status: ExperimentStatus,
    type: ExperimentType,
    weights: tuple[int, ...],
    code: ReasonCode,
) -> None:
    """A draft, a personalization and a single arm have no comparison."""
    experiment = make_experiment(weights, status=status, type=type)
    analysis = analyze(experiment, make_results([(1, 10)] * len(weights)))
    assert analysis.verdict is Verdict.NOT_APPLICABLE
    assert codes(analysis) == {code}
    assert not decided(analysis)


def test_a_variant_without_weight_takes_no_part() -> None:
    """A few impressions of a variant of weight 0 change nothing."""
    rows = alike(14, (100, 1000), (130, 1000), (0, 0))
    rows[0] = (*rows[0][:2], (0, 3))
    analysis = make_case(rows, (50, 50, 0)).analyze(Rules())
    assert analysis.verdict is Verdict.SHIP
    assert [variant.id for variant in analysis.variants] == ["control", "treatment_1"]
    two = make_case([row[:2] for row in rows]).analyze(Rules())
    assert analysis.variants == two.variants


def test_two_parts_of_a_day_are_one_day() -> None:
    """Rows of the same day are added up."""
    halves = alike(28, (50, 500), (65, 500))
    days = [day(number // 2 + 1) for number in range(28)]
    split = make_case(halves, days=days).analyze(Rules())
    whole = make_case(alike(14, (100, 1000), (130, 1000))).analyze(Rules())
    assert split == whole
    assert split.days == 14


def test_the_last_day_of_a_series_out_of_order() -> None:
    """The order in which days are answered does not matter."""
    days = [day(number) for number in range(14, 0, -1)]
    rows = alike(14, (100, 1000), (130, 1000))
    assert make_case(rows, days=days).analyze(Rules()).decided_on == day(7)
    assert days[0] - days[-1] == timedelta(days=13)
    assert isinstance(make_case(rows, days=days).analyze(Rules()).as_of, date)
