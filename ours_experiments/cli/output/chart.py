"""A line chart of conversion rates in the terminal, drawn by plotext."""

# plotext has no annotations.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from rich.console import Group
from rich.text import Text

from ours_experiments.cli.output.terminal import escape
from ours_experiments.models import TimeSeries
from ours_experiments.plotting import rates_by_variant


MARKERS = "●▲■◆★✚"
ASCII_MARKERS = "ox#+*%"
STYLES = ("cyan", "orange", "magenta", "green", "red", "blue")
LEGEND_STYLES = ("cyan", "yellow", "magenta", "green", "red", "blue")
TO_ASCII = str.maketrans("┌┐└┘├┤┬┴┼─│", "+++++++++-|")
DATE_CELLS = 18
"""Columns that a date below the chart takes, with a gap."""
MARKER_CELLS = 5
"""Columns between two markers of one line, at least."""
MAX_TICKS = 5
"""Rates and dates on an axis."""


def conversion_chart(
    series: TimeSeries,
    names: Mapping[str, str],
    *,
    width: int = 72,
    height: int = 14,
    ascii_only: bool = False,
) -> Group:
    """Draw the conversion rate of each variant by day.

    Args:
        series: The days; a day lies at its date, also after a gap.
        names: Names of the variants by id, for the legend; default: the ids.
        width: Columns of the whole chart.
        height: Rows of the chart with its frame, without the legend.
        ascii_only: Whether to draw in ASCII.
    """
    import plotext  # type: ignore[import-untyped]  # noqa: PLC0415 - not for help

    lines = rates_by_variant(series, cumulative=False)
    if not lines:
        return Group(Text("no days with impressions yet"))
    markers = ASCII_MARKERS if ascii_only else MARKERS
    # A day without impressions is left out of a line, and keeps its place.
    days = sorted({day for line_days, _ in lines.values() for day in line_days})
    span = (days[-1] - days[0]).days or 1
    plotext.clear_figure()
    plotext.limit_size(width=False, height=False)  # a pipe has no size
    plotext.plot_size(width, height)
    plotext.date_form("Y-m-d")
    for number, (line_days, rates) in enumerate(lines.values()):
        colour = STYLES[number % len(STYLES)]
        dates = [day.isoformat() for day in line_days]
        line_marker = "." if ascii_only else "braille"
        plotext.plot(dates, rates, marker=line_marker, color=colour)
        # Without colours the markers are what distinguishes the lines.
        step = -(-MARKER_CELLS * span // width) or 1
        plotext.scatter(
            dates[::step],
            rates[::step],
            marker=markers[number % len(markers)],
            color=colour,
        )
    ticks = rate_ticks([rate for _, rates in lines.values() for rate in rates])
    plotext.yticks(ticks, [f"{tick:.1%}" for tick in ticks])
    plotext.xticks([day.isoformat() for day in tick_days(days[0], days[-1], width)])
    plotext.canvas_color("default")
    plotext.axes_color("default")
    plotext.ticks_color("default")
    # plotext writes its colours as escapes, which rich drops where there are none.
    drawing = str(plotext.build()).rstrip()
    if ascii_only:
        drawing = drawing.translate(TO_ASCII)
    return Group(Text.from_ansi(drawing), *legend(list(lines), names, markers))


def tick_days(first: date, last: date, width: int) -> list[date]:
    """Return evenly spaced days for the horizontal axis, as many as fit."""
    span = (last - first).days
    parts = max(min(MAX_TICKS - 1, width // DATE_CELLS - 1, span), 1)
    offsets = {span * part // parts for part in range(parts + 1)}
    return [first + timedelta(days=offset) for offset in sorted(offsets)]


def rate_ticks(rates: Sequence[float]) -> list[float]:
    """Return evenly spaced rates for the vertical axis."""
    low, high = min(rates), max(rates)
    # Ticks at one height would be printed over each other.
    if low == high:
        return [low]
    return [low + (high - low) * part / (MAX_TICKS - 1) for part in range(MAX_TICKS)]


def legend(
    variant_ids: Sequence[str], names: Mapping[str, str], markers: str
) -> list[Text]:
    """Return a line for each variant: its marker and its name."""
    entries: list[Text] = []
    for number, variant_id in enumerate(variant_ids):
        entry = Text("  ")
        style = LEGEND_STYLES[number % len(LEGEND_STYLES)]
        entry.append(markers[number % len(markers)], style)
        entries.append(entry.append(f" {escape(names.get(variant_id, variant_id))}"))
    return entries
