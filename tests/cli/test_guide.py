"""The guide to the command line: every line does what it shows."""

import re
from pathlib import Path

import pytest

from ours_experiments import cli
from tests.cli.documents import SERVE, Document
from tests.cli.runner import in_process


GUIDE = Path(cli.__file__).with_name("README.md").read_text(encoding="utf-8")
MAX_LINES = 150


def test_every_line_does_what_it_shows(shell: dict[str, str], tmp_path: Path) -> None:
    """The guide is typed from its beginning to its end, and compared."""
    document = Document(GUIDE)
    assert len(document.steps()) >= 12
    document.assert_true(shell, tmp_path)


def test_the_emulator_is_that_of_the_tests() -> None:
    """The guide starts the emulator with the ids that it shows."""
    assert f"$ {SERVE}\n" in GUIDE


def test_every_option_exists(capsys: pytest.CaptureFixture[str]) -> None:
    """The guide names no option that no command has."""
    assert in_process("completion", "bash") == 0
    known = capsys.readouterr().out
    for option in re.findall(r"(?<=[ `])(--[a-z-]+)", GUIDE):
        assert f'"{option}"' in known or option in {"--help", "--nmae"}, option


def test_the_guide_is_short() -> None:
    """It can be read in a few minutes."""
    assert len(GUIDE.splitlines()) <= MAX_LINES
