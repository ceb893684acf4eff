"""Listings: every page once, one page ahead, and an end whatever is served."""

import asyncio
import gc
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp
import attrs
import pytest

from ours_experiments import (
    BadRequestError,
    Client,
    ConfigurationError,
    DecodeError,
    Experiment,
    Listing,
    Page,
    RetryPolicy,
)
from ours_experiments.emulator import Emulator


T = TypeVar("T")
ROUTE = "experiments.list"
PREFETCH = pytest.mark.parametrize("prefetch", [True, False], ids=["ahead", "in-step"])


@PREFETCH
async def test_a_thousand(
    client: Client, emulator: Emulator, *, prefetch: bool
) -> None:
    """A thousand experiments are ten requests, and each comes once."""
    ids = emulator.seed_experiments(1000)
    listing = client.experiments.list(limit=100, prefetch=prefetch)
    assert [found.id async for found in listing] == ids[::-1]
    assert emulator.log.received() == 10


async def test_offset_cursors() -> None:
    """Cursors of another kind lead through the list as well."""
    async with (
        Emulator(cursor="offset") as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        ids = emulator.seed_experiments(25)
        listing = client.experiments.list(limit=10)
        assert [found.id async for found in listing] == ids[::-1]


@PREFETCH
@pytest.mark.parametrize(
    ("number", "sizes"),
    [
        pytest.param(0, [0], id="none"),
        pytest.param(3, [3], id="one-page"),
        pytest.param(4, [4], id="full-page"),
        pytest.param(5, [4, 1], id="one-more"),
        pytest.param(8, [4, 4], id="two-full-pages"),
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
    """Whole pages tell their cursor, and which is the last."""
    emulator.seed_experiments(number)
    listing = client.experiments.list(limit=4, prefetch=prefetch)
    pages = [each async for each in listing.pages()]
    assert [len(each.entities) for each in pages] == sizes
    assert [each.has_more for each in pages] == [True] * (len(sizes) - 1) + [False]
    assert [each.next_cursor is None for each in pages] == [
        not each.has_more for each in pages
    ]
    assert emulator.log.received() == len(sizes)


async def test_page_by_page(client: Client, emulator: Emulator) -> None:
    """Single pages, each asked for by the cursor of the one before."""
    ids = emulator.seed_experiments(5)
    came: list[str] = []
    cursor = None
    for number in range(1, 4):
        got = await client.experiments.list_page(limit=2, cursor=cursor)
        assert emulator.log.received() == number
        came += [each.id for each in got.entities]
        cursor = got.next_cursor
    assert (came, cursor) == (ids[::-1], None)


async def test_nothing_is_sent_before_the_walk(
    client: Client, emulator: Emulator
) -> None:
    """Making a listing, and its iterator, sends nothing."""
    aiter(client.experiments.list())
    await asyncio.sleep(0)
    assert emulator.log.received() == 0


async def test_each_walk_begins_anew(client: Client, emulator: Emulator) -> None:
    """A listing can be walked again, also while it is walked."""
    emulator.seed_experiments(3)
    listing = client.experiments.list(limit=2)
    first = [found.id async for found in listing]
    both = [(a.id, b.id) async for a in listing async for b in listing]
    assert both == [(a, b) for a in first for b in first]


async def test_resuming(client: Client, emulator: Emulator) -> None:
    """A walk that broke off resumes at its page, and repeats no more than that."""
    ids = emulator.seed_experiments(10)
    listing = client.experiments.list(limit=4)
    came: list[str] = []
    async for found in listing:
        came.append(found.id)
        if len(came) == 6:
            break
    resumed = client.experiments.list(limit=4, cursor=listing.cursor)
    rest = [found.id async for found in resumed]
    assert came[:4] + rest == ids[::-1]


async def test_cursor_and_done(client: Client, emulator: Emulator) -> None:
    """A listing tells which page is being served, and when the last one was."""
    emulator.seed_experiments(3)
    listing = client.experiments.list(limit=1)
    told = [(listing.cursor, listing.done)]
    cursors: list[str | None] = [None]
    async for got in listing.pages():
        told.append((listing.cursor, listing.done))
        cursors.append(got.next_cursor)
    told.append((listing.cursor, listing.done))
    assert [cursor for cursor, _ in told] == [None, *cursors[:3], cursors[2]]
    assert [done for _, done in told] == [False, False, False, False, True]


async def test_done_is_for_the_latest_walk(client: Client, emulator: Emulator) -> None:
    """A listing that is walked again is not done until that walk is."""
    emulator.seed_experiments(2)
    listing = client.experiments.list()
    for _ in range(2):
        assert [listing.done async for _ in listing] == [False, False]
        assert listing.done


async def test_one_page_ahead(client: Client, emulator: Emulator) -> None:
    """While a page is consumed the next one is asked for, and no other."""
    emulator.seed_experiments(6)
    pages = client.experiments.list(limit=2).pages()
    for requests in (2, 3, 3):
        await anext(pages)
        await asyncio.sleep(0.02)
        assert emulator.log.received() == requests


async def test_no_page_ahead(client: Client, emulator: Emulator) -> None:
    """Without prefetching a page is asked for when it is needed."""
    emulator.seed_experiments(6)
    pages = client.experiments.list(limit=2, prefetch=False).pages()
    for requests in (1, 2, 3):
        await anext(pages)
        await asyncio.sleep(0.02)
        assert emulator.log.received() == requests
    await pages.aclose()


@pytest.fixture
def endless(client: Client, emulator: Emulator) -> Listing[Experiment]:
    """Have a listing whose second page never comes."""
    emulator.seed_experiments(3)
    emulator.faults.add("hang", route=ROUTE, after=1)
    return client.experiments.list(limit=1)


async def is_dropped(emulator: Emulator) -> bool:
    """Tell whether the request for the second page was given up."""
    await asyncio.sleep(0.02)
    _, second = emulator.log.entries
    return second.finished is not None


async def test_leaving_a_loop(endless: Listing[Experiment], emulator: Emulator) -> None:
    """Who leaves the loop leaves no request behind."""
    async for _ in endless:
        assert not await is_dropped(emulator)
        break
    assert await is_dropped(emulator)


async def test_closing_the_pages(
    endless: Listing[Experiment], emulator: Emulator
) -> None:
    """Closing the iterator gives the page ahead up at once."""
    pages = endless.pages()
    await anext(pages)
    assert not await is_dropped(emulator)
    before = asyncio.all_tasks()
    await pages.aclose()
    assert len(asyncio.all_tasks()) < len(before)
    assert await is_dropped(emulator)


async def test_cancelling_the_walk(
    endless: Listing[Experiment], emulator: Emulator
) -> None:
    """Cancelling who waits for a page cancels its request."""
    pages = endless.pages()
    await anext(pages)
    waiting = asyncio.ensure_future(anext(pages))
    assert not await is_dropped(emulator)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await is_dropped(emulator)


async def test_error_of_the_page_ahead(client: Client, emulator: Emulator) -> None:
    """What goes wrong with the next page is told when it is its turn."""
    ids = emulator.seed_experiments(3)
    emulator.faults.add("status", code=400, route=ROUTE, after=1)
    pages = client.experiments.list(limit=2).pages()
    first = await anext(pages)
    await asyncio.sleep(0.02)
    assert emulator.log.received() == 2
    assert [found.id for found in first.entities] == ids[:0:-1]
    with pytest.raises(BadRequestError):
        await anext(pages)


async def test_error_that_nobody_waits_for(
    client: Client, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """What goes wrong with a page that nobody wants is told to nobody."""
    emulator.seed_experiments(3)
    emulator.faults.add("status", code=400, route=ROUTE, after=1)
    pages = client.experiments.list(limit=2).pages()
    await anext(pages)
    await asyncio.sleep(0.02)
    await pages.aclose()
    del pages
    gc.collect()
    assert not [one for one in caplog.records if one.name == "asyncio"]


async def test_page_that_is_lost_once(client: Client, emulator: Emulator) -> None:
    """A page whose answer is lost is asked for again, and nothing comes twice."""
    ids = emulator.seed_experiments(6)
    emulator.faults.add("reset", route=ROUTE, after=1, times=1)
    quick = client.with_options(retry=RetryPolicy(initial=0.01))
    listing = quick.experiments.list(limit=2)
    assert [found.id async for found in listing] == ids[::-1]
    assert emulator.log.received() == 4


async def test_the_request_goes_before_the_page_is_built(
    client: Client, emulator: Emulator
) -> None:
    """The page ahead is on its way even where the present one cannot be built."""
    emulator.seed_experiments(3)
    emulator.faults.add("wrong_shape", field="key", route=ROUTE, times=1)
    with pytest.raises(DecodeError):
        await anext(client.experiments.list(limit=2).pages())
    await asyncio.sleep(0.02)
    assert emulator.log.received() == 2


@attrs.define
class Aftermath:
    """What a session's owner does about a request that was given up."""

    seconds: float = 0.0
    error: Exception | None = None
    over: int = 0

    def traces(self) -> aiohttp.TraceConfig:
        """Have aiohttp ask for it."""
        config = aiohttp.TraceConfig()
        config.on_request_exception.append(self.clear_up)
        return config

    async def clear_up(self, *_: object) -> None:
        """Take a while, or fail."""
        await asyncio.sleep(self.seconds)
        self.over += 1
        if self.error is not None:
            raise self.error


@asynccontextmanager
async def one_page_taken(
    emulator: Emulator, aftermath: Aftermath
) -> AsyncIterator[AsyncGenerator[Page[Experiment], None]]:
    """Take a page while the next one never comes."""
    emulator.seed_experiments(3)
    emulator.faults.add("hang", route=ROUTE, after=1)
    async with Client(
        emulator.api_key, base_url=emulator.url, trace_configs=[aftermath.traces()]
    ) as client:
        pages = client.experiments.list(limit=1).pages()
        await anext(pages)
        await asyncio.sleep(0.02)
        yield pages


async def test_leaving_waits_for_what_it_cancels(emulator: Emulator) -> None:
    """When the iterator is closed, nothing of the page ahead goes on."""
    aftermath = Aftermath(seconds=0.02)
    async with one_page_taken(emulator, aftermath) as pages:
        await pages.aclose()
        assert aftermath.over == 1


async def test_cancelled_while_leaving(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Who is cancelled while the page ahead is cleared up waits no longer for it."""
    aftermath = Aftermath(seconds=0.05, error=RuntimeError("too late"))
    async with one_page_taken(emulator, aftermath) as pages:
        leaving = asyncio.ensure_future(pages.aclose())
        await asyncio.sleep(0.01)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert aftermath.over == 0
        await asyncio.sleep(0.1)
        assert aftermath.over == 1
    gc.collect()
    assert not [one for one in caplog.records if one.name == "asyncio"]


async def test_clearing_up_that_fails(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """What goes wrong with a page that is given up is told to nobody."""
    aftermath = Aftermath(error=RuntimeError("not so fast"))
    async with one_page_taken(emulator, aftermath) as pages:
        await pages.aclose()
        assert aftermath.over == 1
    del pages
    gc.collect()
    assert not [one for one in caplog.records if one.name == "asyncio"]


async def test_to_list(client: Client, emulator: Emulator) -> None:
    """A listing becomes a list, of all entities or of so many."""
    ids = emulator.seed_experiments(5)[::-1]
    listing = client.experiments.list(limit=2)
    assert [found.id for found in await listing.to_list()] == ids
    assert [found.id for found in await listing.to_list(limit=3)] == ids[:3]
    assert len(await listing.to_list(limit=9)) == 5


async def test_to_list_sends_no_more_than_needed(
    client: Client, emulator: Emulator
) -> None:
    """A limit needs only the pages that hold it."""
    emulator.seed_experiments(5)
    listing = client.experiments.list(limit=2, prefetch=False)
    assert await listing.to_list(limit=0) == []
    assert emulator.log.received() == 0
    assert len(await listing.to_list(limit=2)) == 2
    assert emulator.log.received() == 1


@pytest.mark.parametrize("limit", [-1, 1.5, "1", True])
async def test_to_list_with_a_bad_limit(client: Client, limit: Any) -> None:
    """A limit that is no number of entities is refused."""
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
    """A listing that is awaited names what to write instead."""
    listing: Any = client.experiments.list()
    with pytest.raises(TypeError, match=r"async for .*to_list.*list_page"):
        await listing


async def test_repr_of_a_listing(client: Client, emulator: Emulator) -> None:
    """The repr of a listing tells what is listed and how far it came."""
    emulator.seed_experiments(3)
    listing = client.experiments.list(limit=2)
    assert repr(listing) == "<Listing of Experiment, GET /experiments, cursor=None>"
    await listing.to_list()
    assert repr(listing) == "<Listing of Experiment, GET /experiments, done>"
    assert not [name for name in vars(listing) if name in {"source", "start"}]
