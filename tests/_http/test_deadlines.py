"""Deadlines of requests: those of `asyncio.timeout_at`, without its price."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ours_experiments._http.deadlines import CHECK_INTERVAL, Deadline, Deadlines
from tests.support.clock import block


FAR = 100 * CHECK_INTERVAL
"""Seconds."""


@pytest_asyncio.fixture
async def deadlines() -> AsyncIterator[Deadlines]:
    """Return the deadlines of an event loop."""
    created = Deadlines()
    yield created
    created.close()


def at(deadlines: Deadlines, seconds: float) -> Deadline:
    """Return a deadline that many seconds from now."""
    return Deadline(deadlines, deadlines.loop.time() + seconds)


async def sleep_inside(deadline: Deadline) -> None:
    """Wait until the deadline, or forever."""
    with deadline:
        await asyncio.sleep(FAR)


async def test_a_near_deadline(deadlines: Deadlines) -> None:
    """A deadline before the next check ends its block in time."""
    begun_at = deadlines.loop.time()
    with pytest.raises(TimeoutError) as caught:
        await sleep_inside(at(deadlines, CHECK_INTERVAL / 50))
    assert CHECK_INTERVAL / 50 <= deadlines.loop.time() - begun_at < CHECK_INTERVAL
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)


async def test_a_far_deadline_gets_its_timer(deadlines: Deadlines) -> None:
    """A later deadline gets its timer before it comes, and is exact."""
    deadline = at(deadlines, 1.2 * CHECK_INTERVAL)
    sleeping = asyncio.create_task(sleep_inside(deadline))
    await asyncio.sleep(0)
    assert (deadline.timer, deadlines.distant) == (None, {deadline})
    with pytest.raises(TimeoutError):
        await sleeping
    assert deadline.at <= deadlines.loop.time() < deadline.at + CHECK_INTERVAL / 2
    assert not deadlines.distant


async def test_one_timer_for_all(deadlines: Deadlines) -> None:
    """Far deadlines have no timers; a block that ends removes its deadline."""
    for _ in range(3):
        with at(deadlines, FAR), at(deadlines, FAR):
            assert len(deadlines.distant) == 2
    assert not deadlines.distant
    assert deadlines.timer is not None
    deadlines.check()
    assert deadlines.timer is None


async def test_the_book_of_an_idle_client(deadlines: Deadlines) -> None:
    """The checks continue while a deadline is open, and end with the last."""
    with at(deadlines, FAR):
        first = deadlines.timer
        deadlines.check()
        assert deadlines.timer not in {None, first}
    deadlines.check()
    assert deadlines.timer is None


async def test_a_block_that_ends_in_time(deadlines: Deadlines) -> None:
    """After its block a deadline has no effect."""
    with at(deadlines, CHECK_INTERVAL / 100):
        await asyncio.sleep(0)
    await asyncio.sleep(CHECK_INTERVAL / 50)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_cancellation_from_outside(deadlines: Deadlines) -> None:
    """A cancellation by somebody else is passed on."""
    task = asyncio.create_task(sleep_inside(at(deadlines, FAR)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not deadlines.distant


async def test_cancellation_at_the_same_time(deadlines: Deadlines) -> None:
    """A cancellation at the moment of the deadline is not lost."""
    deadline = at(deadlines, FAR)
    task = asyncio.create_task(sleep_inside(deadline))
    await asyncio.sleep(0)
    deadline.expire()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_inside_a_timeout_of_the_caller(deadlines: Deadlines) -> None:
    """A timeout of the caller is raised as the caller's."""
    outer = asyncio.timeout(CHECK_INTERVAL / 50)

    async def bounded() -> None:
        async with outer:
            await sleep_inside(at(deadlines, FAR))

    with pytest.raises(TimeoutError):
        await bounded()
    assert outer.expired()


async def test_an_expired_deadline_and_another_error(deadlines: Deadlines) -> None:
    """An error inside the block is not replaced, and no cancellation remains."""

    async def fail() -> None:
        deadline = at(deadlines, FAR)
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


async def test_a_blocked_loop(deadlines: Deadlines) -> None:
    """A far deadline that passes while the loop is blocked ends its block after."""
    sleeping = asyncio.create_task(sleep_inside(at(deadlines, 1.1 * CHECK_INTERVAL)))
    await asyncio.sleep(0)
    block(1.3 * CHECK_INTERVAL)
    with pytest.raises(TimeoutError):
        await sleeping
