"""Measure `bulk.start` against hand-written aiohttp: `python -m benchmarks.bulk`.

The emulator is another process. The contenders take turns within a round, each with
fresh drafts, and a ratio is the median of the rounds' ratios. "client CPU" is this
process's own processor time for one experiment: what is left when the service is not
the slower one.
"""

import argparse
import asyncio
import gc
import platform
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from statistics import median

import aiohttp
import attrs
import orjson
from yarl import URL

from ours_experiments import Client
from ours_experiments.emulator import Emulator


KEY = "benchmark-key"
CONCURRENCY = 32
OURS, BARE = "bulk.start", "bare aiohttp"

Contender = Callable[[Sequence[str]], Awaitable[int]]
"""Starts experiments and returns how many are running."""


@attrs.frozen
class Measurement:
    """What one contender took in one round, in seconds."""

    wall: float
    processor: float


class Service:
    """The emulator in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url

    @classmethod
    async def begin(cls) -> "Service":
        """Start the process and wait until it listens."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "benchmarks.bulk",
            "--serve",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=2**24,
        )
        assert process.stdout is not None
        return cls(process, (await process.stdout.readline()).decode().strip())

    async def seed(self, count: int) -> list[str]:
        """Have drafts made."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{count}\n".encode())
        ids: list[str] = orjson.loads(await self.process.stdout.readline())
        return ids

    async def end(self) -> None:
        """Let the process end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.process.wait()


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
                return orjson.loads(await answer.read())["experiment"]["status"]

        statuses = await asyncio.gather(*map(one, ids))
        return statuses.count("running")

    return start


async def measure(
    service: Service, contenders: Mapping[str, Contender], count: int, rounds: int
) -> dict[str, list[Measurement]]:
    """Let the contenders take turns."""
    taken: dict[str, list[Measurement]] = {name: [] for name in contenders}
    order = list(contenders.items())
    for number in range(-1, rounds):
        for name, start in order:
            ids = await service.seed(count)
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


async def compare(count: int, rounds: int) -> None:
    """Measure and print one line for each contender."""
    service = await Service.begin()
    timeout = aiohttp.ClientTimeout(total=60)
    async with (
        Client(KEY, base_url=service.url) as client,
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=100),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=timeout,
        ) as http,
    ):
        contenders = {OURS: bulk(client), BARE: gathered(http, service.url)}
        taken = await measure(service, contenders, count, rounds)
    await service.end()
    print(
        f"CPython {platform.python_version()}, {count} experiments, "
        f"concurrency {CONCURRENCY}, {rounds} rounds"
    )
    for name, measurements in taken.items():
        pairs = list(zip(taken[BARE], measurements, strict=True))
        rate = median(count / mine.wall for mine in measurements)
        cpu = median(mine.processor for mine in measurements) / count * 1e6
        print(
            f"{name:14}{rate:7.0f}/s, {cpu:5.1f} us client CPU each; rate "
            f"{median(bare.wall / mine.wall for bare, mine in pairs):.2f} x, CPU "
            f"{median(mine.processor / bare.processor for bare, mine in pairs):.2f} x"
        )


def main() -> None:
    """Measure, or be the service for another process that does."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=2000)
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--serve", action="store_true")
    given = arguments.parse_args()
    asyncio.run(serve() if given.serve else compare(given.count, given.rounds))


if __name__ == "__main__":
    main()
