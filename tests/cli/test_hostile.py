"""A service cannot write to a terminal what it likes, whatever is asked of it."""

import csv
import io
import json

import pytest

from tests.cli.runner import Invoke, Service, Terminal


EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\nfake line\u202etxt.exe\u2066\u200b\U000e0041"
SHOWN = "fake line"
COMMANDS = (
    ("list",),
    ("get", "ID"),
    ("start", "ID", "--dry-run"),
    ("variants", "list", "ID"),
    ("start", "ID", "--publish", "none"),
)


def acts_upon_a_terminal(written: str) -> set[str]:
    """Pick out the characters that are no text, beside the ends of lines."""
    return {one for one in written if not one.isprintable()} - {"\n"}


@pytest.fixture
def evil(service: Service) -> str:
    """Have an experiment whose names are made to take a terminal over."""
    [experiment_id] = service.seed(1)
    service.rename(experiment_id, EVIL)
    for variant in service.emulator.state.get(experiment_id).variants:
        variant.name = EVIL
    return experiment_id


@pytest.mark.parametrize("format", ["table", "json", "jsonl", "csv"])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_names_do_not_act_upon_a_terminal(
    service: Service, evil: str, words: tuple[str, ...], format: str
) -> None:
    """What the service names things is text in every format, one line in most."""
    named = [evil if word == "ID" else word for word in words]
    terminal = Terminal(
        "--format", format, *named, env=service.environment, columns=250
    )
    assert terminal.end() == 0
    shown = "\n".join(terminal.lines)
    assert not acts_upon_a_terminal(shown)
    if words == ("list",):
        assert SHOWN in shown
        assert "\n" + SHOWN not in shown


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_table_in_a_pipe_is_safe_too(
    invoke: Invoke, evil: str, words: tuple[str, ...]
) -> None:
    """A table is for people: it may be shown on a terminal later."""
    ran = invoke(*(evil if word == "ID" else word for word in words))
    assert ran.code == 0
    assert not acts_upon_a_terminal(ran.out + ran.err)


def test_errors_do_not_act_upon_a_terminal(invoke: Invoke, service: Service) -> None:
    """What the service says of an error is one line of text."""
    service.emulator.faults.add("status", code=400, error=EVIL)
    ran = invoke("list")
    assert ran.code == 1
    assert not acts_upon_a_terminal(ran.err)
    assert ran.err.startswith("error: ")
    assert len(ran.err.splitlines()) == 1


def test_programs_get_the_name_itself(invoke: Invoke, evil: str) -> None:
    """JSON means the name as it is, although it is safe to print."""
    assert json.loads(invoke("--format", "json", "get", evil).out)["name"] == EVIL


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|'/C calc'!A0"])
def test_csv_is_no_spreadsheet(invoke: Invoke, service: Service, name: str) -> None:
    """A cell that a spreadsheet takes for a formula stays what the service says."""
    [experiment_id] = service.seed(1)
    service.rename(experiment_id, name)
    rows = list(csv.DictReader(io.StringIO(invoke("--format", "csv", "list").out)))
    assert [row["name"] for row in rows] == [name]
