"""Work on many items at once, a bounded number of them ahead of the consumer."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from enum import Enum
from typing import Final, Generic, TypeVar


T = TypeVar("T")
R = TypeVar("R")


class End(Enum):
    """The type of `END`."""

    END = "end"


END: Final = End.END
"""What a worker takes when there are no more items."""


class Workshop(Generic[T, R]):
    """What the workers of one `in_parallel` share with its consumer."""

    def __init__(self, work: Callable[[T], Awaitable[R]], concurrency: int) -> None:
        self.work = work
        self.room = asyncio.Semaphore(2 * concurrency)
        self.results: deque[R] = deque()
        self.arrived = asyncio.Event()
        self.tasks: set[asyncio.Task[None]] = set()
        self.failure: BaseException | None = None
        self.broken = False

    def open(self, items: Iterator[T] | AsyncIterator[T], concurrency: int) -> None:
        """Begin to work."""
        if isinstance(items, Iterator):
            ready = items

            async def take() -> T | End:
                await self.room.acquire()
                return next(ready, END)

        else:
            queue: asyncio.Queue[T | End] = asyncio.Queue()
            take = queue.get
            reader = asyncio.create_task(self.read(items, queue, concurrency))
            self.watch(reader, essential=False)
        for _ in range(concurrency):
            self.watch(asyncio.create_task(self.worker(take)), essential=True)

    def watch(self, task: asyncio.Task[None], *, essential: bool) -> None:
        """Learn when a task ends; the failure of an essential one ends all."""

        def ended(task: asyncio.Task[None]) -> None:
            self.tasks.discard(task)
            problem = asyncio.CancelledError() if task.cancelled() else task.exception()
            if problem is not None:
                self.failure = self.failure or problem
                self.broken = self.broken or essential
            self.arrived.set()

        self.tasks.add(task)
        task.add_done_callback(ended)

    async def read(
        self, items: AsyncIterator[T], queue: asyncio.Queue[T | End], concurrency: int
    ) -> None:
        """Read the items, all in one task: generators may depend on that."""
        try:
            await self.room.acquire()
            async for item in items:
                queue.put_nowait(item)
                await self.room.acquire()
        finally:
            for _ in range(concurrency):
                queue.put_nowait(END)

    async def worker(self, take: Callable[[], Awaitable[T | End]]) -> None:
        """Take items one after the other until there are none."""
        while (item := await take()) is not END:
            self.results.append(await self.work(item))
            self.arrived.set()


async def in_parallel(
    items: Iterator[T] | AsyncIterator[T],
    work: Callable[[T], Awaitable[R]],
    concurrency: int,
) -> AsyncGenerator[R, None]:
    """Yield results in completion order.

    At most `concurrency` items are worked on, and at most twice as many are taken
    whose results have not been consumed. When `items` raises, what was begun is
    finished and yielded first. Leaving early cancels what is under way.
    """
    shop = Workshop(work, concurrency)
    try:
        shop.open(items, concurrency)
        while True:
            while shop.results:
                yield shop.results.popleft()
                shop.room.release()
            if shop.broken or not shop.tasks:
                break
            shop.arrived.clear()
            await shop.arrived.wait()
    finally:
        for task in shop.tasks:
            task.cancel()
        if shop.tasks:
            await asyncio.wait(shop.tasks)
    if shop.failure is not None:
        raise shop.failure
