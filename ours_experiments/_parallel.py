"""Work on many items at once, a bounded number of them ahead of the consumer."""

import asyncio
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
)
from typing import Generic, TypeVar


T = TypeVar("T")
R = TypeVar("R")


async def in_turn(items: Iterable[T] | AsyncIterable[T]) -> AsyncIterator[T]:
    """Iterate asynchronously over either kind of iterable."""
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


class Workshop(Generic[T, R]):
    """What the workers of one `in_parallel` share with its consumer."""

    def __init__(
        self,
        items: AsyncIterator[T],
        work: Callable[[T], Awaitable[R]],
        concurrency: int,
    ) -> None:
        self.items = items
        self.work = work
        self.results: deque[R] = deque()
        self.arrived = asyncio.Event()
        self.ahead = asyncio.Semaphore(2 * concurrency)
        self.reading = asyncio.Lock()
        self.exhausted = False
        self.failure: Exception | None = None

    async def worker(self) -> None:
        """Take items one after the other until there are none."""
        while True:
            await self.ahead.acquire()
            async with self.reading:
                if self.exhausted:
                    return
                try:
                    item = await anext(self.items)
                except StopAsyncIteration:
                    self.exhausted = True
                    return
                except Exception as failure:  # noqa: BLE001 - raised at the end
                    self.exhausted = True
                    self.failure = failure
                    return
            self.results.append(await self.work(item))
            self.arrived.set()


async def in_parallel(
    items: AsyncIterator[T],
    work: Callable[[T], Awaitable[R]],
    concurrency: int,
) -> AsyncGenerator[R, None]:
    """Yield results in completion order.

    At most `concurrency` items are worked on, and at most twice as many are taken
    whose results have not been consumed. When `items` raises, what was begun is
    finished and yielded first. Leaving early cancels what is under way.
    """
    shop = Workshop(items, work, concurrency)
    workers = {asyncio.create_task(shop.worker()) for _ in range(concurrency)}
    for task in workers:
        task.add_done_callback(lambda _: shop.arrived.set())
    try:
        while workers:
            await shop.arrived.wait()
            shop.arrived.clear()
            while shop.results:
                yield shop.results.popleft()
                shop.ahead.release()
            ended = {task for task in workers if task.done()}
            broken = [problem for task in ended if (problem := task.exception())]
            workers -= ended
            if broken:
                raise broken[0]
    finally:
        for task in workers:
            task.cancel()
        if workers:
            await asyncio.wait(workers)
    if shop.failure is not None:
        raise shop.failure
