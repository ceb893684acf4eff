"""Plots, rendered and looked at."""

from collections.abc import Iterator
from datetime import date, timedelta
from io import BytesIO
from itertools import combinations, pairwise

import attrs
import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.container import ErrorbarContainer
from matplotlib.text import Text

from ours_experiments import (
    Client,
    Day,
    DayVariant,
    ExperimentStatus,
    Results,
    TimeSeries,
    VariantResult,
)
from ours_experiments.analysis import Rules, analyze
from ours_experiments.analysis.posterior import rate_interval
from ours_experiments.emulator import Emulator
from ours_experiments.plotting import (
    plot_lift,
    plot_results,
    plot_time_series,
    rates_by_variant,
)
from tests.analysis.made import Case, make_case, make_experiment


mpl.use("Agg")


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Close what a test has drawn."""
    yield
    plt.close("all")


@pytest.fixture
async def results(emulator: Emulator, client: Client) -> Results:
    """The results of a simulated fortnight."""
    (experiment_id,) = emulator.seed_experiments(1, status="running", variants=3)
    emulator.simulate(experiment_id, days=14, seed=3)
    return await client.experiments.results(experiment_id)


@pytest.fixture
async def series(emulator: Emulator, client: Client) -> TimeSeries:
    """The days of a simulated fortnight."""
    (experiment_id,) = emulator.seed_experiments(1, status="running", variants=3)
    emulator.simulate(experiment_id, days=14, seed=3)
    return await client.experiments.results_time_series(experiment_id)


def rendered(axes: Axes) -> bytes:
    """Draw a picture."""
    picture = BytesIO()
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.savefig(picture, format="png")
    return picture.getvalue()


def test_results_have_a_row_for_each_variant(results: Results) -> None:
    """Each variant is named, with its rate and its probability to be best."""
    axes = plot_results(results)
    assert len(rendered(axes)) > 5_000
    told = " ".join(text.get_text() for text in axes.get_yticklabels() + axes.texts)
    told += " ".join(label.get_text() for label in axes.get_xticklabels())
    for row in results.variants:
        assert row.name in told


@pytest.mark.parametrize("cumulative", [False, True])
def test_series_have_a_line_for_each_variant(
    series: TimeSeries, *, cumulative: bool
) -> None:
    """Lines can be told apart without colour."""
    axes = plot_time_series(series, cumulative=cumulative)
    assert len(rendered(axes)) > 5_000
    lines = [line for line in axes.get_lines() if len(line.get_xdata()) > 2]  # type: ignore[arg-type]
    assert len(lines) == 3
    styles = {(line.get_marker(), line.get_linestyle()) for line in lines}
    assert len(styles) == 3


def test_axes_are_taken_and_returned(results: Results, series: TimeSeries) -> None:
    """What is drawn goes onto the axes that are given."""
    figure, (left, right) = plt.subplots(1, 2)
    assert plot_results(results, axes=left) is left
    assert plot_time_series(series, axes=right) is right
    assert len(figure.axes) == 2


def test_nothing_to_plot() -> None:
    """Empty figures are drawn empty."""
    assert rendered(plot_results(Results(())))
    assert rendered(plot_time_series(TimeSeries(())))


FOUR_ARMS = (25, 25, 25, 25)
DAYS = 12


def lift_case(weights: tuple[int, ...] = FOUR_ARMS, *, days: int = DAYS) -> Case:
    """Make days on which each arm converts a little better than the one before."""
    row = [(100 + 15 * number, 1_000) for number in range(len(weights))]
    return make_case([row] * days, weights)


def test_lift_has_a_band_for_each_treatment() -> None:
    """Bands differ without colour, and end in the interval of the analysis."""
    analysis = lift_case().analyze()
    axes = plot_lift(analysis)
    assert len(rendered(axes)) > 10_000
    bands = [band for band in axes.collections if isinstance(band, PolyCollection)]
    assert len({band.get_hatch() for band in bands}) == 3
    lines = [line for line in axes.get_lines() if len(line.get_xdata()) == DAYS]  # type: ignore[arg-type]
    assert len({(line.get_marker(), line.get_linestyle()) for line in lines}) == 3
    bars = [bar for bar in axes.containers if isinstance(bar, ErrorbarContainer)]
    for variant, band, bar in zip(analysis.variants[1:], bands, bars, strict=True):
        segments = bar[2][0].get_segments()[0]
        ends = segments[0][1], segments[1][1]
        assert ends == pytest.approx(variant.confidence_sequence)
        top = band.get_paths()[0].get_extents().y1
        assert top == pytest.approx(variant.effect_by_day[0].high)


def test_lift_has_a_line_at_zero_and_its_days() -> None:
    """The control stands out, and no day is written that has no counts."""
    axes = plot_lift(lift_case((50, 50)).analyze())
    assert any(list(line.get_ydata()) == [0, 0] for line in axes.get_lines())  # type: ignore[arg-type]
    rendered(axes)
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels
    assert all("2026-08-03" <= label <= "2026-08-14" for label in labels)


def test_lift_is_written_beside_its_name() -> None:
    """The legend has each treatment's effect with its interval."""
    analysis = lift_case((50, 50)).analyze()
    legend = plot_lift(analysis).get_legend()
    assert legend is not None
    [text] = legend.get_texts()
    assert text.get_text() == "Treatment_1: +15.0%, +2.3% to +29.3%"


