"""Publishing calls: concurrent at first, then one at a time."""

import asyncio
import math
from collections.abc import AsyncIterator

import pytest

from ours_experiments._http.deadlines import Deadlines
from ours_experiments._http.publish_turns import GAP, GAP_INTERVAL, PublishTurns
from tests.support.clock import block


FAR = math.inf
"""A deadline that is never reached."""


@pytest.fixture
async def turns() -> AsyncIterator[PublishTurns]:
    """Yield turns for two concurrent publishes, and check that no timer is left."""
    turns = PublishTurns(2, Deadlines())
    yield turns
    turns.deadlines.close()


async def run_ready_tasks() -> None:
    """Let every task run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


def soon(turns: PublishTurns) -> float:
    """Return a deadline in the near future."""
    return turns.deadlines.loop.time() + 0.02


async def test_publishing_together(turns: PublishTurns) -> None:
    """At first calls publish concurrently."""
    assert [await turns.acquire(FAR) for _ in range(2)] == [False, False]
    assert turns.active == 2


async def test_publishing_in_turn(turns: PublishTurns) -> None:
    """After a conflict of publishes, calls publish one at a time, in their order."""
    assert not await turns.acquire(FAR)
    turns.serialize()
    order: list[int] = []
    at_once: list[int] = []
    active = 0

    async def publish(number: int) -> None:
        nonlocal active
        assert await turns.acquire(FAR)
        active += 1
        at_once.append(active)
        order.append(number)
        await asyncio.sleep(0)
        active -= 1
        turns.release(alone=True)

    tasks = [asyncio.create_task(publish(number)) for number in range(4)]
    await run_ready_tasks()
    assert order == []
    turns.release(alone=False)
    await asyncio.gather(*tasks)
    assert (order, at_once) == ([0, 1, 2, 3], [1, 1, 1, 1])


async def test_deadline_before_the_turn(turns: PublishTurns) -> None:
    """A call that waits for a turn until its deadline fails, and blocks no other."""
    await turns.acquire(FAR)
    turns.serialize()
    with pytest.raises(TimeoutError):
        await turns.acquire(soon(turns))
    turns.release(alone=False)
    assert await turns.acquire(FAR)


async def test_cancelled_before_the_turn(turns: PublishTurns) -> None:
    """A call that is cancelled while it waits passes its turn on."""
    await turns.acquire(FAR)
    turns.serialize()
    first = asyncio.create_task(turns.acquire(FAR))
    second = asyncio.create_task(turns.acquire(FAR))
    await run_ready_tasks()
    first.cancel()
    turns.release(alone=False)
    assert await second
    assert first.cancelled()


async def test_publishes_at_a_time(turns: PublishTurns) -> None:
    """No more publishes are concurrent than requests may be in flight."""
    for _ in range(2):
        await turns.acquire(FAR)
    third = asyncio.create_task(turns.acquire(FAR))
    await run_ready_tasks()
    assert not third.done()
    turns.release(alone=False)
    assert await third is False


async def test_publishes_that_wait_when_turns_begin(turns: PublishTurns) -> None:
    """A call that waits for a slot when turns start takes a turn."""
    for _ in range(2):
        await turns.acquire(FAR)
    waiting = [asyncio.create_task(turns.acquire(FAR)) for _ in range(2)]
    await run_ready_tasks()
    turns.serialize()
    turns.release(alone=False)
    await run_ready_tasks()
    assert [task.done() for task in waiting] == [False, False]
    turns.release(alone=False)
    assert await waiting[0]
    assert not waiting[1].done()
    turns.release(alone=True)
    assert await waiting[1]


async def just_given_a_slot(turns: PublishTurns) -> asyncio.Task[bool]:
    """Start a third publish, and give it a slot before it runs again."""
    for _ in range(2):
        await turns.acquire(FAR)
    third = asyncio.create_task(turns.acquire(FAR))
    await run_ready_tasks()
    turns.release(alone=False)
    return third


async def test_cancelled_with_a_slot_to_publish(turns: PublishTurns) -> None:
    """A call that is cancelled when it gets a slot gives it back."""
    third = await just_given_a_slot(turns)
    third.cancel()
    await run_ready_tasks()
    assert third.cancelled()
    assert turns.active == 1


async def test_turns_that_begin_with_a_slot_just_given(turns: PublishTurns) -> None:
    """A call that gets a slot when turns start takes a turn."""
    third = await just_given_a_slot(turns)
    turns.serialize()
    await run_ready_tasks()
    assert not third.done()
    turns.release(alone=False)
    assert await third


async def test_deadline_before_a_slot_to_publish(turns: PublishTurns) -> None:
    """A call without a slot at its deadline fails."""
    for _ in range(2):
        await turns.acquire(FAR)
    with pytest.raises(TimeoutError):
        await turns.acquire(soon(turns))
    assert turns.active == 2


async def publish_alone(turns: PublishTurns) -> float:
    """Publish alone for no time; return the seconds that it waited before."""
    loop = turns.deadlines.loop
    called_at = loop.time()
    assert await turns.acquire(FAR)
    turns.release(alone=True)
    return loop.time() - called_at


async def test_gaps_after_the_publish_of_another_client(turns: PublishTurns) -> None:
    """After a conflict with another client, a gap follows each publish."""
    turns.serialize()
    waits = [await publish_alone(turns) for _ in range(3)]
    turns.record_foreign()
    waits += [await publish_alone(turns) for _ in range(2)]
    assert [wait >= GAP / 2 for wait in waits] == [False] * 3 + [True] * 2


async def test_gaps_when_no_other_client_is_known(turns: PublishTurns) -> None:
    """After a second of publishes, a gap lets other clients publish."""
    turns.serialize()
    waits = [await publish_alone(turns)]
    assert await turns.acquire(FAR)
    block(GAP_INTERVAL)
    turns.release(alone=True)
    waits += [await publish_alone(turns) for _ in range(2)]
    assert [wait >= GAP / 2 for wait in waits] == [False, True, False]
