"""The options before a command, and the way from an error to its exit code."""

import inspect
import io
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Group, Parameter
from rich.text import Text

from ours_experiments import __version__
from ours_experiments.cli import errors as _errors
from ours_experiments.cli.commands.registry import (
    COMMANDS,
    EXAMPLES,
    GROUPS,
    example_lines,
)
from ours_experiments.cli.context import KEY_VARIABLE, Context, Flag, Format, tell
from ours_experiments.cli.output.text import console
from ours_experiments.cli.runtime import complete
from ours_experiments.cli.usage import refuse_keys, usage_error, without_dashes
from ours_experiments.errors import OursError


GLOBAL = Group("Global options", sort_key=100)


def build() -> App:
    """Build the tree of commands; none of them is imported yet."""
    built = App(
        name="ours-experiments",
        help="Experiments of Ours Privacy from the command line.",
        help_epilogue=f"{example_lines(EXAMPLES)}\n\n{_errors.EXIT_CODES}",
        help_format="plaintext",
        version=__version__,
        default_parameter=Parameter(negative=()),
    )
    homes = {"": built}
    for name, told in GROUPS.items():
        homes[name] = App(name=name, help=told, help_epilogue="")
        built.command(homes[name])
    for command in COMMANDS:
        group, _, name = command.name.rpartition(" ")
        homes[group].command(
            f"ours_experiments.cli.commands.{command.path}",
            name=name,
            help=command.help,
            help_epilogue=example_lines(command.examples),
        )
    built.meta.suppress_keyboard_interrupt = False
    return built


app = build()


@app.meta.default
def launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    api_key_env: Annotated[str, Parameter(group=GLOBAL)] = KEY_VARIABLE,
    api_key_file: Annotated[Path | None, Parameter(group=GLOBAL)] = None,
    base_url: Annotated[str | None, Parameter(group=GLOBAL)] = None,
    format: Annotated[Format, Parameter(group=GLOBAL)] = "table",
    verbose: Annotated[Flag, Parameter(group=GLOBAL)] = False,
) -> int:
    """Carry out a command.

    Args:
        tokens: The command and its arguments.
        api_key_env: Name of the environment variable that holds the API key.
        api_key_file: A file that holds the API key, and nothing else.
        base_url: Where the service answers, if not at OURS_PRIVACY_PLATFORM_BASE_URL.
        format: How records are written.
        verbose: Tell on standard error what is repeated, paused or read back.
    """
    command, bound, ignored = app.parse_args(
        list(without_dashes(tokens)), exit_on_error=False, print_error=False
    )
    call: Callable[..., int | None] = command
    if "context" not in ignored:
        return call(*bound.args, **bound.kwargs) or 0
    context = Context(
        out=console(),
        err=console(stderr=True),
        format=format,
        api_key_env=api_key_env,
        api_key_file=api_key_file,
        base_url=base_url,
    )
    from ours_experiments.cli.output.notes import listening  # noqa: PLC0415 - not for help

    with listening(context, verbose=verbose):
        if inspect.iscoroutinefunction(command):
            work: Callable[..., Coroutine[object, object, int]] = command
            return complete(work(*bound.args, **bound.kwargs, context=context))
        return call(*bound.args, **bound.kwargs, context=context) or 0


def run(tokens: Sequence[str]) -> int:
    """Carry out a command line and give its exit code."""
    prepare_streams()
    try:
        refuse_keys(tokens)
        code: int | None = app.meta(
            tokens, exit_on_error=False, print_error=False, result_action="return_value"
        )
        sys.stdout.flush()
    except CycloptsError as problem:
        return complain(usage_error(problem))
    except (OursError, *_errors.OWN) as problem:
        return complain(problem)
    except (BrokenPipeError, SystemExit):
        # Nobody reads any more: rich exits by itself then, all others raise.
        forget_output()
        return _errors.BROKEN_PIPE
    except OSError as problem:
        forget_output()
        return complain(_errors.OutputError(problem))
    return code or 0


def prepare_streams() -> None:
    """Make the outputs take everything, also one that was closed before."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            nowhere = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
            setattr(sys, name, nowhere)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def forget_output() -> None:
    """Let what is left in the buffer go nowhere when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(problem: BaseException) -> int:
    """Tell an error in one line on standard error, and give its code."""
    tell(console(stderr=True), Text(_errors.line_for(problem)))
    return _errors.code_of(problem)
