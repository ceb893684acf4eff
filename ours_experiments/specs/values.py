"""Format values of fields for one line of text."""

import json
from typing import cast

from ours_experiments._text import printable


MAX_WIDTH = 40
"""Characters of one value."""


def show(value: object) -> str:
    """Format a value for people; what is long is cut."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return cut(printable(value)) if value.strip() else repr(value)
    if isinstance(value, list):
        items = cast("list[object]", value)
        if all(isinstance(item, str) for item in items):
            return cut(printable(", ".join(cast("list[str]", items)))) or "none"
        return f"{len(items)} item{'' if len(items) == 1 else 's'}"
    return cut(printable(json.dumps(value, ensure_ascii=False, default=str)))


def cut(text: str, width: int = MAX_WIDTH) -> str:
    """Cut a text that is too wide."""
    return text if len(text) <= width else f"{text[: width - 3]}..."


def plural(count: int, noun: str) -> str:
    """Format a count with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
