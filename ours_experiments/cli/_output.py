"""How records are written: a table for people, JSON and CSV for programs."""

import csv
import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol, cast

import attrs
from rich.table import Table

from ours_experiments.cli._context import Context
from ours_experiments.cli._text import UNSAFE_IN_JSON, escape, text


EXTRA = "additional_properties"
"""The field of a model whose keys belong beside the other fields."""

Record = Mapping[str, object]


def record_of(model: attrs.AttrsInstance) -> dict[str, object]:
    """Turn a model into a record; keys that are not known stand beside the others."""
    record = {
        field.name: plain(getattr(model, field.name))
        for field in attrs.fields(type(model))
    }
    extra = record.pop(EXTRA, None)
    return record | cast("dict[str, object]", extra or {})


def plain(value: object) -> object:
    """Turn a value of a model into dicts, lists, times and plain values."""
    if attrs.has(type(value)):
        return record_of(cast("attrs.AttrsInstance", value))
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {str(key): plain(each) for key, each in items}
    if isinstance(value, list | tuple):
        return [plain(each) for each in cast("Sequence[object]", value)]
    return value


def fields_of(kind: type) -> tuple[str, ...]:
    """Name the keys of a model's records."""
    return tuple(f.name for f in attrs.fields(kind) if f.name != EXTRA)


def moment(value: object) -> str:
    """Spell a time as the service does, in UTC."""
    if isinstance(value, datetime):
        told = value.astimezone(UTC).isoformat(timespec="milliseconds")
        return told.replace("+00:00", "Z")
    return str(value)


def to_json(value: object, *, indent: int | None = None) -> str:
    """Write JSON that is safe on a terminal and means the same."""
    dumped = json.dumps(value, ensure_ascii=False, indent=indent, default=moment)
    return UNSAFE_IN_JSON.sub(lambda match: json.dumps(match[0])[1:-1], dumped)


def is_nested(value: object) -> bool:
    """Tell what has more than one value in it."""
    return isinstance(value, dict | list)


def shown(value: object) -> str:
    """Put one value into a table's cell."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"
    if isinstance(value, float):
        return f"{value:.6g}"
    return to_json(value) if is_nested(value) else str(value)


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
        """Print the table."""
        self.context.out.print(table_of(self.rows, self.columns))


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
    """Writes CSV; what is nested becomes JSON in its cell."""

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
        csv.writer(self.context.out.file, lineterminator="\n").writerow(cells)


def bare(cell: object) -> str:
    """Put a value into a CSV cell."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return to_json(cell) if is_nested(cell) else moment(cell)


def new_table() -> Table:
    """Make an empty table as all of them look."""
    return Table(box=None, pad_edge=False, header_style="bold")


def table_of(rows: Sequence[Record], columns: Sequence[str]) -> Table:
    """Make a table of records."""
    table = new_table()
    for number, column in enumerate(columns):
        heading = column.replace("_", " ")
        # Ids have to be copied whole.
        whole = number == 0 or column.endswith(("id", "_at"))
        table.add_column(heading, no_wrap=whole, overflow="fold")
    for row in rows:
        table.add_row(*(text(shown(row.get(column))) for column in columns))
    return table


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


def write_one(context: Context, record: Record) -> None:
    """Write a single record: in a table one line for each field."""
    match context.format:
        case "table":
            show_one(context, record)
        case "json":
            context.write(to_json(record, indent=2) + "\n")
        case "jsonl":
            context.write(to_json(record) + "\n")
        case _:
            with writing(context, (), tuple(record)) as writer:
                writer.write(record)


def show_one(context: Context, record: Record) -> None:
    """Show a record to people, and what it has several of as tables below."""
    table = new_table()
    table.show_header = False
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    below: list[tuple[str, list[Record]]] = []
    for key, value in flat(record):
        name = key.replace("_", " ")
        if rows := records_in(value):
            below.append((name, rows))
        else:
            table.add_row(text(name, "bold"), text(shown(value)))
    context.out.print(table)
    for name, rows in below:
        # What every row lacks, or has from the record above, says nothing here.
        known = (None, record.get("id"))
        told = [
            key for key in rows[0] if any(row.get(key) not in known for row in rows)
        ]
        context.out.print()
        context.out.print(text(name, "bold"))
        context.out.print(table_of(rows, told))


def records_in(value: object) -> list[Record]:
    """Give the records of a list of them; none where it is something else."""
    if not isinstance(value, list):
        return []
    rows = cast("list[object]", value)
    if not all(isinstance(row, dict) for row in rows):
        return []
    return cast("list[Record]", rows)


def flat(record: Record, above: str = "") -> Generator[tuple[str, object]]:
    """Walk over the fields of a record, and over those of records in it."""
    for key, value in record.items():
        name = f"{above}{key}"
        if isinstance(value, dict) and value:
            yield from flat(cast("Record", value), f"{name} ")
        elif not above or value not in (None, []):
            yield name, value
