"""Text from the service, made safe to print."""

import os
import re
import sys

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
WIDE = 10_000
"""Columns where nobody looks: nothing is cut off for a program that reads."""


def escape(value: object) -> str:
    r"""Show what a terminal would act upon as `\x1b`, `\u202e` and so on."""
    return UNSAFE.sub(lambda match: spelled(match[0]), str(value))


def spelled(character: str) -> str:
    """Spell one character as a Python literal does."""
    point = ord(character)
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def text(value: object, style: str = "") -> Text:
    """Make text of what may come from the service: escaped, never markup."""
    return Text(escape(value), style=style)


def console(*, stderr: bool = False) -> Console:
    """Open the terminal; no colours when it is none, or with NO_COLOR."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDE
    return Console(
        stderr=stderr, markup=False, emoji=False, highlight=False, width=width
    )


def is_plain(console: Console) -> bool:
    """Tell whether an output knows nothing but ASCII."""
    return not console.encoding.lower().startswith("utf")
