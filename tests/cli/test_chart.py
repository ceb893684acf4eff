"""Charts in the terminal, readable without colours."""

import io
from datetime import date, timedelta

import pytest
from rich.console import Console

from ours_experiments.cli.output.chart import conversion_chart
from ours_experiments.models import Day, DayVariant, TimeSeries


FIRST = date(2026, 8, 1)


def drawn(drawing: object, width: int = 80) -> list[str]:
    """Return the lines of a drawing, without colours."""
    out = Console(file=io.StringIO(), width=width, markup=False)
    out.print(drawing)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue().splitlines()


def series_on(days: list[date], *counts: tuple[int, int]) -> TimeSeries:
    """Return a series with the same counts on each of the days."""
    rows = tuple(
        DayVariant(
            id=f"v{index}",
            impressions=seen,
            conversions=converted,
            conversion_rate=converted / seen if seen else 0.0,
        )
        for index, (seen, converted) in enumerate(counts)
    )
    return TimeSeries(tuple(Day(day, rows) for day in days))


def series_of(*counts: tuple[int, int], days: int = 10) -> TimeSeries:
    """Return a series with the same counts on consecutive days."""
    return series_on(
        [FIRST + timedelta(days=number) for number in range(days)], *counts
    )


def test_the_higher_rate_is_drawn_above() -> None:
    """The line of the better variant is above the other's."""
    lines = drawn(conversion_chart(series_of((100, 5), (100, 20)), {}))
    above = next(number for number, line in enumerate(lines) if "▲" in line)
    below = next(number for number, line in enumerate(lines) if "●" in line)
    assert above < below


def test_the_axes_have_rates_and_dates() -> None:
    """The vertical axis spans the rates, the first and the last day stand below."""
    lines = drawn(conversion_chart(series_of((100, 5), (100, 20)), {}))
    rates = [line.partition("┤")[0].strip() for line in lines if "┤" in line]
    assert (rates[0], rates[-1]) == ("20.0%", "5.0%")
    [dates] = [line.split() for line in lines if "2026-" in line]
    assert (dates[0], dates[-1]) == ("2026-08-01", "2026-08-10")


def test_a_gap_between_days_is_as_wide_as_it_is_long() -> None:
    """Days are placed by date: two early ones and a late one are not evenly spaced."""
    days = [FIRST, FIRST + timedelta(days=1), FIRST + timedelta(days=20)]
    lines = drawn(conversion_chart(series_on(days, (100, 10)), {}, width=80))
    [row] = [line for line in lines[:-1] if "●" in line]
    positions = [index for index, character in enumerate(row) if character == "●"]
    assert positions[-1] > 70
    assert all(position < 20 for position in positions[:-1])


def test_every_line_has_its_own_marker_in_the_legend() -> None:
    """The legend has the marker and the name of each line; names are escaped."""
    names = {"v0": "Control", "v1": "\x1b[31mBold"}
    lines = drawn(conversion_chart(series_of((10, 1), (10, 2)), names))
    assert [line.strip() for line in lines[-2:]] == ["● Control", "▲ \\x1b[31mBold"]


def test_lines_without_a_name_show_their_id() -> None:
    """A variant without a name is called by its id."""
    assert drawn(conversion_chart(series_of((10, 1)), {}))[-1].strip() == "● v0"


@pytest.mark.parametrize("width", [30, 60, 80, 200])
def test_no_line_is_wider_than_asked(width: int) -> None:
    """A chart keeps to its width, also where that is not the terminal's."""
    drawing = conversion_chart(series_of((10, 1), (10, 3)), {}, width=width)
    assert max(map(len, drawn(drawing, 300))) <= width


def test_one_day_is_a_point() -> None:
    """A single day is drawn, with one label."""
    lines = drawn(conversion_chart(series_of((10, 1), days=1), {}))
    assert sum("●" in line for line in lines) == 2
    assert sum("2026-08-01" in line for line in lines) == 1


def test_days_without_impressions_are_left_out() -> None:
    """A variant without impressions has no line."""
    lines = drawn(conversion_chart(series_of((0, 0), (10, 1)), {}))
    assert lines[-1].strip() == "● v1"
    assert not any("v0" in line for line in lines)


def test_without_days_there_is_a_sentence() -> None:
    """Without days there is a sentence instead of a chart."""
    assert drawn(conversion_chart(TimeSeries(()), {})) == [
        "no days with impressions yet"
    ]


@pytest.mark.parametrize("conversions", [0, 25])
def test_equal_values_are_a_flat_line(conversions: int) -> None:
    """A constant rate is drawn in one row, a rate of 0 too."""
    lines = drawn(conversion_chart(series_of((100, conversions)), {}))
    assert sum("●" in line for line in lines[:-1]) == 1


def test_ascii_is_enough() -> None:
    """Outputs without Unicode get a chart in ASCII."""
    series = series_of((10, 1), (10, 3))
    lines = drawn(conversion_chart(series, {}, ascii_only=True))
    assert "\n".join(lines).isascii()
    assert lines[-1].strip() == "x v1"
    assert any("o" in line for line in lines[:-2])


def test_markers_keep_apart() -> None:
    """Many days have fewer markers than days."""
    lines = drawn(conversion_chart(series_of((10, 1), days=300), {}, width=60))
    assert 5 <= sum(line.count("●") for line in lines[:-1]) <= 60 // 4


def test_a_chart_has_no_colour_where_there_is_no_terminal() -> None:
    """The colours of the lines go through the console, which drops them in a pipe."""
    lines = drawn(conversion_chart(series_of((10, 1)), {}))
    assert "\x1b" not in "".join(lines)
