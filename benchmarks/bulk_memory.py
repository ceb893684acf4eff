"""How much a bulk stream of a million ids grows: `python -m benchmarks.bulk_memory`.

The ids come from an asynchronous iterator, the answers from a stub in place of the
network. Each measurement is a process of its own: one only keeps the set of ids seen,
as any stream that passes each on once must; the others run `bulk.stream`.
"""

import argparse
import asyncio
import resource
from collections.abc import AsyncIterator, Awaitable, Callable
from multiprocessing import get_context
from pathlib import Path

import orjson
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from ours_experiments import RetryPolicy
from ours_experiments._http.api_key import Authorization
from ours_experiments._http.responses import Failure, Reply
from ours_experiments._http.retry import RetryBudget
from ours_experiments._http.session import Session
from ours_experiments._http.transport import Transport
from ours_experiments.bulk.bulk import Bulk
from tests.support.corpus import Corpus


MIB = 2**20
JSON = CIMultiDictProxy(CIMultiDict({"Content-Type": "application/json"}))
READ = "GET"


class StubTransport(Transport):
    """Answers in place of the network; refuses every `refused`-th write.

    Either all with one reason, or each with a reason of its own.
    """

    def __init__(self, refused: int | None, *, own_reasons: bool) -> None:
        super().__init__(
            "http://127.0.0.1/rest/v1",
            Authorization("Bearer stub"),
            session=None,
            max_in_flight=32,
            max_response_bytes=MIB,
            budget=RetryBudget(500),
            trace_configs=(),
            proxy=None,
            headers={},
        )
        experiment = Corpus().experiment()
        self.found = orjson.dumps({**experiment, "status": "completed"})
        del experiment["variants"]
        self.moved = orjson.dumps(
            {
                "publishStatus": "published",
                "concurrentVersionChanges": 1,
                "experiment": experiment,
            }
        )
        self.refused = refused
        self.own_reasons = own_reasons
        self.writes = 0

    async def exchange(
        self,
        method: str,
        url: URL,  # noqa: ARG002 - every experiment is like the other
        body: bytes | None,
        until: float,  # noqa: ARG002
    ) -> Reply | Failure:
        """Answer at once, from the event loop's next turn on."""
        await asyncio.sleep(0)
        if method == READ:
            return Reply(200, "OK", JSON, self.found, resent=False)
        self.writes += 1
        if self.refused and self.writes % self.refused == 0:
            reason = "Cannot start: the experiment is completed"
            if self.own_reasons:
                reason += f" by change {self.writes:08}"
            body = orjson.dumps({"error": reason})
            return Reply(409, "Conflict", JSON, body, resent=False)
        return Reply(200, "OK", JSON, self.moved, resent=False)


async def identifiers(count: int) -> AsyncIterator[str]:
    """Make ids of the service's length, with a turn of the event loop in between."""
    for number in range(count):
        if not number % 1000:
            await asyncio.sleep(0)
        yield f"exp_{number:026}"


async def keep_set(count: int) -> int:
    """Only remember what was seen."""
    seen: set[str] = set()
    async for experiment_id in identifiers(count):
        seen.add(experiment_id)
    return len(seen)


async def stream(
    count: int, refused: int | None = None, *, own_reasons: bool = False
) -> int:
    """Start everything, and let go of each outcome."""
    transport = StubTransport(refused, own_reasons=own_reasons)
    session = Session(transport, 60.0, 20.0, RetryPolicy())
    run = Bulk(session).stream("start", identifiers(count), concurrency=32)
    async for _ in run:
        pass
    await transport.close()
    return run.done


async def stream_with_failures(count: int) -> int:
    """Start everything, and have one start in a hundred refused."""
    return await stream(count, refused=100)


async def stream_of_failures(count: int) -> int:
    """Start everything, and have every start refused."""
    return await stream(count, refused=1)


async def stream_of_own_reasons(count: int) -> int:
    """Have every start refused for a reason that no other has."""
    return await stream(count, refused=1, own_reasons=True)


Work = Callable[[int], Awaitable[int]]
MEASUREMENTS: dict[str, Work] = {
    "set of ids alone": keep_set,
    "bulk.stream": stream,
    "1 % refused": stream_with_failures,
    "all refused": stream_of_failures,
    "all for own reasons": stream_of_own_reasons,
}


def resident() -> float:
    """Tell how much memory this process has now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / MIB


def growth_of(name: str, count: int) -> float:
    """Run one measurement here; return the peak beyond the beginning, in MiB."""
    work = MEASUREMENTS[name]

    async def main() -> float:
        assert await work(1000) == 1000
        before = resident()
        assert await work(count) == count
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before

    return asyncio.run(main())


def main() -> None:
    """Measure and print the growth of each, and what is beyond the set."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=1_000_000)
    count: int = arguments.parse_args().count
    print(f"{count} ids, peak growth in MiB")
    floor = 0.0
    for name in MEASUREMENTS:
        with get_context("spawn").Pool(1) as pool:
            growth = pool.apply(growth_of, (name, count))
        floor = floor or growth
        print(f"{name:20}{growth:7.1f}  beside the set {growth - floor:6.1f}")


if __name__ == "__main__":
    main()
