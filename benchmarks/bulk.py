"""Measure `bulk.start` against hand-written aiohttp: `python -m benchmarks.bulk`.

The emulator is another process. The contenders take turns within a round, each with
fresh drafts, and a ratio is the median of the rounds' ratios. Then the same against a
server that does nothing but answer, where the client's own processor time is all that
counts. "client CPU" is that time for one experiment.

Where opentelemetry-api is installed, the client opens a span for each call, and the
figures include it.
"""

import argparse
import asyncio
import gc
import platform
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from statistics import median

import aiohttp
import attrs
import orjson
from yarl import URL

from benchmarks.server import running_server
from ours_experiments import Client
from ours_experiments.emulator import Emulator


KEY = "benchmark-key"
CONCURRENCY = 32
OURS, BARE = "bulk.start", "bare aiohttp"

Contender = Callable[[Sequence[str]], Awaitable[int]]
"""Starts experiments and returns how many were."""
Drafts = Callable[[int], Awaitable[list[str]]]
"""Makes so many drafts and returns their ids."""


@attrs.frozen
class Measurement:
    """What one contender took in one round, in seconds."""

    wall: float
    processor: float


@asynccontextmanager
async def emulator_beside() -> AsyncIterator[tuple[str, Drafts]]:
    """Run the emulator in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "benchmarks.bulk", "--serve"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    told, answers = process.stdin, process.stdout
    assert told is not None
    assert answers is not None

    async def seed(count: int) -> list[str]:
        told.write(f"{count}\n".encode())
        ids: list[str] = orjson.loads(await answers.readline())
        return ids

    yield (await answers.readline()).decode().strip(), seed
    told.close()
    await process.wait()


async def serve() -> None:
    """Be the service: a number on standard input makes so many drafts."""
    loop = asyncio.get_running_loop()
    async with Emulator((KEY,)) as emulator:
        print(emulator.url, flush=True)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            ids = emulator.seed_experiments(int(line))
            emulator.log.clear()
            gc.collect()
            print(orjson.dumps(ids).decode(), flush=True)


def bulk(client: Client) -> Contender:
    """Start experiments as this package does."""

    async def start(ids: Sequence[str]) -> int:
        report = await client.bulk.start(ids, concurrency=CONCURRENCY)
        return len(report.succeeded)

    return start


def gathered(http: aiohttp.ClientSession, url: str) -> Contender:
    """Start experiments as one would by hand, with a session as well tuned."""
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    body = orjson.dumps({})

    async def start(ids: Sequence[str]) -> int:
        slots = asyncio.Semaphore(CONCURRENCY)

        async def one(experiment_id: str) -> object:
            address = URL(f"{url}/rest/v1/experiments/{experiment_id}/start")
            async with slots:
                answer = await http.post(address, data=body, headers=headers)
                answer.raise_for_status()
                return orjson.loads(await answer.read())["publishStatus"]

        statuses = await asyncio.gather(*map(one, ids))
        return statuses.count("published")

    return start


async def measure(
    contenders: Mapping[str, Contender], drafts: Drafts, count: int, rounds: int
) -> dict[str, list[Measurement]]:
    """Let the contenders take turns."""
    taken: dict[str, list[Measurement]] = {name: [] for name in contenders}
    order = list(contenders.items())
    for number in range(-1, rounds):
        for name, start in order:
            ids = await drafts(count)
            gc.collect()
            began, processor = time.perf_counter(), time.process_time()
            assert await start(ids) == count
            measurement = Measurement(
                time.perf_counter() - began, time.process_time() - processor
            )
            if number >= 0:  # the first round only warms up
                taken[name].append(measurement)
        order.reverse()
    return taken


async def compare(url: str, drafts: Drafts, count: int, rounds: int) -> None:
    """Measure and print one line for each contender."""
    async with (
        Client(KEY, base_url=url) as client,
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=100),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=60),
        ) as http,
    ):
        contenders = {OURS: bulk(client), BARE: gathered(http, url)}
        taken = await measure(contenders, drafts, count, rounds)
    for name, measurements in taken.items():
        pairs = list(zip(taken[BARE], measurements, strict=True))
        rate = median(count / mine.wall for mine in measurements)
        cpu = median(mine.processor for mine in measurements) / count * 1e6
        print(
            f"  {name:14}{rate:7.0f}/s, {cpu:5.1f} us client CPU; rate "
            f"{median(bare.wall / mine.wall for bare, mine in pairs):.2f} x, CPU "
            f"{median(mine.processor / bare.processor for bare, mine in pairs):.2f} x"
        )


async def compare_both(count: int, rounds: int) -> None:
    """Compare at the emulator, and at a server that only answers."""
    print(
        f"CPython {platform.python_version()}, {count} experiments, concurrency "
        f"{CONCURRENCY}, {rounds} rounds, "
        f"opentelemetry {'installed' if find_spec('opentelemetry') else 'absent'}"
    )

    async def made_up(count: int) -> list[str]:
        return [f"exp_{number:026}" for number in range(count)]

    async with emulator_beside() as (url, seed):
        print("emulator")
        await compare(url, seed, count, rounds)
    with running_server() as url:
        print("server that only answers")
        await compare(url, made_up, count, rounds)


def main() -> None:
    """Measure, or be the service for another process that does."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=2000)
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--serve", action="store_true")
    given = arguments.parse_args()
    work = serve() if given.serve else compare_both(given.count, given.rounds)
    asyncio.run(work)


if __name__ == "__main__":
    main()
