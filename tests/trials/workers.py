"""Workers on a queue: what a killed one costs, what more bring, what Redis holds.

    python -m tests.trials.workers [experiments]

Needs Debian's `redis-server`. Each worker is a process group of its own, `taskiq
worker` as anybody runs it; the emulator here says what really happened.
"""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import attrs
from redis.asyncio import Redis

from ours_experiments import BulkReport, Outcome, OutcomeStatus
from ours_experiments.emulator import Emulator
from ours_experiments.integrations.redis import RedisPacing
from tests.support.redis import redis_server
from tests.trials.queue_tasks import CHUNK, REDELIVER_AFTER, REDIS, make_queue


COMMAND = (
    *(sys.executable, "-m", "taskiq", "worker", "tests.trials.queue_tasks:make_broker"),
    *("--workers", "1", "--max-async-tasks", "2", "--log-level", "ERROR"),
)
REMOTE = 0.05
"""Seconds that an answer takes from a service which is not on this machine."""


@attrs.frozen
class Run:
    """What became of one bulk task."""

    report: BulkReport
    applied: Counter[str]
    """How often each start was carried out, by the emulator's log."""
    running: int
    """How many experiments run in the end."""
    killed: int | None
    """How many were running when a worker was killed."""

    def is_sound(self, count: int) -> bool:
        """Whether each was started once, and each has an outcome that says so."""
        report = self.report
        ids = {outcome.experiment_id for outcome in report.outcomes}
        return (
            self.running == len(ids) == len(report.succeeded) == count
            and len(report.outcomes) == count
            and self.applied.keys() == ids
            and set(self.applied.values()) == {1}
        )


@asynccontextmanager
async def worker(
    environment: dict[str, str],
    options: Sequence[str],
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a worker process, and end it."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *options, env=os.environ | environment, start_new_session=True
    )
    try:
        yield process
    finally:
        kill(process, signal.SIGKILL)
        await process.wait()


def kill(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Send a signal to a worker: to what supervises it and to what works."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


async def start_all(
    count: int,
    workers: int,
    *,
    chunk: int = 25,
    latency: float = 0.0,
    kill_at: float | None = None,
    with_signal: signal.Signals = signal.SIGKILL,
    redeliver_after: float = 600.0,
    options: Sequence[str] = (),
) -> Run:
    """Start many experiments through a queue; lose a worker when a share is running."""
    async with Emulator() as emulator:
        ids = emulator.seed_experiments(count)
        if latency:
            emulator.faults.add("latency", seconds=latency)
        with redis_server() as redis:
            environment = {
                REDIS: redis.url,
                REDELIVER_AFTER: str(redeliver_after),
                CHUNK: str(chunk),
                "OURS_PRIVACY_API_KEY": emulator.api_key,
                "OURS_PRIVACY_PLATFORM_BASE_URL": emulator.url,
            }
            broker, tasks = make_queue(redis.url, redeliver_after, chunk)
            await broker.startup()
            contexts = [worker(environment, options) for _ in range(workers)]
            processes = [await context.__aenter__() for context in contexts]
            killed: int | None = None
            try:
                await all_listen(redis.url, workers)
                batch = await tasks.bulk.kiq("start", ids)
                if kill_at is not None:
                    killed = await reach(emulator, round(kill_at * count))
                    kill(processes[0], with_signal)
                report = await tasks.report(batch)
            finally:
                for context in contexts:
                    await context.__aexit__(None, None, None)
                await broker.shutdown()
        states = Counter(emulator.state.get(name).status for name in ids)
        applied = emulator.log.applied_ids("experiments.start")
        return Run(report, applied, states["running"], killed)


async def all_listen(url: str, workers: int) -> None:
    """Wait until every worker has asked for work."""
    async with Redis.from_url(url) as redis:
        while (await redis.info("clients"))["blocked_clients"] < workers:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def reach(emulator: Emulator, number: int) -> int:
    """Wait until so many experiments have been started."""
    while (started := emulator.log.applied("experiments.start")) < number:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    return started


async def measure_memory() -> dict[str, float]:
    """Say how many bytes of Redis things take."""
    ids = [f"exp_{number:026d}" for number in range(100)]
    figures: dict[str, float] = {}
    with redis_server() as server:
        broker, tasks = make_queue(server.url, 600.0, 100)
        await broker.startup()
        async with Redis.from_url(server.url) as redis:
            before = (await redis.info("memory"))["used_memory"]

            async def growth(what: str, number: int) -> None:
                nonlocal before
                now = (await redis.info("memory"))["used_memory"]
                figures[what] = (now - before) / number
                before = now

            for _ in range(1000):
                await tasks.start.kiq(ids[0])
            await growth("a waiting task for one experiment", 1000)
            for _ in range(1000):
                await tasks.bulk.kiq("start", ids)
            await growth("a waiting task for a hundred experiments", 1000)
            outcome = Outcome(
                ids[0], "start", OutcomeStatus.APPLIED, None, None, 1, 0.1
            )
            record = {**outcome.to_record(), "publish_status": "published"}
            for number in range(1000):
                await keep(broker.result_backend, f"{number:032x}", record)
            await growth("the result of one experiment", 1000)
            parts = {"started": 1.7e9, "ended": 1.7e9, "outcomes": [record] * 100}
            for number in range(1000, 2000):
                await keep(broker.result_backend, f"{number:032x}", parts)
            await growth("the result of a hundred experiments", 1000)
            async with RedisPacing(server.url, rate=50) as pacing:
                for number in range(1000):
                    await pacing.acquire(f"{number:016x}", 1)
                await growth("the limits of one account", 1000)
        await broker.shutdown()
    return figures


async def keep(backend: Any, task_id: str, value: object) -> None:
    """Store a result as a worker does."""
    from taskiq import TaskiqResult  # noqa: PLC0415 - only here

    result = TaskiqResult(is_err=False, return_value=value, execution_time=0.5)
    await backend.set_result(task_id, result)


async def main() -> None:
    """Print every figure."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    run = await start_all(count, 4, kill_at=0.4, latency=REMOTE, redeliver_after=10.0)
    print(f"four workers, one killed (SIGKILL) when {run.killed} were running:")
    print(f"  {run.report}")
    print(f"  {run.running} running, most starts of one: {max(run.applied.values())}")
    assert run.is_sound(count)
    for latency in (0.0, REMOTE):
        print(f"experiments a second, answers after {latency * 1000:.0f} ms:")
        for workers in (1, 2, 4):
            run = await start_all(count, workers, latency=latency)
            assert run.is_sound(count)
            print(f"  {workers} workers: {count / run.report.seconds:.0f}")
    print("bytes in Redis:")
    for what, size in (await measure_memory()).items():
        print(f"  {what}: {size:.0f}")


if __name__ == "__main__":
    asyncio.run(main())
