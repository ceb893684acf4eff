"""Many processes against one rate limit, with and without shared pacing.

    python -m tests.trials.shared_limits [processes] [seconds]

Needs Debian's `redis-server`. The emulator, in this process, allows 50 requests a
second (and 50 at once after a quiet second) to all processes together; each of them
keeps eight calls going. What counts is how many are refused after the first second.
"""

import asyncio
import os
import sys
from contextlib import AsyncExitStack

import attrs

from ours_experiments import Client, OursError
from ours_experiments.emulator import Emulator
from ours_experiments.integrations.redis import RedisPacing
from tests.support.redis import redis_server


RATE = 50
CALLS = 8
PACING, RATE_KNOWN, SECONDS = "LIMITS_REDIS", "LIMITS_RATE", "LIMITS_SECONDS"
WAYS = {
    "each process for itself": {PACING: "", RATE_KNOWN: ""},
    "pauses shared": {RATE_KNOWN: ""},
    "pauses and rate shared": {RATE_KNOWN: str(RATE)},
}
"""What the processes share: the environment that tells them."""


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
            running = [await begin(environment) for _ in range(processes)]
            for process in running:
                assert process.stdout is not None
                await process.stdout.readline()
            # All at once: the first second is the worst.
            outputs = await asyncio.gather(
                *(process.communicate(b"\n") for process in running)
            )
        entries = emulator.log.entries
        later = entries[0].started + 1.0
        refused = [one.started for one in entries if one.status == 429]
        return Figures(
            len(entries) - len(refused),
            len(refused),
            sum(started > later for started in refused),
            sum(int(output) for output, _ in outputs),
        )


async def begin(environment: dict[str, str]) -> asyncio.subprocess.Process:
    """Start a process that waits for a line on its standard input."""
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __spec__.name, "one"),
        env=os.environ | environment,
        stdin=pipe,
        stdout=pipe,
    )


async def call_on(client: Client, end: float) -> int:
    """Call until the end; count the failures."""
    failures = 0
    while asyncio.get_running_loop().time() < end:
        try:
            await client.settings.list()
        except OursError:
            failures += 1
    return failures


async def one() -> None:
    """Be one of the processes."""
    url, seconds = os.environ[PACING], float(os.environ[SECONDS])
    async with AsyncExitStack() as stack:
        pacing: RedisPacing | None = None
        if url:
            rate = float(os.environ[RATE_KNOWN]) if os.environ[RATE_KNOWN] else None
            # A machine that is busy with all these processes is no outage.
            shared = RedisPacing(url, rate=rate, patience=5.0)
            pacing = await stack.enter_async_context(shared)
        client = await stack.enter_async_context(Client(pacing=pacing))
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        end = asyncio.get_running_loop().time() + seconds
        print(sum(await asyncio.gather(*(call_on(client, end) for _ in range(CALLS)))))


async def main() -> None:
    """Print the figures of each way."""
    given = [int(text) for text in sys.argv[1:3]]
    processes, seconds = [*given, *(10, 10)[len(given) :]]
    for way in WAYS:
        figures = await measure(processes, seconds, way)
        print(f"{processes} processes, {seconds} s, {way}: {figures}")


if __name__ == "__main__":
    asyncio.run(one() if sys.argv[1:] == ["one"] else main())
