"""The emulator's guide is true: its tests pass, and its table names arguments.

Its programs are run by `tests/test_guides.py`, with those of the other pages.
"""

import inspect
import re

import pytest

from ours_experiments.emulator import Emulator
from tests.support.blocks import ROOT, Block, Page
from tests.support.projects import LIGHT


GUIDE = Page(ROOT / "ours_experiments" / "emulator" / "README.md")
TESTS = [block for block in GUIDE.blocks if block.file]
MAX_LINES = 150

pytest_plugins = ["pytester"]


def name_of(block: Block) -> str:
    """Name a test by the heading of its block."""
    return f"{block.heading}-{block.line}".replace(" ", "-")


@pytest.mark.parametrize("block", TESTS, ids=name_of)
def test_tests_pass(block: Block, pytester: pytest.Pytester) -> None:
    """Each test module passes, in a project of its own."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    (pytester.path / str(block.file)).write_text(block.text, encoding="utf-8")
    pytester.runpytest_subprocess(*LIGHT).assert_outcomes(passed=1)


def test_the_table_names_arguments() -> None:
    """Every argument in the table is one of `Emulator`, with a value that it takes."""
    rows = re.findall(r"^\| (`.+`) \|", GUIDE.text, re.MULTILINE)
    calls = [call for row in rows for call in re.findall(r"`([^`]+)`", row)]
    assert len(calls) > len(rows) > 5
    known = inspect.signature(Emulator).parameters
    for call in calls:
        assert call.partition("=")[0] in known
        eval(f"Emulator({call})", {"Emulator": Emulator})  # noqa: S307 - our own text


def test_is_short() -> None:
    """The guide can be read in one sitting."""
    assert len(GUIDE.text.splitlines()) <= MAX_LINES
