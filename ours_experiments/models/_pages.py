"""Pages of listings."""

from typing import Generic, TypeVar

import attrs


T = TypeVar("T")


@attrs.frozen
class Page(Generic[T]):
    """One page of a listing."""

    entities: tuple[T, ...]
    """What is on the page."""
    next_cursor: str | None
    """Where the next page begins; None when there is none."""
    has_more: bool
    """Whether there is a next page."""
