"""The guide is true: its names exist.

Its blocks are run by `tests/test_guides.py`, with those of the other pages.
"""

import re
from pathlib import Path

import yaml

import ours_experiments.specs
from ours_experiments.cli.app import app
from tests.support.blocks import blocks_in


GUIDE = Path(ours_experiments.specs.__file__).with_name("README.md")
TEXT = GUIDE.read_text(encoding="utf-8")
BLOCKS = list(blocks_in(TEXT, "README.md"))
MAX_LINES = 150


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
