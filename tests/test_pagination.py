"""Listings: every page once, and an end whatever the service sends."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any, TypeVar

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from ours_experiments import (
    Client,
    ConfigurationError,
    DecodeError,
    Listing,
    OursError,
    PaginationError,
    RetryPolicy,
)
from ours_experiments.emulator import Emulator
from ours_experiments.emulator.faults.rules import parse
from tests.support.server import serve


T = TypeVar("T")
ROUTE = "experiments.list"
PREFETCH = pytest.mark.parametrize("prefetch", [True, False], ids=["ahead", "in-step"])


@PREFETCH
@pytest.mark.parametrize(
    ("number", "sizes"),
    [
        pytest.param(0, [0], id="none"),
        pytest.param(3, [3], id="one-page"),
        pytest.param(4, [4], id="full-page"),
        pytest.param(5, [4, 1], id="one-more"),
        pytest.param(8, [4, 4], id="two-full-pages"),
        pytest.param(41, [4] * 10 + [1], id="many-pages"),
    ],
)
async def test_pages(
    client: Client,
    emulator: Emulator,
    number: int,
    sizes: list[int],
    *,
    prefetch: bool,
) -> None:
    """Every page is one request; the last one has no cursor."""
    ids = emulator.seed_experiments(number)
    listing = client.experiments.list(limit=4, prefetch=prefetch)
    pages = [page async for page in listing.pages()]
    assert [found.id for page in pages for found in page.entities] == ids[::-1]
    assert [len(page.entities) for page in pages] == sizes
    assert [page.has_more for page in pages] == [True] * (len(sizes) - 1) + [False]
    assert [page.next_cursor is None for page in pages] == [
        not page.has_more for page in pages
    ]
    assert emulator.log.received() == len(sizes)


async def test_offset_cursors() -> None:
    """Cursors of another kind lead through the list, too."""
    async with (
        Emulator(cursor="offset") as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        ids = emulator.seed_experiments(25)
        listing = client.experiments.list(limit=10)
        assert [found.id async for found in listing] == ids[::-1]


async def test_page_by_page(client: Client, emulator: Emulator) -> None:
    """Single pages are requested by the cursor of the page before."""
    ids = emulator.seed_experiments(5)
    served: list[str] = []
    cursor = None
    for number in range(1, 4):
        got = await client.experiments.list_page(limit=2, cursor=cursor)
        assert emulator.log.received() == number
        served += [found.id for found in got.entities]
        cursor = got.next_cursor
    assert (served, cursor) == (ids[::-1], None)


async def test_nothing_is_sent_before_the_walk(
    client: Client, emulator: Emulator
) -> None:
    """Making a listing, and its iterator, sends nothing."""
    aiter(client.experiments.list())
    await asyncio.sleep(0)
    assert emulator.log.received() == 0


async def test_walking_again(client: Client, emulator: Emulator) -> None:
    """A listing can be iterated again, even inside its own loop."""
    emulator.seed_experiments(3)
    listing = client.experiments.list(limit=2)
    first = [found.id async for found in listing]
    both = [(a.id, b.id) async for a in listing async for b in listing]
    assert both == [(a, b) for a in first for b in first]


async def test_resuming(client: Client, emulator: Emulator) -> None:
    """A walk resumes at the page where it stopped, and repeats only that page."""
    ids = emulator.seed_experiments(10)
    listing = client.experiments.list(limit=4)
    served: list[str] = []
    async for found in listing:
        served.append(found.id)
        if len(served) == 6:
            break
    resumed = client.experiments.list(limit=4, cursor=listing.cursor)
    rest = [found.id async for found in resumed]
    assert served[:4] + rest == ids[::-1]


async def test_cursor_and_done(client: Client, emulator: Emulator) -> None:
    """A listing has the cursor of its page, and is done after the last page."""
    emulator.seed_experiments(3)
    listing = client.experiments.list(limit=1)
    states = [(listing.cursor, listing.done)]
    cursors: list[str | None] = [None]
    async for got in listing.pages():
        states.append((listing.cursor, listing.done))
        cursors.append(got.next_cursor)
    states.append((listing.cursor, listing.done))
    assert [cursor for cursor, _ in states] == [None, *cursors[:3], cursors[2]]
    assert [done for _, done in states] == [False, False, False, False, True]


async def test_done_is_for_the_latest_walk(client: Client, emulator: Emulator) -> None:
    """A listing that is iterated again is done when that iteration is."""
    emulator.seed_experiments(2)
    listing = client.experiments.list()
    for _ in range(2):
        assert [listing.done async for _ in listing] == [False, False]
        assert listing.done


async def test_page_that_is_lost_once(client: Client, emulator: Emulator) -> None:
    """A page whose answer is lost is requested again, and nothing comes twice."""
    ids = emulator.seed_experiments(6)
    emulator.faults.add("reset", route=ROUTE, after=1, times=1)
    quick = client.with_options(retry=RetryPolicy(initial=0.01))
    listing = quick.experiments.list(limit=2)
    assert [found.id async for found in listing] == ids[::-1]
    assert emulator.log.received() == 4


async def test_to_list(client: Client, emulator: Emulator) -> None:
    """A listing becomes a list of all entities, or of the first ones."""
    ids = emulator.seed_experiments(5)[::-1]
    listing = client.experiments.list(limit=2)
    assert [found.id for found in await listing.to_list()] == ids
    assert [found.id for found in await listing.to_list(limit=3)] == ids[:3]
    assert len(await listing.to_list(limit=9)) == 5


async def test_to_list_sends_no_more_than_needed(
    client: Client, emulator: Emulator
) -> None:
    """Only the pages that hold that many entities are requested."""
    emulator.seed_experiments(5)
    listing = client.experiments.list(limit=2, prefetch=False)
    assert await listing.to_list(limit=0) == []
    assert emulator.log.received() == 0
    assert len(await listing.to_list(limit=2)) == 2
    assert emulator.log.received() == 1


@pytest.mark.parametrize("limit", [-1, 1.5, "1", True])
async def test_to_list_with_a_bad_limit(client: Client, limit: Any) -> None:
    """A limit that is no number of entities is a `ConfigurationError`."""
    with pytest.raises(ConfigurationError, match=r"^limit must be "):
        await client.experiments.list().to_list(limit=limit)


async def test_listing_to_records(client: Client, emulator: Emulator) -> None:
    """Records are flat, with plain values of one type in each column."""
    emulator.seed_experiments(2)
    records = await client.experiments.list().to_records()
    assert [record["status"] for record in records] == ["draft", "draft"]
    assert type(records[0]["status"]) is str
    assert type(records[0]["traffic_allocation"]) is float
    assert "targeting_rules" not in records[0]
    [variant, *_] = await client.variants.list(str(records[0]["id"])).to_records()
    assert variant["experiment_id"] == records[0]["id"]
    assert variant["weight"] == 50


async def test_awaiting_a_listing(client: Client) -> None:
    """Awaiting a listing is a `TypeError` that names what to write instead."""
    listing: Any = client.experiments.list()
    with pytest.raises(TypeError, match=r"async for .*to_list.*list_page"):
        await listing


async def test_repr_of_a_listing(client: Client, emulator: Emulator) -> None:
    """The repr of a listing holds what is listed and its position."""
    emulator.seed_experiments(3)
    listing = client.experiments.list(limit=2)
    assert repr(listing) == "<Listing of Experiment, GET /experiments, cursor=None>"
    await listing.to_list()
    assert repr(listing) == "<Listing of Experiment, GET /experiments, done>"
    assert not [name for name in vars(listing) if name in {"source", "start"}]


@pytest.fixture
def misled(client: Client, emulator: Emulator, fault: str) -> Client:
    """Return a client of an emulator with five experiments and a fault of paging."""
    emulator.seed_experiments(5)
    emulator.faults.install(parse(fault))
    return client


async def walk(listing: Listing[T]) -> tuple[list[T], OursError | None]:
    """Return what a listing serves, and the error that ends it."""
    served: list[T] = []
    try:
        async for found in listing:
            served.append(found)  # noqa: PERF401 - kept when the walk fails
    except OursError as error:
        return served, error
    return served, None


@PREFETCH
@pytest.mark.parametrize(
    ("fault", "number", "message"),
    [
        pytest.param("cursor_loop", 4, "repeats the cursor", id="one-cursor"),
        pytest.param("cursor_loop:period=3", 4, "repeats a page", id="three-cursors"),
        pytest.param("missing_cursor", 2, "gives no cursor", id="no-cursor"),
        pytest.param(
            "empty_pages:pages=30", 0, "20 pages without anything new", id="empty-pages"
        ),
    ],
)
async def test_listing_without_an_end(
    misled: Client, number: int, message: str, *, prefetch: bool
) -> None:
    """Cursors that lead nowhere end the listing with an error."""
    listing = misled.experiments.list(limit=2, prefetch=prefetch)
    served, error = await walk(listing)
    assert len(served) == number
    assert isinstance(error, PaginationError)
    assert message in str(error)
    assert error.cursor == listing.cursor
    assert not listing.done


async def test_some_empty_pages(client: Client, emulator: Emulator) -> None:
    """Nineteen empty pages do not end a listing."""
    ids = emulator.seed_experiments(5)
    emulator.faults.add("empty_pages", pages=19, route=ROUTE, times=1)
    assert [found.id async for found in client.experiments.list()] == ids[::-1]


async def test_cursor_of_the_last_page(client: Client, emulator: Emulator) -> None:
    """A page that says it is the last is the last, in spite of its cursor."""
    emulator.seed_experiments(5)
    emulator.faults.add("spare_cursor", route=ROUTE)
    listing = client.experiments.list(limit=2)
    assert len([found async for found in listing]) == 2
    assert listing.done
    assert emulator.log.received() == 1
    page = await client.experiments.list_page(limit=2)
    assert (page.next_cursor, page.has_more) == (None, False)


class Book:
    """The pages of a service, by cursor, and the cursors that were requested."""

    def __init__(self) -> None:
        self.pages: dict[str | None, Any] = {}
        self.requested: list[str | None] = []

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer with the page of a cursor."""
        cursor = request.query.get("cursor")
        self.requested.append(cursor)
        return web.json_response(self.pages[cursor])


