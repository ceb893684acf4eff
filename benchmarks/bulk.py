"""2 000 experiments started in bulk, against aiohttp by hand.

`python -m benchmarks.bulk`: both keep 32 requests in flight, the other by a semaphore
around each call. First at a server that only answers, where the client's own work is
all that counts, then at the emulator, which takes its time as a service does.
"""

import asyncio
import gc
import multiprocessing
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection

from benchmarks.measuring import (
    OURS,
    Comparison,
    Goal,
    Options,
    compared,
    run_alone,
    take_turns,
)
from benchmarks.peers import (
    KEY,
    Calls,
    Clock,
    Connected,
    bare,
    connected,
    identifiers,
    ours,
)
from benchmarks.peers.ours import Ours
from benchmarks.peers.present import BARE, TYPESCRIPT, connected_typescript
from benchmarks.server import running_server
from ours_experiments.emulator import Emulator


COUNT = 2000
CONCURRENCY = 32
GOAL = Goal(0.85, at_least=True)
EMULATOR_GOAL = Goal(0.90, at_least=True)

Drafts = Callable[[int], Sequence[str]]
"""Makes so many drafts and returns their ids."""
Start = Callable[[Calls, Sequence[str]], Awaitable[int]]
"""Starts experiments and returns how many were."""


async def in_bulk(calls: Calls, ids: Sequence[str]) -> int:
    """Start experiments as this package does."""
    assert isinstance(calls, Ours)
    report = await calls.client.bulk.start(ids, concurrency=CONCURRENCY)
    return len(report.succeeded)


async def gathered(calls: Calls, ids: Sequence[str]) -> int:
    """Start experiments as one would by hand."""
    slots = asyncio.Semaphore(CONCURRENCY)

    async def one(experiment_id: str) -> str:
        async with slots:
            return await calls.start(experiment_id)

    statuses = await asyncio.gather(*map(one, ids))
    return statuses.count("published")


def serve(pipe: Connection, core: int | None) -> None:
    """Be the emulator: a number makes so many drafts, None ends it."""
    if core is not None:
        os.sched_setaffinity(0, {core})

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with Emulator((KEY,)) as emulator:
            pipe.send(emulator.url)
            while count := await loop.run_in_executor(None, pipe.recv):
                ids = emulator.seed_experiments(count)
                emulator.log.clear()
                gc.collect()
                pipe.send(ids)

    asyncio.run(main())


@contextmanager
def running_emulator(core: int | None) -> Iterator[tuple[str, Drafts]]:
    """Run the emulator beside this process; give its URL and a way to make drafts."""
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe()
    process = context.Process(target=serve, args=(far, core))
    process.start()

    def drafts(count: int) -> Sequence[str]:
        near.send(count)
        ids: Sequence[str] = near.recv()
        return ids

    try:
        yield near.recv(), drafts
    finally:
        near.send(None)
        process.join()


def turn(
    peer: Connected, start: Start, drafts: Drafts, count: int, clock: Clock
) -> Callable[[], float]:
    """Make the work of starting fresh drafts; it tells seconds."""

    def run() -> float:
        ids = drafts(count)
        return peer.cost(lambda calls: start(calls, ids), count, clock)

    return run


def turns_at(
    mine: Connected, other: Connected, drafts: Drafts, count: int, clock: Clock
) -> Mapping[str, Callable[[], float]]:
    """Make both contenders' work."""
    return {
        OURS: turn(mine, in_bulk, drafts, count, clock),
        BARE: turn(other, gathered, drafts, count, clock),
    }


def compare(options: Options) -> Iterator[Comparison]:
    """Compare at both servers."""
    count = 200 if options.quick else COUNT
    core = options.server_core
    work = f"bulk.start of {count}"
    with (
        running_server(core=core) as url,
        connected(ours.connect, url) as mine,
        connected(bare.connect, url) as other,
        connected_typescript(options, url) as script,
    ):
        turns = dict(turns_at(mine, other, identifiers, count, options.clock))
        if script is not None:
            turns[TYPESCRIPT] = lambda: script.start(count, CONCURRENCY, options.unit)
        costs = take_turns(turns, options.rounds(15))
    yield compared(work, costs, BARE, unit=options.unit, goal=GOAL)
    if TYPESCRIPT in costs:
        yield compared(work, costs, TYPESCRIPT, unit=options.unit)
    with (
        running_emulator(core) as (url, drafts),
        connected(ours.connect, url) as mine,
        connected(bare.connect, url) as other,
    ):
        costs = take_turns(
            turns_at(mine, other, drafts, count, options.clock), options.rounds(9)
        )
    yield compared(
        f"{work}, emulator", costs, BARE, unit=options.unit, goal=EMULATOR_GOAL
    )


if __name__ == "__main__":
    run_alone(compare, __doc__)
