"""How fast the emulator is: `python -m benchmarks.emulator`.

The client is another process that writes bare requests on a few connections, so that
the figures are the emulator's. "per core" divides by its own processor time.
"""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import median
from urllib.parse import urlsplit

from ours_experiments.emulator import Emulator


CONNECTIONS = 8
KEY = "benchmark-key"
Call = tuple[str, str]
"""Method and path."""


def drive(url: str, calls: Sequence[Call]) -> list[float]:
    """Make the calls on several connections; give the seconds of each."""
    return asyncio.run(drive_all(url, calls))


async def drive_all(url: str, calls: Sequence[Call]) -> list[float]:
    """Share the calls out among the connections."""
    shares = [calls[number::CONNECTIONS] for number in range(CONNECTIONS)]
    taken = await asyncio.gather(*(drive_one(url, share) for share in shares if share))
    return [seconds for share in taken for seconds in share]


async def drive_one(url: str, calls: Sequence[Call]) -> list[float]:
    """Make the calls one after another on one connection."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    taken = []
    for method, path in calls:
        request = (
            f"{method} /rest/v1/{path} HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"Authorization: Bearer {KEY}\r\nContent-Length: 0\r\n\r\n"
        )
        began = time.perf_counter()
        writer.write(request.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        taken.append(time.perf_counter() - began)
    writer.close()
    await writer.wait_closed()
    return taken


async def measure(
    pool: ProcessPoolExecutor, emulator: Emulator, name: str, calls: Sequence[Call]
) -> None:
    """Print the rate and the latency of some calls."""
    loop = asyncio.get_running_loop()
    began, processor = time.perf_counter(), time.process_time()
    taken = await loop.run_in_executor(pool, drive, emulator.url, calls)
    wall = time.perf_counter() - began
    processor = time.process_time() - processor
    taken.sort()
    print(
        f"{name:<28}{len(calls) / wall:>8.0f}/s {len(calls) / processor:>8.0f}/s per "
        f"core   p50 {median(taken) * 1e3:6.2f} ms   "
        f"p99 {taken[len(taken) * 99 // 100] * 1e3:6.2f} ms"
    )


async def measure_start() -> None:
    """Print how long the emulator takes to start and to close."""
    starts = []
    for _ in range(50):
        began = time.perf_counter()
        emulator = Emulator((KEY,))
        await emulator.start()
        starts.append((time.perf_counter() - began) * 1e3)
        await emulator.aclose()
    starts.sort()
    print(f"start-up: median {median(starts):.2f} ms, slowest {starts[-1]:.2f} ms")


async def measure_walks(pool: ProcessPoolExecutor) -> None:
    """Print how long walks through ever longer listings take."""
    loop = asyncio.get_running_loop()
    for cursor in ("keyset", "offset"):
        for size in (5_000, 10_000, 20_000):
            async with Emulator((KEY,), cursor=cursor) as emulator:
                emulator.seed_experiments(size)
                began = time.perf_counter()
                rows = await loop.run_in_executor(pool, walk, emulator.url)
                seconds = time.perf_counter() - began
            assert rows == size
            print(
                f"walk of {size:>6} by {cursor}: {seconds * 1e6 / size:5.1f} us a row"
            )


def walk(url: str) -> int:
    """Walk through the whole listing; count the rows."""
    return asyncio.run(walk_all(url))


async def walk_all(url: str) -> int:
    """Follow the cursors on one connection."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    rows, cursor = 0, b""
    while True:
        query = b"&cursor=" + cursor if cursor else b""
        writer.write(
            b"GET /rest/v1/experiments?limit=100%b HTTP/1.1\r\nHost: x\r\n"
            b"Authorization: Bearer %b\r\n\r\n" % (query, KEY.encode())
        )
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]
        body = await reader.readexactly(int(length))
        rows += body.count(b'"trafficAllocation"')
        following = body.rpartition(b'"nextCursor":')[2]
        if following.startswith(b"null"):
            writer.close()
            await writer.wait_closed()
            return rows
        cursor = following.split(b'"')[1]


async def main() -> None:
    """Measure everything, and print it."""
    await measure_start()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        async with Emulator((KEY,)) as emulator:
            ids = emulator.seed_experiments(5000)
            await measure(pool, emulator, "warm-up", [("GET", "experiments")] * 200)
            retrievals = [("GET", f"experiments/{id_}") for id_ in ids]
            await measure(pool, emulator, "retrieve", retrievals)
            listings = [("GET", "experiments?limit=100")] * 2000
            await measure(pool, emulator, "list, 100 a page", listings)
            starts = [("POST", f"experiments/{id_}/start") for id_ in ids]
            await measure(pool, emulator, "start, publishing", starts)
        await measure_walks(pool)


if __name__ == "__main__":
    asyncio.run(main())
