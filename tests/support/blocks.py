"""The guides, cut into what can be run."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import attrs


ROOT = Path(__file__).parents[2]
FENCE = re.compile(
    r"^(?P<fence>`{3,})(?P<language>[^\n]*)\n(?P<text>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FILE = re.compile(r"# (\S+\.\w+)\n")
NOTEBOOK = "# in a notebook\n"
SECONDS = re.compile(r"\d+\.\d+ s\b")
PRINTED = re.compile(r"^ *print\(.*\)  # (.+)$", re.MULTILINE)


@attrs.frozen
class Block:
    """The text between two fences."""

    page: str
    """The name of the page, for tracebacks."""
    language: str
    """The word after the first fence."""
    text: str
    """Everything between the fences."""
    line: int
    """The first line of the text in the page, from 1."""
    heading: str
    """The heading that the block stands under."""

    @property
    def file(self) -> str | None:
        """The file that the first line names; None for a piece of something."""
        named = FILE.match(self.text)
        return named[1] if named else None

    @property
    def is_program(self) -> bool:
        """Whether the block runs by itself."""
        return (
            self.language == "python"
            and self.file is None
            and "asyncio.run(" in self.text
        )

    @property
    def is_piece(self) -> bool:
        """Whether the block goes on where the piece before it ended."""
        return (
            self.language == "python"
            and not self.file
            and not self.is_program
            and not self.text.startswith(NOTEBOOK)
        )

    def compiled(self) -> CodeType:
        """Compile the block at its own lines; `await` may stand at the top level."""
        code = compile(
            "\n" * (self.line - 1) + self.text,
            self.page,
            "exec",
            flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
        )
        assert isinstance(code, CodeType)
        return code


@attrs.frozen
class Page:
    """A guide, or the README."""

    path: Path
    """Where it is in the checkout."""
    text: str = attrs.field(
        init=False,
        repr=False,
        default=attrs.Factory(
            lambda page: page.path.read_text(encoding="utf-8"), takes_self=True
        ),
    )
    """All of it."""

    @property
    def name(self) -> str:
        """The path in the checkout."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def blocks(self) -> list[Block]:
        """What stands between fences, in order."""
        return list(blocks_in(self.text, self.name))

    @property
    def prose(self) -> str:
        """What does not stand between fences."""
        return FENCE.sub("", self.text)

    @property
    def links(self) -> list[str]:
        """Where its links and pictures lead."""
        return re.findall(r"\]\(([^)\s]+)\)", self.prose)

    @property
    def anchors(self) -> list[str]:
        """The anchors that repository hosts give its headings."""
        return [
            re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
            for heading in HEADING.findall(self.prose)
        ]

    @property
    def pieces(self) -> list[Block]:
        """The blocks that belong together, in order."""
        return [block for block in self.blocks if block.is_piece]

    def file(self, name: str) -> Block:
        """Return the block that is a file of this name."""
        (block,) = (block for block in self.blocks if block.file == name)
        return block


def blocks_in(text: str, page: str) -> Iterator[Block]:
    """Cut a page at its fences."""
    heading, read = "", 0
    for found in FENCE.finditer(text):
        headings = HEADING.findall(text, read, found.start())
        heading, read = [heading, *headings][-1], found.end()
        line = text.count("\n", 0, found.start("text")) + 1
        yield Block(page, found["language"], found["text"], line, heading)


async def run_pieces(blocks: list[Block]) -> dict[str, object]:
    """Run pieces one after the other, in one namespace, which is returned."""
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks:
        result = eval(block.compiled(), names)  # noqa: S307 - the pages are ours
        if inspect.isawaitable(result):
            await result
    return names


def check_output(blocks: list[Block], output: str) -> None:
    """Check that the comments beside `print` say what is printed, in this order."""
    lines = iter(without_seconds(output).splitlines())
    for block in blocks:
        for expected in PRINTED.findall(block.text):
            assert without_seconds(expected) in lines, f"not printed: {expected}"


def without_seconds(text: str) -> str:
    """Leave out what is never the same twice."""
    return SECONDS.sub("0.0 s", text)


def pages() -> list[Page]:
    """Return every page that a reader may open."""
    folders = ("ours_experiments", "tests", "benchmarks", ".github")
    found = [path for name in folders for path in (ROOT / name).rglob("*.md")]
    return [Page(path) for path in sorted([ROOT / "README.md", *found])]


README = Page(ROOT / "README.md")
