"""Working on many items at once."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator

import pytest

from ours_experiments.bulk.workers import YIELD_EVERY, in_parallel
from tests.support.bulk_calls import all_end, own_tasks


class WorkError(Exception):
    """The work broke."""


async def count(items: int) -> AsyncIterator[int]:
    """Count, with a turn of the event loop before each number."""
    for number in range(items):
        await asyncio.sleep(0)
        yield number


async def double(number: int) -> int:
    """Double a number, after a turn of the event loop."""
    await asyncio.sleep(0)
    return 2 * number


async def twice_as_long_each(number: int) -> int:
    """Take the longer the smaller the number is."""
    await asyncio.sleep(0.004 * (4 - number))
    return number


@pytest.mark.parametrize("items", [0, 1, 7, 100])
@pytest.mark.parametrize("concurrency", [1, 3, 50])
@pytest.mark.parametrize("one_by_one", [False, True], ids=["at once", "one by one"])
async def test_every_item_once(
    items: int, concurrency: int, *, one_by_one: bool
) -> None:
    """Each item has its result, whatever the numbers."""
    source = count(items) if one_by_one else iter(range(items))
    results = [result async for result in in_parallel(source, double, concurrency)]
    assert sorted(results) == list(range(0, 2 * items, 2))
    assert not own_tasks()


async def test_completion_order() -> None:
    """What is ready first comes first."""
    results = in_parallel(iter(range(4)), twice_as_long_each, 4)
    assert [number async for number in results] == [3, 2, 1, 0]


@pytest.mark.parametrize("one_by_one", [False, True], ids=["at once", "one by one"])
async def test_no_more_than_allowed(*, one_by_one: bool) -> None:
    """So many are worked on, and twice as many are ahead of the consumer."""
    busy = busiest = taken = furthest = consumed = 0

    def note() -> None:
        nonlocal taken, furthest
        taken += 1
        furthest = max(furthest, taken - consumed)

    def at_once() -> Iterator[int]:
        for number in range(40):
            note()
            yield number

    async def in_turn() -> AsyncIterator[int]:
        for number in at_once():
            yield number

    async def work(number: int) -> int:
        nonlocal busy, busiest
        busy += 1
        busiest = max(busiest, busy)
        await asyncio.sleep(0)
        busy -= 1
        return number

    source = in_turn() if one_by_one else at_once()
    async for _ in in_parallel(source, work, 5):
        for _ in range(20):
            await asyncio.sleep(0)
        consumed += 1
    assert (busiest, furthest, consumed) == (5, 10, 40)


@pytest.mark.parametrize("one_by_one", [False, True], ids=["at once", "one by one"])
async def test_none_is_no_result(*, one_by_one: bool) -> None:
    """Work may have no result, and needs no consumer then to go on."""
    worked: list[int] = []

    async def work(number: int) -> int | None:
        worked.append(number)
        await asyncio.sleep(0)
        return None if number % 10 else number

    source = count(95) if one_by_one else iter(range(95))
    results = in_parallel(source, work, 3)
    assert await anext(results) == 0
    assert len(worked) < 10
    assert sorted([number async for number in results]) == list(range(10, 95, 10))
    assert sorted(worked) == list(range(95))


async def test_work_that_never_waits() -> None:
    """Others run meanwhile, however long the source is."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def work(number: int) -> None:
        pass

    running = asyncio.create_task(others())
    items = 50 * YIELD_EVERY
    nothing: AsyncGenerator[None, None] = in_parallel(iter(range(items)), work, 2)
    assert [result async for result in nothing] == []
    assert turns >= 20
    running.cancel()


async def test_work_that_breaks() -> None:
    """The rest is cancelled, and the error is raised."""
    cancelled: list[int] = []

    async def work(number: int) -> int:
        if number == 3:
            raise WorkError
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(number)
            raise
        return number

    with pytest.raises(WorkError):
        await anext(in_parallel(iter(range(9)), work, 4))
    assert sorted(cancelled) == [0, 1, 2]
    assert not own_tasks()


async def test_two_that_break() -> None:
    """The first error is the one raised; the second is not left unheard."""

    async def work(number: int) -> int:
        await asyncio.sleep(0)
        raise WorkError(number)

    with pytest.raises(WorkError, match="0"):
        await anext(in_parallel(iter(range(2)), work, 2))


async def test_a_source_that_breaks() -> None:
    """What was begun is finished and comes first."""

    async def source() -> AsyncIterator[int]:
        yield 1
        yield 2
        raise WorkError

    results = in_parallel(source(), double, 2)
    assert {await anext(results), await anext(results)} == {2, 4}
    with pytest.raises(WorkError):
        await anext(results)
    assert not own_tasks()


async def test_closing() -> None:
    """Leaving early ends the workers, and the reader of the source."""
    results = in_parallel(count(100), double, 3)
    await anext(results)
    assert own_tasks()
    await results.aclose()
    assert not own_tasks()


async def test_forgetting() -> None:
    """A generator that nobody holds any more ends its workers too."""
    results = in_parallel(count(100), double, 3)
    await anext(results)
    del results
    assert await all_end()


async def test_workers_that_are_cancelled() -> None:
    """Whoever cancels a worker from outside cancels the whole."""
    own = asyncio.current_task()

    async def work(number: int) -> int:
        worker = asyncio.current_task()
        assert worker is not None
        assert worker is not own
        if number == 2:
            worker.cancel()
        await asyncio.sleep(0)
        return number

    with pytest.raises(asyncio.CancelledError):
        async for _ in in_parallel(iter(range(9)), work, 2):
            pass
    assert not own_tasks()
