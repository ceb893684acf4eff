"""Consoles, and text from the service that is safe to print on one."""

import os
import re
import sys
from typing import TextIO

from rich.console import Console
from rich.text import Text


# C1 and DEL, line separators, marks and overrides that change the direction of what
# follows, invisible characters, tags, and halves of surrogate pairs.
ODD = (
    "\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f"
)
UNSAFE = re.compile(f"[\x00-\x1f{ODD}]")
UNSAFE_IN_JSON = re.compile(f"[{ODD}]")
PIPE_WIDTH = 10_000
"""Columns of an output that is no terminal, whatever COLUMNS is: nothing is cut off."""


def escape(value: object) -> str:
    r"""Replace characters that a terminal acts upon by `\x1b`, `\u202e` and so on."""
    return UNSAFE.sub(lambda match: escape_character(match[0]), str(value))


def escape_character(character: str) -> str:
    """Format one character as an escape of a Python literal."""
    point = ord(character)
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def safe_text(value: object, style: str = "") -> Text:
    """Return text that is escaped and never read as markup."""
    return Text(escape(value), style=style)


class ErrorConsole(Console):
    """Standard error, whose loss changes neither the output nor the exit code."""

    def on_broken_pipe(self) -> None:
        """Discard what follows; rich would redirect standard output, and exit."""
        discard(sys.stderr)


def open_console(*, stderr: bool = False) -> Console:
    """Open standard output or error; NO_COLOR and pipes get no colours."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else PIPE_WIDTH
    return (ErrorConsole if stderr else Console)(
        stderr=stderr, markup=False, emoji=False, highlight=False, width=width
    )


def print_line(console: Console, line: Text) -> None:
    """Print one line; only a terminal folds it, between words."""
    try:
        console.print(line, soft_wrap=not console.is_terminal)
    except OSError:
        if not console.stderr:
            raise
        discard(sys.stderr)


def discard(stream: TextIO) -> None:
    """Send what a stream still holds, and what follows, to the null device.

    Python writes the rest when it exits; if that fails too, it exits with 120.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def ignore_unusable_width() -> None:
    """Remove COLUMNS from the environment if it is no width, such as 0."""
    columns = os.environ.get("COLUMNS", "1")
    if not columns.isdecimal() or int(columns) == 0:
        del os.environ["COLUMNS"]


def is_ascii_only(console: Console) -> bool:
    """Return whether the encoding of an output has no more than ASCII for drawings."""
    return not console.encoding.lower().startswith("utf")
