"""What makes results unfit for a decision, and what is only worth a look."""

from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from ours_experiments.analysis import (
    Analysis,
    ReasonCode,
    Rules,
    Verdict,
    analyze,
)
from ours_experiments.models import ExperimentStatus, Results, TimeSeries

from .made import (
    Case,
    Row,
    day,
    make_case,
    make_experiment,
    make_results,
    make_series,
    totals_of,
)


EQUAL: list[Row] = [((100, 1000), (100, 1000))] * 14
BETTER: list[Row] = [((100, 1000), (130, 1000))] * 14


def codes(analysis: Analysis) -> set[ReasonCode]:
    """Return the codes of the reasons."""
    return {reason.code for reason in analysis.reasons}


def warned(analysis: Analysis) -> set[ReasonCode]:
    """Return the codes of the warnings."""
    return {warning.code for warning in analysis.warnings}


def assert_no_figures(analysis: Analysis) -> None:
    """Check that nothing is computed from counts that cannot be right."""
    assert analysis.verdict is Verdict.DO_NOT_TRUST
    assert analysis.decided_on is None
    for variant in analysis.variants:
        figures = attrs.asdict(variant, recurse=False)
        assert figures.pop("effect_by_day") == ()
        assert set(list(figures.values())[5:]) == {None}


def test_more_conversions_than_impressions() -> None:
    """There is no rate above 1, and no figure of any arm."""
    analysis = make_case([((20, 100), (120, 100))] * 10).analyze()
    assert codes(analysis) == {ReasonCode.CONVERSIONS_EXCEED_IMPRESSIONS}
    assert_no_figures(analysis)


def test_negative_counts() -> None:
    """A negative count is no data."""
    analysis = make_case([((-1, 1000), (100, 1000))] * 10).analyze()
    assert ReasonCode.NEGATIVE_COUNTS in codes(analysis)
    assert_no_figures(analysis)


def test_a_conversion_on_a_later_day_is_none_too_many() -> None:
    """A day may have more conversions than impressions, the total may not."""
    rows: list[Row] = [*EQUAL, ((30, 20), (10, 20))]
    assert make_case(rows).analyze().verdict is Verdict.KEEP_RUNNING


def test_a_row_of_an_unknown_variant() -> None:
    """A row that the experiment does not have is named."""
    case = make_case([((100, 1000), (100, 1000), (1, 1))] * 14, (34, 33, 33))
    experiment = make_experiment((50, 50))
    for results, series in (
        (case.results, make_case(EQUAL).series),
        (make_case(EQUAL).results, case.series),
    ):
        analysis = analyze(experiment, results, series)
        assert ReasonCode.UNKNOWN_VARIANT in codes(analysis)
        assert "treatment_2" in str(analysis)
        assert_no_figures(analysis)


def test_results_without_the_control() -> None:
    """Without a control there is nothing to compare with."""
    case = make_case(EQUAL)
    results = Results(case.results.variants[1:])
    analysis = analyze(case.experiment, results, case.series)
    assert ReasonCode.NO_CONTROL in codes(analysis)
    assert_no_figures(analysis)


@pytest.mark.parametrize(("impressions", "trusted"), [(14_700, True), (14_800, False)])
def test_a_series_that_contradicts_the_results(impressions: int, trusted: bool) -> None:  # noqa: FBT001 - a parameter
    """Impressions of results and series may differ by 5 %."""
    case = make_case(EQUAL)
    results = make_results([(1400, impressions), (1400, 14_000)])
    analysis = analyze(case.experiment, results, case.series)
    found = ReasonCode.SERIES_CONTRADICTS_RESULTS in codes(analysis)
    assert found is not trusted
    if found:
        assert_no_figures(analysis)


def test_today_counts_where_results_and_series_are_compared() -> None:
    """Results include today, so that the series' last day does too."""
    rows: list[Row] = [*EQUAL, ((9000, 90_000), (9000, 90_000))]
    analysis = make_case(rows).analyze(as_of=day(14))
    assert analysis.verdict is Verdict.KEEP_RUNNING
    assert analysis.variants[0].impressions == 14_000