def test_lift_without_a_series() -> None:
    """Without days there are intervals alone."""
    case = lift_case((50, 50))
    axes = plot_lift(analyze(case.experiment, case.results, rules=Rules()))
    assert rendered(axes)
    assert len(axes.containers) == 1
    assert not list(axes.get_xticks())


def test_lift_of_too_few_conversions() -> None:
    """A treatment without an effect is named all the same."""
    axes = plot_lift(make_case([[(1, 100), (2, 100)]] * 4).analyze())
    assert rendered(axes)
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [
        "Treatment_1: too few conversions"
    ]


def test_lift_of_nothing_to_compare() -> None:
    """A draft has no treatments to draw."""
    case = lift_case((50, 50))
    draft = attrs.evolve(
        case, experiment=make_experiment(status=ExperimentStatus.DRAFT)
    )
    axes = plot_lift(draft.analyze())
    assert [text.get_text() for text in axes.texts] == ["no impressions yet"]


def result_of(
    name: str, impressions: int, *, is_control: bool = False
) -> VariantResult:
    """Make a result with a conversion rate of a tenth."""
    return VariantResult(
        id=name,
        name=name,
        is_control=is_control,
        impressions=impressions,
        conversions=impressions // 10,
        conversion_rate=0.1 if impressions else 0.0,
        probability_to_be_best=0.25,
    )


def test_results_tell_rate_and_probability() -> None:
    """Beside each interval stands its rate and how probably it is the best."""
    axes = plot_results(Results((result_of("A", 1000), result_of("B", 0))))
    assert [text.get_text() for text in axes.texts] == [
        "10.00%, to be best: 25.0%",
        "no impressions yet",
    ]


def test_more_conversions_than_impressions() -> None:
    """Conversions that are counted per event have a note and no interval."""
    row = attrs.evolve(result_of("A", 10), conversions=12, conversion_rate=1.2)
    unknown = attrs.evolve(
        result_of("B", 10), conversion_rate=None, probability_to_be_best=None
    )
    axes = plot_results(Results((row, unknown)))
    assert [text.get_text() for text in axes.texts] == [
        "120.00%, counted per event, to be best: 25.0%",
        "",
    ]


async def test_series_show_names(series: TimeSeries) -> None:
    """The legend of a series has the variants' names, unless others are given."""
    known = series.variant_names or {}
    for names, expected in ((None, set(known.values())), ({}, set(known))):
        legend = plot_time_series(series, names=names).get_legend()
        assert legend is not None
        labels = {text.get_text().replace("\n", "") for text in legend.get_texts()}
        assert labels == expected


def test_the_control_is_marked_once() -> None:
    """The control is named as such, unless its name says so."""
    results = Results(
        (
            result_of("Now", 10, is_control=True),
            result_of("Control", 10, is_control=True),
        )
    )
    labels = [label.get_text() for label in plot_results(results).get_yticklabels()]
    assert labels == ["Now (control)", "Control"]