def page(
    *ids: str, cursor: str | None = None, more: bool | None = None
) -> dict[str, object]:
    """Return a page of versions; a cursor means that there are more."""
    entities = [
        {
            "id": version_id,
            "versionNumber": 1,
            "isPublished": False,
            "createdAt": "2026-05-01T00:00:00Z",
        }
        for version_id in ids
    ]
    has_more = cursor is not None if more is None else more
    return {
        "entities": entities,
        "pagination": {"nextCursor": cursor, "hasMore": has_more},
    }


@pytest.fixture
def book() -> Book:
    """Return a book without pages."""
    return Book()


@pytest.fixture
async def reader(book: Book) -> AsyncIterator[Client]:
    """Return a client of the service that serves the book."""
    async with serve(book.answer) as client:
        yield client


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        pytest.param([], "$: expected an object, got list", id="array"),
        pytest.param(
            {"entities": [], "pagination": []}, "$.pagination: ", id="array-as-position"
        ),
        pytest.param(
            {"entities": [], "pagination": {"nextCursor": None}},
            "$.pagination.hasMore: missing",
            id="no-has-more",
        ),
        pytest.param(
            {"entities": [], "pagination": {"hasMore": True, "nextCursor": 7}},
            "$.pagination.nextCursor: ",
            id="cursor-is-a-number",
        ),
        pytest.param(
            {"entities": {}, "pagination": {"hasMore": False}},
            "$.entities: expected array, got object",
            id="entities-are-an-object",
        ),
        pytest.param(
            {"entities": [{}], "pagination": {"hasMore": True, "nextCursor": "a"}},
            "$.entities[0].id: missing",
            id="entity-is-empty",
        ),
    ],
)
async def test_page_of_another_shape(
    reader: Client, book: Book, answer: object, problem: str
) -> None:
    """A page of another shape is a `DecodeError` with the JSON path."""
    book.pages = {None: answer, "a": page("b")}
    served, error = await walk(reader.versions.list())
    assert served == []
    assert isinstance(error, DecodeError)
    assert error.problems[0].startswith(problem)
    with pytest.raises(DecodeError):
        await reader.versions.list_page()


