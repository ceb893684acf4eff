"""Records as tables that fit the terminal."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from ours_experiments.cli.output.records import (
    Record,
    flatten,
    is_list_of_texts,
    is_nested,
    records_in,
    to_json,
)
from ours_experiments.cli.output.terminal import safe_text


GAP = 2
"""Columns of the terminal between two columns of a table."""
MIN_FOLDED = 14
"""Width in which folded text can still be read."""
PERCENT = frozenset({"traffic_allocation", "weight"})
"""Fields that are percentages, 0 to 100."""


def format_cell(column: str, value: object) -> str:
    """Format one value for people."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"
    if isinstance(value, int | float):
        number = f"{value:.6g}" if isinstance(value, float) else str(value)
        return f"{number} %" if column in PERCENT else number
    if is_nested(value):
        return ", ".join(value) if is_list_of_texts(value) else to_json(value)
    return str(value)


def heading_of(column: str) -> str:
    """Return the heading of a column; times are in UTC."""
    name = column.replace("_", " ")
    return f"{name} (UTC)" if column.endswith(("_at", "_time")) else name


def is_number(value: object) -> bool:
    """Return whether a value is aligned to the right."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def new_table() -> Table:
    """Create an empty table without borders."""
    return Table(box=None, pad_edge=False, header_style="bold")


def print_table(out: Console, rows: Sequence[Record], columns: Sequence[str]) -> None:
    """Print records as a table; name the columns that do not fit below it.

    Args:
        out: The console.
        rows: The records.
        columns: The fields to show, the most important first.
    """
    table = new_table()
    kept: list[str] = []
    omitted: list[str] = []
    space = out.width
    for column in columns:
        values = [row.get(column) for row in rows]
        heading = heading_of(column)
        # Ids have to be copied whole, and a time on two lines is hard to read.
        whole = not kept or column.endswith(("id", "_at", "_time"))
        cells = [heading, *(format_cell(column, value) for value in values)]
        needed = max(map(cell_len, cells))
        # Other text folds, so that a narrow terminal can still show it.
        if not whole:
            needed = min(needed, MIN_FOLDED)
        if kept and needed > space:
            omitted.append(heading)
            continue
        kept.append(column)
        space -= needed + GAP
        table.add_column(
            heading,
            no_wrap=whole,
            overflow="fold",
            justify="right" if all(map(is_number, values)) else "left",
        )
    for row in rows:
        cells = [format_cell(column, row.get(column)) for column in kept]
        table.add_row(*map(safe_text, cells))
    out.print(table)
    if omitted:
        out.print(omission(omitted))


def omission(names: Sequence[str]) -> str:
    """Return the line that names what did not fit."""
    return f"not shown, too narrow: {', '.join(names)}"


def print_record(out: Console, record: Record) -> None:
    """Print a record as a line per field; lists of records follow as tables."""
    table = new_table()
    table.show_header = False
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    lists: list[tuple[str, list[Record]]] = []
    for key, value in flatten(record):
        if rows := records_in(value):
            lists.append((key, rows))
        else:
            table.add_row(
                safe_text(heading_of(key), "bold"), safe_text(format_cell(key, value))
            )
    out.print(table)
    for key, rows in lists:
        # A column that is empty, or repeats the id above, carries no information.
        ignored = (None, record.get("id"))
        columns = [
            key for key in rows[0] if any(row.get(key) not in ignored for row in rows)
        ]
        out.print()
        out.print(safe_text(heading_of(key), "bold"))
        print_table(out, rows, columns)
