"""The README, cut into what can be run."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import attrs


README = Path(__file__).parents[2] / "README.md"
TEXT = README.read_text(encoding="utf-8")
FENCE = re.compile(
    r"^(?P<fence>`{3,})(?P<language>[^\n]*)\n(?P<text>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FILE = re.compile(r"# (\S+\.py)\n")
NOTEBOOK = "# in a notebook\n"


@attrs.frozen
class Block:
    """What stands between two fences."""

    language: str
    text: str
    line: int
    """The first line of its text in the README, from 1."""
    heading: str
    """The heading that it stands under."""

    @property
    def file(self) -> str | None:
        """The file that it is, by its first line; None for a piece of something."""
        named = FILE.match(self.text)
        return named[1] if named else None

    @property
    def is_program(self) -> bool:
        """Whether it runs by itself."""
        return self.file is None and "asyncio.run(" in self.text

    @property
    def is_piece(self) -> bool:
        """Whether it goes on where the piece before it ended."""
        return not (self.file or self.is_program or self.text.startswith(NOTEBOOK))

    def compiled(self) -> CodeType:
        """Compile it at its own lines; `await` may stand at the top level."""
        code = compile(
            "\n" * (self.line - 1) + self.text,
            README.name,
            "exec",
            flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
        )
        assert isinstance(code, CodeType)
        return code


def prose_of(text: str) -> str:
    """Leave out what stands between fences."""
    return FENCE.sub("", text)


def blocks_in(text: str) -> Iterator[Block]:
    """Cut a page at its fences."""
    heading, read = "", 0
    for found in FENCE.finditer(text):
        headings = HEADING.findall(text, read, found.start())
        heading, read = [heading, *headings][-1], found.end()
        line = text.count("\n", 0, found.start("text")) + 1
        yield Block(found["language"], found["text"], line, heading)


RUN_ELSEWHERE = {
    "Command line": "cli/test_readme.py",
    "Workers on a queue": "integrations/test_queue_readme.py",
}
"""Headings whose blocks have a test of their own, as long as it is there."""


def is_run_elsewhere(block: Block) -> bool:
    """Whether another test runs what stands under this heading."""
    test = RUN_ELSEWHERE.get(block.heading)
    return test is not None and (Path(__file__).parents[1] / test).is_file()


ALL_BLOCKS = list(blocks_in(TEXT))
BLOCKS = [block for block in ALL_BLOCKS if not is_run_elsewhere(block)]
PYTHON = [block for block in BLOCKS if block.language == "python"]
PROGRAMS = [block for block in PYTHON if block.is_program]
PIECES = [block for block in PYTHON if block.is_piece]
FILES = {block.file: block for block in PYTHON if block.file}
CELLS = [block for block in PYTHON if block.text.startswith(NOTEBOOK)]

SECONDS = re.compile(r"\d+\.\d+ s\b")
TOLD = re.compile(r"^ *print\(.*\)  # (.+)$", re.MULTILINE)


def without_seconds(text: str) -> str:
    """Leave out what is never the same twice."""
    return SECONDS.sub("0.0 s", text)


def check_output(blocks: list[Block], output: str) -> None:
    """What the comments beside `print` say is what is printed, in this order."""
    lines = iter(without_seconds(output).splitlines())
    for block in blocks:
        for expected in TOLD.findall(block.text):
            assert without_seconds(expected) in lines, f"not printed: {expected}"
