"""The page ahead: requested while a page is consumed, and cancelled with the walk."""

import asyncio
import gc
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import attrs
import pytest

from ours_experiments import (
    BadRequestError,
    Client,
    DecodeError,
    Experiment,
    Listing,
    Page,
)
from ours_experiments.emulator import Emulator


ROUTE = "experiments.list"


@pytest.mark.parametrize(
    ("prefetch", "counts"),
    [
        pytest.param(True, (2, 3, 3), id="ahead"),
        pytest.param(False, (1, 2, 3), id="in-step"),
    ],
)
async def test_requests_while_a_page_is_consumed(
    client: Client, emulator: Emulator, counts: tuple[int, ...], *, prefetch: bool
) -> None:
    """The next page is requested at once, or when it is needed; no other one is."""
    emulator.seed_experiments(6)
    pages = client.experiments.list(limit=2, prefetch=prefetch).pages()
    for count in counts:
        await anext(pages)
        await asyncio.sleep(0.02)
        assert emulator.log.received() == count
    await pages.aclose()


async def test_the_request_goes_before_the_page_is_built(
    client: Client, emulator: Emulator
) -> None:
    """The page ahead is requested before the present one is decoded."""
    emulator.seed_experiments(3)
    emulator.faults.add("wrong_shape", field="key", route=ROUTE, times=1)
    with pytest.raises(DecodeError):
        await anext(client.experiments.list(limit=2).pages())
    await asyncio.sleep(0.02)
    assert emulator.log.received() == 2


async def test_error_of_the_page_ahead(client: Client, emulator: Emulator) -> None:
    """An error of the page ahead is raised when that page is needed."""
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
    """An error of a page that is not needed is neither raised nor logged."""
    emulator.seed_experiments(3)
    emulator.faults.add("status", code=400, route=ROUTE, after=1)
    pages = client.experiments.list(limit=2).pages()
    await anext(pages)
    await asyncio.sleep(0.02)
    await pages.aclose()
    del pages
    gc.collect()
    assert not [record for record in caplog.records if record.name == "asyncio"]


@pytest.fixture
def endless(client: Client, emulator: Emulator) -> Listing[Experiment]:
    """Return a listing whose second page never comes."""
    emulator.seed_experiments(3)
    emulator.faults.add("hang", route=ROUTE, after=1)
    return client.experiments.list(limit=1)


async def is_dropped(emulator: Emulator) -> bool:
    """Return whether the request for the second page was cancelled."""
    await asyncio.sleep(0.02)
    _, second = emulator.log.entries
    return second.finished is not None


async def test_leaving_a_loop(endless: Listing[Experiment], emulator: Emulator) -> None:
    """Leaving the loop cancels the request for the page ahead."""
    async for _ in endless:
        assert not await is_dropped(emulator)
        break
    assert await is_dropped(emulator)


async def test_closing_the_pages(
    endless: Listing[Experiment], emulator: Emulator
) -> None:
    """Closing the iterator cancels the page ahead at once."""
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
    """Cancelling a task that waits for a page cancels its request."""
    pages = endless.pages()
    await anext(pages)
    waiting = asyncio.ensure_future(anext(pages))
    assert not await is_dropped(emulator)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await is_dropped(emulator)


@attrs.define
class Aftermath:
    """A trace that takes a while, or fails, after a cancelled request."""

    seconds: float = 0.0
    error: Exception | None = None
    over: int = 0

    def traces(self) -> aiohttp.TraceConfig:
        """Return the trace for a session."""
        config = aiohttp.TraceConfig()
        config.on_request_exception.append(self.clear_up)
        return config

    async def clear_up(self, *_: object) -> None:
        """Sleep, then raise the error if there is one."""
        await asyncio.sleep(self.seconds)
        self.over += 1
        if self.error is not None:
            raise self.error


@asynccontextmanager
async def one_page_taken(
    emulator: Emulator, aftermath: Aftermath
) -> AsyncIterator[AsyncGenerator[Page[Experiment], None]]:
    """Yield pages of which the first is taken and the second never comes."""
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
    """Closing the iterator waits for the end of the request that it cancels."""
    aftermath = Aftermath(seconds=0.02)
    async with one_page_taken(emulator, aftermath) as pages:
        await pages.aclose()
        assert aftermath.over == 1


async def test_cancelled_while_leaving(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """A task that is cancelled while it closes the iterator waits no longer."""
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
    assert not [record for record in caplog.records if record.name == "asyncio"]


async def test_clearing_up_that_fails(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """An error of a cancelled request is neither raised nor logged."""
    aftermath = Aftermath(error=RuntimeError("not so fast"))
    async with one_page_taken(emulator, aftermath) as pages:
        await pages.aclose()
        assert aftermath.over == 1
    del pages
    gc.collect()
    assert not [record for record in caplog.records if record.name == "asyncio"]
