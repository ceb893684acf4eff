"""Listings: an end, whatever is served."""

from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any, TypeVar

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from hypothesis import given, settings
from hypothesis import strategies as st

from ours_experiments import (
    Client,
    DecodeError,
    Listing,
    OursError,
    PaginationError,
)
from ours_experiments.emulator import Emulator
from ours_experiments.emulator.faults.rules import parse


T = TypeVar("T")
ROUTE = "experiments.list"
PREFETCH = pytest.mark.parametrize("prefetch", [True, False], ids=["ahead", "in-step"])


class Book:
    """The pages of a service that leads wherever its cursors say."""

    def __init__(self) -> None:
        self.pages: dict[str | None, Any] = {}
        self.asked: list[str | None] = []

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Serve the page of a cursor."""
        cursor = request.query.get("cursor")
        self.asked.append(cursor)
        return web.json_response(self.pages[cursor])


def page(
    *ids: str, cursor: str | None = None, more: bool | None = None
) -> dict[str, object]:
    """Make a page of versions; there is more when a cursor leads on."""
    entities = [
        {
            "id": each,
            "versionNumber": 1,
            "isPublished": False,
            "createdAt": "2026-05-01T00:00:00Z",
        }
        for each in ids
    ]
    has_more = cursor is not None if more is None else more
    return {
        "entities": entities,
        "pagination": {"nextCursor": cursor, "hasMore": has_more},
    }


@pytest.fixture
def book() -> Book:
    """Have a book without pages."""
    return Book()


@pytest.fixture
async def reader(book: Book) -> AsyncIterator[Client]:
    """Speak to the service that serves the book."""
    async with (
        RawTestServer(book.answer) as server,
        Client("key", base_url=str(server.make_url("/"))) as client,
    ):
        yield client


async def walk(listing: Listing[T]) -> tuple[list[T], OursError | None]:
    """Read a listing: what came, and the error that broke it off."""
    came: list[T] = []
    try:
        async for found in listing:
            came.append(found)  # noqa: PERF401 - kept when the walk breaks off
    except OursError as error:
        return came, error
    return came, None


@pytest.fixture
def misled(client: Client, emulator: Emulator, fault: str) -> Client:
    """Speak to an emulator with five experiments and a fault of paging."""
    emulator.seed_experiments(5)
    emulator.faults.install(parse(fault))
    return client


@PREFETCH
@pytest.mark.parametrize(
    ("fault", "served", "told"),
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
    misled: Client, served: int, told: str, *, prefetch: bool
) -> None:
    """A listing that leads nowhere ends, after all that was served, with an error."""
    listing = misled.experiments.list(limit=2, prefetch=prefetch)
    came, error = await walk(listing)
    assert len(came) == served
    assert isinstance(error, PaginationError)
    assert told in str(error)
    assert error.cursor == listing.cursor
    assert not listing.done


async def test_some_empty_pages(client: Client, emulator: Emulator) -> None:
    """Nineteen empty pages are not the end."""
    ids = emulator.seed_experiments(5)
    emulator.faults.add("empty_pages", pages=19, route=ROUTE, times=1)
    assert [found.id async for found in client.experiments.list()] == ids[::-1]


async def test_cursor_of_the_last_page(client: Client, emulator: Emulator) -> None:
    """A page that is said to be the last one is, whatever its cursor."""
    emulator.seed_experiments(5)
    emulator.faults.add("spare_cursor", route=ROUTE)
    listing = client.experiments.list(limit=2)
    assert len([found async for found in listing]) == 2
    assert listing.done
    assert emulator.log.received() == 1


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
    """A page of another shape is a `DecodeError` that says where."""
    book.pages = {None: answer, "a": page("b")}
    came, error = await walk(reader.versions.list())
    assert came == []
    assert isinstance(error, DecodeError)
    assert error.problems[0].startswith(problem)
    with pytest.raises(DecodeError):
        await reader.versions.list_page()


@pytest.mark.parametrize("pagination", [{}, {"pagination": None}], ids=["none", "null"])
async def test_page_without_a_position(
    reader: Client, book: Book, pagination: dict[str, object]
) -> None:
    """A page that says nothing of the next one is the last."""
    book.pages = {None: {"entities": page("a")["entities"], **pagination}}
    listing = reader.versions.list()
    came, error = await walk(listing)
    assert [version.id for version in came] == ["a"]
    assert error is None
    assert listing.done
    assert not (await reader.versions.list_page()).has_more


@PREFETCH
@pytest.mark.parametrize("period", [1, 2, 7])
async def test_fresh_cursors_over_the_same_pages(
    reader: Client, book: Book, period: int, *, prefetch: bool
) -> None:
    """A page that repeats one served before ends the listing with an error."""
    cursors = [None, *(f"c{number}" for number in range(200))]
    book.pages = {
        cursor: page(*(f"{number % period}-{row}" for row in "ab"), cursor=following)
        for number, (cursor, following) in enumerate(pairwise(cursors))
    }
    came, error = await walk(reader.versions.list(prefetch=prefetch))
    assert isinstance(error, PaginationError)
    assert "repeats a page" in str(error)
    assert len(came) == 2 * (period + 1)


async def test_the_same_entity_again(reader: Client, book: Book) -> None:
    """A page of one entity may repeat, as while rows are added, but not for ever."""
    cursors = [None, *(f"c{number}" for number in range(200))]
    book.pages = {
        cursor: page("a", cursor=following) for cursor, following in pairwise(cursors)
    }
    came, error = await walk(reader.versions.list(prefetch=False))
    assert isinstance(error, PaginationError)
    assert len(came) == 21
    book.pages["c5"] = page("b", cursor=None)
    came, error = await walk(reader.versions.list(prefetch=False))
    assert error is None
    assert [version.id for version in came] == ["a"] * 6 + ["b"]


@st.composite
def books(draw: st.DrawFn) -> dict[str | None, Any]:
    """Draw pages whose cursors lead anywhere."""
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
    """Tell what a walk has to serve, and whether it ends well."""
    came: list[str] = []
    cursor: str | None = None
    visited: set[str | None] = set()
    empty = 0
    while True:
        visited.add(cursor)
        entities, pagination = pages[cursor]["entities"], pages[cursor]["pagination"]
        came += [each["id"] for each in entities]
        empty = 0 if entities else empty + 1
        cursor = pagination["nextCursor"]
        if not pagination["hasMore"]:
            return came, True
        if cursor is None or cursor in visited or empty == 20:
            return came, False


@settings(max_examples=60)
@given(pages=books(), prefetch=st.booleans())
async def test_any_pages(
    reader: Client,
    book: Book,
    pages: dict[str | None, Any],
    *,
    prefetch: bool,
) -> None:
    """Wherever cursors lead, a walk ends, having served every page on its way once."""
    book.pages, book.asked = pages, []
    came, error = await walk(reader.versions.list(prefetch=prefetch))
    ids = [version.id for version in came]
    assert (ids, error is None) == expected_walk(pages)
    assert len(set(ids)) == len(ids)
    assert len(set(book.asked)) == len(book.asked)
