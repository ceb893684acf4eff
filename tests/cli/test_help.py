"""Help: everywhere, with examples that are true, and quick."""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable

import pytest

from ours_experiments import __version__
from ours_experiments.cli.app import app
from ours_experiments.cli.commands.registry import COMMANDS, EXAMPLES, GROUPS, Command
from ours_experiments.cli.errors import EXIT_CODES
from ours_experiments.cli.usage import without_dashes
from tests.cli.runner import Ran, in_process, process


Invoke = Callable[..., Ran]

NAMES = [command.name for command in COMMANDS]
EVERY_EXAMPLE = [
    *EXAMPLES,
    *(example for command in COMMANDS for example in command.examples),
]


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_every_command_has_help_with_examples(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--help` tells what a command does, and how it is called."""
    assert in_process(*command.name.split(), "--help") == 0
    shown = capsys.readouterr().out
    assert command.help in " ".join(shown.split())
    for example in command.examples:
        assert f"    ours-experiments {example}\n" in shown
    assert "--api-key-env" in shown


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_the_help_is_that_of_the_function(command: Command) -> None:
    """The one line of help is the function's own."""
    function = app[command.name.split()[0]]
    for word in command.name.split()[1:]:
        function = function[word]
    default = function.default_command
    assert default is not None
    assert (default.__doc__ or "").partition("\n")[0] == command.help


@pytest.mark.parametrize("example", EVERY_EXAMPLE)
def test_every_example_can_be_typed(example: str) -> None:
    """An example is a command line that is understood."""
    words = [
        word
        for word in shlex.split(example.partition(" > ")[0].partition(" < ")[0])
        if word not in {"--format", "json", "jsonl", "csv"}
    ]
    command, _, _ = app.parse_args(
        list(without_dashes(words)), exit_on_error=False, print_error=False
    )
    assert command is not app.help_print


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_shows_its_commands(
    group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A group without a command shows what there is."""
    assert in_process(group) == 0
    shown = capsys.readouterr().out
    for name in NAMES:
        if name.startswith(f"{group} "):
            assert f" {name.split()[1]} " in shown


@pytest.mark.parametrize("arguments", [(), ("--help",)], ids=["nothing", "--help"])
def test_the_help_names_every_command_and_code(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """The first help page lists the commands and the exit codes."""
    assert in_process(*arguments) == 0
    shown = capsys.readouterr().out
    for name in NAMES:
        assert f" {name.split()[0]} " in shown
    assert EXIT_CODES in shown


def test_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` is the package's."""
    assert in_process("--version") == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_help_loads_no_http_library() -> None:
    """No help page loads what only requests need, so that all of them are quick."""
    script = f"""
import contextlib, io, json, sys
from ours_experiments.cli.app import run
loaded = {{}}
for name in [""] + {NAMES!r}:
    with contextlib.redirect_stdout(io.StringIO()):
        run([*name.split(), "--help"])
    heavy = ("aiohttp", "asyncio", "cattrs", "matplotlib", "rich.live", "rich.progress",
             "yaml")
    loaded[name] = [each for each in heavy if each in sys.modules]
print(json.dumps({{name: each for name, each in loaded.items() if each}}))
"""
    ended = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert json.loads(ended.stdout) == {}


def test_without_the_extra_there_is_a_hint() -> None:
    """Without cyclopts or rich, one line says what to install."""
    for missing in ("cyclopts", "rich"):
        script = (
            f"import sys; sys.modules[{missing!r}] = None; "
            "from ours_experiments.cli import main; main()"
        )
        ended = process(command=(sys.executable, "-c", script))
        assert ended.code == 1
        assert ended.out == ""
        assert ended.err.count("\n") == 1
        assert 'pip install "ours-experiments[cli]"' in ended.err


def test_another_missing_module_is_no_hint() -> None:
    """What is missing for another reason is told as it is."""
    script = (
        "import sys; sys.modules['orjson'] = None; "
        "from ours_experiments.cli import main; main()"
    )
    ended = process(command=(sys.executable, "-c", script))
    assert "ModuleNotFoundError: import of orjson" in ended.err
