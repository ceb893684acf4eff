"""What one process does for the tasks of a broker."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from functools import partial
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
from ours_experiments.integrations._decisions import (
    DecisionRecord,
    stop_when_decided,
)
from ours_experiments.integrations._records import OutcomeRecord, outcome_of, record_of
from ours_experiments.integrations._results import write_until_done
from ours_experiments.integrations._streams import maintain


T = TypeVar("T")

Ids: TypeAlias = list[str] | dict[str, str | None]
"""Experiments, or experiments and their winners."""
BatchRecord: TypeAlias = dict[str, object]
"""What a bulk task was split into: the action, and the ids of the parts' tasks."""
ChunkRecord: TypeAlias = dict[str, object]
"""When a part started and ended, in seconds since the epoch, and its outcomes."""

POLL_INTERVAL = 0.1
"""Seconds between two requests for a result."""


@attrs.define
class Worker:
    """What the tasks of a process share: one client for its life."""

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
    """The task that does nothing; see `maintain`."""
    client: Client | None = attrs.field(init=False, default=None)
    """None in a process that only sends."""
    closing: bool = attrs.field(init=False, default=False)
    """Whether the process shuts down, so that calls under way are cut off."""
    stack: AsyncExitStack = attrs.field(init=False, factory=AsyncExitStack)
    """Holds the client."""
    maintenance: asyncio.Task[None] | None = attrs.field(init=False, default=None)
    """Maintains the queue."""

    def __attrs_post_init__(self) -> None:
        """Register the tasks that only this class sends."""

        async def part(action: str, ids: Ids, publish: str) -> ChunkRecord:
            started_at = time.time()
            outcomes = await self.carry_out(action, ids, publish)
            ended_at = time.time()
            return {"started": started_at, "ended": ended_at, "outcomes": outcomes}

        async def nudge() -> None:
            """Do nothing: the arrival of a task is what counts."""

        self.part = self.register(part, "bulk_part")
        self.nudge = self.register(nudge, "nudge")

    def register(
        self, function: Callable[..., Any], name: str
    ) -> AsyncTaskiqDecoratedTask[..., Any]:
        """Register a task that is acknowledged when its result is stored."""
        # The label wins over the worker's own --ack-type.
        return self.broker.register_task(
            function, self.name_of(name), ack_type="when_saved"
        )

    def name_of(self, task: str) -> str:
        """Name a task as it stands on the queue."""
        return f"{self.prefix}:{task}"

    async def open(self, _state: TaskiqState) -> None:
        """Enter the client, and start to maintain the queue."""
        self.closing = False
        self.client = await self.stack.enter_async_context(self.client_factory())
        if isinstance(self.broker, RedisStreamBroker):
            # Always under one id, so that its results do not pile up.
            nudge = self.nudge.kicker().with_task_id(self.name_of("nudge")).kiq
            self.maintenance = asyncio.create_task(maintain(self.broker, nudge))

    async def close(self, _state: TaskiqState) -> None:
        """Leave the client."""
        self.closing = True
        if self.maintenance is not None:
            self.maintenance.cancel()
            with suppress(asyncio.CancelledError):
                await self.maintenance
        await self.stack.aclose()

    async def carry_out(
        self, action: str, ids: Ids, publish: str
    ) -> list[OutcomeRecord]:
        """Carry out an action on experiments; return a record of each outcome."""
        client = self.open_client()
        options: dict[str, Any] = {"concurrency": self.concurrency}
        if publish != "each":
            options["publish"] = publish
        run = client.bulk.stream(cast("Any", action), ids, **options)
        records = {outcome.experiment_id: record_of(outcome) async for outcome in run}
        await self.wait_if_closing()
        return [records[outcome.experiment_id] for outcome in run.report().outcomes]

    async def decide(
        self, experiment_id: str, options: dict[str, Any]
    ) -> DecisionRecord:
        """Stop an experiment if it is decided; return what became of it."""
        try:
            return await stop_when_decided(self.open_client(), experiment_id, options)
        finally:
            await self.wait_if_closing()

    def open_client(self) -> Client:
        """Return the client of this process."""
        if self.client is None:
            raise ConfigurationError("the broker's worker has not been started up")
        return self.client

    async def wait_if_closing(self) -> None:
        """Wait for the end of a process that shuts down.

        A task that is cut short must not be acknowledged: another worker gets it.
        """
        if self.closing:
            await asyncio.get_running_loop().create_future()

    async def split(
        self, task_id: str, action: str, ids: Ids, publish: str
    ) -> BatchRecord:
        """Put the parts of a bulk call on the queue, except those that are done."""
        pairs = iter(
            ids.items() if isinstance(ids, dict) else dict.fromkeys(ids).items()
        )
        chunks: list[str] = []
        while taken := dict(islice(pairs, self.chunk)):
            chunk_id = f"{task_id}:{len(chunks)}"
            chunks.append(chunk_id)
            part = taken if isinstance(ids, dict) else [*taken]
            send = partial(self.send_part, chunk_id, action, part, publish)
            await write_until_done(send, f"task {chunk_id}")
        return {"action": action, "chunks": chunks}

    async def send_part(
        self, chunk_id: str, action: str, ids: Ids, publish: str
    ) -> None:
        """Put one part on the queue unless its result is there."""
        if not await self.broker.result_backend.is_result_ready(chunk_id):
            kicker = self.part.kicker().with_task_id(chunk_id)
            await kicker.kiq(action, ids, publish)

    async def merge(self, batch: AsyncTaskiqTask[BatchRecord]) -> BulkReport:
        """Wait for all parts and put their outcomes together."""
        record: Any = await returned_by(batch)
        outcomes: list[Outcome] = []
        started_at, ended_at = float("inf"), 0.0
        for chunk_id in record["chunks"]:
            task = AsyncTaskiqTask[Any](chunk_id, self.broker.result_backend)
            part = await returned_by(task)
            outcomes += map(outcome_of, part["outcomes"])
            started_at = min(started_at, part["started"])
            ended_at = max(ended_at, part["ended"])
        seconds = max(ended_at - started_at, 0.0)
        return BulkReport(record["action"], tuple(outcomes), seconds)


async def returned_by(task: AsyncTaskiqTask[T]) -> T:
    """Wait for what a task returns, or raise what it raised."""
    result = await task.wait_result(POLL_INTERVAL)
    return result.raise_for_error().return_value
