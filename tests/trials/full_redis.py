"""Workers whose Redis is full for a while, and one of them killed meanwhile.

    python -m tests.trials.full_redis [experiments]

Needs Debian's `redis-server`. Four worker processes start experiments, some by a bulk
task and some by a task each. The memory of Redis is full for some seconds, so that no
result can be stored; in the middle of that a worker is killed. First the tasks of the
killed worker alone are delivered again, then also those that still wait for Redis.
"""

import asyncio
import logging
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from signal import SIGKILL
from typing import cast

import attrs
from redis.asyncio import Redis

from ours_experiments import Outcome, OutcomeStatus
from ours_experiments.emulator import Emulator
from ours_experiments.integrations.taskiq import Tasks, outcome_of
from tests.support.redis import redis_server
from tests.trials.queue_tasks import CHUNK, REDELIVER_AFTER, REDIS, make_queue
from tests.trials.workers import REMOTE, all_listen, kill, reach, worker


WORKERS = 4
START = "experiments.start"
STREAM = "ours_experiments"
TASKS_AT_ONCE = 2
"""Of a worker, as `worker` starts it."""
PATIENCE = 180.0
"""Seconds after which an outcome counts as lost."""


@attrs.frozen
class Result:
    """What became of all tasks."""

    outcomes: Mapping[str, Outcome]
    """The outcome of each experiment."""
    applied: Counter[str]
    """How often the emulator has carried out the start of each."""
    stored: Counter[str]
    """How often the result of each task was written to Redis."""
    stored_while_full: int
    """How many results were written while Redis was full."""
    started_while_full: int
    """How many starts the emulator carried out in that time."""
    left: int
    """Tasks that are still on the queue, or not acknowledged."""
    repeated: int
    """Tasks that found done, in part at least, what they were to do."""

    @property
    def counts(self) -> Mapping[str, int]:
        """How many outcomes there are of each status."""
        return Counter(outcome.status.value for outcome in self.outcomes.values())

    def problems(self, ids: list[str], max_repeated: int) -> list[str]:
        """Return what is wrong; nothing when all is as it should be.

        Args:
            ids: All experiments.
            max_repeated: Tasks that may have been delivered again.
        """
        statuses = {OutcomeStatus.APPLIED, OutcomeStatus.ALREADY}
        checks = {
            "an experiment has no outcome": self.outcomes.keys() == set(ids),
            "a start failed": all(
                outcome.status in statuses for outcome in self.outcomes.values()
            ),
            "a start was not made, or twice": self.applied == Counter(ids),
            "a result was overwritten": set(self.stored.values()) == {1},
            "a result was written to a full Redis": self.stored_while_full == 0,
            "nothing was started meanwhile": self.started_while_full > 0,
            "a task is left on the queue": self.left == 0,
            "a task was repeated needlessly": self.repeated <= max_repeated,
        }
        return [problem for problem, is_right in checks.items() if not is_right]


WRITES = "__keyevent@0__:set"
"""The channel on which Redis names each key that is set."""
MARKER = "maxmemory is set"


@asynccontextmanager
async def writes_of(redis: Redis) -> AsyncIterator[Counter[str]]:
    """Count how often each key is set."""
    await redis.config_set("notify-keyspace-events", "E$")
    counts: Counter[str] = Counter()

    async def listen() -> None:
        async for message in events.listen():
            if message["type"] == "message":
                counts[message["data"].decode()] += 1

    async with redis.pubsub() as events:
        await events.subscribe(WRITES)
        listening = asyncio.create_task(listen())
        try:
            yield counts
        finally:
            listening.cancel()
            await asyncio.wait([listening])


