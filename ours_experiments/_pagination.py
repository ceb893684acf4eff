"""Cursor pagination: one loop, which requests at most one page ahead."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar, cast

import attrs

from ours_experiments._codec.converter import clear, decode, decode_entities
from ours_experiments._codec.hooks import wire_name
from ours_experiments._codec.json_bytes import loads, parse
from ours_experiments._http.call import Call
from ours_experiments._http.responses import (
    Reply,
    request_id_of,
    with_request,
)
from ours_experiments._http.session import Session
from ours_experiments._validation import check_count
from ours_experiments.errors import DecodeError, PaginationError
from ours_experiments.models import Page
from ours_experiments.models._records import records_of


T = TypeVar("T")

MAX_PAGES_WITHOUT_NEWS = 20
"""Pages in a row that are empty, or repeat a single entity."""
MAX_REMEMBERED_PAGES = 10_000
"""Pages and cursors that are remembered: a million entities, in about 2 MB."""


@attrs.frozen
class Position:
    """The pagination part of a list answer."""

    has_more: bool
    next_cursor: str | None = None


LAST_PAGE = Position(has_more=False)


@attrs.frozen
class RawPage:
    """A list answer whose entities are not decoded yet."""

    entities: object = attrs.field(repr=False)
    """JSON, with integers beyond 64 bits as floats; hidden: it may echo the key."""
    position: Position
    """Where the listing goes on."""
    request_id: str | None
    """The id that the response gave its request."""
    body: bytes = attrs.field(repr=False)
    """The whole answer as text."""

    def decode(self, entity: type[T]) -> Page[T]:
        """Decode the entities, which may be done once."""
        position = self.position
        try:
            entities = decode_entities(entity, self.entities, exact=self.exact)
        except DecodeError as error:
            raise with_request(error, self.request_id) from None
        cursor = position.next_cursor if position.has_more else None
        return Page(entities, cursor, position.has_more)

    def exact(self) -> object:
        """Return the entities with integers of any size."""
        return split(loads(self.body))[0]


def split(payload: object) -> tuple[object, Position]:
    """Return the entities and the position of a list answer.

    An answer without `pagination` is the last page: the documents show such lists.
    """
    if not isinstance(payload, dict):
        problem = f"$: expected an object, got {type(payload).__name__}"
        clear(payload)
        raise DecodeError(f"Page: {problem}", problems=[problem])
    envelope = cast("Mapping[str, object]", payload)
    pagination = envelope.get("pagination")
    if pagination is None:
        return envelope.get("entities"), LAST_PAGE
    try:
        position = decode(Position, pagination, at="$.pagination")
    except DecodeError:
        clear(cast("object", envelope))
        raise
    return envelope.get("entities"), position


def all_of(cls: type[T]) -> Callable[[Reply], tuple[T, ...]]:
    """Return a function that decodes a list answer which is not paged."""

    def read(reply: Reply) -> tuple[T, ...]:
        payload = loads(reply.body)
        entities: object = None
        if isinstance(payload, dict):
            entities = cast("Mapping[str, object]", payload).get("entities")
        return decode_entities(cls, entities)

    return read


@attrs.frozen
class Source(Generic[T]):
    """The requests of one listing."""

    session: Session
    segments: tuple[str, ...]
    params: Mapping[str, object]
    entity: type[T]
    within: Call | None = None
    """The call whose deadline all requests share; None: each has its own."""

    async def fetch(self, cursor: str | None) -> RawPage:
        """Request one page."""
        params = self.params if cursor is None else {**self.params, "cursor": cursor}
        call = None if self.within is None else self.within.child()
        return await self.session.request(
            "GET", *self.segments, read=self.read, params=params, call=call
        )

    def read(self, reply: Reply) -> RawPage:
        """Read a page, and leave its entities as they came."""
        entities, position = split(parse(reply.body))
        request_id = request_id_of(reply.headers, self.session.transport.mask)
        return RawPage(entities, position, request_id, reply.body)

    async def page(self, cursor: str | None) -> Page[T]:
        """Request one page and decode it."""
        return (await self.fetch(cursor)).decode(self.entity)


class Progress:
    """The pages that a listing has served, to notice one that never ends."""

    def __init__(self, entity: type, cursor: str | None) -> None:
        # The first field of a class is its identifier.
        self.id_key = wire_name(attrs.fields(entity)[0].name)
        self.seen: set[object] = {cursor}
        self.without_news = 0

    def record(self, entities: object, position: Position) -> str | None:
        """Record a page; return why the listing cannot go on, or None."""
        rows = cast("Sequence[object]", entities) if isinstance(entities, list) else ()
        ids = tuple(
            cast("Mapping[str, object]", row).get(self.id_key)
            for row in rows
            if isinstance(row, dict)
        )
        # A hash of ids takes 36 bytes, where the ids of a page take some kilobytes.
        page = hash(tuple(map(str, ids)))
        repeats = bool(ids) and page in self.seen
        self.without_news = self.without_news + 1 if repeats or not rows else 0
        problem = self.problem(position, repeats=repeats and len(ids) > 1)
        if len(self.seen) >= MAX_REMEMBERED_PAGES:
            self.seen.clear()
        self.seen |= {page, position.next_cursor}
        return problem

    def problem(self, position: Position, *, repeats: bool) -> str | None:
        """Return why a listing cannot go on from a position, or None."""
        if not position.has_more:
            return None
        if not position.next_cursor:
            return "the service promises more entities, but gives no cursor"
        if position.next_cursor in self.seen:
            return "the service repeats the cursor of a page that it has served"
        # Where a cursor is an offset, one entity may repeat while others are added.
        if repeats:
            return "the service repeats a page that it has served"
        if self.without_news >= MAX_PAGES_WITHOUT_NEWS:
            return (
                f"the service answered {self.without_news} pages without anything new"
            )
        return None


class Listing(Generic[T]):
    """A listing to iterate over with `async for`; each iteration starts anew.

    Leaving a loop early leaves at most one request to be cancelled; `aclose()` of
    `pages()` does that at once. Do not change what is listed during an iteration: pass
    the listing itself to `client.bulk`, which reads all ids first.
    """

    cursor: str | None
    """The cursor of the page being served: `list(cursor=…)` resumes there and may
    repeat up to one page. None: the first page."""
    done: bool
    """Whether the latest iteration came to its end."""

    def __init__(
        self, source: Source[T], cursor: str | None, *, prefetch: bool
    ) -> None:
        self._source = source
        self._start = cursor
        self._prefetch = prefetch
        self.cursor = cursor
        self.done = False

    def __repr__(self) -> str:
        cursor = self.cursor and self._source.session.transport.mask(self.cursor)
        state = "done" if self.done else f"cursor={cursor!r}"
        path = "/".join(self._source.segments)
        return f"<Listing of {self._source.entity.__name__}, GET /{path}, {state}>"

    if not TYPE_CHECKING:  # For type checkers a listing is not awaitable.

        def __await__(self) -> NoReturn:
            raise TypeError(
                "a listing cannot be awaited: use `async for … in listing`, "
                "`await listing.to_list()`, or `await ….list_page()` for one page"
            )

    async def __aiter__(self) -> AsyncIterator[T]:
        """Iterate over the entities."""
        pages = self.pages()
        try:
            async for page in pages:
                for entity in page.entities:
                    yield entity
        finally:
            await pages.aclose()

    async def to_list(self, limit: int | None = None) -> list[T]:
        """Return the entities as a list.

        Args:
            limit: The number of entities to stop at; None: all of them.
        """
        if limit is not None:
            check_count("limit", limit, 0)
        entities: list[T] = []
        if limit == 0:
            return entities
        pages = self.pages()
        try:
            async for page in pages:
                entities += page.entities
                if limit is not None and len(entities) >= limit:
                    break
        finally:
            await pages.aclose()
        return entities[:limit]

    async def to_records(self, limit: int | None = None) -> list[dict[str, object]]:
        """Return a flat dict for each entity, for pandas, polars or csv.

        The keys are the fields that hold text, numbers, bools and times. For what
        they leave out, such as targeting rules, use `to_dict`.

        Args:
            limit: The number of entities to stop at; None: all of them.
        """
        return records_of(await self.to_list(limit))

    async def pages(self) -> AsyncGenerator[Page[T], None]:
        """Iterate over whole pages.

        Raises:
            PaginationError: The service repeats a cursor or a page, promises more
                without a cursor, or answers 20 pages in a row with nothing new. All
                pages that were served come first.
        """
        source, cursor = self._source, self._start
        progress = Progress(source.entity, cursor)
        ahead: asyncio.Task[RawPage] | None = None
        self.done = False
        try:
            while True:
                self.cursor = cursor
                answer = await (ahead or source.fetch(cursor))
                ahead = None
                position = answer.position
                problem = progress.record(answer.entities, position)
                following = position.next_cursor if position.has_more else None
                if position.has_more and problem is None and self._prefetch:
                    ahead = asyncio.create_task(source.fetch(following))
                    ahead.add_done_callback(retrieve_exception)
                    # The request leaves now, not after the page is decoded.
                    await asyncio.sleep(0)
                page = answer.decode(source.entity)
                # Neither the text nor the objects stay while the next page arrives.
                del answer
                yield page
                del page
                if problem is not None:
                    mask = source.session.transport.mask
                    raise PaginationError(problem, cursor=cursor and mask(cursor))
                if not position.has_more:
                    self.done = True
                    return
                cursor = following
        finally:
            if ahead is not None:
                ahead.cancel()
                await asyncio.wait([ahead])


def retrieve_exception(ahead: asyncio.Task[RawPage]) -> None:
    """Keep asyncio from logging the error of a page that nobody waits for."""
    if not ahead.cancelled():
        ahead.exception()
