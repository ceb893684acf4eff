"""Tables for notebooks: results, time series and reports of bulk calls."""

from collections.abc import Callable
from datetime import date
from html.parser import HTMLParser

import pytest

from ours_experiments import (
    BulkReport,
    Day,
    DayVariant,
    OursError,
    Outcome,
    OutcomeStatus,
    Results,
    TimeSeries,
    VariantResult,
)


Shown = Results | TimeSeries | BulkReport

HOSTILE = "<script>alert('x')</script>\"&<img src=x onerror=alert(1)>"
ALLOWED = {"p", "table", "caption", "thead", "tbody", "tr", "th", "td"}


class Reader(HTMLParser):
    """Reads what a browser would show, and which elements it would build."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[str] = []
        self.open: list[str] = []
        self.told: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note what is written."""
        self.told.append(data)


def read(shown: Shown) -> Reader:
    """Read what a notebook would show."""
    reader = Reader()
    reader.feed(shown._repr_html_())
    reader.close()
    assert not reader.open
    return reader


def results(count: int, name: str = "B") -> Results:
    """Make results of so many variants."""
    return Results(
        tuple(
            VariantResult(
                id=f"var_{number}",
                name=name,
                is_control=number == 0,
                impressions=1234,
                conversions=56,
                conversion_rate=0.0454,
                probability_to_be_best=0.875,
            )
            for number in range(count)
        )
    )


def series(count: int, id: str = "var_1") -> TimeSeries:
    """Make a series of one variant over so many days."""
    figures = DayVariant(id=id, impressions=10, conversions=1, conversion_rate=0.1)
    first = date(2026, 8, 1).toordinal()
    return TimeSeries(
        tuple(Day(date.fromordinal(first + day), (figures,)) for day in range(count))
    )


def report(count: int, id: str = "exp_1") -> BulkReport:
    """Make a report of so many failures."""
    outcome = Outcome(id, "start", OutcomeStatus.FAILED, error=OursError(id))
    return BulkReport("start", (outcome,) * count, 0.0)


KINDS = pytest.mark.parametrize("make", [results, series, report])


@KINDS
def test_nothing_is_markup_of_others(make: Callable[[int, str], Shown]) -> None:
    """Names, ids and errors are shown as they are written, whatever is in them."""
    reader = read(make(2, HOSTILE))
    assert set(reader.elements) <= ALLOWED
    assert not reader.attributes
    assert any(HOSTILE in told for told in reader.told)


@KINDS
def test_thousands_of_rows_are_counted(make: Callable[[int], Shown]) -> None:
    """Fifty rows are shown and the rest is counted."""
    reader = read(make(5_000))
    assert reader.elements.count("tr") == 52
    assert "and 4,950 more" in reader.told
    assert len(make(100_000)._repr_html_()) < 20_000


@KINDS
def test_long_writing_is_cut(make: Callable[[int, str], Shown]) -> None:
    """A megabyte in one cell does not fill the notebook."""
    assert len(make(1, "x" * 10**6)._repr_html_()) < 2_000


@KINDS
def test_nothing_is_one_line(make: Callable[[int], Shown]) -> None:
    """Without rows there is no table."""
    assert read(make(0)).elements == ["p"]


def test_results_in_a_notebook() -> None:
    """Each variant has its figures, with units."""
    assert read(results(2)).told == [
        "results of 2 variants",
        *("variant", "impressions", "conversions", "rate", "to be best"),
        *("B (control)", "1,234", "56", "4.54%", "87.5%"),
        *("B", "1,234", "56", "4.54%", "87.5%"),
    ]


def test_a_time_series_in_a_notebook() -> None:
    """Each day has a row for each variant."""
    assert read(series(2)).told == [
        "time series of 2 days, 2026-08-01 to 2026-08-02",
        *("day", "variant", "impressions", "conversions", "rate"),
        *("2026-08-01", "var_1", "10", "1", "10.00%"),
        *("2026-08-02", "var_1", "10", "1", "10.00%"),
    ]
