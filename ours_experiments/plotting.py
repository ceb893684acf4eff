"""Plots of results; they need the extra `plot`, with matplotlib and scipy.

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

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import accumulate
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from ours_experiments.models import Results, TimeSeries, VariantResult


if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ours_experiments.analysis import Analysis, VariantAnalysis


__all__ = ["plot_lift", "plot_results", "plot_time_series"]

MARKERS = "os^Dv*XP"
HATCHES = ("//", "\\\\", "..", "xx", "++", "oo")
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
EPOCH = date(1970, 1, 1)
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

    from ours_experiments.analysis.posterior import rate_interval  # noqa: PLC0415

    count = len(results.variants)
    drawn = new_axes(1.4 + ROW_HEIGHT * max(count, 2)) if axes is None else axes
    room = row_height(drawn, count)
    font_size = min(MAX_FONT_SIZE, room * 0.7)
    for position, variant in enumerate(results.variants):
        rate = variant.conversion_rate
        if variant.impressions > 0 and rate is not None:
            bounds = rate_interval(variant.impressions, variant.conversions)
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
    drawn.set_xlabel("conversion rate with 95 % credible interval")
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
    from matplotlib.ticker import PercentFormatter  # noqa: PLC0415 - the extra
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
        add_legend(
            drawn, [shorten(called.get(variant, variant), 2) for variant in lines]
        )
        format_days(drawn)
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


def plot_lift(analysis: "Analysis", *, axes: "Axes | None" = None) -> "Axes":
    """Draw the effect of each treatment on the conversion rate, day by day.

    The bands are confidence sequences: each holds at every look. On the right stands
    the interval of the last day. The line at zero is the control. Early bands may be
    wider than the axes.

    Args:
        analysis: The analysis to draw.
        axes: The axes to draw on; None: those of a new figure. A figure of your own
            keeps texts inside with `layout="constrained"`.

    Returns:
        The axes drawn on; `axes.figure.savefig(…)` saves them.
    """
    from matplotlib.ticker import PercentFormatter  # noqa: PLC0415 - the extra

    drawn = new_axes(4.8) if axes is None else axes
    treatments = [variant for variant in analysis.variants if not variant.is_control]
    days = [
        day_number(effect.date) for row in treatments for effect in row.effect_by_day
    ]
    first, last = min(days, default=0.0), max(days, default=0.0)
    gap = max((last - first) / 25, 0.5)
    for number, variant in enumerate(treatments):
        draw_effect(drawn, variant, number, last + (number + 1) * gap)
    drawn.axhline(0, color="black", linewidth=1.2)
    bounds = [0.0, *(x for row in treatments for x in row.confidence_sequence or ())]
    room = (max(bounds) - min(bounds)) or 0.1
    drawn.set_ylim(min(bounds) - 0.5 * room, max(bounds) + 0.5 * room)
    drawn.set_xlim(first - gap, last + (len(treatments) + 1) * gap)
    drawn.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    drawn.set_ylabel("effect, relative to the control")
    drawn.grid(visible=True, axis="y", alpha=0.3)
    if treatments:
        add_legend(drawn, [effect_label(row) for row in treatments])
    else:
        annotate_empty(drawn)
    if days:
        format_days(drawn)
    drawn.set_xticks([tick for tick in drawn.get_xticks() if tick in days])
    return drawn


def draw_effect(
    axes: "Axes", variant: "VariantAnalysis", number: int, position: float
) -> None:
    """Draw the band of a treatment, and its last interval at a position beside it."""
    style = style_of(number)
    effects = variant.effect_by_day
    days = [day_number(effect.date) for effect in effects]
    axes.plot(
        days,
        [effect.lift for effect in effects],
        markevery=max(1, -(-len(days) // MAX_MARKERS)),
        label=str(number),
        **style,
    )
    axes.fill_between(
        days,
        [effect.low for effect in effects],
        [effect.high for effect in effects],
        facecolor="none",
        edgecolor=style["color"],
        hatch=HATCHES[number % len(HATCHES)],
        alpha=0.5,
    )
    if variant.lift is not None and variant.confidence_sequence is not None:
        low, high = variant.confidence_sequence
        axes.errorbar(
            [position],
            [variant.lift],
            yerr=[[max(variant.lift - low, 0.0)], [max(high - variant.lift, 0.0)]],
            capsize=5,
            **style,
        )


def effect_label(variant: "VariantAnalysis") -> str:
    """Return the name of a treatment with its effect."""
    from ours_experiments.analysis.records import (  # noqa: PLC0415
        percent,
        percent_range,
    )

    name = shorten(variant.name, 1)
    if variant.lift is None:
        return f"{name}: too few conversions"
    effect = f"{percent(variant.lift)}, {percent_range(variant.confidence_sequence)}"
    return f"{name}: {effect}"


def day_number(day: date) -> float:
    """Return a day as matplotlib counts days, from 1970."""
    return float((day - EPOCH).days)


def format_days(axes: "Axes") -> None:
    """Write days below the axes, as many as fit."""
    from matplotlib.dates import DateFormatter  # noqa: PLC0415 - the extra
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - the extra

    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    formatter = DateFormatter("%Y-%m-%d")  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(formatter)
    axes.set_xlabel("day, UTC")


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


def add_legend(axes: "Axes", labels: Sequence[str]) -> None:
    """Add a legend, whose labels may hold `$` or start with an underscore."""
    handles = axes.get_legend_handles_labels()[0][: len(labels)]
    numbers = [str(number) for number in range(len(labels))]
    outside: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1, 1)}
    place = outside if len(labels) > MAX_LEGEND_INSIDE else {}
    legend = axes.legend(handles, numbers, fontsize="small", **place)
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_parse_math(False)
        text.set_text(label)
