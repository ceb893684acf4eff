"""What one process does for the tasks of a broker."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from itertools import islice
from typing import Any, TypeAlias, TypeVar, cast

import attrs
from taskiq import (
    AsyncBroker,
    AsyncTaskiqDecoratedTask,
    AsyncTaskiqTask,
    TaskiqState,
)
from taskiq_redis import RedisStreamBroker

from ours_experiments import BulkReport, Client, ConfigurationError, Outcome
from ours_experiments.integrations._records import OutcomeRecord, outcome_of, record_of
from ours_experiments.integrations._streams import keep_going


T = TypeVar("T")

Ids: TypeAlias = list[str] | dict[str, str | None]
"""Experiments, or experiments and their winners."""
BatchRecord: TypeAlias = dict[str, object]
"""What a bulk task was split into: the action, and the ids of the parts' tasks."""
ChunkRecord: TypeAlias = dict[str, object]
"""When a part began and ended, in seconds of the epoch, and its outcomes."""

LOOK_EVERY = 0.1
"""Seconds between two looks for a result."""


@attrs.define
class Worker:
    """Everything that the tasks share: one client for the life of a process."""

    broker: AsyncBroker
    """Where the tasks are registered and sent."""
    client_factory: Callable[[], AbstractAsyncContextManager[Client]]
    """Makes the client of a process."""
    prefix: str
    """What the names of the tasks begin with."""
    chunk: int
    """Ids in a part of a bulk call."""
    concurrency: int
    """Calls at the same time in a part."""
    part: AsyncTaskiqDecoratedTask[..., Any] = attrs.field(init=False)
    """The task that carries out a part of a bulk call."""
    nudge: AsyncTaskiqDecoratedTask[..., Any] = attrs.field(init=False)
    """The task that does nothing; see `keep_going`."""
    client: Client | None = attrs.field(init=False, default=None)
    """None in a process that only sends."""
    closing: bool = attrs.field(init=False, default=False)
    """Whether what is under way is being cut off."""
    stack: AsyncExitStack = attrs.field(init=False, factory=AsyncExitStack)
    """Holds the client."""
    keeping: asyncio.Task[None] | None = attrs.field(init=False, default=None)
    """Looks after the queue."""

    def __attrs_post_init__(self) -> None:
        """Register the tasks that nobody else sends."""

        async def part(action: str, ids: Ids, publish: str) -> ChunkRecord:
            began = time.time()
            outcomes = await self.carry_out(action, ids, publish)
            return {"began": began, "ended": time.time(), "outcomes": outcomes}

        async def nudge() -> None:
            """Do nothing: that a task has come is all."""

        self.part = self.broker.register_task(part, self.name_of("bulk_part"))
        self.nudge = self.broker.register_task(nudge, self.name_of("nudge"))

    def name_of(self, task: str) -> str:
        """Name a task as it stands on the queue."""
        return f"{self.prefix}:{task}"

    async def open(self, _state: TaskiqState) -> None:
        """Begin to work: enter the client, and look after the queue."""
        self.closing = False
        self.client = await self.stack.enter_async_context(self.client_factory())
        if isinstance(self.broker, RedisStreamBroker):
            # Always under one id, so that its results do not pile up.
            nudge = self.nudge.kicker().with_task_id(self.name_of("nudge")).kiq
            self.keeping = asyncio.create_task(keep_going(self.broker, nudge))

    async def close(self, _state: TaskiqState) -> None:
        """End the work."""
        self.closing = True
        if self.keeping is not None:
            self.keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self.keeping
        await self.stack.aclose()

    async def carry_out(
        self, action: str, ids: Ids, publish: str
    ) -> list[OutcomeRecord]:
        """Do something to experiments; say what became of each."""
        if self.client is None:
            raise ConfigurationError("the broker's worker has not been started up")
        options: dict[str, Any] = {"concurrency": self.concurrency}
        if publish != "each":
            options["publish"] = publish
        run = self.client.bulk.stream(cast("Any", action), ids, **options)
        records = {one.experiment_id: record_of(one) async for one in run}
        if self.closing:
            # What was cut short must not be acknowledged: another worker gets it.
            await asyncio.get_running_loop().create_future()
        return [records[one.experiment_id] for one in run.report().outcomes]

    async def split(
        self, task_id: str, action: str, ids: Ids, publish: str
    ) -> BatchRecord:
        """Put the parts of a bulk call on the queue, those that are done excepted."""
        pairs = iter(
            ids.items() if isinstance(ids, dict) else dict.fromkeys(ids).items()
        )
        chunks: list[str] = []
        while taken := dict(islice(pairs, self.chunk)):
            chunk_id = f"{task_id}:{len(chunks)}"
            chunks.append(chunk_id)
            if await self.broker.result_backend.is_result_ready(chunk_id):
                continue
            part = taken if isinstance(ids, dict) else [*taken]
            kicker = self.part.kicker().with_task_id(chunk_id)
            await kicker.kiq(action, part, publish)
        return {"action": action, "chunks": chunks}

    async def merge(self, batch: AsyncTaskiqTask[BatchRecord]) -> BulkReport:
        """Wait for all parts and put their outcomes together."""
        record: Any = await returned_by(batch)
        outcomes: list[Outcome] = []
        began, ended = float("inf"), 0.0
        for chunk_id in record["chunks"]:
            task = AsyncTaskiqTask[Any](chunk_id, self.broker.result_backend)
            part = await returned_by(task)
            outcomes += map(outcome_of, part["outcomes"])
            began = min(began, part["began"])
            ended = max(ended, part["ended"])
        seconds = max(ended - began, 0.0)
        return BulkReport(record["action"], tuple(outcomes), seconds)


async def returned_by(task: AsyncTaskiqTask[T]) -> T:
    """Wait for what a task returns, or raise what it raised."""
    result = await task.wait_result(LOOK_EVERY)
    return result.raise_for_error().return_value
