"""CPU of one lifecycle call, against bare aiohttp tuned for the same work.

`python -m benchmarks.lifecycle` runs both in turn, in one process, against a server in
another, and prints the median of the rounds' ratios.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

import aiohttp
import orjson
from yarl import URL

from benchmarks.server import running_server
from ours_experiments import Client


ROUNDS = 40
CALLS = 640
IN_FLIGHT = 32


async def measure(call: Callable[[str], Awaitable[object]]) -> float:
    """Return the CPU microseconds of one call at 32 in flight."""
    ids = iter([f"exp_{number:026}" for number in range(CALLS)])

    async def worker() -> None:
        for experiment_id in ids:
            await call(experiment_id)

    begun_at = time.process_time()
    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return (time.process_time() - begun_at) / CALLS * 1e6


async def compare(url: str) -> None:
    """Print what a call costs either way."""
    timeout = aiohttp.ClientTimeout(total=60)
    headers = {"Authorization": "Bearer test-key", "Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=100),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=timeout,
            headers=headers,
        ) as http,
        Client("test-key", base_url=url) as client,
    ):

        async def bare(experiment_id: str) -> object:
            target = URL(
                f"{url}/rest/v1/experiments/{experiment_id}/start", encoded=True
            )
            response = await http.post(target, data=b"{}")
            return orjson.loads(await response.read())

        await measure(bare)
        await measure(client.experiments.start)
        costs = [
            (await measure(bare), await measure(client.experiments.start))
            for _ in range(ROUNDS)
        ]
    bare_cost = statistics.median(bare for bare, _ in costs)
    our_cost = statistics.median(ours for _, ours in costs)
    ratio = statistics.median(ours / bare for bare, ours in costs)
    print(f"bare tuned aiohttp  {bare_cost:6.1f} us")
    print(f"ours_experiments    {our_cost:6.1f} us")
    print(f"ratio               {ratio:6.3f}")


def main() -> None:
    """Run the comparison."""
    with running_server() as url:
        asyncio.run(compare(url))


if __name__ == "__main__":
    main()
