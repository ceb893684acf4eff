"""The clients that are compared: this package, bare aiohttp, and generated ones."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Protocol

import attrs


KEY = "benchmark-key"
PAGE = 100
"""Experiments on a page."""


class Calls(Protocol):
    """The calls of a connected client."""

    async def start(self, experiment_id: str) -> str:
        """Start an experiment; return its publish status."""
        ...

    def experiments(self) -> AsyncIterator[object]:
        """Iterate over all experiments."""
        ...


Open = Callable[[str], AbstractAsyncContextManager[Calls]]
"""Connects a client with the service at a URL."""
Clock = Callable[[], float]


@attrs.frozen
class Connected:
    """A client with an event loop of its own."""

    runner: asyncio.Runner
    calls: Calls

    def cost(
        self, work: Callable[[Calls], Awaitable[int]], expected: int, clock: Clock
    ) -> float:
        """Return the seconds of some work; check that all of it was done."""

        async def timed() -> float:
            started_at = clock()
            done = await work(self.calls)
            taken = clock() - started_at
            assert done == expected, f"{done} of {expected}"
            return taken

        return self.runner.run(timed())


@contextmanager
def connected(
    open_calls: Open,
    url: str,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> Iterator[Connected]:
    """Connect a client on an event loop of its own."""
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        context = open_calls(url)
        calls = runner.run(context.__aenter__())
        try:
            yield Connected(runner, calls)
        finally:
            runner.run(close(context))


async def close(context: AbstractAsyncContextManager[Calls]) -> None:
    """Close a client."""
    await context.__aexit__(None, None, None)


async def count(calls: Calls) -> int:
    """Count the experiments of a listing."""
    number = 0
    async for _ in calls.experiments():
        number += 1
    return number


def starting(ids: Sequence[str], in_flight: int) -> Callable[[Calls], Awaitable[int]]:
    """Return the work of starting experiments, so many at once."""

    async def work(calls: Calls) -> int:
        left = iter(ids)
        statuses: list[str] = []

        async def worker() -> None:
            for experiment_id in left:
                statuses.append(await calls.start(experiment_id))  # noqa: PERF401

        await asyncio.gather(*(worker() for _ in range(in_flight)))
        return statuses.count("published")

    return work


def identifiers(number: int) -> list[str]:
    """Return ids of the service's length."""
    return [f"exp_{index:026}" for index in range(number)]


wall = time.perf_counter
processor = time.process_time
