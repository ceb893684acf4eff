"""1 000 specs planned against 1 000 experiments: `python -m benchmarks.plan`.

A plan lists every experiment, reads the unpublished changes, and compares. It is held
against the bare listing of the same experiments, and against a plan of a tenth of them:
there the ratio is that of the times for each experiment, which is 1 where the cost is
linear. The service is the emulator in a process of its own.
"""

import asyncio
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from benchmarks.measuring import (
    Comparison,
    Goal,
    Options,
    compared,
    run_alone,
    take_turns,
)
from ours_experiments import Client, ExperimentSpec


COUNT = 1_000
KEY = "test-key"
LISTING, SMALLER = "bare listing", "a tenth"
GOALS = {LISTING: Goal(2.0), SMALLER: Goal(1.3)}
Work = Callable[[Client], Awaitable[object]]


@contextmanager
def serving(count: int) -> Iterator[str]:
    """Serve so many experiments, and give the address."""
    command = [sys.executable, "-m", "ours_experiments", "emulator", "--port", "0"]
    with subprocess.Popen(  # noqa: S603 - our own command
        [*command, "--experiments", str(count)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if found := re.search(r"http://[^\s'\"]+", line):
                    yield found[0]
                    break
        finally:
            process.terminate()


async def walk(client: Client) -> int:
    """List everything."""
    return len([row async for row in client.experiments.list()])


def planning(specs: tuple[ExperimentSpec, ...]) -> Work:
    """Return the work of planning specs that need no change."""

    async def plan(client: Client) -> None:
        assert (await client.plan(specs)).is_empty

    return plan


async def export(url: str) -> tuple[ExperimentSpec, ...]:
    """Return a spec for each experiment."""
    async with Client(KEY, base_url=url) as client:
        return await client.export()


def turn(url: str, work: Work, options: Options, times: int = 1) -> Callable[[], float]:
    """Return a turn that does some work and gives its seconds."""

    async def measure() -> float:
        async with Client(KEY, base_url=url) as client:
            began_at = options.clock()
            for _ in range(times):
                await work(client)
            return options.clock() - began_at

    return lambda: asyncio.run(measure())


def compare(options: Options) -> Iterator[Comparison]:
    """Compare a plan with a listing, and with a plan of fewer experiments."""
    with serving(COUNT) as url, serving(COUNT // 10) as small:
        large = planning(asyncio.run(export(url)))
        few = planning(asyncio.run(export(small)))
        costs = take_turns(
            {
                "ours": turn(url, large, options),
                LISTING: turn(url, walk, options),
                SMALLER: turn(small, few, options, times=10),
            },
            options.rounds(11),
        )
    for name, goal in GOALS.items():
        yield compared(f"plan {COUNT}", costs, name, unit=options.unit, goal=goal)


if __name__ == "__main__":
    run_alone(compare, __doc__)
