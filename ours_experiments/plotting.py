"""Plots of results; they need the extra `plot`, which installs matplotlib.

    from ours_experiments.plotting import plot_results

    axes = plot_results(await client.experiments.results(id))
    axes.figure.savefig("results.png")

Variants differ by marker, line and brightness, so that a print without colours can be
read. Long names are shortened. Scripts that matplotlib's own font lacks, such as
Chinese, need a font that has them:
`matplotlib.rcParams["font.family"] = ["Noto Sans CJK JP"]`.
"""

# matplotlib's own annotations have gaps.
# pyright: reportUnknownMemberType=false

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import accumulate
from math import exp, log, log1p
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from ours_experiments.models import Results, TimeSeries, VariantResult


if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text


__all__ = ["plot_results", "plot_time_series"]

COVERAGE = 0.95
"""The probability that a rate lies within its interval."""
MARKERS = "os^Dv*XP"
LINES = ("-", "--", "-.", ":")
COLOURS = ("#0b3c5d", "#c8641b", "#8cc79b", "#7a2f5c", "#93a1b5", "#b08d1e")
"""They differ in brightness as well."""
MAX_MARKERS = 15
"""Markers on one line."""
ROW_HEIGHT = 0.5
"""Inches for each variant, in a new figure."""
MAX_FONT_SIZE = 9.0
"""Points; less where rows are lower."""
NAME_WIDTH = 28
"""Characters in one line of a name; a name has at most two lines."""
MAX_LEGEND_INSIDE = 4
"""Lines whose legend fits beside them; a longer legend is drawn outside."""
EMPTY = "no impressions yet"
PER_EVENT = "counted per event"
"""The note on a variant with more conversions than impressions."""


def plot_results(results: Results, *, axes: "Axes | None" = None) -> "Axes":
    """Draw each variant's conversion rate with its 95 % credible interval.

    The interval is that of a Beta posterior after a flat prior. The rate and the
    probability to be best are written on the right. With more conversions than
    impressions there is no interval: conversions are then counted per event.

    Args:
        results: The results to draw.
        axes: The axes to draw on; None: those of a new figure. A figure of your own
            keeps texts inside with `layout="constrained"`.

    Returns:
        The axes drawn on; `axes.figure.savefig(…)` saves them.
    """
    from matplotlib.ticker import MaxNLocator, PercentFormatter  # noqa: PLC0415

    count = len(results.variants)
    drawn = new_axes(1.4 + ROW_HEIGHT * max(count, 2)) if axes is None else axes
    room = row_height(drawn, count)
    font_size = min(MAX_FONT_SIZE, room * 0.7)
    for position, variant in enumerate(results.variants):
        rate = variant.conversion_rate
        if variant.impressions > 0 and rate is not None:
            bounds = interval(variant.conversions, variant.impressions)
            low, high = bounds or (rate, rate)
            drawn.errorbar(
                [rate],
                [position],
                xerr=[[max(rate - low, 0.0)], [max(high - rate, 0.0)]],
                capsize=5,
                **style_of(position),
            )
        drawn.annotate(
            label_of(variant),
            (1, position),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=font_size,
        )
    lines = 2 if room > 2.5 * font_size else 1
    names = [shorten(name_of(row), lines) for row in results.variants]
    drawn.set_yticks(range(count), names, parse_math=False, fontsize=font_size)
    drawn.set_ylim(max(count, 1) - 0.4, -0.6)
    drawn.margins(x=0.08)
    drawn.set_xlim(left=max(drawn.get_xlim()[0], 0.0))
    drawn.xaxis.set_major_locator(MaxNLocator(5))
    drawn.xaxis.set_major_formatter(PercentFormatter(xmax=1))
    drawn.set_xlabel(f"conversion rate with {COVERAGE:.0%} credible interval")
    drawn.grid(visible=True, axis="x", alpha=0.3)
    if not count:
        annotate_empty(drawn)
    return drawn


