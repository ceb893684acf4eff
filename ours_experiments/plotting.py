"""Pictures of results; needs the extra `plot`, which is matplotlib.

    from ours_experiments.plotting import plot_results

    axes = plot_results(await client.experiments.results(id))
    axes.figure.savefig("results.png")

Every variant has a marker, a line and a shade of its own, so that a print without
colours can be read. Long names are shortened. Writing that matplotlib's own font
lacks, such as Chinese, needs a font that has it:
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
"""Told apart by their lightness too."""
MARKED = 15
"""Markers on one line at most."""
ROW = 0.5
"""Inches of height for a variant in a figure of its own."""
LETTERS = 9.0
"""Points of height of the writing at most; less where rows are lower."""
NAME_WIDTH = 28
"""Characters in one line of a name; a name has two lines at most."""
LARGEST_LEGEND = 4
"""Lines whose legend has room beside them; that of more stands outside."""
EMPTY = "no impressions yet"


def plot_results(results: Results, *, axes: "Axes | None" = None) -> "Axes":
    """Draw each variant's conversion rate with its 95 % credible interval.

    The interval is that of a Beta posterior after a flat prior. On the right stand
    the rate and the probability to be best.

    Args:
        results: What to draw.
        axes: Where to draw; by default in a new figure, as high as it has to be.
            A figure of your own keeps the writing inside with `layout="constrained"`.

    Returns:
        The axes drawn on; `axes.figure.savefig(…)` saves them.
    """
    from matplotlib.ticker import MaxNLocator, PercentFormatter  # noqa: PLC0415

    count = len(results.variants)
    drawn = new_axes(1.4 + ROW * max(count, 2)) if axes is None else axes
    room = points_for_each(drawn, count)
    letters = min(LETTERS, room * 0.7)
    for position, variant in enumerate(results.variants):
        told = EMPTY
        if variant.impressions > 0:
            rate = variant.conversion_rate
            low, high = interval(variant.conversions, variant.impressions)
            drawn.errorbar(
                [rate],
                [position],
                xerr=[[max(rate - low, 0.0)], [max(high - rate, 0.0)]],
                capsize=5,
                **look_of(position),
            )
            told = f"{rate:.2%}, to be best: {variant.probability_to_be_best:.1%}"
        drawn.annotate(
            told,
            (1, position),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=letters,
        )
    lines = 2 if room > 2.5 * letters else 1
    names = [shortened(name_of(each), lines) for each in results.variants]
    drawn.set_yticks(range(count), names, parse_math=False, fontsize=letters)
    drawn.set_ylim(max(count, 1) - 0.4, -0.6)
    drawn.margins(x=0.08)
    drawn.set_xlim(left=max(drawn.get_xlim()[0], 0.0))
    drawn.xaxis.set_major_locator(MaxNLocator(5))
    drawn.xaxis.set_major_formatter(PercentFormatter(xmax=1))
    drawn.set_xlabel(f"conversion rate with {COVERAGE:.0%} credible interval")
    drawn.grid(visible=True, axis="x", alpha=0.3)
    if not count:
        say_empty(drawn)
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
        series: What to draw.
        cumulative: Whether a day's rate is that of the run up to it.
        names: What to call the variants, by id; by default their ids. From results:
            `{row.id: row.name for row in results.variants}`.
        axes: Where to draw; by default in a new figure. A figure of your own keeps
            the writing inside with `layout="constrained"`.

    Returns:
        The axes drawn on; `axes.figure.savefig(…)` saves them.
    """
    from matplotlib.dates import DateFormatter  # noqa: PLC0415 - the extra
    from matplotlib.ticker import MaxNLocator, PercentFormatter  # noqa: PLC0415
    from numpy import array  # noqa: PLC0415 - matplotlib has it

    called = names or {}
    lines = rates_by_variant(series, cumulative=cumulative)
    drawn = new_axes(max(4.8, 1.4 + 0.22 * len(lines))) if axes is None else axes
    for number, (days, rates) in enumerate(lines.values()):
        drawn.plot(
            array(days, dtype="datetime64[D]"),
            rates,
            markevery=max(1, -(-len(days) // MARKED)),
            label=str(number),
            **look_of(number),
        )
    if lines:
        legend = (
            drawn.legend(fontsize="small")
            if len(lines) <= LARGEST_LEGEND
            else drawn.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
        )
        labels = [shortened(called.get(each, each), 2) for each in lines]
        rename(legend.get_texts(), labels)
        drawn.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
        written = DateFormatter("%Y-%m-%d")  # type: ignore[no-untyped-call]
        drawn.xaxis.set_major_formatter(written)
        left, right = drawn.dataLim.intervalx
        if left == right:
            drawn.set_xlim(left - 0.5, right + 0.5)
    else:
        say_empty(drawn)
    drawn.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    drawn.set_ylabel("conversion rate" + (", cumulative" if cumulative else " by day"))
    drawn.set_xlabel("day, UTC")
    drawn.grid(visible=True, alpha=0.3)
    return drawn


def name_of(variant: VariantResult) -> str:
    """Name a variant, and say which is the control."""
    if not variant.is_control or variant.name.casefold() == "control":
        return variant.name
    return f"{variant.name} (control)"


def shortened(name: str, lines: int) -> str:
    """Break a name into so many lines at most, and leave the rest of it out."""
    parts = wrap(name, NAME_WIDTH)
    if len(parts) > lines:
        parts = [*parts[: lines - 1], f"{parts[lines - 1][: NAME_WIDTH - 1]}…"]
    return "\n".join(parts) or name


def points_for_each(axes: "Axes", count: int) -> float:
    """Tell how high a row is where so many share the axes, in points."""
    figure = axes.figure
    return axes.get_window_extent().height * 72 / figure.dpi / max(count, 1)


def say_empty(axes: "Axes") -> None:
    """Say that there is nothing to draw."""
    axes.annotate(EMPTY, (0.5, 0.5), xycoords="axes fraction", ha="center")
    axes.set_xticks([])


def look_of(number: int) -> dict[str, Any]:
    """Choose a marker and a line; the first 32 pairs are all different."""
    return {
        "marker": MARKERS[number % len(MARKERS)],
        "linestyle": LINES[(number + number // len(MARKERS)) % len(LINES)],
        "color": COLOURS[number % len(COLOURS)],
    }


def new_axes(height: float) -> "Axes":
    """Open a figure of its own, so many inches high."""
    from matplotlib import pyplot as plt  # noqa: PLC0415 - the extra

    _, axes = plt.subplots(figsize=(7.2, height), layout="constrained")
    return axes


CELLS = 4_000
"""Into so many parts the posterior is cut."""
REACH = 12
"""Standard deviations on each side; what lies beyond is less than 1e-5."""


def interval(conversions: int, impressions: int) -> tuple[float, float]:
    """Give the 95 % credible interval of a conversion rate, 0 to 1.

    The posterior is Beta(1 + conversions, 1 + the others). What is left out is half
    on each side; where nobody or everybody converted it is all on the one side there
    is, so that the observed rate always lies inside. Without impressions (0, 0).
    """
    if impressions <= 0:
        return 0.0, 0.0
    hits = min(max(conversions, 0), impressions)
    misses = impressions - hits
    left_out = 1 - COVERAGE
    below = 0.0 if hits == 0 else left_out if misses == 0 else left_out / 2
    low, high = posterior_quantiles(hits, misses, below, below + COVERAGE)
    return (low if hits else 0.0), (high if misses else 1.0)


def posterior_quantiles(hits: int, misses: int, *shares: float) -> list[float]:
    """Invert the distribution function of Beta(1 + hits, 1 + misses).

    The density is summed up over a fine grid, which is exact to far less than a pixel.
    """
    total = hits + misses + 2
    mean = (hits + 1) / total
    reach = REACH * (mean * (1 - mean) / (total + 1)) ** 0.5
    start, end = max(mean - reach, 0.0), min(mean + reach, 1.0)
    width = (end - start) / CELLS
    middles = [start + (cell + 0.5) * width for cell in range(CELLS)]
    logs = [hits * log(x) + misses * log1p(-x) for x in middles]
    top = max(logs)
    sums = list(accumulate(exp(each - top) for each in logs))
    found: list[float] = []
    for share in shares:
        wanted = share * sums[-1]
        cell = min(bisect_left(sums, wanted), CELLS - 1)
        before = sums[cell - 1] if cell else 0.0
        part = (wanted - before) / (sums[cell] - before)
        found.append(start + (cell + part) * width)
    return found


def rates_by_variant(
    series: TimeSeries, *, cumulative: bool
) -> dict[str, tuple[list[date], list[float]]]:
    """Sort the days by variant, those without impressions left out."""
    counts: dict[str, list[tuple[date, int, int]]] = {}
    for day in series.days:
        for each in day.variants:
            if each.impressions:
                row = (day.date, each.impressions, each.conversions)
                counts.setdefault(each.id, []).append(row)
    lines: dict[str, tuple[list[date], list[float]]] = {}
    for variant_id, rows in counts.items():
        seen = [impressions for _, impressions, _ in rows]
        converted = [conversions for _, _, conversions in rows]
        if cumulative:
            seen, converted = list(accumulate(seen)), list(accumulate(converted))
        rates = [k / n for k, n in zip(converted, seen, strict=True)]
        lines[variant_id] = ([day for day, _, _ in rows], rates)
    return lines


def rename(texts: Sequence["Text"], labels: Sequence[str]) -> None:
    """Label a legend with any text: also with `$` and with a leading underscore."""
    for each, label in zip(texts, labels, strict=True):
        each.set_parse_math(False)
        each.set_text(label)
