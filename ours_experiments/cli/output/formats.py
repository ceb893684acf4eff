"""How records are written: a table for people, JSON and CSV for programs."""

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
    is_nested,
    moment,
    record_of,
    to_json,
)
from ours_experiments.cli.output.table import print_table, show_one
from ours_experiments.cli.output.text import escape


M = TypeVar("M", bound=attrs.AttrsInstance)

LARGEST_PAGE = 100


class Writer(Protocol):
    """Takes records one by one."""

    @property
    def written(self) -> int:
        """How many there were so far."""
        ...

    def write(self, record: Record) -> None:
        """Take one record."""

    def close(self) -> None:
        """Write what is left to write."""


@attrs.define
class TableWriter:
    """Writes a table, at the end."""

    context: Context
    columns: Sequence[str]
    rows: list[Record] = attrs.field(factory=list[Record])

    @property
    def written(self) -> int:
        """How many records there were so far."""
        return len(self.rows)

    def write(self, record: Record) -> None:
        """Keep the record."""
        self.rows.append(record)

    def close(self) -> None:
        """Print the table; where there is nothing, say so beside it."""
        if not self.rows:
            self.context.note("nothing found")
            return
        print_table(self.context.out, self.rows, self.columns)


@attrs.define
class JsonWriter:
    """Writes a JSON array as the records come."""

    context: Context
    written: int = 0

    def write(self, record: Record) -> None:
        """Write the next item."""
        self.context.write(",\n" if self.written else "[\n")
        self.context.write(to_json(record))
        self.written += 1

    def close(self) -> None:
        """End the array."""
        self.context.write("\n]\n" if self.written else "[]\n")


@attrs.define
class JsonLinesWriter:
    """Writes one line of JSON for each record, at once."""

    context: Context
    written: int = 0

    def write(self, record: Record) -> None:
        """Write a line."""
        self.context.write(to_json(record) + "\n", flush=True)
        self.written += 1

    def close(self) -> None:
        """Leave it at that."""


@attrs.define
class CsvWriter:
    """Writes CSV, at once; what is nested becomes JSON in its cell."""

    context: Context
    fields: Sequence[str]
    written: int = 0

    def write(self, record: Record) -> None:
        """Write a row."""
        self.head()
        self.written += 1
        cells = (record.get(name) for name in self.fields)
        self.row([escape("" if cell is None else bare(cell)) for cell in cells])

    def close(self) -> None:
        """Leave a heading where nothing else was written."""
        self.head()

    def head(self) -> None:
        """Write the heading once."""
        if not self.written:
            self.row(self.fields)

    def row(self, cells: Sequence[str]) -> None:
        """Write cells."""
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(cells)
        self.context.write(line.getvalue(), flush=True)


def bare(cell: object) -> str:
    """Put a value into a CSV cell."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return to_json(cell) if is_nested(cell) else moment(cell)


@contextmanager
def writing(
    context: Context, columns: Sequence[str], fields: Sequence[str]
) -> Generator[Writer]:
    """Open a writer of the chosen format, and end what it wrote.

    Args:
        context: Which format, and where to.
        columns: What a table shows.
        fields: What CSV shows.
    """
    writer: Writer
    match context.format:
        case "table":
            writer = TableWriter(context, columns)
        case "json":
            writer = JsonWriter(context)
        case "jsonl":
            writer = JsonLinesWriter(context)
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
    """Write what a listing yields, and say when there is more.

    Args:
        context: Which format, and where to.
        listing: What to walk over.
        kind: The class of what it yields.
        columns: What a table shows.
        limit: How many at most; None: all.
    """
    with writing(context, columns, fields_of(kind)) as writer:
        async for each in listing:
            if writer.written == limit:
                break
            writer.write(record_of(each))
    if not listing.done:
        context.note(f"these are the first {limit:,}; --all or --limit show more")


def page_size(limit: int | None) -> int:
    """Choose how many to ask for at once; one more tells whether there are more."""
    return LARGEST_PAGE if limit is None else min(limit + 1, LARGEST_PAGE)


def write_one(context: Context, record: Record) -> None:
    """Write a single record: in a table one line for each field."""
    match context.format:
        case "table":
            show_one(context.out, record)
        case "json":
            context.write(to_json(record, indent=2) + "\n")
        case "jsonl":
            context.write(to_json(record) + "\n")
        case _:
            with writing(context, (), tuple(record)) as writer:
                writer.write(record)
