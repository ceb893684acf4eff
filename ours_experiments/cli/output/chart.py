"""A line chart of conversion rates in braille, readable without colours."""

from collections.abc import Mapping, Sequence

import attrs
from rich.console import Group
from rich.text import Text

from ours_experiments.cli.output.text import escape
from ours_experiments.models import TimeSeries


MARKERS = "●▲■◆★✚"
PLAIN_MARKERS = "ox#+*%"
STYLES = ("cyan", "yellow", "magenta", "green", "red", "blue")
BLANK = 0x2800
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The bits of a braille character by column and row."""
COLUMNS, ROWS = 2, 4
GAP = 4
"""Cells between two markers of one line at least."""

Point = tuple[int, float]


@attrs.frozen
class Line:
    """One line of a chart."""

    name: str
    points: tuple[Point, ...]
    """Position on the horizontal axis, counted from 0, and value."""


@attrs.define
class Canvas:
    """A grid of cells, each with its own pattern of dots."""

    width: int
    height: int
    plain: bool = False
    """Whether the output knows nothing but ASCII."""
    cells: dict[tuple[int, int], tuple[str, str]] = attrs.field(
        factory=dict[tuple[int, int], tuple[str, str]]
    )
    """Character and style by column and row."""

    def dot(self, x: int, y: int, style: str) -> None:
        """Set one dot; (0, 0) is at the top left."""
        place = (x // COLUMNS, y // ROWS)
        before, _ = self.cells.get(place, ("", ""))
        pattern = ord(before) - BLANK if before and not self.plain else 0
        pattern |= DOTS[x % COLUMNS][y % ROWS]
        self.cells[place] = ("." if self.plain else chr(BLANK + pattern), style)

    def segment(self, begin: tuple[int, int], end: tuple[int, int], style: str) -> None:
        """Connect two dots."""
        (x0, y0), (x1, y1) = begin, end
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for step in range(steps + 1):
            share = step / steps
            self.dot(
                round(x0 + (x1 - x0) * share), round(y0 + (y1 - y0) * share), style
            )

    def row(self, number: int) -> Text:
        """Give one line of text."""
        line = Text()
        for column in range(self.width):
            line.append(*self.cells.get((column, number), (" ", "")))
        return line


def draw(
    lines: Sequence[Line],
    labels: Sequence[str],
    *,
    width: int = 72,
    height: int = 12,
    plain: bool = False,
) -> Group:
    """Draw lines over labelled positions; values are shares, told in percent.

    Args:
        lines: The lines; names are escaped.
        labels: What the positions of the horizontal axis are called.
        width: Columns of the whole chart.
        height: Rows of the drawing area.
        plain: Whether to draw in ASCII.
    """
    values = [value for line in lines for _, value in line.points]
    if not values:
        return Group(Text("no days with impressions yet"))
    low, high = bounds(values)
    margin = max(len(f"{high:.1%}"), len(f"{low:.1%}")) + 2
    canvas = Canvas(max(width - margin, 10), height, plain)
    last = max(len(labels) - 1, 1)
    markers = PLAIN_MARKERS if plain else MARKERS

    def place(point: Point) -> tuple[int, int]:
        across = point[0] / last * (canvas.width * COLUMNS - 1)
        down = (high - point[1]) / (high - low) * (height * ROWS - 1)
        return round(across), round(down)

    for number, line in enumerate(lines):
        style = STYLES[number % len(STYLES)]
        dots = [place(point) for point in line.points]
        for begin, end in zip(dots, dots[1:] or dots, strict=False):
            canvas.segment(begin, end, style)
    for number, line in enumerate(lines):
        style = STYLES[number % len(STYLES)]
        reached = -GAP
        for x, y in (place(point) for point in line.points):
            if x // COLUMNS - reached >= GAP:
                reached = x // COLUMNS
                marker = markers[number % len(markers)]
                canvas.cells[reached, y // ROWS] = (marker, style)
    return Group(
        *(with_scale(canvas, row, low, high, margin) for row in range(height)),
        Text(" " * (margin - 1) + axis(labels, canvas.width, plain=plain)),
        *legend(lines, markers, margin),
    )


def bounds(values: Sequence[float]) -> tuple[float, float]:
    """Choose the ends of the vertical axis, a little beyond the values."""
    low, high = min(values), max(values)
    slack = (high - low) * 0.05 or max(high * 0.1, 0.001)
    return max(low - slack, 0.0), high + slack


def with_scale(canvas: Canvas, row: int, low: float, high: float, margin: int) -> Text:
    """Put the scale in front of a row of the drawing area."""
    bar = "|" if canvas.plain else "│"
    told = ""
    if row in {0, canvas.height // 2, canvas.height - 1}:
        told = f"{high - (high - low) * row / (canvas.height - 1):.1%}"
    return Text(f"{told:>{margin - 2}} {bar}").append_text(canvas.row(row))


def axis(labels: Sequence[str], width: int, *, plain: bool) -> str:
    """Name the first and the last position below the drawing area."""
    first, last = labels[0], labels[-1]
    corner, dash = ("+", "-") if plain else ("└", "─")
    if len(labels) == 1 or len(first) + len(last) + 4 > width:
        return f"{corner} {first} ".ljust(width + 1, dash)
    return f"{corner} {first} ".ljust(width - len(last), dash) + f" {last}"


def legend(lines: Sequence[Line], markers: str, margin: int) -> list[Text]:
    """Tell which line is which."""
    told: list[Text] = []
    for number, line in enumerate(lines):
        entry = Text(" " * margin)
        style = STYLES[number % len(STYLES)]
        entry.append(markers[number % len(markers)], style)
        told.append(entry.append(f" {escape(line.name)}"))
    return told


def lines_of(series: TimeSeries, names: Mapping[str, str]) -> list[Line]:
    """Turn a time series into one line of conversion rates for each variant."""
    points: dict[str, list[Point]] = {}
    for position, day in enumerate(series.days):
        for each in day.variants:
            if each.impressions:
                rates = points.setdefault(each.id, [])
                rates.append((position, each.conversion_rate))
    return [
        Line(names.get(variant_id, variant_id), tuple(rates))
        for variant_id, rates in points.items()
    ]


def conversion_chart(
    series: TimeSeries,
    names: Mapping[str, str],
    *,
    width: int = 72,
    height: int = 12,
    plain: bool = False,
) -> Group:
    """Draw the conversion rate of each variant by day; names by variant id."""
    return draw(
        lines_of(series, names),
        [day.date.isoformat() for day in series.days],
        width=width,
        height=height,
        plain=plain,
    )
