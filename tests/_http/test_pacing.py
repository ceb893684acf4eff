"""What the calls of one client know of each other."""

import asyncio
import math
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ours_experiments import ConfigurationError
from ours_experiments._http.pacing import LONGEST_PAUSE, Pacing
from ours_experiments._http.retry import Fate, RetryBudget
from tests.support.clock import block


FAR = math.inf
"""A deadline that does not come."""


@pytest.fixture
async def pacing() -> AsyncIterator[Pacing]:
    """Have a pacing of two places, and leave no timer behind."""
    pacing = Pacing(2, RetryBudget(10))
    yield pacing
    pacing.close()


async def turn() -> None:
    """Let everything that can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


def waiters(pacing: Pacing, number: int) -> list[asyncio.Task[None]]:
    """Have calls that wait for a place."""
    return [asyncio.create_task(pacing.enter(FAR)) for _ in range(number)]


def which_are_done(tasks: list[asyncio.Task[None]]) -> list[bool]:
    """Tell who has got a place."""
    return [task.done() for task in tasks]


def soon(pacing: Pacing) -> float:
    """Give a deadline that is near."""
    return pacing.loop.time() + 0.02


async def test_places(pacing: Pacing) -> None:
    """There are as many places as may be in flight."""
    assert [pacing.try_enter() for _ in range(3)] == [True, True, False]
    pacing.leave()
    assert pacing.try_enter()
    assert pacing.in_flight == 2


async def test_first_come_first_served(pacing: Pacing) -> None:
    """Places go to those who wait in the order in which they came."""
    await asyncio.gather(*waiters(pacing, 2))
    waiting = waiters(pacing, 3)
    await turn()
    assert which_are_done(waiting) == [False, False, False]
    for served in (1, 2, 3):
        pacing.leave()
        await turn()
        assert which_are_done(waiting) == [True] * served + [False] * (3 - served)
    assert pacing.in_flight == 2


async def test_nobody_jumps_the_queue(pacing: Pacing) -> None:
    """A place that is free goes to who waits, not to who comes."""
    await asyncio.gather(*waiters(pacing, 2))
    [waiting] = waiters(pacing, 1)
    await turn()
    pacing.leave()
    assert not pacing.try_enter()
    await waiting


async def test_nobody_jumps_the_queue_after_a_pause(pacing: Pacing) -> None:
    """Who waited for the end of a pause leaves before who comes at its end."""
    pacing.throttled(0.01, -1)
    [waiting] = waiters(pacing, 1)
    await turn()
    block(0.02)  # the pause ends before the loop looks again
    assert not pacing.try_enter()
    await waiting


async def test_deadline_in_the_queue(pacing: Pacing) -> None:
    """Who waits longer than the deadline gives up, and takes no place."""
    await asyncio.gather(*waiters(pacing, 2))
    with pytest.raises(TimeoutError):
        await pacing.enter(soon(pacing))
    pacing.leave()
    pacing.leave()
    assert (pacing.in_flight, len(pacing.waiting)) == (0, 0)


async def test_cancelled_in_the_queue(pacing: Pacing) -> None:
    """Who is cancelled while waiting makes room for the next."""
    await asyncio.gather(*waiters(pacing, 2))
    first, second = waiters(pacing, 2)
    await turn()
    first.cancel()
    await turn()
    pacing.leave()
    await turn()
    assert (first.cancelled(), second.done()) == (True, True)
    assert pacing.in_flight == 2


async def test_cancelled_with_a_place(pacing: Pacing) -> None:
    """Who is cancelled just when a place was given gives it on."""
    await asyncio.gather(*waiters(pacing, 2))
    first, second = waiters(pacing, 2)
    await turn()
    pacing.leave()
    first.cancel()
    await turn()
    assert (first.cancelled(), second.done()) == (True, True)
    assert pacing.in_flight == 2


async def test_cancelled_together(pacing: Pacing) -> None:
    """When all who wait are cancelled, nothing is left of them."""
    await asyncio.gather(*waiters(pacing, 2))
    waiting = waiters(pacing, 5)
    await turn()
    pacing.leave()
    for each in waiting:
        each.cancel()
    await turn()
    assert all(each.cancelled() for each in waiting)
    assert (pacing.in_flight, len(pacing.waiting)) == (1, 0)


async def test_pause(pacing: Pacing) -> None:
    """Nobody leaves during a pause, and all who fit do after it."""
    pacing.throttled(0.03, -1)
    began = pacing.loop.time()
    assert not pacing.try_enter()
    await asyncio.gather(*waiters(pacing, 2))
    assert pacing.loop.time() - began >= 0.03
    pacing.leave()
    assert pacing.try_enter()


async def test_end_of_a_pause(pacing: Pacing) -> None:
    """After a pause, who comes first need not wait."""
    pacing.throttled(0.01, -1)
    await asyncio.sleep(0.02)
    assert pacing.try_enter()


async def test_longer_pause(pacing: Pacing) -> None:
    """A pause that is asked for meanwhile prolongs the one that lasts."""
    pacing.throttled(0.01, -1)
    [waiting] = waiters(pacing, 1)
    await turn()
    pacing.throttled(0.06, -1)
    await asyncio.sleep(0.03)
    assert not waiting.done()
    await waiting


async def test_shorter_pause(pacing: Pacing) -> None:
    """A pause that is asked for meanwhile never shortens the one that lasts."""
    pacing.throttled(50, -1)
    until = pacing.paused_until
    pacing.throttled(1, -1)
    pacing.throttled(None, -1)
    pacing.throttled(0, -1)
    assert pacing.paused_until == until


async def test_longest_pause(pacing: Pacing) -> None:
    """No pause lasts longer than a day."""
    pacing.throttled(math.inf, -1)
    assert pacing.paused_until <= pacing.loop.time() + LONGEST_PAUSE


async def test_pause_beyond_the_deadline(pacing: Pacing) -> None:
    """Who cannot leave before the deadline is told at once."""
    pacing.throttled(50, -1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(pacing.enter(pacing.loop.time() + 49), 0.02)
    assert not pacing.waiting


async def test_refusals_without_a_wait(pacing: Pacing) -> None:
    """A refusal that asks for no wait pauses nobody."""
    pacing.throttled(None, pacing.loop.time())
    assert pacing.try_enter()


async def test_shrinking() -> None:
    """The limit halves once for all requests that were on the wire together."""
    pacing = Pacing(32, RetryBudget(10))
    left_at = pacing.loop.time()
    for _ in range(10):
        pacing.throttled(None, left_at)
    assert pacing.limit == 16
    await turn()
    pacing.throttled(None, pacing.loop.time())
    assert pacing.limit == 8


async def test_smallest_limit() -> None:
    """One request may always be in flight."""
    pacing = Pacing(4, RetryBudget(10))
    for _ in range(10):
        await turn()
        pacing.throttled(None, pacing.loop.time())
    assert pacing.limit == 1
    assert [pacing.try_enter(), pacing.try_enter()] == [True, False]


async def test_growing() -> None:
    """Success lets the limit grow by about one for each round, up to the first."""
    pacing = Pacing(8, RetryBudget(10))
    pacing.throttled(None, pacing.loop.time())
    limits: list[int] = []
    for _ in range(6):
        for _ in range(int(pacing.limit)):
            pacing.succeeded()
        limits.append(int(pacing.limit))
    assert limits == sorted(limits)
    assert (limits[0], limits[-1], pacing.limit) == (4, 8, 8)


async def test_smaller_limit_in_flight(pacing: Pacing) -> None:
    """Who is on the wire stays; the next leave when there is room again."""
    await asyncio.gather(*waiters(pacing, 2))
    [waiting] = waiters(pacing, 1)
    await turn()
    pacing.throttled(None, pacing.loop.time())
    pacing.leave()
    await turn()
    assert not waiting.done()
    pacing.leave()
    await waiting
    assert pacing.in_flight == 1


@pytest.mark.parametrize(
    ("fate", "limit", "tokens"),
    [
        pytest.param(None, 2.0, 6, id="definite-answer"),
        pytest.param(Fate.REFUSED, 1.0, 5, id="refused"),
        pytest.param(Fate.MAYBE_APPLIED, 2.0, 5, id="maybe-applied"),
        pytest.param(Fate.NOT_SENT, 2.0, 5, id="not-sent"),
    ],
)
async def test_learning(
    pacing: Pacing, fate: Fate | None, limit: float, tokens: int
) -> None:
    """A refusal shrinks the limit, an answer refunds the budget, a loss neither."""
    assert pacing.budget.spend()
    pacing.learn_from(fate, None, pacing.loop.time())
    assert (pacing.limit, pacing.budget.tokens) == (limit, tokens)


async def test_closing_in_a_pause(pacing: Pacing) -> None:
    """Closing leaves no timer behind, and nobody who waits for it."""
    pacing.throttled(50, -1)
    gone, waiting = waiters(pacing, 2)
    await turn()
    timer = pacing.waking
    assert timer is not None
    gone.cancel()
    pacing.close()
    assert timer.cancelled()
    with pytest.raises(ConfigurationError, match="closed"):
        await waiting
    assert gone.cancelled()
    assert (pacing.in_flight, len(pacing.waiting)) == (0, 0)


async def test_publishing_together(pacing: Pacing) -> None:
    """At first calls publish concurrently."""
    assert [await pacing.begin_publish(FAR) for _ in range(2)] == [False, False]
    assert pacing.publishing == 2


async def test_publishing_in_turn(pacing: Pacing) -> None:
    """Once the service has said so, calls publish one at a time, in their order."""
    assert not await pacing.begin_publish(FAR)
    pacing.publish_in_turn()
    order: list[int] = []
    at_once: list[int] = []
    active = 0

    async def publish(number: int) -> None:
        nonlocal active
        assert await pacing.begin_publish(FAR)
        active += 1
        at_once.append(active)
        order.append(number)
        await asyncio.sleep(0)
        active -= 1
        pacing.end_publish(in_turn=True)

    tasks = [asyncio.create_task(publish(number)) for number in range(4)]
    await turn()
    assert order == []
    pacing.end_publish(in_turn=False)
    await asyncio.gather(*tasks)
    assert (order, at_once) == ([0, 1, 2, 3], [1, 1, 1, 1])


async def test_deadline_before_the_turn(pacing: Pacing) -> None:
    """Who waits for a turn longer than the deadline gives up, and blocks nobody."""
    await pacing.begin_publish(FAR)
    pacing.publish_in_turn()
    with pytest.raises(TimeoutError):
        await pacing.begin_publish(soon(pacing))
    pacing.end_publish(in_turn=False)
    assert await pacing.begin_publish(FAR)


async def test_cancelled_before_the_turn(pacing: Pacing) -> None:
    """Who is cancelled while waiting for a turn hands it on."""
    await pacing.begin_publish(FAR)
    pacing.publish_in_turn()
    first = asyncio.create_task(pacing.begin_publish(FAR))
    second = asyncio.create_task(pacing.begin_publish(FAR))
    await turn()
    first.cancel()
    pacing.end_publish(in_turn=False)
    assert await second
    assert first.cancelled()


async def test_publishes_at_a_time(pacing: Pacing) -> None:
    """No more publishes are concurrent than requests may be in flight."""
    for _ in range(2):
        await pacing.begin_publish(FAR)
    third = asyncio.create_task(pacing.begin_publish(FAR))
    await turn()
    assert not third.done()
    pacing.end_publish(in_turn=False)
    assert await third is False


async def test_publishes_that_wait_when_turns_begin(pacing: Pacing) -> None:
    """Who waits for a place when turns begin takes a turn."""
    for _ in range(2):
        await pacing.begin_publish(FAR)
    waiting = [asyncio.create_task(pacing.begin_publish(FAR)) for _ in range(2)]
    await turn()
    pacing.publish_in_turn()
    pacing.end_publish(in_turn=False)
    await turn()
    assert [task.done() for task in waiting] == [False, False]
    pacing.end_publish(in_turn=False)
    assert await waiting[0]
    assert not waiting[1].done()
    pacing.end_publish(in_turn=True)
    assert await waiting[1]


async def just_given_a_place(pacing: Pacing) -> asyncio.Task[bool]:
    """Let a third wait to publish, and hand it a place that it has not seen yet."""
    for _ in range(2):
        await pacing.begin_publish(FAR)
    third = asyncio.create_task(pacing.begin_publish(FAR))
    await turn()
    pacing.end_publish(in_turn=False)
    return third


async def test_cancelled_with_a_place_to_publish(pacing: Pacing) -> None:
    """Who is cancelled when it has just been given a place gives it back."""
    third = await just_given_a_place(pacing)
    third.cancel()
    await turn()
    assert third.cancelled()
    assert pacing.publishing == 1


async def test_turns_that_begin_with_a_place_just_given(pacing: Pacing) -> None:
    """Who has just been given a place when turns begin takes a turn."""
    third = await just_given_a_place(pacing)
    pacing.publish_in_turn()
    await turn()
    assert not third.done()
    pacing.end_publish(in_turn=False)
    assert await third


async def test_deadline_before_a_place_to_publish(pacing: Pacing) -> None:
    """Who finds no place to publish before the deadline gives up."""
    for _ in range(2):
        await pacing.begin_publish(FAR)
    with pytest.raises(TimeoutError):
        await pacing.begin_publish(soon(pacing))
    assert pacing.publishing == 2


@given(steps=st.lists(st.integers(0, 3), max_size=60))
def test_any_course(steps: list[int]) -> None:
    """Whatever calls do, places are neither lost nor given twice."""

    async def main() -> None:
        pacing = Pacing(3, RetryBudget(10))
        holding = 0
        waiting: list[asyncio.Task[None]] = []
        for step in steps:
            if step == 0:
                waiting += waiters(pacing, 1)
            elif step == 1 and holding:
                pacing.leave()
                holding -= 1
            elif step == 2 and waiting:
                waiting[0].cancel()
            elif step == 3:
                pacing.throttled(None, pacing.loop.time())
            await turn()
            holding += sum(task.done() and not task.cancelled() for task in waiting)
            waiting = [task for task in waiting if not task.done()]
            assert pacing.in_flight == holding
            assert len(pacing.waiting) == len(waiting)
            assert not waiting or pacing.in_flight >= int(pacing.limit)
        for task in waiting:
            task.cancel()
        await turn()

    asyncio.run(main())
