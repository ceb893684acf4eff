"""Records as a table, JSON, JSON lines and CSV."""

import csv
import io
import json
import os
from datetime import UTC, date, datetime
from typing import Any

import pytest
from rich.console import Console

from ours_experiments.cli.context import Context, Format
from ours_experiments.cli.output.records import fields_of, record_of, to_json
from ours_experiments.cli.output.table import print_table
from ours_experiments.cli.output.writers import open_writer, write_record
from ours_experiments.models import (
    Experiment,
    Metric,
    Metrics,
    TargetingRules,
    Variant,
)


FORMATS: tuple[Format, ...] = ("table", "json", "jsonl", "csv")


def context_with(format: Format) -> Context:
    """Make a context that writes to memory."""
    console = Console(file=io.StringIO(), width=200, markup=False)
    return Context(console, console, format)


def written(context: Context) -> str:
    """Give what was written."""
    assert isinstance(context.out.file, io.StringIO)
    return context.out.file.getvalue()


def written_records(format: Format, *records: dict[str, Any]) -> str:
    """Write records with the columns `id` and `name`."""
    context = context_with(format)
    with open_writer(context, ("id", "name"), ("id", "name", "more")) as writer:
        for record in records:
            writer.write(record)
        assert writer.written == len(records)
    return written(context)


ONE = {"id": "a1", "name": "One", "more": {"x": [1, None]}}
TWO = {"id": "b2", "name": None, "more": True}


def test_a_table_shows_its_columns() -> None:
    """A table has a heading and a line for each record."""
    lines = written_records("table", ONE, TWO).splitlines()
    assert [line.split() for line in lines] == [
        ["id", "name"],
        ["a1", "One"],
        ["b2", "-"],
    ]


@pytest.mark.parametrize(
    "records", [(), (ONE,), (ONE, TWO)], ids=["none", "one", "two"]
)
def test_json_is_one_array(records: tuple[dict[str, Any], ...]) -> None:
    """Any number of records is one JSON array."""
    assert json.loads(written_records("json", *records)) == list(records)


def test_json_lines_are_one_record_each() -> None:
    """Each record is a line of JSON."""
    lines = written_records("jsonl", ONE, TWO).splitlines()
    assert [json.loads(line) for line in lines] == [ONE, TWO]


def test_csv_has_a_heading_and_a_row_for_each() -> None:
    """CSV has all fields; what is nested is JSON."""
    rows = list(csv.reader(io.StringIO(written_records("csv", ONE, TWO))))
    assert rows == [
        ["id", "name", "more"],
        ["a1", "One", '{"x": [1, null]}'],
        ["b2", "", "true"],
    ]


def test_csv_of_nothing_has_a_heading() -> None:
    """CSV without records is a heading alone."""
    assert written_records("csv") == "id,name,more\n"


@pytest.mark.parametrize("format", FORMATS)
def test_an_error_before_the_first_record_leaves_no_output(format: Format) -> None:
    """A listing that fails at once writes nothing."""
    context = context_with(format)
    with (
        pytest.raises(ZeroDivisionError),
        open_writer(context, ("id",), ("id",)),
    ):
        raise ZeroDivisionError
    assert written(context) == ""


def test_an_error_after_a_record_ends_the_array() -> None:
    """What was written before an error is still JSON."""
    context = context_with("json")

    def breaking() -> None:
        with open_writer(context, ("id",), ("id",)) as writer:
            writer.write(ONE)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        breaking()
    assert json.loads(written(context)) == [ONE]


EVIL = "\x1b[2J\u202e\x9b\U000e0041[bold]"


@pytest.mark.parametrize("format", FORMATS)
def test_no_format_lets_control_characters_through(format: Format) -> None:
    """On a terminal, control characters are escaped in every format."""
    out = Console(file=io.StringIO(), width=200, force_terminal=True, color_system=None)
    context = Context(out, out, format)
    with open_writer(context, ("id", "name"), ("id", "name", "more")) as writer:
        writer.write({"id": EVIL, "name": EVIL, "more": [EVIL]})
    shown = written(context)
    assert not {"\x1b", "\u202e", "\x9b", "\U000e0041"} & set(shown)
    assert "[bold]" in shown
    assert "\\u202e" in shown


def test_escaped_json_means_the_same() -> None:
    """JSON that was made safe is read as the same text."""
    assert json.loads(to_json([EVIL], for_terminal=True)) == [EVIL]
    assert json.loads(to_json([EVIL])) == [EVIL]


MOMENT = datetime(2026, 8, 1, 12, 30, 15, 250_000, tzinfo=UTC)

EXPERIMENT = Experiment(
    id="exp_1",
    key="hero",
    name="Hero",
    status="draft",
    created_at=MOMENT,
    traffic_allocation=12.5,
    targeting_rules=TargetingRules(
        ("/", "/a*"), additional_properties={"newRule": {"deep": 1}}
    ),
    metrics=Metrics(Metric("signup")),
    variants=(
        Variant(
            id="var_1",
            experiment_id="exp_1",
            name="Control",
            is_control=True,
            weight=100,
        ),
    ),
)


def test_a_record_has_every_field() -> None:
    """A model's record has all of its fields, nested ones as records."""
    record = record_of(EXPERIMENT)
    assert tuple(record) == fields_of(Experiment)
    assert record["created_at"] == MOMENT
    assert record["variants"] == [
        {
            "id": "var_1",
            "experiment_id": "exp_1",
            "name": "Control",
            "is_control": True,
            "weight": 100,
            "variant_type": None,
            "redirect_url": None,
            "dom_modifications": None,
        }
    ]


