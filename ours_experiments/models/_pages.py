"""Pages of listings."""

from typing import Generic, TypeVar

import attrs


T = TypeVar("T")


@attrs.frozen
class Page(Generic[T]):
    """One page of a listing."""

    entities: tuple[T, ...]
    """The objects on the page."""
    next_cursor: str | None
    """The cursor of the next page; None: this is the last."""
    has_more: bool
    """Whether there is a next page."""