@pytest.mark.parametrize("name", ["$x_{$", "_hidden", "50 % off", "\\alpha"])
def test_any_name_can_be_drawn(name: str) -> None:
    """Names are shown as they are, whatever they mean to a formula."""
    results = plot_results(Results((result_of(name, 10),)))
    assert rendered(results)
    assert results.get_yticklabels()[0].get_text() == name
    day = DayVariant(id="v", impressions=10, conversions=1, conversion_rate=0.1)
    series = TimeSeries((Day(date(2026, 8, 1), (day,)),))
    axes = plot_time_series(series, names={"v": name})
    assert rendered(axes)
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [name]


def counts_of(id: str, impressions: int, conversions: int) -> DayVariant:
    """Make what a variant achieved on a day."""
    rate = conversions / impressions if impressions else 0.0
    return DayVariant(
        id=id, impressions=impressions, conversions=conversions, conversion_rate=rate
    )


FIRST, SECOND = date(2026, 8, 1), date(2026, 8, 2)
TWO_DAYS = TimeSeries(
    (
        Day(FIRST, (counts_of("a", 10, 1), counts_of("b", 0, 0))),
        Day(SECOND, (counts_of("a", 30, 9), counts_of("b", 10, 2))),
    )
)


@pytest.mark.parametrize(
    ("cumulative", "last"), [(False, 0.3), (True, 0.25)], ids=["daily", "cumulative"]
)
def test_rates_are_of_the_day_or_of_the_run(*, cumulative: bool, last: float) -> None:
    """A cumulative rate counts all days so far; days without anybody are left out."""
    assert rates_by_variant(TWO_DAYS, cumulative=cumulative) == {
        "a": ([FIRST, SECOND], [0.1, last]),
        "b": ([SECOND], [0.2]),
    }


def test_shades_can_be_told_apart_without_colours() -> None:
    """The first three lines differ in lightness, as a black and white print shows."""
    days = tuple(counts_of(name, 10, 1) for name in "abc")
    axes = plot_time_series(TimeSeries((Day(FIRST, days),)))
    colours = [mpl.colors.to_rgb(line.get_color()) for line in axes.get_lines()]
    shades = sorted(
        0.3 * red + 0.59 * green + 0.11 * blue for red, green, blue in colours
    )
    assert len(shades) == 3
    assert min(lighter - darker for darker, lighter in pairwise(shades)) > 0.15


LONG = "A name that somebody pasted from a ticket, with all that was said of it; " * 3


def results_of(*names: str, impressions: int = 1000) -> Results:
    """Make results of several variants, each named."""
    return Results(tuple(result_of(name, impressions) for name in names))


def series_of(variants: int, days: int) -> TimeSeries:
    """Make a series of so many variants and days."""
    return TimeSeries(
        tuple(
            Day(
                FIRST + timedelta(days=day),
                tuple(
                    counts_of(f"var_{n}", 200, (7 * day + 11 * n) % 40)
                    for n in range(variants)
                ),
            )
            for day in range(days)
        )
    )


PICTURES = {
    "ordinary": lambda: plot_results(results_of("A", "B", "C")),
    "one": lambda: plot_results(results_of("A")),
    "twenty": lambda: plot_results(results_of(*map(str, range(20)))),
    "twenty-in-little": lambda: plot_results(
        results_of(*(f"{n}{LONG}" for n in range(20))), axes=given_axes()
    ),
    "long-names": lambda: plot_results(results_of(LONG[:200], "x" * 200)),
    "other-scripts": lambda: plot_results(results_of("Наши клиенты", "Ελληνικά")),
    "nobody": lambda: plot_results(results_of("A", "B", impressions=0)),
    "none": lambda: plot_results(Results(())),
    "a-day": lambda: plot_time_series(series_of(2, 1)),
    "a-fortnight": lambda: plot_time_series(series_of(3, 14), cumulative=True),
    "years": lambda: plot_time_series(series_of(2, 900)),
    "twenty-lines": lambda: plot_time_series(series_of(20, 14)),
    "long-legend": lambda: plot_time_series(
        series_of(5, 14), names={f"var_{n}": f"{n}{LONG}" for n in range(5)}
    ),
    "no-days": lambda: plot_time_series(TimeSeries(())),
}
"""Everything that may be asked for."""