def test_an_effect_that_changed_is_no_effect() -> None:
    """A treatment that was surely better and then surely worse is not decided."""
    rows: list[Row] = [((100, 1000), (400, 1000))] * 7
    rows += [((400, 1000), (100, 1000))] * 40
    analysis = make_case(rows).analyze()
    assert analysis.verdict is Verdict.DO_NOT_TRUST
    assert codes(analysis) == {ReasonCode.EFFECT_CHANGED}
    assert analysis.variants[1].confidence_sequence is None


def test_a_leak_is_told_with_its_variant() -> None:
    """A variant of weight 0 that is served is named."""
    rows: list[Row] = [((100, 1000), (100, 1000), (0, 3))] * 14
    analysis = make_case(rows, (50, 50, 0)).analyze()
    assert analysis.verdict is Verdict.DO_NOT_TRUST
    assert codes(analysis) == {ReasonCode.LEAK}
    assert "treatment_2" in str(analysis)


def test_a_later_doubt_takes_a_decision_back() -> None:
    """What was decided is not trusted any more once a loss has become certain."""
    lossy: list[Row] = [((100, 1000), (130, 950))] * 14
    case = make_case(lossy)
    week = case.analyze(as_of=day(7))
    assert week.verdict is Verdict.SHIP
    assert ReasonCode.SAMPLE_RATIO_WARNING in warned(week)
    assert case.analyze().verdict is Verdict.DO_NOT_TRUST


def test_a_loss_that_starts_late_is_a_warning() -> None:
    """A change of the division within the run looks like scatter of the days."""
    lossy: list[Row] = [*EQUAL, *[((100, 1000), (40, 400))] * 7]
    assert (
        {
            ReasonCode.SAMPLE_RATIO_WARNING,
            ReasonCode.LOW_VOLUME,
        }
        >= warned(make_case(lossy).analyze())
        >= {ReasonCode.SAMPLE_RATIO_WARNING}
    )


def guarded(
    rows: list[Row], guardrail: list[Row], rules: Rules | None = None
) -> Analysis:
    """Analyze rows with one guardrail."""
    case = make_case(rows)
    pair = make_results(totals_of(guardrail)), make_series(guardrail)
    return analyze(
        case.experiment,
        case.results,
        case.series,
        rules=rules or Rules(),
        guardrails={"checkout": pair},
    )


HARMED: list[Row] = [((300, 1000), (200, 1000))] * 14
UNHARMED: list[Row] = [((300, 1000), (300, 1000))] * 14


def test_a_harmed_guardrail_keeps_a_winner_running() -> None:
    """A treatment that is better by one event and worse by another does not ship."""
    analysis = guarded(BETTER, HARMED)
    assert analysis.verdict is Verdict.KEEP_RUNNING
    assert ReasonCode.GUARDRAIL_HARMED in codes(analysis)
    assert "'checkout'" in str(analysis)
    assert guarded(BETTER, UNHARMED).verdict is Verdict.SHIP


def test_a_harmed_guardrail_at_the_planned_look() -> None:
    """At the planned sample a harmful winner is inconclusive."""
    analysis = guarded(BETTER, HARMED, Rules(planned_sample=10_000))
    assert analysis.verdict is Verdict.INCONCLUSIVE
    assert analysis.decided_on == day(14)
    assert ReasonCode.GUARDRAIL_HARMED in codes(analysis)


def test_a_margin_forgives_a_small_loss() -> None:
    """A guardrail may be so much worse as the rules allow."""
    analysis = guarded(BETTER, HARMED, Rules(guardrail_margin=0.5))
    assert analysis.verdict is Verdict.SHIP


def test_guardrails_have_figures_of_their_own() -> None:
    """The figures of a guardrail stand under its event name."""
    control, treatment = guarded(BETTER, HARMED).guardrails["checkout"]
    assert control.rate == pytest.approx(0.3)
    assert treatment.lift == pytest.approx(-1 / 3)
    assert treatment.confidence_sequence is not None
    assert treatment.confidence_sequence[1] < 0


