"""Many processes against one rate limit, with and without shared pacing.

    python -m tests.trials.shared_limits [processes] [seconds]

Needs Debian's `redis-server`. First the emulator, in this process, allows 50 requests a
second (and 50 at once after a quiet second) to all processes together; each of them
keeps eight calls going. What counts is how many are refused after the first second.

Then the emulator allows everything and the processes share 50 requests a second through
Redis, which answers 0.3 s late in the middle third of the time. Half of the processes
cancel each call after a second, one gives its calls two seconds. What counts is how
many requests leave in each second, and how they are shared out.
"""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import attrs

from ours_experiments import Client, OursError
from ours_experiments.emulator import Emulator
from ours_experiments.integrations.redis import RedisPacing
from tests.support.redis import Server, redis_server


RATE = 50
CALLS = 8
PACING, RATE_KNOWN, SECONDS = "LIMITS_REDIS", "LIMITS_RATE", "LIMITS_SECONDS"
CANCEL_AFTER, TIMEOUT = "LIMITS_CANCEL_AFTER", "LIMITS_TIMEOUT"
WAYS = {
    "each process for itself": {PACING: "", RATE_KNOWN: ""},
    "pauses shared": {RATE_KNOWN: ""},
    "pauses and rate shared": {RATE_KNOWN: str(RATE)},
}
"""What the processes share, as variables of their environment."""


@attrs.frozen
class Figures:
    """What the emulator saw."""

    answered: int
    """Requests that were let through."""
    refused: int
    """Requests that were answered 429."""
    refused_later: int
    """Those of them that came after the first second."""
    failed: int
    """Calls that failed for good."""


async def measure(processes: int, seconds: float, way: str) -> Figures:
    """Let processes call as fast as they may."""
    async with Emulator() as emulator:
        emulator.faults.add("rate_limit", rate=RATE, burst=RATE)
        with redis_server() as redis:
            environment = {
                PACING: redis.url,
                SECONDS: str(seconds),
                "OURS_PRIVACY_API_KEY": emulator.api_key,
                "OURS_PRIVACY_PLATFORM_BASE_URL": emulator.url,
                **WAYS[way],
            }
            running = [await start(environment) for _ in range(processes)]
            outputs = await run_all(running)
        entries = emulator.log.entries
        later = entries[0].started + 1.0
        refused = [entry.started for entry in entries if entry.status == 429]
        return Figures(
            len(entries) - len(refused),
            len(refused),
            sum(started > later for started in refused),
            sum(int(output.split()[0]) for output in outputs),
        )


@attrs.frozen
class Shares:
    """How one rate was shared out."""

    requests: int
    """Requests that left in all."""
    most: int
    """Requests of the busiest second."""
    calls: list[int]
    """Calls of each process that were answered."""


async def share_out(processes: int, seconds: float) -> Shares:
    """Let processes share a rate through a Redis that is slow for a while."""
    async with Emulator() as emulator:
        with redis_server() as redis:
            async with slow_proxy(redis, seconds) as url:
                running = [
                    await start(
                        {
                            PACING: url,
                            RATE_KNOWN: str(RATE),
                            SECONDS: str(seconds),
                            CANCEL_AFTER: "1" if number % 2 else "",
                            TIMEOUT: "2" if number == 0 else "60",
                            "OURS_PRIVACY_API_KEY": emulator.api_key,
                            "OURS_PRIVACY_PLATFORM_BASE_URL": emulator.url,
                        }
                    )
                    for number in range(processes)
                ]
                outputs = await run_all(running)
        times = [entry.started for entry in emulator.log.entries]
    per_second = Counter(int(moment - times[0]) for moment in times)
    answered = [int(output.split()[1]) for output in outputs]
    return Shares(len(times), max(per_second.values()), answered)


@asynccontextmanager
async def slow_proxy(redis: Server, seconds: float) -> AsyncIterator[str]:
    """Stand before a Redis; in the middle third of the time answer 0.3 s late."""
    loop = asyncio.get_running_loop()
    started_at = loop.time()

    async def relay(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, late: bool
    ) -> None:
        while data := await reader.read(2**16):
            passed = loop.time() - started_at
            if late and seconds / 3 < passed < 2 * seconds / 3:
                await asyncio.sleep(0.3)
            writer.write(data)
        writer.close()

    async def connected(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        port = urlsplit(redis.url).port
        above, below = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(
            relay(reader, below, late=False),
            relay(above, writer, late=True),
            return_exceptions=True,
        )

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        server.close()


async def run_all(running: list[asyncio.subprocess.Process]) -> list[str]:
    """Let processes that are ready begin at once; return what each prints."""
    for process in running:
        assert process.stdout is not None
        await process.stdout.readline()
    # All at once: the first second is the worst.
    outputs = await asyncio.gather(*(process.communicate(b"\n") for process in running))
    return [output.decode() for output, _ in outputs]


async def start(environment: dict[str, str]) -> asyncio.subprocess.Process:
    """Start a process that waits for a line on its standard input."""
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.trials.shared_limits", "one"),
        env=os.environ | environment,
        stdin=pipe,
        stdout=pipe,
    )


async def call_on(
    client: Client, end: float, cancel_after: float | None
) -> Counter[str]:
    """Call until the end; count the failures and the answers."""
    counts: Counter[str] = Counter()
    while asyncio.get_running_loop().time() < end:
        try:
            async with asyncio.timeout(cancel_after):
                await client.settings.list()
            counts["answered"] += 1
        except TimeoutError:
            counts["late"] += 1
        except OursError:
            counts["failed"] += 1
    return counts


async def one() -> None:
    """Be one of the processes."""
    url, seconds = os.environ[PACING], float(os.environ[SECONDS])
    cancel_after = float(os.environ.get(CANCEL_AFTER) or 0) or None
    async with AsyncExitStack() as stack:
        pacing: RedisPacing | None = None
        if url:
            rate = float(os.environ[RATE_KNOWN]) if os.environ[RATE_KNOWN] else None
            # A machine that is busy with all these processes is no outage.
            shared = RedisPacing(url, rate=rate, patience=5.0)
            pacing = await stack.enter_async_context(shared)
        timeout = float(os.environ.get(TIMEOUT) or 60)
        client = await stack.enter_async_context(Client(pacing=pacing, timeout=timeout))
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        end = asyncio.get_running_loop().time() + seconds
        calls = (call_on(client, end, cancel_after) for _ in range(CALLS))
        counts = sum(await asyncio.gather(*calls), Counter[str]())
        print(counts["failed"], counts["answered"])


async def main() -> None:
    """Print the figures of each way."""
    given = [int(text) for text in sys.argv[1:3]]
    processes, seconds = [*given, *(10, 10)[len(given) :]]
    for way in WAYS:
        figures = await measure(processes, seconds, way)
        print(f"{processes} processes, {seconds} s, {way}: {figures}")
    print(f"a slow Redis, cancelled calls: {await share_out(processes, seconds)}")


if __name__ == "__main__":
    asyncio.run(one() if sys.argv[1:] == ["one"] else main())
