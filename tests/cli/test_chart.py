"""Charts in the terminal, readable without colours."""

import io
from datetime import date, timedelta

import pytest
from rich.console import Console

from ours_experiments.cli.output.chart import Line, conversion_chart, draw
from ours_experiments.models import Day, DayVariant, TimeSeries


def shown(drawing: object, width: int = 80) -> list[str]:
    """Give the lines of a drawing, without colours."""
    out = Console(file=io.StringIO(), width=width, markup=False)
    out.print(drawing)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue().splitlines()


def series_of(*rates: tuple[int, int], days: int = 10) -> TimeSeries:
    """Make a series in which each variant has the same counts on all days."""
    return TimeSeries(
        tuple(
            Day(
                date(2026, 8, 1) + timedelta(days=number),
                tuple(
                    DayVariant(
                        id=f"v{index}",
                        impressions=seen,
                        conversions=converted,
                        conversion_rate=converted / seen if seen else 0.0,
                    )
                    for index, (seen, converted) in enumerate(rates)
                ),
            )
            for number in range(days)
        )
    )


def test_the_higher_rate_is_drawn_above() -> None:
    """The line of the better variant is above the other's."""
    lines = shown(conversion_chart(series_of((100, 5), (100, 20)), {}))
    above = next(number for number, line in enumerate(lines) if "▲" in line)
    below = next(number for number, line in enumerate(lines) if "●" in line)
    assert above < below


def test_the_axes_tell_the_range() -> None:
    """The scale spans the rates, and the days stand below."""
    lines = shown(conversion_chart(series_of((100, 5), (100, 20)), {}, height=6))
    assert lines[0].startswith("20.8% │")
    assert lines[5].startswith(" 4.3% │")
    assert lines[6].split()[1::2] == ["2026-08-01", "2026-08-10"]


def test_every_line_has_its_own_marker_in_the_legend() -> None:
    """The legend names each line beside its marker, escaped."""
    names = {"v0": "Control", "v1": "\x1b[31mBold"}
    lines = shown(conversion_chart(series_of((10, 1), (10, 2)), names))
    assert [line.strip() for line in lines[-2:]] == ["● Control", "▲ \\x1b[31mBold"]


def test_lines_without_a_name_show_their_id() -> None:
    """A variant nobody named is called by its id."""
    assert shown(conversion_chart(series_of((10, 1)), {}))[-1].strip() == "● v0"


@pytest.mark.parametrize("width", [30, 80, 200])
def test_no_line_is_wider_than_asked(width: int) -> None:
    """A chart keeps to its width."""
    drawing = conversion_chart(series_of((10, 1), (10, 3)), {}, width=width)
    assert max(map(len, shown(drawing, 300))) <= width


def test_one_day_is_a_point() -> None:
    """A single day is drawn, with one label."""
    lines = shown(conversion_chart(series_of((10, 1), days=1), {}))
    assert sum("●" in line for line in lines) == 2
    assert sum("2026-08-01" in line for line in lines) == 1


def test_days_without_impressions_are_left_out() -> None:
    """A variant that nobody saw has no line."""
    lines = shown(conversion_chart(series_of((0, 0), (10, 1)), {}))
    assert lines[-1].strip() == "● v1"


def test_nothing_is_said_to_be_nothing() -> None:
    """Without days there is a sentence instead of a chart."""
    assert shown(conversion_chart(TimeSeries(()), {})) == [
        "no days with impressions yet"
    ]


def test_equal_values_are_a_flat_line() -> None:
    """A constant rate is one row of dots, a rate of 0 too."""
    for rate in (0.0, 0.25):
        points = ((0, rate), (1, rate))
        lines = shown(draw([Line("flat", points)], ["a", "b"], height=5))
        assert sum("●" in line for line in lines[:5]) == 1


def test_ascii_is_enough() -> None:
    """Outputs without Unicode get a chart all the same."""
    lines = shown(conversion_chart(series_of((10, 1), (10, 3)), {}, plain=True))
    assert "\n".join(lines).isascii()
    assert lines[-1].strip() == "x v1"


def test_markers_keep_apart() -> None:
    """Many days have fewer markers than days."""
    lines = shown(conversion_chart(series_of((10, 1), days=300), {}, width=60))
    assert sum(line.count("●") for line in lines[:-1]) <= 60 // 4


def test_lines_cross_without_losing_dots() -> None:
    """Where two lines share a cell, the dots of both are kept."""
    up = Line("up", ((0, 0.0), (1, 1.0)))
    down = Line("down", ((0, 1.0), (1, 0.0)))
    alone = shown(draw([up], ["a", "b"], width=20, height=4))
    both = shown(draw([up, down], ["a", "b"], width=20, height=4))
    assert sum(map(inked, both[:4])) > sum(map(inked, alone[:4]))


def inked(line: str) -> int:
    """Count the dots of a line."""
    return sum(
        (ord(character) - 0x2800).bit_count()
        for character in line
        if 0x2800 <= ord(character) <= 0x28FF
    )