@pytest.mark.parametrize("pagination", [{}, {"pagination": None}], ids=["none", "null"])
async def test_page_without_a_position(
    reader: Client, book: Book, pagination: dict[str, object]
) -> None:
    """A page without a position is the last."""
    book.pages = {None: {"entities": page("a")["entities"], **pagination}}
    listing = reader.versions.list()
    served, error = await walk(listing)
    assert [version.id for version in served] == ["a"]
    assert error is None
    assert listing.done
    assert not (await reader.versions.list_page()).has_more


@PREFETCH
@pytest.mark.parametrize("period", [1, 2, 7])
async def test_fresh_cursors_over_the_same_pages(
    reader: Client, book: Book, period: int, *, prefetch: bool
) -> None:
    """A page that repeats an earlier one ends the listing with an error."""
    cursors = [None, *(f"c{number}" for number in range(200))]
    book.pages = {
        cursor: page(*(f"{number % period}-{row}" for row in "ab"), cursor=following)
        for number, (cursor, following) in enumerate(pairwise(cursors))
    }
    served, error = await walk(reader.versions.list(prefetch=prefetch))
    assert isinstance(error, PaginationError)
    assert "repeats a page" in str(error)
    assert len(served) == 2 * (period + 1)


async def test_the_same_entity_again(reader: Client, book: Book) -> None:
    """A page of one entity may repeat, as while rows are added, but only 20 times."""
    cursors = [None, *(f"c{number}" for number in range(200))]
    book.pages = {
        cursor: page("a", cursor=following) for cursor, following in pairwise(cursors)
    }
    served, error = await walk(reader.versions.list(prefetch=False))
    assert isinstance(error, PaginationError)
    assert len(served) == 21
    book.pages["c5"] = page("b", cursor=None)
    served, error = await walk(reader.versions.list(prefetch=False))
    assert error is None
    assert [version.id for version in served] == ["a"] * 6 + ["b"]