def plot_time_series(
    series: TimeSeries,
    *,
    cumulative: bool = False,
    names: Mapping[str, str] | None = None,
    axes: "Axes | None" = None,
) -> "Axes":
    """Draw each variant's conversion rate day by day.

    Args:
        series: The series to draw.
        cumulative: Whether the rate of a day is that of the run up to this day.
        names: Names of the variants by id; None: those of the series.
        axes: The axes to draw on; None: those of a new figure. A figure of your own
            keeps texts inside with `layout="constrained"`.

    Returns:
        The axes drawn on; `axes.figure.savefig(…)` saves them.
    """
    from matplotlib.dates import DateFormatter  # noqa: PLC0415 - the extra
    from matplotlib.ticker import MaxNLocator, PercentFormatter  # noqa: PLC0415
    from numpy import array  # noqa: PLC0415 - matplotlib has it

    called = (series.variant_names or {}) if names is None else names
    lines = rates_by_variant(series, cumulative=cumulative)
    drawn = new_axes(max(4.8, 1.4 + 0.22 * len(lines))) if axes is None else axes
    for number, (days, rates) in enumerate(lines.values()):
        drawn.plot(
            array(days, dtype="datetime64[D]"),
            rates,
            markevery=max(1, -(-len(days) // MAX_MARKERS)),
            label=str(number),
            **style_of(number),
        )
    if lines:
        legend = (
            drawn.legend(fontsize="small")
            if len(lines) <= MAX_LEGEND_INSIDE
            else drawn.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
        )
        labels = [shorten(called.get(variant, variant), 2) for variant in lines]
        set_labels(legend.get_texts(), labels)
        drawn.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
        written = DateFormatter("%Y-%m-%d")  # type: ignore[no-untyped-call]
        drawn.xaxis.set_major_formatter(written)
        left, right = drawn.dataLim.intervalx
        if left == right:
            drawn.set_xlim(left - 0.5, right + 0.5)
    else:
        annotate_empty(drawn)
    drawn.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    drawn.set_ylabel("conversion rate" + (", cumulative" if cumulative else " by day"))
    drawn.set_xlabel("day, UTC")
    drawn.grid(visible=True, alpha=0.3)
    return drawn


def name_of(variant: VariantResult) -> str:
    """Return a variant's name, marked if it is the control."""
    if not variant.is_control or variant.name.casefold() == "control":
        return variant.name
    return f"{variant.name} (control)"


def label_of(variant: VariantResult) -> str:
    """Return the text beside a variant: its rate and its probability to be best."""
    if variant.impressions <= 0:
        return EMPTY
    parts: list[str] = []
    if variant.conversion_rate is not None:
        parts.append(f"{variant.conversion_rate:.2%}")
    if variant.conversions > variant.impressions:
        parts.append(PER_EVENT)
    if variant.probability_to_be_best is not None:
        parts.append(f"to be best: {variant.probability_to_be_best:.1%}")
    return ", ".join(parts)


def shorten(name: str, lines: int) -> str:
    """Break a name into at most so many lines and cut off the rest."""
    parts = wrap(name, NAME_WIDTH)
    if len(parts) > lines:
        parts = [*parts[: lines - 1], f"{parts[lines - 1][: NAME_WIDTH - 1]}…"]
    return "\n".join(parts) or name


def row_height(axes: "Axes", count: int) -> float:
    """Return the height of each of `count` rows on the axes, in points."""
    figure = axes.figure
    return axes.get_window_extent().height * 72 / figure.dpi / max(count, 1)


def annotate_empty(axes: "Axes") -> None:
    """Write on the axes that there is nothing to draw."""
    axes.annotate(EMPTY, (0.5, 0.5), xycoords="axes fraction", ha="center")
    axes.set_xticks([])


def style_of(number: int) -> dict[str, Any]:
    """Return a marker, a line and a colour; the first 32 pairs are different."""
    return {
        "marker": MARKERS[number % len(MARKERS)],
        "linestyle": LINES[(number + number // len(MARKERS)) % len(LINES)],
        "color": COLOURS[number % len(COLOURS)],
    }


def new_axes(height: float) -> "Axes":
    """Return the axes of a new figure of this height in inches."""
    from matplotlib import pyplot as plt  # noqa: PLC0415 - the extra

    _, axes = plt.subplots(figsize=(7.2, height), layout="constrained")
    return axes


GRID_CELLS = 4_000
"""Cells of the grid over which the posterior is summed."""
GRID_REACH = 12
"""Standard deviations on each side; beyond them lies less than 1e-5."""


def interval(conversions: int, impressions: int) -> tuple[float, float] | None:
    """Return the 95 % credible interval of a conversion rate, 0 to 1.

    The posterior is Beta(1 + conversions, 1 + the others). Both tails have the same
    probability. Where nobody or everybody converted there is one tail, so that the
    observed rate lies inside. None without impressions, and with more conversions than
    impressions, which are then counted per event and no share of them.
    """
    if impressions <= 0 or conversions > impressions:
        return None
    hits = max(conversions, 0)
    misses = impressions - hits
    outside = 1 - COVERAGE
    below = 0.0 if hits == 0 else outside if misses == 0 else outside / 2
    low, high = posterior_quantiles(hits, misses, below, below + COVERAGE)
    return (low if hits else 0.0), (high if misses else 1.0)


def posterior_quantiles(hits: int, misses: int, *shares: float) -> list[float]:
    """Return quantiles of Beta(1 + hits, 1 + misses).

    The density is summed over a fine grid, whose error is far less than a pixel.
    """
    total = hits + misses + 2
    mean = (hits + 1) / total
    reach = GRID_REACH * (mean * (1 - mean) / (total + 1)) ** 0.5
    start, end = max(mean - reach, 0.0), min(mean + reach, 1.0)
    width = (end - start) / GRID_CELLS
    middles = [start + (cell + 0.5) * width for cell in range(GRID_CELLS)]
    logs = [hits * log(x) + misses * log1p(-x) for x in middles]
    top = max(logs)
    sums = list(accumulate(exp(value - top) for value in logs))
    found: list[float] = []
    for share in shares:
        wanted = share * sums[-1]
        cell = min(bisect_left(sums, wanted), GRID_CELLS - 1)
        before = sums[cell - 1] if cell else 0.0
        part = (wanted - before) / (sums[cell] - before)
        found.append(start + (cell + part) * width)
    return found


def rates_by_variant(
    series: TimeSeries, *, cumulative: bool
) -> dict[str, tuple[list[date], list[float]]]:
    """Return days and rates by variant, without days that have no impressions."""
    counts: dict[str, list[tuple[date, int, int]]] = {}
    for day in series.days:
        for variant in day.variants:
            if variant.impressions:
                row = (day.date, variant.impressions, variant.conversions)
                counts.setdefault(variant.id, []).append(row)
    lines: dict[str, tuple[list[date], list[float]]] = {}
    for variant_id, rows in counts.items():
        seen = [impressions for _, impressions, _ in rows]
        converted = [conversions for _, _, conversions in rows]
        if cumulative:
            seen, converted = list(accumulate(seen)), list(accumulate(converted))
        rates = [k / n for k, n in zip(converted, seen, strict=True)]
        lines[variant_id] = ([day for day, _, _ in rows], rates)
    return lines


def set_labels(texts: Sequence["Text"], labels: Sequence[str]) -> None:
    """Set the labels of a legend, which may hold `$` or start with an underscore."""
    for text, label in zip(texts, labels, strict=True):
        text.set_parse_math(False)
        text.set_text(label)
