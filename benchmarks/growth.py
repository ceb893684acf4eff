"""How cost grows with the work: `python -m benchmarks.growth`.

100 to 100 000 experiments are listed, and as many ids started in bulk; the exponent of
the processor time is the slope of a line through the measurements on logarithmic axes.
1 is linear. What a call costs at all is in the small ones too, so that the exponent
may lie below 1. Small sizes are repeated, and count with their mean. "ratio" is the
exponent, the medians are the time for each experiment at both ends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from math import log
from statistics import linear_regression, mean

from benchmarks.measuring import Comparison, Goal, Options, run_alone
from benchmarks.peers import KEY, PAGE, identifiers, processor
from benchmarks.server import running_server
from ours_experiments import Client


GOAL = Goal(1.05)
REPEATS = {100: 200, 1_000: 20, 10_000: 2, 100_000: 1}
Work = Callable[[Client, int], Awaitable[int]]


async def walk(client: Client, number: int) -> int:
    """List so many experiments: the last pages of the listing."""
    cursor = str((max(REPEATS) - number) // PAGE)
    listing = client.experiments.list(limit=PAGE, cursor=cursor)
    return len([None async for _ in listing])


async def start_all(client: Client, number: int) -> int:
    """Start so many experiments, and let go of each outcome."""
    run = client.bulk.stream("start", identifiers(number), concurrency=32)
    return len([None async for outcome in run if outcome.error is None])


async def cost_of(client: Client, work: Work, number: int) -> float:
    """Tell the processor seconds of some work."""
    began_at = processor()
    assert await work(client, number) == number
    return processor() - began_at


async def costs_by_size(url: str, work: Work, largest: int) -> Mapping[int, float]:
    """Do the work in each size, the small ones often."""
    async with Client(KEY, base_url=url) as client:
        await cost_of(client, work, 100)
        return {
            number: mean([await cost_of(client, work, number) for _ in range(repeats)])
            for number, repeats in REPEATS.items()
            if number <= largest
        }


def exponent(costs: Mapping[int, float]) -> float:
    """Fit a line on logarithmic axes; return its slope."""
    return linear_regression(
        [log(number) for number in costs], [log(cost) for cost in costs.values()]
    ).slope


def compare(options: Options) -> Iterator[Comparison]:
    """Tell both exponents."""
    largest = 1_000 if options.quick else max(REPEATS)
    pages = max(REPEATS) // PAGE
    works: Mapping[str, Work] = {"list": walk, "bulk": start_all}
    with running_server(pages, core=options.server_core) as url:
        for name, work in works.items():
            costs = asyncio.run(costs_by_size(url, work, largest))
            slope = exponent(costs)
            yield Comparison(
                f"growth of {name}, 100 to {largest}",
                f"{largest}",
                "100",
                "us CPU each",
                costs[largest] / largest * 1e6,
                costs[100] / 100 * 1e6,
                slope,
                slope,
                slope,
                GOAL,
            )


if __name__ == "__main__":
    run_alone(compare, __doc__)