@st.composite
def books(draw: st.DrawFn) -> dict[str | None, Any]:
    """Draw pages with arbitrary cursors."""
    cursors = [f"c{number}" for number in range(draw(st.integers(0, 30)))]
    targets = st.sampled_from([None, *cursors])
    sizes = st.integers(0, 2) if draw(st.booleans()) else st.just(0)
    return {
        cursor: page(
            *[f"{cursor}-{number}" for number in range(draw(sizes))],
            cursor=draw(targets),
            more=draw(st.sampled_from([True, True, True, False])),
        )
        for cursor in [None, *cursors]
    }


def expected_walk(pages: dict[str | None, Any]) -> tuple[list[str], bool]:
    """Return the ids that a walk serves, and whether it ends without an error."""
    served: list[str] = []
    cursor: str | None = None
    visited: set[str | None] = set()
    empty = 0
    while True:
        visited.add(cursor)
        entities, pagination = pages[cursor]["entities"], pages[cursor]["pagination"]
        served += [version["id"] for version in entities]
        empty = 0 if entities else empty + 1
        cursor = pagination["nextCursor"]
        if not pagination["hasMore"]:
            return served, True
        if cursor is None or cursor in visited or empty == 20:
            return served, False


@settings(max_examples=60)
@given(pages=books(), prefetch=st.booleans())
async def test_any_pages(
    reader: Client,
    book: Book,
    pages: dict[str | None, Any],
    *,
    prefetch: bool,
) -> None:
    """A walk ends whatever the cursors, and requests every page on its way once."""
    book.pages, book.requested = pages, []
    served, error = await walk(reader.versions.list(prefetch=prefetch))
    ids = [version.id for version in served]
    assert (ids, error is None) == expected_walk(pages)
    assert len(set(ids)) == len(ids)
    assert len(set(book.requested)) == len(book.requested)
