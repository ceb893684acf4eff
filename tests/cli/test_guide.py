"""The guide to the command line: every line does what it shows."""

import re
from pathlib import Path

import pytest

from ours_experiments import cli
from tests.cli.documents import SERVE, Document
from tests.cli.runner import Service, in_process, process


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


def test_lists_for_programs_are_whole() -> None:
    """What the documents pipe or redirect from `list` is not cut off at 50."""
    root = Path(cli.__file__).parents[2]
    pages = [root / "README.md", *root.joinpath("ours_experiments").rglob("README.md")]
    piped = [
        line
        for page in pages
        for line in page.read_text(encoding="utf-8").splitlines()
        if re.search(r"ours-experiments list\b.* (\||>) ", line)
    ]
    assert piped
    assert [line for line in piped if "--all" not in line] == []


def test_a_pipeline_of_more_than_a_page(service: Service) -> None:
    """`list --all --format ids` piped into `start -` starts every experiment."""
    ids = service.seed(120)
    listed = process("list", "--all", "--format", "ids", env=service.environment)
    started = process("start", "-", env=service.environment, stdin=listed.out)
    assert started.code == 0, started.err
    assert {service.status(experiment_id) for experiment_id in ids} == {"running"}
