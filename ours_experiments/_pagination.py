"""Cursor pagination: one loop, one page ahead at most."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Generic, TypeVar, cast

import attrs

from ours_experiments._codec.converter import clear, decode, decode_entities
from ours_experiments._http.call import Call
from ours_experiments._http.session import Session
from ours_experiments.errors import DecodeError, PaginationError
from ours_experiments.models import Page


T = TypeVar("T")

EMPTY_PAGES = 20
"""So many empty pages in a row are taken for a loop."""


@attrs.frozen
class Position:
    """What a page says of the next one."""

    has_more: bool
    next_cursor: str | None = None


def split(payload: object) -> tuple[object, Position]:
    """Take the envelope of a list answer apart."""
    if not isinstance(payload, dict):
        problem = f"$: expected an object, got {type(payload).__name__}"
        clear(payload)
        raise DecodeError(f"Page: {problem}", problems=[problem])
    envelope = cast("Mapping[str, object]", payload)
    try:
        position = decode(Position, envelope.get("pagination"), at="$.pagination")
    except DecodeError:
        clear(cast("object", envelope))
        raise
    return envelope.get("entities"), position


def entities_of(payload: object) -> object:
    """Take the entities from the answer of a list that is not paged."""
    if not isinstance(payload, dict):
        return None
    return cast("Mapping[str, object]", payload).get("entities")


@attrs.frozen
class Source(Generic[T]):
    """Where the pages of one listing come from."""

    session: Session
    segments: tuple[str, ...]
    params: Mapping[str, object]
    entity: type[T]
    within: Call | None = None
    """The call whose time all requests share; None: each is a call of its own."""

    async def fetch(self, cursor: str | None) -> object:
        """Request one page, not decoded yet."""
        params = self.params if cursor is None else {**self.params, "cursor": cursor}
        call = None if self.within is None else self.within.child()
        return await self.session.request(
            "GET", *self.segments, params=params, call=call
        )

    async def page(self, cursor: str | None) -> Page[T]:
        """Request and decode one page."""
        entities, position = split(await self.fetch(cursor))
        return Page(
            decode_entities(self.entity, entities),
            position.next_cursor if position.has_more else None,
            position.has_more,
        )


class Listing(Generic[T]):
    """A listing to iterate with `async for`; each iteration begins anew.

    Leaving a loop early leaves at most one request to be cancelled; `aclose()` of
    `pages()` does that at once. Do not change what is being listed while you walk:
    hand the listing itself to `client.bulk`, which reads all ids first.
    """

    cursor: str | None
    """The cursor of the page being served: `list(cursor=…)` resumes there and may
    repeat up to one page. None: the first page."""
    done: bool
    """Whether the latest iteration came to its end."""

    def __init__(
        self, source: Source[T], cursor: str | None, *, prefetch: bool
    ) -> None:
        self.source = source
        self.start = cursor
        self.prefetch = prefetch
        self.cursor = cursor
        self.done = False

    async def __aiter__(self) -> AsyncIterator[T]:
        """Iterate over the entities."""
        pages = self.pages()
        try:
            async for page in pages:
                for entity in page.entities:
                    yield entity
        finally:
            await pages.aclose()

    async def pages(self) -> AsyncGenerator[Page[T], None]:
        """Iterate over whole pages.

        Raises:
            PaginationError: The service repeats a cursor, promises more without one,
                or answers 20 empty pages in a row. All that was served comes first.
        """
        cursor = self.start
        seen = {cursor}
        empty = 0
        ahead: asyncio.Task[object] | None = None
        self.done = False
        try:
            while True:
                self.cursor = cursor
                entities, position = split(await (ahead or self.source.fetch(cursor)))
                ahead = None
                empty = 0 if entities else empty + 1
                problem = problem_with(position, seen, empty)
                following = position.next_cursor if position.has_more else None
                if position.has_more and problem is None and self.prefetch:
                    ahead = asyncio.create_task(self.source.fetch(following))
                    ahead.add_done_callback(take_note)
                    # The request leaves now, not after the page is structured.
                    await asyncio.sleep(0)
                yield Page(
                    decode_entities(self.source.entity, entities),
                    following,
                    position.has_more,
                )
                if problem is not None:
                    mask = self.source.session.transport.mask
                    raise PaginationError(problem, cursor=cursor and mask(cursor))
                if not position.has_more:
                    self.done = True
                    return
                cursor = following
                seen.add(cursor)
        finally:
            if ahead is not None:
                ahead.cancel()
                await asyncio.wait([ahead])


def take_note(ahead: asyncio.Task[object]) -> None:
    """Let nobody be told of an error that nobody will ask for."""
    if not ahead.cancelled():
        ahead.exception()


def problem_with(position: Position, seen: set[str | None], empty: int) -> str | None:
    """Tell why a listing cannot go on from here; None when it can, or is over."""
    if not position.has_more:
        return None
    if not position.next_cursor:
        return "the service promises more entities, but gives no cursor"
    if position.next_cursor in seen:
        return "the service repeats the cursor of a page that it has served"
    if empty >= EMPTY_PAGES:
        return f"the service answered {empty} empty pages in a row"
    return None
