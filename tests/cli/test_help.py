"""Help: everywhere, with examples that are true, and quick."""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable

import pytest

from ours_experiments import __version__
from ours_experiments.cli.app import app
from ours_experiments.cli.command_line import expand_dashes
from ours_experiments.cli.errors import EXIT_CODES
from ours_experiments.cli.parser import ROOT_EXAMPLES
from tests.cli.runner import COMMANDS, Ran, find_command, in_process, process


Invoke = Callable[..., Ran]

GROUPS = ("settings", "variants", "versions")
TYPED = "    ours-experiments "


def examples_of(help_epilogue: str | None) -> list[str]:
    """Return what the examples of a help page type after `ours-experiments`."""
    lines = (help_epilogue or "").splitlines()
    return [line.removeprefix(TYPED) for line in lines if line.startswith(TYPED)]


EVERY_EXAMPLE = [
    *examples_of(ROOT_EXAMPLES),
    *(
        example
        for name in COMMANDS
        for example in examples_of(find_command(name).help_epilogue)
    ),
]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--help` has a summary, the parameters with their help, and examples."""
    command = find_command(name)
    assert in_process(*name.split(), "--help") == 0
    shown = capsys.readouterr().out
    assert command.help.partition("\n")[0] in " ".join(shown.split())
    assert examples_of(command.help_epilogue)
    for example in examples_of(command.help_epilogue):
        assert example.startswith(name)
        assert f"    ours-experiments {example}\n" in shown
    assert "--api-key-env" in shown


@pytest.mark.parametrize("example", EVERY_EXAMPLE)
def test_every_example_can_be_typed(example: str) -> None:
    """An example is a command line that is understood."""
    words = [
        word
        for word in shlex.split(example.partition(" > ")[0].partition(" < ")[0])
        if word not in {"--format", "json", "jsonl", "csv"}
    ]
    command, _, _ = app.parse_args(
        list(expand_dashes(words)), exit_on_error=False, print_error=False
    )
    assert command is not app.help_print


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_shows_its_commands(
    group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A group without a command shows what there is."""
    assert in_process(group) == 0
    shown = capsys.readouterr().out
    for name in COMMANDS:
        if name.startswith(f"{group} "):
            assert f" {name.split()[1]} " in shown


@pytest.mark.parametrize("arguments", [(), ("--help",)], ids=["nothing", "--help"])
def test_the_help_names_every_command_and_code(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """The first help page lists the commands and the exit codes."""
    assert in_process(*arguments) == 0
    shown = capsys.readouterr().out
    for name in COMMANDS:
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
for name in ["", *{COMMANDS!r}]:
    with contextlib.redirect_stdout(io.StringIO()):
        run([*name.split(), "--help"])
    heavy = ("aiohttp", "asyncio", "cattrs", "matplotlib", "rich.live", "rich.progress",
             "numpy", "ours_experiments.analysis", "plotext", "scipy", "yaml")
    loaded[name] = [module for module in heavy if module in sys.modules]
print(json.dumps({{name: modules for name, modules in loaded.items() if modules}}))
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
        assert "extra `cli`" in ended.err


def test_another_missing_module_is_no_hint() -> None:
    """What is missing for another reason is told as it is."""
    script = (
        "import sys; sys.modules['orjson'] = None; "
        "from ours_experiments.cli import main; main()"
    )
    ended = process(command=(sys.executable, "-c", script))
    assert "ModuleNotFoundError: import of orjson" in ended.err