async def run(
    count: int, *, redeliver_after: float, seconds: float, chunk: int = 25
) -> tuple[list[str], Result]:
    """Start experiments while Redis is full for some seconds and a worker dies.

    Args:
        count: Experiments in the bulk task; a quarter as many have a task of their own.
        redeliver_after: Seconds until a task that has no result is delivered again.
        seconds: How long Redis is full.
        chunk: Experiments in a part of the bulk task.

    Returns:
        The ids of all experiments, and what became of the tasks.
    """
    async with AsyncExitStack() as stack:
        emulator = await stack.enter_async_context(Emulator())
        emulator.faults.add("latency", seconds=REMOTE)
        server = stack.enter_context(redis_server())
        redis = await stack.enter_async_context(Redis.from_url(server.url))
        stored = await stack.enter_async_context(writes_of(redis))
        environment = {
            REDIS: server.url,
            REDELIVER_AFTER: str(redeliver_after),
            CHUNK: str(chunk),
            "OURS_PRIVACY_API_KEY": emulator.api_key,
            "OURS_PRIVACY_PLATFORM_BASE_URL": emulator.url,
        }
        broker, tasks = make_queue(server.url, redeliver_after, chunk)
        await broker.startup()
        stack.push_async_callback(broker.shutdown)
        processes = [
            await stack.enter_async_context(worker(environment, ()))
            for _ in range(WORKERS)
        ]
        await all_listen(server.url, WORKERS)
        many = emulator.seed_experiments(count)
        single = emulator.seed_experiments(count // 4)
        parts: dict[str, object] = {name: name for name in single}
        parts |= {name: index // chunk for index, name in enumerate(many)}
        working = asyncio.create_task(outcomes_of(tasks, many, single))
        await reach(emulator, count // 4)
        await redis.config_set("maxmemory", 1)
        # What was written before may still be on its way: this arrives behind it.
        await redis.publish(WRITES, MARKER)
        while not stored[MARKER]:  # noqa: ASYNC110 - the counter has no event
            await asyncio.sleep(0.01)
        before = stored.total(), emulator.log.applied(START)
        await asyncio.sleep(seconds / 2)
        kill(processes[0], SIGKILL)
        await asyncio.sleep(seconds / 2)
        after = stored.total(), emulator.log.applied(START)
        await redis.config_set("maxmemory", 0)
        outcomes, task_ids = await working
        left = await is_done(redis)
        return [*many, *single], Result(
            outcomes,
            emulator.log.applied_ids(START),
            Counter({task_id: stored[task_id] for task_id in task_ids}),
            after[0] - before[0],
            after[1] - before[1],
            left,
            len(
                {
                    parts[experiment_id]
                    for experiment_id, outcome in outcomes.items()
                    if outcome.status is OutcomeStatus.ALREADY
                }
            ),
        )


async def outcomes_of(
    tasks: Tasks, many: list[str], single: list[str]
) -> tuple[dict[str, Outcome], list[str]]:
    """Start experiments by a bulk task and by one task each.

    Returns:
        The outcome of each experiment, and the ids of all tasks.
    """
    batch = await tasks.bulk.kiq("start", many)
    sent = [await tasks.start.kiq(experiment_id) for experiment_id in single]
    outcomes = list((await tasks.report(batch)).outcomes)
    for task in sent:
        result = await task.wait_result(0.1)
        outcomes.append(outcome_of(result.raise_for_error().return_value))
    chunks = (await batch.get_result()).return_value["chunks"]
    task_ids = [batch.task_id, *cast("list[str]", chunks)]
    task_ids += [task.task_id for task in sent]
    return {outcome.experiment_id: outcome for outcome in outcomes}, task_ids


async def is_done(redis: Redis) -> int:
    """Wait until no task waits or is worked on; return how many do after a while."""
    end = asyncio.get_running_loop().time() + 30
    while True:
        groups = await redis.xinfo_groups(STREAM)
        left = int(groups[0]["pending"]) + int(groups[0]["lag"] or 0)
        if not left or asyncio.get_running_loop().time() > end:
            return left
        await asyncio.sleep(0.1)


RUNS = {
    "the killed worker's tasks alone": (30.0, TASKS_AT_ONCE),
    "what waits for Redis too": (3.0, WORKERS * TASKS_AT_ONCE),
}
"""Seconds until tasks are delivered again, and how many that may be."""


async def main() -> None:
    """Print both runs."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    # The emulator reports the requests of the killed worker, which it cannot answer.
    logging.disable(logging.CRITICAL)
    wrong: list[str] = []
    for name, (redeliver_after, most) in RUNS.items():
        async with asyncio.timeout(PATIENCE):
            ids, result = await run(count, redeliver_after=redeliver_after, seconds=8.0)
        print(f"delivered again after {redeliver_after:.0f} s, {name}:")
        print(f"  {len(ids)} experiments: {dict(result.counts)}")
        print(f"  {result.started_while_full} of them started while Redis was full")
        print(f"  {result.repeated} of {len(result.stored)} tasks found work done")
        problems = result.problems(ids, most)
        print(f"  problems: {problems or 'none'}")
        wrong += problems
    sys.exit(bool(wrong))


if __name__ == "__main__":
    asyncio.run(main())
