"""Process many items concurrently, a bounded number of them ahead of the consumer."""

import asyncio
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterator,
)
from enum import Enum
from typing import Final, Generic, TypeVar


T = TypeVar("T")
R = TypeVar("R")


class End(Enum):
    """The type of `END`."""

    END = "end"


END: Final = End.END
"""What a worker gets from the queue when there are no more items."""
YIELD_EVERY = 100
"""Results of None after which a worker yields to the event loop: nobody consumes
these, so work that never waits would block every other task."""


class WorkerPool(Generic[T, R]):
    """The workers of one `in_parallel` and what they share with its consumer."""

    def __init__(
        self, work: Callable[[T], Awaitable[R | None]], concurrency: int
    ) -> None:
        self.work = work
        self.concurrency = concurrency
        # Twice, so that no worker idles while the consumer handles what is done.
        self.capacity: int = 2 * concurrency
        """Items that may still be taken before a result is consumed."""
        self.waiters: deque[asyncio.Future[None]] = deque()
        self.results: deque[R] = deque()
        self.changed: asyncio.Event = asyncio.Event()
        """Set when there is a result, or when a task has ended."""
        self.tasks: set[asyncio.Task[None]] = set()
        self.failure: BaseException | None = None
        self.aborted: bool = False
        """Whether a worker failed, so that the others are not waited for."""

    def start(self, items: Iterator[T] | AsyncIterator[T]) -> None:
        """Create the worker tasks, and a reader for items that come asynchronously."""
        if isinstance(items, Iterator):
            workers = [self.work_on(items) for _ in range(self.concurrency)]
        else:
            queue: asyncio.Queue[T | End] = asyncio.Queue()
            self.create_task(self.read(items, queue), self.on_reader_done)
            workers = [self.work_on_queue(queue) for _ in range(self.concurrency)]
        for worker in workers:
            self.create_task(worker, self.on_worker_done)

    def create_task(
        self,
        coroutine: Coroutine[object, object, None],
        on_done: Callable[[asyncio.Task[None]], None],
    ) -> None:
        """Create a task that belongs to this pool."""
        task = asyncio.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(on_done)

    def on_reader_done(self, task: asyncio.Task[None]) -> None:
        """Keep the reader's error until the items it has read are done."""
        self.tasks.discard(task)
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        self.failure = self.failure or error
        self.changed.set()

    def on_worker_done(self, task: asyncio.Task[None]) -> None:
        """Abort the pool when a worker failed."""
        self.on_reader_done(task)
        self.aborted = self.aborted or task.cancelled() or task.exception() is not None

    async def read(
        self, items: AsyncIterator[T], queue: asyncio.Queue[T | End]
    ) -> None:
        """Read the items, all in one task: generators may depend on that."""
        try:
            await self.acquire()
            async for item in items:
                queue.put_nowait(item)
                await self.acquire()
        finally:
            for _ in range(self.concurrency):
                queue.put_nowait(END)

    async def work_on(self, items: Iterator[T]) -> None:
        """Process items one after the other until there are none."""
        unconsumed = 0
        await self.acquire()
        for item in items:
            result = await self.work(item)
            if result is not None:
                self.deliver(result)
                await self.acquire()
                continue
            unconsumed += 1
            if unconsumed % YIELD_EVERY == 0:
                await asyncio.sleep(0)

    async def work_on_queue(self, queue: asyncio.Queue[T | End]) -> None:
        """Process what the reader has read, and acquired capacity for."""
        while (item := await queue.get()) is not END:
            result = await self.work(item)
            if result is None:
                self.release()
            else:
                self.deliver(result)

    def deliver(self, result: R) -> None:
        """Pass a result to the consumer."""
        self.results.append(result)
        self.changed.set()

    async def acquire(self) -> None:
        """Wait until one more item may be taken."""
        if self.capacity:
            self.capacity -= 1
            return
        waiter = asyncio.get_running_loop().create_future()
        self.waiters.append(waiter)
        await waiter

    def release(self) -> None:
        """Let one more item be taken, by the task that has waited longest."""
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self.capacity += 1


async def in_parallel(
    items: Iterator[T] | AsyncIterator[T],
    work: Callable[[T], Awaitable[R | None]],
    concurrency: int,
) -> AsyncGenerator[R, None]:
    """Yield results in completion order; None is no result.

    At most `concurrency` items are worked on, and at most twice as many are taken
    whose results have not been consumed. When `items` raises, what was taken is
    finished and yielded first. Leaving early cancels what is under way.
    """
    pool = WorkerPool(work, concurrency)
    try:
        pool.start(items)
        while True:
            while pool.results:
                yield pool.results.popleft()
                pool.release()
            if pool.aborted or not pool.tasks:
                break
            pool.changed.clear()
            await pool.changed.wait()
    finally:
        for task in pool.tasks:
            task.cancel()
        # A cancelled task may still have a connection to give back.
        if pool.tasks:
            await asyncio.wait(pool.tasks)
    if pool.failure is not None:
        raise pool.failure
