"""The emulator's guide is true: its programs run, and its table names arguments."""

import inspect
import re
from pathlib import Path

import pytest

import ours_experiments.emulator
from ours_experiments.emulator import Emulator
from tests.support.blocks import Block, blocks_in, check_output


GUIDE = Path(ours_experiments.emulator.__file__).with_name("README.md")
TEXT = GUIDE.read_text(encoding="utf-8")
PYTHON = [block for block in blocks_in(TEXT) if block.language == "python"]
PROGRAMS = [block for block in PYTHON if not block.file]
TESTS = [block for block in PYTHON if block.file]
MAX_LINES = 150

pytest_plugins = ["pytester"]


def name_of(block: Block) -> str:
    """Name a test by the heading of its block."""
    return f"{block.heading}-{block.line}".replace(" ", "-")


@pytest.mark.parametrize("block", PROGRAMS, ids=name_of)
def test_programs_run(block: Block, capsys: pytest.CaptureFixture[str]) -> None:
    """Each program runs by itself, and prints what its comments say."""
    exec(block.compiled(), {"__name__": "__main__"})  # noqa: S102 - our own text
    check_output([block], capsys.readouterr().out)


@pytest.mark.parametrize("block", TESTS, ids=name_of)
def test_tests_pass(block: Block, pytester: pytest.Pytester) -> None:
    """Each test module passes, in a project of its own."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    (pytester.path / str(block.file)).write_text(block.text, encoding="utf-8")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_the_table_names_arguments() -> None:
    """Every argument in the table is one of `Emulator`, with a value that it takes."""
    rows = re.findall(r"^\| (`.+`) \|", TEXT, re.MULTILINE)
    calls = [call for row in rows for call in re.findall(r"`([^`]+)`", row)]
    assert len(calls) > len(rows) > 5
    known = inspect.signature(Emulator).parameters
    for call in calls:
        assert call.partition("=")[0] in known
        eval(f"Emulator({call})", {"Emulator": Emulator})  # noqa: S307 - our own text


def test_is_short() -> None:
    """The guide can be read in one sitting."""
    assert len(TEXT.splitlines()) <= MAX_LINES
