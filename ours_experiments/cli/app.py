"""The options before a command, and the exit code after it."""

import inspect
import io
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import CycloptsError, Group, Parameter
from rich.text import Text

from ours_experiments.cli import commands
from ours_experiments.cli import errors as _errors
from ours_experiments.cli.command_line import (
    expand_dashes,
    refuse_keys,
    usage_error,
)
from ours_experiments.cli.context import (
    KEY_VARIABLE,
    Context,
    Flag,
    Format,
)
from ours_experiments.cli.event_loop import run_until_complete
from ours_experiments.cli.output.terminal import (
    discard,
    ignore_unusable_width,
    open_console,
    print_line,
)
from ours_experiments.cli.parser import app
from ours_experiments.errors import OursError


__all__ = ["app", "commands", "run"]

GLOBAL = Group("Global options", sort_key=100)

MARKDOWN_COMMANDS = frozenset({"plan", "drift"})

# Ctrl-C is one of our errors, with a line and the code 130.
app.meta.suppress_keyboard_interrupt = False


@app.meta.default
def launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    api_key_env: Annotated[str, Parameter(group=GLOBAL)] = KEY_VARIABLE,
    api_key_file: Annotated[Path | None, Parameter(group=GLOBAL)] = None,
    base_url: Annotated[str | None, Parameter(group=GLOBAL)] = None,
    format: Annotated[Format, Parameter(group=GLOBAL)] = "table",
    verbose: Annotated[Flag, Parameter(group=GLOBAL)] = False,
) -> int:
    """Run a command.

    Args:
        tokens: The command and its arguments.
        api_key_env: Name of the environment variable that holds the API key.
        api_key_file: File that holds the API key and nothing else.
        base_url: Address of the service; default: OURS_PRIVACY_PLATFORM_BASE_URL.
        format: How records are written.
        verbose: Print to standard error what is retried, paused or read back.
    """
    command, bound, ignored = app.parse_args(
        list(expand_dashes(tokens)), exit_on_error=False, print_error=False
    )
    call: Callable[..., int | None] = command
    # Such a command needs no key and no terminal, like `completion`.
    if "context" not in ignored:
        return call(*bound.args, **bound.kwargs) or 0
    if format == "ids" and not command.__name__.startswith("list_"):
        raise _errors.UsageError("--format ids is a format of lists only")
    if format == "markdown" and command.__name__ not in MARKDOWN_COMMANDS:
        raise _errors.UsageError("--format markdown: only plan and drift write it")
    if format != "table":
        prepare_for_programs()
    context = Context(
        out=open_console(),
        err=open_console(stderr=True),
        format=format,
        api_key_env=api_key_env,
        api_key_file=api_key_file,
        base_url=base_url,
    )
    from ours_experiments.cli.output.log_notes import log_to  # noqa: PLC0415 - not for help

    with log_to(context, verbose=verbose):
        if inspect.iscoroutinefunction(command):
            work: Callable[..., Coroutine[object, object, int]] = command
            return run_until_complete(
                work(*bound.args, **bound.kwargs, context=context)
            )
        return call(*bound.args, **bound.kwargs, context=context) or 0


def run(tokens: Sequence[str]) -> int:
    """Run a command line and return its exit code."""
    prepare_streams()
    ignore_unusable_width()
    try:
        # First of all: an error of the parser could repeat a key.
        refuse_keys(tokens)
        code: int | None = app.meta(
            tokens, exit_on_error=False, print_error=False, result_action="return_value"
        )
        # Here an error is a line; when Python exits it would be a traceback.
        sys.stdout.flush()
    except CycloptsError as problem:
        return _errors.usage_code(print_error(usage_error(problem)), tokens)
    except _errors.OutputError as problem:
        discard(sys.stdout)
        return print_error(problem)
    except (OursError, *_errors.CLI_ERRORS) as problem:
        return _errors.usage_code(print_error(problem), tokens)
    except (BrokenPipeError, SystemExit):
        # The reader of a pipe went away: rich exits by itself, everything else raises.
        discard(sys.stdout)
        return _errors.BROKEN_PIPE
    except OSError as problem:
        discard(sys.stdout)
        return print_error(_errors.OutputError(problem))
    return code or 0


def prepare_streams() -> None:
    """Make standard output and error accept any text, even if they were closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
        elif isinstance(stream, io.TextIOWrapper):
            # A name that the encoding lacks must not end a command half way.
            stream.reconfigure(errors="backslashreplace")


def prepare_for_programs() -> None:
    """Encode what programs read as UTF-8; only a terminal keeps its encoding."""
    stream = sys.stdout
    if isinstance(stream, io.TextIOWrapper) and not stream.isatty():
        stream.reconfigure(encoding="utf-8", newline="\n")


def print_error(problem: BaseException) -> int:
    """Print an error in one line on standard error, and return its exit code."""
    print_line(open_console(stderr=True), Text(_errors.format_error(problem)))
    return _errors.exit_code(problem)
