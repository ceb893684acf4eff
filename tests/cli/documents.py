"""Console blocks of documents: type their lines, and compare what is printed."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from tests.cli.runner import PATIENCE


BLOCK = re.compile(r"^```(console|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SERVE = "ours-experiments emulator --experiments 8"
"""The line with which a document starts the emulator."""
VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)?)?"), "DATE"),
    (re.compile(r"\b\d+(\.\d)? m?s\b"), "SECONDS"),
    (re.compile(r"[\d,.]+/s"), "RATE"),
    (re.compile(r"[ ─━]+"), " "),
)
"""What differs between two runs: times, durations, rates, and the space they take."""


@attrs.frozen
class Step:
    """A command line and what the document shows of its output."""

    line: str
    shown: tuple[str, ...]


@attrs.frozen
class Document:
    """The console blocks of a document, and the files that it shows."""

    text: str

    def steps(self) -> list[Step]:
        """Return the command lines that are typed after the emulator is started."""
        return [
            step
            for kind, block in BLOCK.findall(self.text)
            if kind == "console"
            for step in steps_in(block)
            if "ours-experiments " in step.line and not step.line.startswith(SERVE)
        ]

    def assert_true(self, env: Mapping[str, str], folder: Path) -> None:
        """Type the document from its beginning to its end, and compare."""
        for kind, block in BLOCK.findall(self.text):
            if kind == "yaml":
                name, _, content = block.partition("\n")
                (folder / name.removeprefix("# ")).write_text(content, "utf-8")
        for step in self.steps():
            printed = [normalized(line) for line in output_of(step.line, env, folder)]
            assert printed == [normalized(line) for line in step.shown], step.line


def steps_in(block: str) -> Iterator[Step]:
    """Cut a console block into its steps."""
    for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, *shown = step.splitlines()
        yield Step(line, tuple(shown))


def normalized(line: str) -> str:
    """Replace what differs between two runs."""
    for pattern, word in VARYING:
        line = pattern.sub(word, line)
    return line.strip()


def output_of(line: str, env: Mapping[str, str], folder: Path) -> list[str]:
    """Type a line, without a terminal."""
    ended = subprocess.run(  # noqa: S603 - the documents are ours
        ["bash", "-c", line],  # noqa: S607 - any bash will do
        env=dict(env),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return ended.stdout.splitlines()