def given_axes() -> Axes:
    """Open a small figure as a caller may have one."""
    _, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    return axes


def texts_of(axes: Axes) -> list[Text]:
    """Collect what is written: beside the axes, along them and in the legend."""
    legend = axes.get_legend()
    left, right = axes.get_xlim()
    ends = axes.get_ylim()
    written = [
        *axes.texts,
        *(
            one
            for one in axes.get_xticklabels()
            if left <= one.get_position()[0] <= right
        ),
        *(
            one
            for one in axes.get_yticklabels()
            if min(ends) <= one.get_position()[1] <= max(ends)
        ),
        axes.xaxis.label,
        axes.yaxis.label,
        *(legend.get_texts() if legend is not None else []),
    ]
    return [each for each in written if each.get_text()]


@pytest.mark.parametrize("name", PICTURES)
def test_everything_can_be_read(name: str) -> None:
    """All that is written lies inside the picture, and nothing over another."""
    axes = PICTURES[name]()
    assert rendered(axes).startswith(b"\x89PNG")
    figure = axes.get_figure(root=True)
    assert figure is not None
    assert isinstance(figure.canvas, FigureCanvasAgg)
    boxes = {each: each.get_window_extent() for each in texts_of(axes)}
    assert boxes
    inside = figure.bbox.padded(1)
    for each, box in boxes.items():
        assert inside.containsx(box.x0), each
        assert inside.containsx(box.x1), each
        assert inside.containsy(box.y0), each
        assert inside.containsy(box.y1), each
    for one, other in combinations(boxes, 2):
        assert not boxes[one].padded(-0.5).overlaps(boxes[other].padded(-0.5)), (
            one,
            other,
        )


def test_what_is_drawn_is_what_was_measured() -> None:
    """Markers stand at the rates, and bars reach over the interval."""
    axes = plot_results(Results((result_of("A", 1000), result_of("B", 0))))
    (drawn,) = [one for one in axes.containers if isinstance(one, ErrorbarContainer)]
    line, _, (bars,) = drawn.lines
    assert line is not None
    assert list(line.get_xdata()) == [0.1]  # type: ignore[arg-type]
    ((start, _), (end, _)) = bars.get_segments()[0]
    assert (start, end) == pytest.approx(rate_interval(1000, 100))
    assert axes.get_xlim()[0] < start < end < axes.get_xlim()[1]


def test_a_rate_is_never_drawn_below_zero() -> None:
    """The axis begins at nothing, not before."""
    nobody_converted = VariantResult(
        id="a",
        name="A",
        is_control=True,
        impressions=50,
        conversions=0,
        conversion_rate=0.0,
        probability_to_be_best=1.0,
    )
    assert plot_results(Results((nobody_converted,))).get_xlim()[0] == 0.0


def test_a_name_is_shortened_to_two_lines() -> None:
    """Of a long name the beginning is shown."""
    label, other = plot_results(results_of(LONG[:200], "x" * 200)).get_yticklabels()
    assert (
        label.get_text() == "A name that somebody pasted\nfrom a ticket, with all tha…"
    )
    assert other.get_text() == f"{'x' * 28}\n{'x' * 27}…"


def test_twenty_lines_are_told_apart_without_colours() -> None:
    """No two of twenty lines have the same marker and the same dashes."""
    lines = plot_time_series(series_of(20, 14)).get_lines()
    assert len({(one.get_marker(), one.get_linestyle()) for one in lines}) == 20


def test_a_single_day_has_a_single_date() -> None:
    """One day is marked once, in the middle."""
    axes = plot_time_series(series_of(2, 1))
    rendered(axes)
    told = [each.get_text() for each in texts_of(axes)]
    assert [each for each in told if each.startswith("2026-")] == ["2026-08-01"]


def test_a_script_without_a_font_is_said() -> None:
    """Where no font has the letters, matplotlib says so and the name stays whole."""
    axes = plot_results(results_of("日本語"))
    with pytest.warns(UserWarning, match="Glyph"):
        rendered(axes)
    assert axes.get_yticklabels()[0].get_text() == "日本語"
