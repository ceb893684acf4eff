"""Writers of records: a table for people; JSON, JSON lines and CSV for programs."""

import csv
import io
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

import attrs

import ours_experiments as ours  # noqa: TC001 - loads the client on use
from ours_experiments.cli.context import Context
from ours_experiments.cli.output.records import (
    Record,
    fields_of,
    format_scalar,
    is_nested,
    record_of,
    to_json,
)
from ours_experiments.cli.output.table import print_record, print_table
from ours_experiments.cli.output.terminal import escape


M = TypeVar("M", bound=attrs.AttrsInstance)

MAX_PAGE = 100
"""Items that the service returns in one page at most."""


class Writer(Protocol):
    """Writes records, one after the other."""

    @property
    def written(self) -> int:
        """Number of records so far."""
        ...

    def write(self, record: Record) -> None:
        """Write one record."""

    def close(self) -> None:
        """Write the end."""


@attrs.define
class TableWriter:
    """Prints all records as one table when it is closed."""

    context: Context
    columns: Sequence[str]
    rows: list[Record] = attrs.field(factory=list[Record])

    @property
    def written(self) -> int:
        """Number of records so far."""
        return len(self.rows)

    def write(self, record: Record) -> None:
        """Keep one record."""
        self.rows.append(record)

    def close(self) -> None:
        """Print the table, or a note if there are no records."""
        if not self.rows:
            self.context.note("nothing found")
            return
        print_table(self.context.out, self.rows, self.columns)


@attrs.define
class JsonWriter:
    """Writes a JSON array, an item at a time."""

    context: Context
    written: int = 0

    def write(self, record: Record) -> None:
        """Write the next item."""
        self.context.write(",\n" if self.written else "[\n")
        self.context.write(encode(self.context, record))
        self.written += 1

    def close(self) -> None:
        """End the array."""
        self.context.write("\n]\n" if self.written else "[]\n")


@attrs.define
class JsonLinesWriter:
    """Writes a line of JSON for each record, and flushes it."""

    context: Context
    written: int = 0

    def write(self, record: Record) -> None:
        """Write a line."""
        self.context.write(encode(self.context, record) + "\n", flush=True)
        self.written += 1

    def close(self) -> None:
        """Write nothing: every line stands on its own."""


@attrs.define
class CsvWriter:
    """Writes a CSV row for each record, and flushes it; nested values become JSON."""

    context: Context
    fields: Sequence[str]
    written: int = 0

    def write(self, record: Record) -> None:
        """Write a row."""
        self.write_heading()
        self.written += 1
        cells = [format_csv(record.get(name)) for name in self.fields]
        if self.context.out.is_terminal:
            cells = [escape(cell) for cell in cells]
        self.write_row(cells)

    def close(self) -> None:
        """Write the heading if there are no records."""
        self.write_heading()

    def write_heading(self) -> None:
        """Write the heading, before the first row only."""
        if not self.written:
            self.write_row(self.fields)

    def write_row(self, cells: Sequence[str]) -> None:
        """Write a row of cells."""
        line = io.StringIO()
        # csv quotes a carriage return only if it is a part of the line terminator.
        csv.writer(line, lineterminator="\r\n").writerow(cells)
        self.context.write(line.getvalue().removesuffix("\r\n") + "\n", flush=True)


@attrs.define
class IdWriter:
    """Writes the id of each record on a line of its own."""

    context: Context
    written: int = 0

    def write(self, record: Record) -> None:
        """Write a line."""
        self.context.write(f"{escape(record['id'])}\n", flush=True)
        self.written += 1

    def close(self) -> None:
        """Write nothing."""


def encode(context: Context, record: Record, *, indent: int | None = None) -> str:
    """Encode a record as JSON, with escapes on a terminal only."""
    return to_json(record, indent=indent, for_terminal=context.out.is_terminal)


def format_csv(value: object) -> str:
    """Format a value as a CSV cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return to_json(value) if is_nested(value) else format_scalar(value)


@contextmanager
def open_writer(
    context: Context, columns: Sequence[str], fields: Sequence[str]
) -> Generator[Writer]:
    """Open a writer for the chosen format, and close it at the end.

    Args:
        context: The format and the output.
        columns: Fields of a table.
        fields: Fields of CSV.
    """
    writer: Writer
    match context.format:
        case "table":
            writer = TableWriter(context, columns)
        case "json":
            writer = JsonWriter(context)
        case "jsonl":
            writer = JsonLinesWriter(context)
        case "ids":
            writer = IdWriter(context)
        case _:
            writer = CsvWriter(context, fields)
    try:
        yield writer
    except BaseException:
        if writer.written:
            writer.close()
        raise
    writer.close()


async def write_listing(
    context: Context,
    listing: "ours.Listing[M]",
    kind: type[M],
    columns: Sequence[str],
    limit: int | None,
) -> None:
    """Write the items of a listing, with a note if there are more.

    Args:
        context: The format and the output.
        listing: The listing.
        kind: The class of its items.
        columns: Fields of a table.
        limit: Number of items at most; None: all.
    """
    with open_writer(context, columns, fields_of(kind)) as writer:
        async for item in listing:
            if writer.written == limit:
                break
            writer.write(record_of(item))
    if not listing.done:
        context.note(f"these are the first {limit:,}; --all or --limit show more")


def page_size(limit: int | None) -> int:
    """Return how many items to request; one more shows whether there are more."""
    return MAX_PAGE if limit is None else min(limit + 1, MAX_PAGE)


def write_record(context: Context, record: Record) -> None:
    """Write a single record; a table has a line for each field."""
    match context.format:
        case "table":
            print_record(context.out, record)
        case "json":
            context.write(encode(context, record, indent=2) + "\n")
        case "jsonl":
            context.write(encode(context, record) + "\n")
        case _:
            with open_writer(context, (), tuple(record)) as writer:
                writer.write(record)