def test_unknown_keys_stand_beside_the_known_ones() -> None:
    """Keys that this version does not know are written where they came."""
    rules = record_of(EXPERIMENT)["targeting_rules"]
    assert isinstance(rules, dict)
    assert rules["newRule"] == {"deep": 1}
    assert "additional_properties" not in rules


def test_one_record_is_an_object_in_json() -> None:
    """A single record is no array, and times are spelled as the service does."""
    context = context_with("json")
    write_record(context, record_of(EXPERIMENT))
    record = json.loads(written(context))
    assert record["id"] == "exp_1"
    assert record["created_at"] == "2026-08-01T12:30:15.250Z"


def test_one_record_is_a_line_in_json_lines() -> None:
    """A single record is one line."""
    context = context_with("jsonl")
    write_record(context, {"id": 1, "day": date(2026, 8, 1)})
    assert written(context) == '{"id": 1, "day": "2026-08-01"}\n'


def test_one_record_is_a_row_in_csv() -> None:
    """A single record has its keys as heading."""
    context = context_with("csv")
    write_record(context, {"id": "a", "at": MOMENT})
    assert written(context) == "id,at\na,2026-08-01T12:30:15.250Z\n"


def test_one_record_is_a_line_for_each_field_in_a_table() -> None:
    """People see one field a line, what is nested in it named by its way."""
    context = context_with("table")
    write_record(context, record_of(EXPERIMENT))
    lines = [line.split() for line in written(context).splitlines()]
    assert ["created", "at", "(UTC)", "2026-08-01", "12:30"] in lines
    assert ["traffic", "allocation", "12.5", "%"] in lines
    assert ["description", "-"] in lines
    assert ["metrics", "primary", "event", "name", "signup"] in lines
    assert ["targeting", "rules", "newRule", "deep", "1"] in lines


def test_variants_are_a_table_below() -> None:
    """What a record has several of is a table without what says nothing."""
    context = context_with("table")
    write_record(context, record_of(EXPERIMENT))
    *_, title, heading, row = written(context).splitlines()
    assert title.split() == ["variants"]
    assert heading.split() == ["id", "name", "is", "control", "weight"]
    assert row.split() == ["var_1", "Control", "yes", "100", "%"]


def printed(width: int, columns: tuple[str, ...], *rows: dict[str, Any]) -> list[str]:
    """Print rows as a table into a terminal of a width."""
    console = Console(file=io.StringIO(), width=width, markup=False)
    print_table(console, rows, columns)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


WIDE_ROW = {"id": "a" * 30, "name": "two words", "made_at": MOMENT, "weight": 50}
WIDE_COLUMNS = ("id", "name", "made_at", "weight")


@pytest.mark.parametrize(
    ("width", "headings", "left_out"),
    [
        pytest.param(80, "id name made at (UTC) weight", "", id="all"),
        pytest.param(56, "id name weight", "made at (UTC)", id="one-less"),
        pytest.param(45, "id name", "made at (UTC), weight", id="two-less"),
        pytest.param(20, "id", "name, made at (UTC), weight", id="only-the-first"),
    ],
)
def test_a_table_leaves_out_what_it_has_no_room_for(
    width: int, headings: str, left_out: str
) -> None:
    """Columns that do not fit are named below; the first is always there."""
    heading, *rest = printed(width, WIDE_COLUMNS, WIDE_ROW)
    assert " ".join(heading.split()) == headings
    told = f"not shown, too narrow: {left_out}"
    assert (told in " ".join(rest)) is bool(left_out)
    assert max(map(len, [heading, *rest])) <= max(width, 30)


@pytest.mark.parametrize("column", ["made_at", "start_time"])
def test_a_time_is_never_folded(column: str) -> None:
    """A time that does not fit in one line is left out, and named below."""
    row = {"id": "a" * 30, column: MOMENT, "weight": 5}
    heading = column.replace("_", " ") + " (UTC)"
    lines = printed(46, ("id", column, "weight"), row)
    assert lines[-1] == f"not shown, too narrow: {heading}"
    assert len(lines) == 3


def test_numbers_stand_at_the_right() -> None:
    """Numbers line up by their last digit, percentages too; words by their first."""
    rows = (
        {"id": "a", "weight": 5, "on": True},
        {"id": "b", "weight": 95, "on": False},
    )
    assert printed(40, ("id", "weight", "on"), *rows) == [
        "id  weight  on",
        "a      5 %  yes",
        "b     95 %  no",
    ]


def test_a_list_of_words_is_read_as_one() -> None:
    """Lists of texts have no quotes; what is more than that is JSON."""
    assert printed(40, ("id", "more"), {"id": "a", "more": ["/", "/home"]})[1] == (
        "a   /, /home"
    )
    assert printed(40, ("id", "more"), {"id": "a", "more": [1]})[1] == "a   [1]"


def test_nothing_is_told_to_people_only() -> None:
    """An empty table is a sentence, an empty array is an array."""
    context = Context(Console(file=io.StringIO()), Console(file=io.StringIO()))
    with open_writer(context, ("id",), ("id",)):
        pass
    assert isinstance(context.err.file, io.StringIO)
    assert (written(context), context.err.file.getvalue()) == ("", "nothing found\n")


def test_csv_is_written_row_by_row() -> None:
    """A row can be read before the next one comes."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    with (
        os.fdopen(write, "w", encoding="utf-8") as out,
        os.fdopen(read, "rb", 0) as inn,
    ):
        context = Context(Console(file=out), Console(file=io.StringIO()), "csv")
        with open_writer(context, ("id",), ("id",)) as writer:
            writer.write({"id": 1})
            assert inn.read(5) == b"id\n1\n"
