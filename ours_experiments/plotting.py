"""Pictures of results; needs the extra `plot`, which is matplotlib.

    from ours_experiments.plotting import plot_results

    axes = plot_results(await client.experiments.results(id))
    axes.figure.savefig("results.png")

Every variant has a marker, a line and a shade of its own, so that a print without
colours can be read.
"""

# matplotlib's own annotations have gaps.
# pyright: reportUnknownMemberType=false

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import accumulate
from statistics import NormalDist
from typing import TYPE_CHECKING

from ours_experiments.models import Results, TimeSeries, VariantResult


if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text


COVERAGE = 0.95
"""Probability that an interval is meant to hold."""
MARKERS = "os^Dv*XP"
LINES = ("-", "--", "-.", ":")
COLOURS = ("#0b3c5d", "#c8641b", "#8cc79b", "#7a2f5c", "#93a1b5", "#b08d1e")
"""Told apart by their lightness too."""
MARKED = 15
"""Markers on one line at most."""
EMPTY = "no impressions yet"


def plot_results(results: Results, *, axes: "Axes | None" = None) -> "Axes":
    """Draw each variant's conversion rate with its 95 % interval.

    The interval is Wilson's, which is close to the credible interval of a Beta
    posterior. Beside it stands the probability to be best.

    Args:
        results: What to draw.
        axes: Where to draw; by default in a new figure.
    """
    from matplotlib.ticker import PercentFormatter  # noqa: PLC0415 - the extra

    drawn = new_axes() if axes is None else axes
    for position, variant in enumerate(results.variants):
        rate = variant.conversion_rate
        low, high = interval(variant.conversions, variant.impressions)
        drawn.errorbar(
            [rate],
            [position],
            xerr=[[max(rate - low, 0.0)], [max(high - rate, 0.0)]],
            marker=MARKERS[position % len(MARKERS)],
            markersize=8,
            capsize=5,
            color=COLOURS[position % len(COLOURS)],
        )
        drawn.annotate(
            f"{rate:.2%}, best with probability {variant.probability_to_be_best:.0%}"
            if variant.impressions
            else EMPTY,
            (rate, position),
            xytext=(0, 9),
            textcoords="offset points",
            ha="center",
        )
    names = [name_of(each) for each in results.variants]
    drawn.set_yticks(range(len(names)), names, parse_math=False)
    drawn.set_ylim(len(names) - 0.5, -0.6)
    drawn.margins(x=0.15)
    drawn.xaxis.set_major_formatter(PercentFormatter(xmax=1))
    drawn.set_xlabel(f"conversion rate, {COVERAGE:.0%} interval (Wilson)")
    drawn.grid(visible=True, axis="x", alpha=0.3)
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
        names: What to call the variants, by id; by default their ids.
        axes: Where to draw; by default in a new figure.
    """
    from matplotlib.ticker import PercentFormatter  # noqa: PLC0415 - the extra
    from numpy import array  # noqa: PLC0415 - matplotlib has it

    drawn = new_axes() if axes is None else axes
    called = names or {}
    lines = rates_by_variant(series, cumulative=cumulative)
    for number, (days, rates) in enumerate(lines.values()):
        drawn.plot(
            array(days, dtype="datetime64[D]"),
            rates,
            linestyle=LINES[number % len(LINES)],
            marker=MARKERS[number % len(MARKERS)],
            markevery=max(1, -(-len(days) // MARKED)),
            color=COLOURS[number % len(COLOURS)],
            label=str(number),
        )
    if lines:
        labels = [called.get(variant_id, variant_id) for variant_id in lines]
        rename(drawn.legend().get_texts(), labels)
    else:
        drawn.annotate(EMPTY, (0.5, 0.5), xycoords="axes fraction", ha="center")
    drawn.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    drawn.set_ylabel("conversion rate" + (", cumulative" if cumulative else " by day"))
    drawn.set_xlabel("day, UTC")
    drawn.tick_params(axis="x", labelsize="small")
    drawn.grid(visible=True, alpha=0.3)
    return drawn


def name_of(variant: VariantResult) -> str:
    """Name a variant, and say which is the control."""
    if not variant.is_control or variant.name.casefold() == "control":
        return variant.name
    return f"{variant.name} (control)"


def new_axes() -> "Axes":
    """Open a figure of its own."""
    from matplotlib import pyplot as plt  # noqa: PLC0415 - the extra

    _, axes = plt.subplots(layout="constrained")
    return axes


def interval(conversions: int, impressions: int) -> tuple[float, float]:
    """Give Wilson's 95 % interval of a conversion rate; without impressions (0, 0)."""
    if impressions <= 0:
        return 0.0, 0.0
    share = min(conversions / impressions, 1.0)
    z = NormalDist().inv_cdf((1 + COVERAGE) / 2)
    weight = z * z / impressions
    middle = (share + weight / 2) / (1 + weight)
    spread = share * (1 - share) / impressions + weight / (4 * impressions)
    reach = z * spread**0.5 / (1 + weight)
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


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
