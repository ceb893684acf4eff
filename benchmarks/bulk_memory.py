"""How much a bulk stream of a million ids grows: `python -m benchmarks.bulk_memory`.

The ids come from an asynchronous iterator. A stub answers in place of the network: a
million refusals, each with the read that follows, take one minute of processor time,
and six over sockets. Each measurement is a process of its own; two run at a time. One
only keeps the set of ids that it has seen, as every stream must that yields an id once;
the others run `bulk.stream`.

The row of the table is for 100 000 ids whose reasons all differ.
"""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import orjson
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from benchmarks.measuring import OURS, Comparison, Goal, Options
from ours_experiments import RetryPolicy
from ours_experiments._http.api_key import Authorization
from ours_experiments._http.responses import Failure, Reply
from ours_experiments._http.retry import RetryBudget
from ours_experiments._http.session import Session
from ours_experiments._http.transport import Transport
from ours_experiments.bulk.bulk import Bulk
from ours_experiments.bulk.outcomes import OutcomeStatus
from tests.support.corpus import Corpus


MIB = 2**20
MAX_BYTES = 300
"""Of a failed id, beside the id."""
JSON = CIMultiDictProxy(CIMultiDict({"Content-Type": "application/json"}))
READ = "GET"


class StubTransport(Transport):
    """Answer in place of the network, and refuse every write or none.

    The reason is the same for all ids, or another one for each.
    """

    def __init__(self, *, refused: bool, own_reasons: bool) -> None:
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
        # Nothing of it is kept, and decoding the variants takes a third of a run.
        del experiment["variants"]
        self.found = orjson.dumps({**experiment, "status": "completed"})
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
        url: URL,  # noqa: ARG002 - all experiments are alike
        body: bytes | None,  # noqa: ARG002
        until: float,  # noqa: ARG002
    ) -> Reply | Failure:
        """Return an answer after one turn of the event loop."""
        await asyncio.sleep(0)
        if method == READ:
            return Reply(200, "OK", JSON, self.found, resent=False)
        if not self.refused:
            return Reply(200, "OK", JSON, self.moved, resent=False)
        self.writes += 1
        reason = "Cannot start: the experiment is completed"
        if self.own_reasons:
            reason += f" by change {self.writes:08}"
        refusal = orjson.dumps({"error": reason})
        return Reply(409, "Conflict", JSON, refusal, resent=False)


async def identifiers(count: int) -> AsyncIterator[str]:
    """Yield ids of the service's length; pause for the event loop now and then."""
    for number in range(count):
        if not number % 1000:
            await asyncio.sleep(0)
        yield f"exp_{number:026}"


async def keep_set(count: int) -> None:
    """Keep the ids that were seen, and nothing else."""
    seen: set[str] = set()
    async for experiment_id in identifiers(count):
        seen.add(experiment_id)
    assert len(seen) == count


async def stream(
    count: int, *, refused: bool = False, own_reasons: bool = False
) -> None:
    """Start all experiments, and keep no outcome."""
    transport = StubTransport(refused=refused, own_reasons=own_reasons)
    session = Session(transport, 60.0, 20.0, RetryPolicy())
    run = Bulk(session).stream("start", identifiers(count), concurrency=32)
    async for _ in run:
        pass
    await transport.close()
    status = OutcomeStatus.FAILED if refused else OutcomeStatus.APPLIED
    assert run.counts[status] == count


IDS = "set of ids alone"
OWN_REASONS = "all refused, each for its own reason"
Work = Callable[[int], Awaitable[None]]
MEASUREMENTS: dict[str, Work] = {
    IDS: keep_set,
    "bulk.stream, all applied": stream,
    "all refused for one reason": partial(stream, refused=True),
    OWN_REASONS: partial(stream, refused=True, own_reasons=True),
}


def memory(field: str) -> float:
    """Return a figure of this process in MiB: `VmRSS` now, `VmHWM` at its peak.

    `getrusage` would count the memory of the process that started this one.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition(f"{field}:")[2].split()[0]) * 1024 / MIB


def measure(name: str, count: int) -> tuple[float, float]:
    """Run one measurement here; return its peak growth in MiB and its seconds."""
    work = MEASUREMENTS[name]

    async def main() -> tuple[float, float]:
        await work(1000)
        before, started_at = memory("VmRSS"), time.perf_counter()
        await work(count)
        return memory("VmHWM") - before, time.perf_counter() - started_at

    return asyncio.run(main())


def measure_all(names: Sequence[str], count: int) -> Iterator[tuple[str, float, float]]:
    """Run measurements in processes of their own, two at a time.

    Yields:
        The name of each, its peak growth in MiB and its seconds.
    """
    with get_context("spawn").Pool(2, maxtasksperchild=1) as pool:
        running = [pool.apply_async(measure, (name, count)) for name in names]
        for name, measurement in zip(names, running, strict=True):
            growth, seconds = measurement.get()
            yield name, growth, seconds


def compare(options: Options) -> Iterator[Comparison]:
    """Compare the memory of an id that failed for its own reason with the goal."""
    count = 20_000 if options.quick else 100_000
    (_, ids, _), (_, failures, _) = measure_all((IDS, OWN_REASONS), count)
    size = (failures - ids) * MIB / count
    ratio = size / MAX_BYTES
    yield Comparison(
        "memory of a failed bulk id",
        OURS,
        f"{MAX_BYTES} bytes",
        "bytes",
        size,
        MAX_BYTES,
        ratio,
        ratio,
        ratio,
        Goal(1.0),
    )


def main() -> None:
    """Print the growth of each measurement, and what is beyond the set of ids."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=1_000_000)
    count: int = arguments.parse_args().count
    print(f"{count} ids: peak growth in MiB, and bytes for each id beside the set")
    ids = 0.0
    for name, growth, seconds in measure_all([*MEASUREMENTS], count):
        ids = ids or growth
        beside = growth - ids
        print(
            f"{name:37}{growth:7.1f} MiB  beside the set {beside:6.1f} MiB "
            f"{beside * MIB / count:6.1f} bytes  in {seconds:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
