"""How an analysis is shown and written down."""

import pickle

import pytest

import ours_experiments.analysis
from ours_experiments import OursError
from ours_experiments.analysis import (
    Analysis,
    Rules,
    UntrustworthyResultsError,
    Verdict,
)

from .made import Case, make_case, make_results


HOSTILE = "<script>alert('x')</script>\x1b[2J"
BETTER = make_case([((100, 1000), (130, 1000))] * 14)


def test_all_is_sorted_and_documented() -> None:
    """The public names are sorted, and each has a docstring."""
    names = ours_experiments.analysis.__all__

    def rank(name: str) -> tuple[bool, str]:
        return (not name[0].isupper(), name)

    assert names == sorted(names, key=rank)
    assert all(getattr(ours_experiments.analysis, name).__doc__ for name in names)


def test_records_are_flat() -> None:
    """Each variant is one dict of texts and numbers, with intervals in columns."""
    control, treatment = BETTER.analyze().to_records()
    assert control.keys() == treatment.keys()
    assert {"lift", "lift_low", "sequence_high", "rate_low"} <= treatment.keys()
    assert control["lift"] is None
    for value in treatment.values():
        assert type(value) in {str, bool, int, float}


def test_a_record_of_what_was_not_computed() -> None:
    """The columns are the same where there is no figure."""
    (_, broken) = make_case([((20, 100), (120, 100))] * 9).analyze().to_records()
    assert broken.keys() == BETTER.analyze().to_records()[0].keys()
    assert broken["sequence_low"] is None


def test_the_text_is_the_verdict_with_its_reasons() -> None:
    """One line tells what to do, with what, and why."""
    analysis = BETTER.analyze()
    assert str(analysis).startswith("ship treatment_1: On 2026-08-09 the effect of ")
    assert repr(analysis) == (
        "Analysis(ship, variant_id='treatment_1', decided_on=2026-08-09, days=14, "
        "reasons=['better_than_control'])"
    )
    assert str(analysis.reasons[0]) == analysis.reasons[0].text


@pytest.mark.parametrize(
    "word", ["significant", "95 % confident", "winner", "visitors convert", "revenue"]
)
def test_no_text_claims_too_much(word: str) -> None:
    """No sentence speaks of more than the figures show."""
    cases = [
        BETTER.analyze(),
        BETTER.analyze(Rules(planned_sample=10_000)),
        make_case([((1000, 10000), (1000, 10000))] * 9).analyze(Rules(mde=0.2)),
        make_case([((100, 1000), (60, 1000))] * 9).analyze(),
        make_case([((100, 1000), (100, 1000))] * 30).analyze(
            Rules(planned_sample=10_000)
        ),
        make_case([((100, 1000), (100, 900))] * 30).analyze(),
    ]
    assert len({analysis.verdict for analysis in cases}) == 4
    for analysis in cases:
        for reason in (*analysis.reasons, *analysis.warnings):
            assert word not in reason.text.casefold()


def test_inconclusive_says_that_it_is_no_proof() -> None:
    """An effect that was not found is not said to be absent."""
    analysis = make_case([((100, 1000), (100, 1000))] * 30).analyze(
        Rules(planned_sample=10_000)
    )
    assert analysis.verdict is Verdict.INCONCLUSIVE
    assert "does not show that there is no effect" in analysis.reasons[0].text


def hostile() -> Analysis:
    """Analyze variants whose names are markup and terminal codes."""
    results = make_results([(1400, 14_000), (1820, 14_000)])
    rows = tuple(
        type(row)(
            id=row.id,
            name=HOSTILE,
            is_control=row.is_control,
            impressions=row.impressions,
            conversions=row.conversions,
            conversion_rate=0,
            probability_to_be_best=0.5,
        )
        for row in results.variants
    )
    return Case(BETTER.experiment, type(results)(rows), BETTER.series).analyze()


def test_a_table_in_notebooks_is_escaped() -> None:
    """Names are shown as they are written, whatever is in them."""
    table = hostile()._repr_html_()
    assert "<script>" not in table
    assert table.count("<tr>") == 3
    assert "+12" in BETTER.analyze()._repr_html_()


def test_texts_hold_no_terminal_codes() -> None:
    """A name cannot clear the terminal that a reason is printed on."""
    assert "\x1b" not in str(hostile())
    assert "\\x1b" in str(hostile())


def test_a_table_without_variants() -> None:
    """An analysis without variants is one line."""
    analysis = Analysis(verdict=Verdict.NOT_APPLICABLE, reasons=(), rules=Rules())
    assert analysis._repr_html_().startswith("<p>")


def test_an_analysis_crosses_processes() -> None:
    """An analysis, and the error that carries it, can be pickled and hashed."""
    analysis = BETTER.analyze()
    error = UntrustworthyResultsError("not trusted", analysis=analysis)
    assert isinstance(error, OursError)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert copy.analysis == analysis
    assert str(copy) == "not trusted"
    assert hash(copy.analysis) == hash(analysis)


def test_numbers_are_plain_python() -> None:
    """No figure is an array or a scalar of numpy."""
    case = make_case([((100, 1000), (105, 1000))] * 9)
    analysis = case.analyze(Rules(planned_sample=50_000))
    assert type(analysis.dispersion) is float
    assert type(analysis.days_left) is int
    assert analysis.sample_ratio is not None
    assert type(analysis.sample_ratio.p_value) is float
    assert type(analysis.sample_ratio.deviation) is float
    for variant in analysis.variants:
        for interval in (variant.rate_interval, variant.lift_interval):
            assert interval is None or {type(bound) for bound in interval} == {float}


def test_the_figures_stand_under_their_names() -> None:
    """Probabilities, losses and rates are those of each variant's counts."""
    case = make_case([((10, 100), (11, 100), (12, 100))] * 10, (1, 1, 1))
    control, first, second = case.analyze().variants
    best = [variant.probability_to_be_best for variant in (control, first, second)]
    assert best == pytest.approx([0.04620831, 0.22690519, 0.72688650], rel=1e-4)
    losses = [variant.expected_loss for variant in (control, first, second)]
    assert losses == pytest.approx([0.0222527306, 0.0122726907, 0.0022926508], rel=1e-4)
    assert second.expected_loss_relative == pytest.approx(0.022926508, rel=1e-4)
    assert control.probability_to_beat_control is None
    assert second.probability_to_beat_control == pytest.approx(0.9237, abs=1e-3)
    assert first.rate_interval == pytest.approx((0.0921048854, 0.1309230986), rel=1e-6)
    assert second.lift == pytest.approx(0.2)
    assert "(control)" in case.analyze()._repr_html_()
