"""What the page ahead is worth: `python -m benchmarks.prefetch`.

The server takes 10 ms for an answer and the consumer 5 ms for a page; who asks for a
page only when it is wanted waits for both.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from benchmarks.measuring import (
    OURS,
    Comparison,
    Goal,
    Options,
    compared,
    run_alone,
    take_turns,
)
from benchmarks.peers import KEY, PAGE, wall
from benchmarks.server import running_server
from ours_experiments import Client


PAGES = 100
LATENCY = 0.010
CONSUMER = 0.005
WITHOUT = "without prefetch"
GOAL = Goal(1.4, at_least=True)


async def consume(client: Client, *, prefetch: bool) -> int:
    """Walk over the pages and take a while for each."""
    seen = 0
    listing = client.experiments.list(limit=PAGE, prefetch=prefetch)
    async for page in listing.pages():
        seen += len(page.entities)
        await asyncio.sleep(CONSUMER)
    return seen


def turn(
    runner: asyncio.Runner, client: Client, total: int, *, prefetch: bool
) -> Callable[[], float]:
    """Make the work of one walk; it tells seconds."""

    def run() -> float:
        began_at = wall()
        assert runner.run(consume(client, prefetch=prefetch)) == total
        return wall() - began_at

    return run


def compare(options: Options) -> Iterator[Comparison]:
    """Compare the two ways of walking."""
    pages = 10 if options.quick else PAGES
    with ExitStack() as stack:
        url = stack.enter_context(running_server(pages, LATENCY, options.server_core))
        runner = stack.enter_context(asyncio.Runner())
        client = Client(KEY, base_url=url)
        total = pages * PAGE
        turns = {
            OURS: turn(runner, client, total, prefetch=True),
            WITHOUT: turn(runner, client, total, prefetch=False),
        }
        costs = take_turns(turns, options.rounds(11))
        runner.run(client.close())
    work = f"list {total}, 10 ms + 5 ms a page"
    yield compared(work, costs, WITHOUT, unit="s", goal=GOAL)


if __name__ == "__main__":
    run_alone(compare, __doc__)
