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
ITEMS_A_TURN = 100
"""After so many without a result, for whose consumer it would wait, a worker lets
everybody else run: its work may never wait."""


class Workshop(Generic[T, R]):
    """What the workers of one `in_parallel` share with its consumer."""

    def __init__(
        self, work: Callable[[T], Awaitable[R | None]], concurrency: int
    ) -> None:
        self.work = work
        self.room = 2 * concurrency
        self.waiting: deque[asyncio.Future[None]] = deque()
        self.results: deque[R] = deque()
        self.arrived = asyncio.Event()
        self.tasks: set[asyncio.Task[None]] = set()
        self.failure: BaseException | None = None
        self.broken = False

    def open(self, items: Iterator[T] | AsyncIterator[T], concurrency: int) -> None:
        """Begin to work."""
        if isinstance(items, Iterator):
            workers = [self.take_from(items) for _ in range(concurrency)]
        else:
            queue: asyncio.Queue[T | End] = asyncio.Queue()
            reader = asyncio.create_task(self.read(items, queue, concurrency))
            self.watch(reader, essential=False)
            workers = [self.take_from_queue(queue) for _ in range(concurrency)]
        for worker in workers:
            self.watch(asyncio.create_task(worker), essential=True)

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
            await self.take_room()
            async for item in items:
                queue.put_nowait(item)
                await self.take_room()
        finally:
            for _ in range(concurrency):
                queue.put_nowait(END)

    async def take_from(self, items: Iterator[T]) -> None:
        """Work on items one after the other until there are none."""
        without = 0
        while True:
            await self.take_room()
            for item in items:
                result = await self.work(item)
                if result is not None:
                    self.deliver(result)
                    break
                without += 1
                if not without % ITEMS_A_TURN:
                    await asyncio.sleep(0)
            else:
                return

    async def take_from_queue(self, queue: asyncio.Queue[T | End]) -> None:
        """Work on what was read, which has its room already."""
        while (item := await queue.get()) is not END:
            result = await self.work(item)
            if result is None:
                self.give_room()
            else:
                self.deliver(result)

    def deliver(self, result: R) -> None:
        """Hand a result to the consumer."""
        self.results.append(result)
        self.arrived.set()

    async def take_room(self) -> None:
        """Wait until one more item may be taken."""
        if self.room:
            self.room -= 1
            return
        place = asyncio.get_running_loop().create_future()
        self.waiting.append(place)
        await place

    def give_room(self) -> None:
        """Let one more item be taken, by whoever waits longest."""
        while self.waiting:
            place = self.waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self.room += 1


async def in_parallel(
    items: Iterator[T] | AsyncIterator[T],
    work: Callable[[T], Awaitable[R | None]],
    concurrency: int,
) -> AsyncGenerator[R, None]:
    """Yield results in completion order; None is no result.

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
                shop.give_room()
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
