"""Tables for notebooks: escaped, and never too long to read."""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import islice


MAX_ROWS = 50
"""Rows of a table; further ones are only counted."""
MAX_CELL_CHARACTERS = 200


def format_cell(value: object) -> str:
    """Format a value as text without markup."""
    text = str(value)
    if len(text) > MAX_CELL_CHARACTERS:
        text = f"{text[: MAX_CELL_CHARACTERS - 1]}…"
    return escape(text)


def html_table(
    title: object, headings: Sequence[str], rows: Iterable[Sequence[object]], count: int
) -> str:
    """Return a table of the first of `count` rows; without rows, the title alone."""
    if not count:
        return f"<p>{format_cell(title)}</p>"
    head = "".join(f"<th>{format_cell(heading)}</th>" for heading in headings)
    body = "".join(
        f"<tr>{''.join(f'<td>{format_cell(value)}</td>' for value in row)}</tr>"
        for row in islice(rows, MAX_ROWS)
    )
    if count > MAX_ROWS:
        body += (
            f'<tr><td colspan="{len(headings)}">and {count - MAX_ROWS:,} more</td></tr>'
        )
    return (
        f"<table><caption>{format_cell(title)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
