"""How cost grows with the work: `python -m benchmarks.growth`.

100 to 100 000 experiments are listed, as many ids started in bulk, and as many specs
planned. The exponent of the processor time is the slope of a line through the
measurements on logarithmic axes: 1 is linear. What a call costs at all is in the small
ones too, so that the exponent may lie below 1. Small sizes are repeated, and count with
their mean. "ratio" is the exponent; the medians are the time for each experiment at
both ends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from math import log
from statistics import linear_regression, mean

from benchmarks.bulk import Drafts, running_emulator
from benchmarks.measuring import Comparison, Goal, Options, run_alone
from benchmarks.peers import KEY, PAGE, identifiers, processor
from benchmarks.server import running_server
from ours_experiments import Client, ExperimentSpec


GOAL = Goal(1.05)
REPEATS = {100: 200, 1_000: 20, 10_000: 2, 100_000: 1}
Work = Callable[[Client, int], Awaitable[int]]


async def walk(client: Client, number: int) -> int:
    """List the last pages of the listing, with so many experiments."""
    cursor = str((max(REPEATS) - number) // PAGE)
    listing = client.experiments.list(limit=PAGE, cursor=cursor)
    return len([None async for _ in listing])


async def start_all(client: Client, number: int) -> int:
    """Start so many experiments, and keep no outcome."""
    run = client.bulk.stream("start", identifiers(number), concurrency=32)
    return len([None async for outcome in run if outcome.error is None])


def planning(specs: tuple[ExperimentSpec, ...]) -> Work:
    """Return the work of planning specs that need no change."""

    async def plan(client: Client, _: int) -> int:
        assert (await client.plan(specs)).is_empty
        return len(specs)

    return plan


async def cost_of(client: Client, work: Work, number: int, repeats: int) -> float:
    """Return the processor seconds of some work, the mean of so many times."""
    costs: list[float] = []
    for _ in range(repeats):
        started_at = processor()
        assert await work(client, number) == number
        costs.append(processor() - started_at)
    return mean(costs)


async def costs_by_size(url: str, work: Work, largest: int) -> Mapping[int, float]:
    """Do the work in each size, the small ones often."""
    async with Client(KEY, base_url=url) as client:
        await cost_of(client, work, 100, 1)
        return {
            number: await cost_of(client, work, number, repeats)
            for number, repeats in REPEATS.items()
            if number <= largest
        }


async def plan_costs(url: str, drafts: Drafts, largest: int) -> Mapping[int, float]:
    """Plan an account of each size; it grows between the measurements."""
    costs: dict[int, float] = {}
    existing = 0
    async with Client(KEY, base_url=url) as client:
        for number, repeats in REPEATS.items():
            if number > largest:
                break
            drafts(number - existing)
            existing = number
            work = planning(await client.export())
            await cost_of(client, work, number, 1)
            costs[number] = await cost_of(client, work, number, repeats)
    return costs


def exponent(costs: Mapping[int, float]) -> float:
    """Fit a line on logarithmic axes; return its slope."""
    return linear_regression(
        [log(number) for number in costs], [log(cost) for cost in costs.values()]
    ).slope


def comparison(name: str, costs: Mapping[int, float]) -> Comparison:
    """Compare the smallest size with the largest one."""
    smallest, largest = min(costs), max(costs)
    slope = exponent(costs)
    return Comparison(
        f"growth of {name}, {smallest} to {largest}",
        f"{largest}",
        f"{smallest}",
        "us CPU each",
        costs[largest] / largest * 1e6,
        costs[smallest] / smallest * 1e6,
        slope,
        slope,
        slope,
        GOAL,
    )


def compare(options: Options) -> Iterator[Comparison]:
    """Measure the exponent of a listing, a bulk call and a plan."""
    largest = 1_000 if options.quick else max(REPEATS)
    core = options.server_core
    with running_server(max(REPEATS) // PAGE, core=core) as url:
        yield comparison("list", asyncio.run(costs_by_size(url, walk, largest)))
        yield comparison("bulk", asyncio.run(costs_by_size(url, start_all, largest)))
    with running_emulator(core) as (url, drafts):
        yield comparison("plan", asyncio.run(plan_costs(url, drafts, largest)))


if __name__ == "__main__":
    run_alone(compare, __doc__)
