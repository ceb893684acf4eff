"""Tables for notebooks: escaped, and never longer than can be read."""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import islice


ROWS = 50
"""Rows of a table at most; the rest is counted."""
LETTERS = 200
"""Letters of a cell at most."""


def cell(value: object) -> str:
    """Write a value for people, without markup of its own."""
    told = str(value)
    return escape(told if len(told) <= LETTERS else f"{told[: LETTERS - 1]}…")


def html_table(
    title: object, headings: Sequence[str], rows: Iterable[Sequence[object]], count: int
) -> str:
    """Make a table of the first of so many rows; without rows, the title alone."""
    if not count:
        return f"<p>{cell(title)}</p>"
    head = "".join(f"<th>{cell(heading)}</th>" for heading in headings)
    body = "".join(
        f"<tr>{''.join(f'<td>{cell(value)}</td>' for value in row)}</tr>"
        for row in islice(rows, ROWS)
    )
    if count > ROWS:
        body += f'<tr><td colspan="{len(headings)}">and {count - ROWS:,} more</td></tr>'
    return (
        f"<table><caption>{cell(title)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
