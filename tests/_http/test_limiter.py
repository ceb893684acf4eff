"""Slots for requests in flight, and the pauses that the service asks for."""

import asyncio
import math
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ours_experiments import ConfigurationError
from ours_experiments._http.deadlines import Deadlines
from ours_experiments._http.limiter import MAX_PAUSE, Limiter
from tests.support.clock import block


FAR = math.inf
"""A deadline that is never reached."""


@pytest.fixture
async def limiter() -> AsyncIterator[Limiter]:
    """Yield a limiter of two slots, and check that no timer is left."""
    limiter = Limiter(2, Deadlines())
    yield limiter
    limiter.close()
    limiter.deadlines.close()


async def turn() -> None:
    """Let every task run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


def waiters(limiter: Limiter, number: int) -> list[asyncio.Task[None]]:
    """Start calls that wait for a slot."""
    return [asyncio.create_task(limiter.acquire(FAR)) for _ in range(number)]


def which_are_done(tasks: list[asyncio.Task[None]]) -> list[bool]:
    """Return the names of the calls with a slot."""
    return [task.done() for task in tasks]


def soon(limiter: Limiter) -> float:
    """Return a deadline in the near future."""
    return limiter.loop.time() + 0.02


async def test_slots(limiter: Limiter) -> None:
    """There are as many slots as may be in flight."""
    assert [limiter.try_acquire() for _ in range(3)] == [True, True, False]
    limiter.release()
    assert limiter.try_acquire()
    assert limiter.in_flight == 2


async def test_first_come_first_served(limiter: Limiter) -> None:
    """Waiting calls get slots in the order of their arrival."""
    await asyncio.gather(*waiters(limiter, 2))
    waiting = waiters(limiter, 3)
    await turn()
    assert which_are_done(waiting) == [False, False, False]
    for served in (1, 2, 3):
        limiter.release()
        await turn()
        assert which_are_done(waiting) == [True] * served + [False] * (3 - served)
    assert limiter.in_flight == 2


async def test_nobody_jumps_the_queue(limiter: Limiter) -> None:
    """A free slot goes to a waiting call, not to a new one."""
    await asyncio.gather(*waiters(limiter, 2))
    [waiting] = waiters(limiter, 1)
    await turn()
    limiter.release()
    assert not limiter.try_acquire()
    await waiting


async def test_nobody_jumps_the_queue_after_a_pause(limiter: Limiter) -> None:
    """A call that waited for the end of a pause goes before a new call."""
    limiter.throttle(0.01, -1)
    [waiting] = waiters(limiter, 1)
    await turn()
    block(0.02)  # the pause ends before the loop looks again
    assert not limiter.try_acquire()
    await waiting


async def test_deadline_in_the_queue(limiter: Limiter) -> None:
    """A call that waits until its deadline fails, and takes no slot."""
    await asyncio.gather(*waiters(limiter, 2))
    with pytest.raises(TimeoutError):
        await limiter.acquire(soon(limiter))
    limiter.release()
    limiter.release()
    assert (limiter.in_flight, len(limiter.waiting)) == (0, 0)


async def test_cancelled_in_the_queue(limiter: Limiter) -> None:
    """A call that is cancelled while it waits lets the next one pass."""
    await asyncio.gather(*waiters(limiter, 2))
    first, second = waiters(limiter, 2)
    await turn()
    first.cancel()
    await turn()
    limiter.release()
    await turn()
    assert (first.cancelled(), second.done()) == (True, True)
    assert limiter.in_flight == 2


async def test_cancelled_with_a_place(limiter: Limiter) -> None:
    """A call that is cancelled when it gets a slot passes it on."""
    await asyncio.gather(*waiters(limiter, 2))
    first, second = waiters(limiter, 2)
    await turn()
    limiter.release()
    first.cancel()
    await turn()
    assert (first.cancelled(), second.done()) == (True, True)
    assert limiter.in_flight == 2


async def test_cancelled_together(limiter: Limiter) -> None:
    """When all waiting calls are cancelled, nothing is left of them."""
    await asyncio.gather(*waiters(limiter, 2))
    waiting = waiters(limiter, 5)
    await turn()
    limiter.release()
    for task in waiting:
        task.cancel()
    await turn()
    assert all(task.cancelled() for task in waiting)
    assert (limiter.in_flight, len(limiter.waiting)) == (1, 0)


async def test_pause(limiter: Limiter) -> None:
    """No call gets a slot during a pause; after it, all slots are given."""
    limiter.throttle(0.03, -1)
    started_at = limiter.loop.time()
    assert not limiter.try_acquire()
    await asyncio.gather(*waiters(limiter, 2))
    assert limiter.loop.time() - started_at >= 0.03
    limiter.release()
    assert limiter.try_acquire()


async def test_end_of_a_pause(limiter: Limiter) -> None:
    """The first call after a pause does not wait."""
    limiter.throttle(0.01, -1)
    await asyncio.sleep(0.02)
    assert limiter.try_acquire()


async def test_longer_pause(limiter: Limiter) -> None:
    """A longer pause during a pause extends it."""
    limiter.throttle(0.01, -1)
    [waiting] = waiters(limiter, 1)
    await turn()
    limiter.throttle(0.06, -1)
    await asyncio.sleep(0.03)
    assert not waiting.done()
    await waiting


async def test_shorter_pause(limiter: Limiter) -> None:
    """A shorter pause during a pause does not shorten it."""
    limiter.throttle(50, -1)
    until = limiter.paused_until
    limiter.throttle(1, -1)
    limiter.throttle(None, -1)
    limiter.throttle(0, -1)
    assert limiter.paused_until == until


async def test_longest_pause(limiter: Limiter) -> None:
    """No pause lasts longer than a day."""
    limiter.throttle(math.inf, -1)
    assert limiter.paused_until <= limiter.loop.time() + MAX_PAUSE


async def test_pause_beyond_the_deadline(limiter: Limiter) -> None:
    """A call whose deadline is before the end of the pause fails at once."""
    limiter.throttle(50, -1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(limiter.acquire(limiter.loop.time() + 49), 0.02)
    assert not limiter.waiting


async def test_refusals_without_a_wait(limiter: Limiter) -> None:
    """A refusal without a wait starts no pause."""
    limiter.throttle(None, limiter.loop.time())
    assert limiter.try_acquire()


async def test_shrinking() -> None:
    """The limit halves once for all requests that were on the wire together."""
    limiter = Limiter(32, Deadlines())
    left_at = limiter.loop.time()
    for _ in range(10):
        limiter.throttle(None, left_at)
    assert limiter.limit == 16
    await turn()
    limiter.throttle(None, limiter.loop.time())
    assert limiter.limit == 8


async def test_smallest_limit() -> None:
    """One request may always be in flight."""
    limiter = Limiter(4, Deadlines())
    for _ in range(10):
        await turn()
        limiter.throttle(None, limiter.loop.time())
    assert limiter.limit == 1
    assert [limiter.try_acquire(), limiter.try_acquire()] == [True, False]


async def test_growing() -> None:
    """Success lets the limit grow by about one for each round, up to the first."""
    limiter = Limiter(8, Deadlines())
    limiter.throttle(None, limiter.loop.time())
    limits: list[int] = []
    for _ in range(6):
        for _ in range(int(limiter.limit)):
            limiter.grow()
        limits.append(int(limiter.limit))
    assert limits == sorted(limits)
    assert (limits[0], limits[-1], limiter.limit) == (4, 8, 8)


async def test_smaller_limit_in_flight(limiter: Limiter) -> None:
    """Requests in flight go on when the limit falls; the next wait for it."""
    await asyncio.gather(*waiters(limiter, 2))
    [waiting] = waiters(limiter, 1)
    await turn()
    limiter.throttle(None, limiter.loop.time())
    limiter.release()
    await turn()
    assert not waiting.done()
    limiter.release()
    await waiting
    assert limiter.in_flight == 1


async def test_closing_in_a_pause(limiter: Limiter) -> None:
    """Closing leaves no timer, and no call that waits for it."""
    limiter.throttle(50, -1)
    gone, waiting = waiters(limiter, 2)
    await turn()
    timer = limiter.timer
    assert timer is not None
    gone.cancel()
    limiter.deadlines.close()
    limiter.close()
    assert timer.cancelled()
    with pytest.raises(ConfigurationError, match="closed"):
        await waiting
    assert gone.cancelled()
    assert (limiter.in_flight, len(limiter.waiting)) == (0, 0)


@given(steps=st.lists(st.integers(0, 3), max_size=60))
def test_any_course(steps: list[int]) -> None:
    """Slots are neither lost nor given twice, whatever calls do."""

    async def main() -> None:
        limiter = Limiter(3, Deadlines())
        holding = 0
        waiting: list[asyncio.Task[None]] = []
        for step in steps:
            if step == 0:
                waiting += waiters(limiter, 1)
            elif step == 1 and holding:
                limiter.release()
                holding -= 1
            elif step == 2 and waiting:
                waiting[0].cancel()
            elif step == 3:
                limiter.throttle(None, limiter.loop.time())
            await turn()
            holding += sum(task.done() and not task.cancelled() for task in waiting)
            waiting = [task for task in waiting if not task.done()]
            assert limiter.in_flight == holding
            assert len(limiter.waiting) == len(waiting)
            assert not waiting or limiter.in_flight >= int(limiter.limit)
        for task in waiting:
            task.cancel()
        await turn()

    asyncio.run(main())
