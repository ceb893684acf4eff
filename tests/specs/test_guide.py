"""The guide is true: its files load, its blocks run, its names exist."""

import re
from pathlib import Path

import pytest
import yaml

import ours_experiments.specs
from ours_experiments.cli.app import app
from ours_experiments.emulator import Emulator
from tests.support.blocks import blocks_in


GUIDE = Path(ours_experiments.specs.__file__).with_name("README.md")
TEXT = GUIDE.read_text(encoding="utf-8")
BLOCKS = list(blocks_in(TEXT))
FILES = re.compile(r"# (\S+\.yaml)\n")
MAX_LINES = 150


async def test_the_blocks_run(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are written, then the blocks run in their order, and assert."""
    emulator.seed_experiments(3, status="running")
    monkeypatch.setenv("OURS_PRIVACY_API_KEY", emulator.api_key)
    monkeypatch.setenv("OURS_PRIVACY_PLATFORM_BASE_URL", emulator.url)
    monkeypatch.chdir(tmp_path)
    for block in BLOCKS:
        if named := FILES.match(block.text):
            (tmp_path / named[1]).write_text(block.text, encoding="utf-8")
    names: dict[str, object] = {}
    pieces = [block for block in BLOCKS if block.language == "python"]
    assert len(pieces) == 3
    for piece in pieces:
        result = eval(piece.compiled(), names)  # noqa: S307 - our own text
        if result is not None:
            await result


def test_the_commands_exist() -> None:
    """Every command and option of the guide is known."""
    lines = re.findall(r"ours-experiments (.+)", TEXT)
    for line in lines:
        words = line.replace("--format markdown ", "").split()
        assert words[0] in app, line
    options = set(re.findall(r"(--[a-z][a-z-]+)", TEXT)) - {"--format"}
    known = {
        name
        for command in ("plan", "apply", "export", "analyze")
        for argument in app[command].assemble_argument_collection()
        for name in argument.names
    }
    assert options <= known


def test_the_workflow_is_yaml() -> None:
    """The recipe can be read, and has its steps."""
    (recipe,) = [block.text for block in BLOCKS if ".github" in block.text]
    assert len(recipe.splitlines()) <= 15
    job = yaml.safe_load(recipe)["jobs"]["experiments"]
    assert len(job["steps"]) == 4


def test_is_short() -> None:
    """The guide can be read in one sitting."""
    assert len(TEXT.splitlines()) <= MAX_LINES
