"""Text from files and from standard input."""

import codecs
import sys
from pathlib import Path

from ours_experiments.cli.errors import os_reason
from ours_experiments.errors import ConfigurationError


UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: Path, source: str) -> str:
    """Read a text file; `-` is standard input.

    Args:
        path: The file.
        source: How an error names the file.

    Raises:
        ConfigurationError: It cannot be read, or is no text.
    """
    if str(path) == "-":
        return read_standard_input()
    try:
        return decode_text(path.read_bytes(), source)
    except OSError as problem:
        raise ConfigurationError(
            f"{source} cannot be read: {os_reason(problem)}"
        ) from None


def read_standard_input() -> str:
    """Read standard input to its end.

    Raises:
        ConfigurationError: It is closed, cannot be read, or is no text.
    """
    # Python sets it to None if it was closed before the start, as by `<&-`.
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]
        raise ConfigurationError("standard input cannot be read: it is closed")
    try:
        content = sys.stdin.buffer.read()
    except OSError as problem:
        raise ConfigurationError(
            f"standard input cannot be read: {os_reason(problem)}"
        ) from None
    return decode_text(content, "standard input")


def decode_text(content: bytes, source: str) -> str:
    """Decode UTF-8, or UTF-16 that begins with a byte order mark.

    Windows PowerShell writes such a mark before what it pipes or redirects.

    Raises:
        ConfigurationError: It is neither.
    """
    encoding = "utf-16" if content.startswith(UTF_16_MARKS) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = "\0"
    # UTF-16 without a mark is valid UTF-8, with a NUL in every character.
    if "\0" in text:
        raise ConfigurationError(f"{source} cannot be read: it is not UTF-8 text")
    return text
