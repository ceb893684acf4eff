"""Deadlines of requests: those of `asyncio.timeout_at`, without its price."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ours_experiments._http.deadlines import STEP, Deadline, Deadlines
from tests.support.clock import block


FAR = 100 * STEP
"""Seconds."""


@pytest_asyncio.fixture
async def book() -> AsyncIterator[Deadlines]:
    """Provide the deadlines of one event loop."""
    deadlines = Deadlines()
    yield deadlines
    deadlines.close()


def at(book: Deadlines, seconds: float) -> Deadline:
    """Make a deadline so many seconds from now."""
    return Deadline(book, book.loop.time() + seconds)


async def sleep_inside(deadline: Deadline) -> None:
    """Do nothing until the deadline, or for ever."""
    with deadline:
        await asyncio.sleep(FAR)


async def test_a_near_deadline(book: Deadlines) -> None:
    """A deadline nearer than the next look ends its block in time."""
    begun_at = book.loop.time()
    with pytest.raises(TimeoutError) as caught:
        await sleep_inside(at(book, STEP / 50))
    assert STEP / 50 <= book.loop.time() - begun_at < STEP
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)


async def test_a_far_deadline_gets_its_timer(book: Deadlines) -> None:
    """A deadline further off is looked at before it comes, and kept to the moment."""
    deadline = at(book, 1.2 * STEP)
    sleeping = asyncio.create_task(sleep_inside(deadline))
    await asyncio.sleep(0)
    assert (deadline.timer, book.far_off) == (None, {deadline})
    with pytest.raises(TimeoutError):
        await sleeping
    assert deadline.at <= book.loop.time() < deadline.at + STEP / 2
    assert not book.far_off


async def test_one_timer_for_all(book: Deadlines) -> None:
    """Far deadlines have no timers, and those that are left are forgotten."""
    for _ in range(3):
        with at(book, FAR), at(book, FAR):
            assert len(book.far_off) == 2
    assert not book.far_off
    assert book.looking is not None
    book.look()
    assert book.looking is None


async def test_the_book_of_an_idle_client(book: Deadlines) -> None:
    """Looking goes on while a far deadline is open, and ends with the last one."""
    with at(book, FAR):
        first = book.looking
        book.look()
        assert book.looking not in {None, first}
    book.look()
    assert book.looking is None


async def test_a_block_that_ends_in_time(book: Deadlines) -> None:
    """After its block a deadline does nothing any more."""
    with at(book, STEP / 100):
        await asyncio.sleep(0)
    await asyncio.sleep(STEP / 50)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_cancellation_from_outside(book: Deadlines) -> None:
    """A cancellation that is not the deadline's goes on."""
    task = asyncio.create_task(sleep_inside(at(book, FAR)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not book.far_off


async def test_cancellation_at_the_same_time(book: Deadlines) -> None:
    """A cancellation that comes together with the deadline is not lost."""
    deadline = at(book, FAR)
    task = asyncio.create_task(sleep_inside(deadline))
    await asyncio.sleep(0)
    deadline.expire()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_inside_a_timeout_of_the_caller(book: Deadlines) -> None:
    """The caller's own timeout stays the caller's."""
    outer = asyncio.timeout(STEP / 50)

    async def bounded() -> None:
        async with outer:
            await sleep_inside(at(book, FAR))

    with pytest.raises(TimeoutError):
        await bounded()
    assert outer.expired()


async def test_an_expired_deadline_and_another_error(book: Deadlines) -> None:
    """An error that leaves the block is not replaced, and no cancellation remains."""

    async def fail() -> None:
        deadline = at(book, FAR)
        with deadline:
            try:
                deadline.expire()
                await asyncio.sleep(FAR)
            except asyncio.CancelledError:
                raise KeyError from None

    with pytest.raises(KeyError):
        await fail()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_blocked_loop(book: Deadlines) -> None:
    """A far deadline that passes while the loop is blocked ends its block after."""
    sleeping = asyncio.create_task(sleep_inside(at(book, 1.1 * STEP)))
    await asyncio.sleep(0)
    block(1.3 * STEP)
    with pytest.raises(TimeoutError):
        await sleeping
