"""Every command line in the README's chapter on the command line does what it shows."""

import re
from pathlib import Path

import pytest

from ours_experiments.cli.errors import EXIT_CODES
from tests.cli.documents import SERVE, Document
from tests.cli.runner import COMMANDS, in_process


README = Path(__file__).parents[2] / "README.md"
CHAPTER = README.read_text(encoding="utf-8").partition("\n## Command line\n")[2]
CHAPTER = CHAPTER.partition("\n## ")[0]
DOCUMENT = Document(CHAPTER)


def test_every_line_does_what_it_shows(shell: dict[str, str], tmp_path: Path) -> None:
    """The chapter is typed from its beginning to its end, and compared."""
    assert f"$ {SERVE}\n" in CHAPTER
    assert len(DOCUMENT.steps()) >= 12
    DOCUMENT.assert_true(shell, tmp_path)


def test_the_chapter_is_complete(capsys: pytest.CaptureFixture[str]) -> None:
    """It has a row for each command and exit code, and no option that is not there."""
    rows = re.findall(r"^\| (`[^|]+) \|", CHAPTER, re.MULTILINE)
    told = " ".join(rows)
    for command in COMMANDS:
        group, _, name = command.rpartition(" ")
        assert re.search(rf"\b{group or name}\b", told), command
        assert re.search(rf"\b{name}\b", told), command
    assert in_process("completion", "bash") == 0
    known = capsys.readouterr().out
    for option in re.findall(r"`(--[a-z-]+)", CHAPTER):
        assert f'"{option}"' in known, option
    codes = re.findall(r"^\| (\d+) \| (.*) \|$", CHAPTER, re.MULTILINE)
    listed = re.findall(r"^ +(\d+)  (.*)$", EXIT_CODES, re.MULTILINE)
    assert codes == listed


def test_no_pipeline_stops_at_the_default_limit() -> None:
    """A listing that goes into a file or a pipe has `--all`: more than 50 work too."""
    piped = [
        step.line for step in DOCUMENT.steps() if re.search(r" list .*[|>]", step.line)
    ]
    assert piped
    for line in piped:
        assert "--all" in line