def test_a_guardrail_with_impossible_counts() -> None:
    """A guardrail that cannot be right is not trusted either."""
    analysis = guarded(BETTER, [((1300, 1000), (200, 1000))] * 14)
    assert analysis.verdict is Verdict.DO_NOT_TRUST
    assert "Guardrail 'checkout'" in str(analysis)


MISSING: dict[str, Any] = {"probability_to_be_best": None, "conversion_rate": None}


def without_probability(case: Case) -> Results:
    """Return results whose rows have neither a rate nor a probability."""
    return Results(tuple(attrs.evolve(row, **MISSING) for row in case.results.variants))


def test_another_probability_of_the_service() -> None:
    """A difference to the service's figure is told; a missing figure is none."""
    case = make_case(BETTER)
    assert ReasonCode.PROBABILITY_DIFFERS in warned(case.analyze())
    results = without_probability(case)
    analysis = analyze(case.experiment, results, case.series)
    assert ReasonCode.PROBABILITY_DIFFERS not in warned(analysis)
    assert analysis.verdict is Verdict.SHIP


def test_an_agreeing_probability_is_no_warning() -> None:
    """Equal arms have one half each, by either method."""
    assert not make_case(EQUAL).analyze().warnings


def test_a_change_after_the_first_day() -> None:
    """A change during the run is told, as nobody knows what it was."""
    case = make_case(EQUAL)
    for hours, expected in ((23, False), (24, True)):
        experiment = make_experiment(
            updated_at=datetime(2026, 8, 3 + hours // 24, hours % 24, tzinfo=UTC)
        )
        analysis = analyze(experiment, case.results, case.series)
        assert (ReasonCode.CHANGED_WHILE_RUNNING in warned(analysis)) is expected


@pytest.mark.parametrize(
    ("number", "status", "expected"),
    [
        (16, ExperimentStatus.RUNNING, False),
        (17, ExperimentStatus.RUNNING, True),
        (17, ExperimentStatus.PAUSED, False),
    ],
)
def test_no_traffic_of_late(
    number: int,
    status: ExperimentStatus,
    expected: bool,  # noqa: FBT001 - a parameter
) -> None:
    """Three days without traffic are told while the experiment runs."""
    case = make_case(EQUAL)
    analysis = analyze(
        make_experiment(status=status), case.results, case.series, as_of=day(number)
    )
    assert (ReasonCode.NO_RECENT_DAYS in warned(analysis)) is expected


def test_days_without_traffic_in_between() -> None:
    """Missing days are counted."""
    days = [day(number) for number in range(1, 17) if number not in (5, 6)]
    analysis = make_case(EQUAL, days=days).analyze()
    (warning,) = analysis.warnings
    assert warning.code is ReasonCode.MISSING_DAYS
    assert warning.text.startswith("2 days")


def test_a_treatment_that_lost_half_of_its_traffic_lately() -> None:
    """A drop of the last week is told before it shows in the totals."""
    rows: list[Row] = [((100, 1000), (100, 1000))] * 200
    rows += [((10, 100), (4, 40))] * 7
    analysis = make_case(rows).analyze()
    assert ReasonCode.LOW_VOLUME not in warned(analysis)
    rows += [((10, 100), (2, 20))] * 7
    assert ReasonCode.LOW_VOLUME in warned(make_case(rows).analyze())


def test_scatter_that_is_only_assumed_is_no_warning() -> None:
    """Three days double the standard errors, and show nothing."""
    analysis = make_case([((100, 1000), (130, 1000))] * 3).analyze()
    assert analysis.dispersion == 4
    assert ReasonCode.OVERDISPERSED not in warned(analysis)


def test_an_empty_series_is_no_data() -> None:
    """A series without days contradicts results that have impressions."""
    case = make_case(EQUAL)
    analysis = analyze(case.experiment, case.results, TimeSeries(()))
    assert ReasonCode.SERIES_CONTRADICTS_RESULTS in codes(analysis)
    none_yet = analyze(case.experiment, make_results([(0, 0)] * 2), TimeSeries(()))
    assert none_yet.verdict is Verdict.KEEP_RUNNING
