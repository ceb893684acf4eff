"""Plots, rendered and looked at."""

from collections.abc import Iterator
from io import BytesIO

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from ours_experiments import Client, Results, TimeSeries
from ours_experiments.emulator import Emulator
from ours_experiments.plotting import plot_results, plot_time_series


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
