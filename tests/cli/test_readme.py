"""Every command line in the README's chapter on the command line does what it shows."""

import json
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from ours_experiments.cli.errors import EXIT_CODES
from tests.cli.runner import COMMANDS, PATIENCE, environment, in_process


README = Path(__file__).parents[2] / "README.md"
CHAPTER = README.read_text(encoding="utf-8").partition("\n## Command line\n")[2]
CHAPTER = CHAPTER.partition("\n## ")[0]
BLOCK = re.compile(r"^```(console|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SERVE = "ours-experiments emulator"
VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)?)?"), "DATE"),
    (re.compile(r"\b\d+(\.\d)? m?s\b"), "SECONDS"),
    (re.compile(r"[\d,.]+/s"), "RATE"),
    (re.compile(r"[ ─━]+"), " "),
)
"""What is another one each time: moments, durations, rates, and the room they take."""


@attrs.frozen
class Step:
    """A command line and what the README shows of its output."""

    line: str
    shown: tuple[str, ...]


def steps_in(block: str) -> Iterator[Step]:
    """Cut a console block into its steps."""
    for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, *shown = step.splitlines()
        yield Step(line, tuple(shown))


def same_each_time(line: str) -> str:
    """Replace what is another one each time."""
    for pattern, word in VARYING:
        line = pattern.sub(word, line)
    return line.strip()


STEPS = [
    step
    for kind, block in BLOCK.findall(CHAPTER)
    if kind == "console"
    for step in steps_in(block)
]
FILES = [block for kind, block in BLOCK.findall(CHAPTER) if kind == "yaml"]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment with the command and the emulator that the README starts."""
    command = tmp_path / "bin" / "ours-experiments"
    command.parent.mkdir()
    arguments = shlex.join([sys.executable, "-m", "ours_experiments.cli"])
    command.write_text(f'#!/bin/sh\nexec {arguments} "$@"\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    env = environment(PATH=path, HOME=str(tmp_path), OURS_PRIVACY_API_KEY="test-key")
    [serve] = [step.line for step in STEPS if step.line.startswith(SERVE)]
    with (
        subprocess.Popen(  # noqa: S603 - our own command
            [command, *serve.split()[1:], "--port", "0", "--format", "jsonl"],
            env=env,
            stdout=subprocess.PIPE,
            text=True,
        ) as serving
    ):
        assert serving.stdout is not None
        url = json.loads(serving.stdout.readline())["url"]
        yield {**env, "OURS_PRIVACY_PLATFORM_BASE_URL": url}
        serving.send_signal(signal.SIGINT)
        serving.stdout.read()
        assert serving.wait(PATIENCE) == 0


def output_of(line: str, env: dict[str, str], folder: Path) -> list[str]:
    """Type a line, without a terminal."""
    ended = subprocess.run(  # noqa: S603 - the README is ours
        ["bash", "-c", line],  # noqa: S607 - whichever bash there is
        env=env,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return ended.stdout.splitlines()


def test_every_line_does_what_it_shows(shell: dict[str, str], tmp_path: Path) -> None:
    """The chapter is typed from its beginning to its end, and compared."""
    for file in FILES:
        name, _, content = file.partition("\n")
        (tmp_path / name.removeprefix("# ")).write_text(content, encoding="utf-8")
    typed = [
        step
        for step in STEPS
        if "ours-experiments " in step.line and not step.line.startswith(SERVE)
    ]
    assert len(typed) >= 12
    for step in typed:
        printed = output_of(step.line, shell, tmp_path)
        expected = [same_each_time(line) for line in step.shown]
        assert [same_each_time(line) for line in printed] == expected, step.line


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
