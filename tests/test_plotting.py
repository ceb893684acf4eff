"""Plots, rendered and looked at."""

from collections.abc import Iterator
from datetime import date
from io import BytesIO
from itertools import pairwise

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from ours_experiments import (
    Client,
    Day,
    DayVariant,
    Results,
    TimeSeries,
    VariantResult,
)
from ours_experiments.emulator import Emulator
from ours_experiments.plotting import (
    interval,
    plot_results,
    plot_time_series,
    rates_by_variant,
)


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


@pytest.mark.parametrize(
    ("conversions", "impressions", "low", "high"),
    [
        pytest.param(10, 100, 0.0552, 0.1744, id="ten-of-a-hundred"),
        pytest.param(0, 20, 0.0, 0.1611, id="none"),
        pytest.param(20, 20, 0.8389, 1.0, id="all"),
        pytest.param(30, 20, 0.8389, 1.0, id="more-than-all"),
        pytest.param(0, 0, 0.0, 0.0, id="nobody"),
    ],
)
def test_intervals_are_wilsons(
    conversions: int, impressions: int, low: float, high: float
) -> None:
    """The interval is the one in the tables for Wilson's score."""
    assert interval(conversions, impressions) == pytest.approx((low, high), abs=1e-4)


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
        "10.00%, best with probability 25%",
        "no impressions yet",
    ]


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
