"""Records as tables that fit the terminal."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from ours_experiments.cli.output.records import (
    Record,
    flat,
    is_nested,
    is_texts,
    records_in,
    to_json,
)
from ours_experiments.cli.output.text import text


GAP = 2
"""Cells between two columns."""
FOLDED = 14
"""Cells in which text can still be read when it is folded."""
PERCENT = frozenset({"traffic_allocation", "weight"})
"""Fields that are percentages, 0 to 100."""


def shown(column: str, value: object) -> str:
    """Put one value into words for people."""
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
        return ", ".join(value) if is_texts(value) else to_json(value)
    return str(value)


def heading_of(column: str) -> str:
    """Name a column; times are in UTC."""
    name = column.replace("_", " ")
    return f"{name} (UTC)" if column.endswith(("_at", "_time")) else name


def is_number(value: object) -> bool:
    """Tell what stands at the right of its column."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def new_table() -> Table:
    """Make an empty table as all of them look."""
    return Table(box=None, pad_edge=False, header_style="bold")


def print_table(out: Console, rows: Sequence[Record], columns: Sequence[str]) -> None:
    """Print records as a table, without the columns that there is no room for.

    Args:
        out: Where to.
        rows: The records.
        columns: What to show of them, the most important first.
    """
    table = new_table()
    kept: list[str] = []
    left_out: list[str] = []
    room = out.width
    for column in columns:
        values = [row.get(column) for row in rows]
        heading = heading_of(column)
        # Ids have to be copied whole.
        whole = not kept or column.endswith(("id", "_at"))
        cells = [heading, *(shown(column, value) for value in values)]
        needed = max(map(cell_len, cells))
        if not whole:
            needed = min(needed, FOLDED)
        if kept and needed > room:
            left_out.append(heading)
            continue
        kept.append(column)
        room -= needed + GAP
        numbers = all(is_number(each) for each in values)
        table.add_column(
            heading,
            no_wrap=whole,
            overflow="fold",
            justify="right" if numbers else "left",
        )
    for row in rows:
        table.add_row(*(text(shown(column, row.get(column))) for column in kept))
    out.print(table)
    if left_out:
        out.print(f"not shown, for want of room: {', '.join(left_out)}")


def show_one(out: Console, record: Record) -> None:
    """Show a record to people, and what it has several of as tables below."""
    table = new_table()
    table.show_header = False
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    below: list[tuple[str, list[Record]]] = []
    for key, value in flat(record):
        if rows := records_in(value):
            below.append((key, rows))
        else:
            table.add_row(text(heading_of(key), "bold"), text(shown(key, value)))
    out.print(table)
    for key, rows in below:
        # What every row lacks, or has from the record above, says nothing here.
        known = (None, record.get("id"))
        columns = [
            key for key in rows[0] if any(row.get(key) not in known for row in rows)
        ]
        out.print()
        out.print(text(heading_of(key), "bold"))
        print_table(out, rows, columns)
