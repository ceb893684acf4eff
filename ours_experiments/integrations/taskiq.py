"""Lifecycle calls as tasks on a queue (extra `taskiq`).

    # tasks.py, for `taskiq worker tasks:broker`
    broker = redis_broker("redis://localhost")
    tasks = register_tasks(broker, Client)

    # anywhere else
    task = await tasks.start.kiq("exp_1")
    outcome = outcome_of((await task.wait_result()).return_value)

A task may be delivered again, when its worker died or took too long. That is safe for
`start` and `stop`: what has been done is found done, which is ALREADY. `pause` and
`resume` lead back and forth: one that is delivered again after the opposite was done
does so once more. `stop_when_decided` takes what is completed for done.

An answer of the service is a result, not an exception: a refused call is a record whose
status is "failed", with the error in it. A task raises only `ConfigurationError`, for
arguments that no call can have.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol, TypeAlias, Unpack, cast

import attrs
from taskiq import (
    AsyncBroker,
    AsyncTaskiqTask,
    Context,
    ScheduleSource,
    TaskiqDepends,
    TaskiqEvents,
)
from taskiq.scheduler.created_schedule import CreatedSchedule
from taskiq.serializers import JSONSerializer
from taskiq_redis import (
    ListRedisScheduleSource,
    RedisStreamBroker,
)

from ours_experiments import BulkReport, Client, ConfigurationError
from ours_experiments._validation import check_count, check_seconds, check_text
from ours_experiments.integrations._decisions import DecisionOptions, DecisionRecord
from ours_experiments.integrations._records import OutcomeRecord, outcome_of
from ours_experiments.integrations._results import ResultBackend
from ours_experiments.integrations._streams import StreamBroker
from ours_experiments.integrations._worker import BatchRecord, Ids, Worker


__all__ = [
    "BatchRecord",
    "DecisionOptions",
    "DecisionRecord",
    "OutcomeRecord",
    "Tasks",
    "outcome_of",
    "redis_broker",
    "redis_schedule",
    "register_tasks",
]

BulkAction: TypeAlias = Literal["start", "pause", "resume", "stop", "delete"]
WayToPublish: TypeAlias = Literal["each", "none"]


class TransitionTask(Protocol):
    """A task that starts, pauses or resumes one experiment."""

    async def kiq(
        self, experiment_id: str, *, publish: bool = True
    ) -> AsyncTaskiqTask[OutcomeRecord]:
        """Put it on the queue."""
        ...

    async def schedule_by_time(
        self,
        source: ScheduleSource,
        time: datetime,
        experiment_id: str,
        *,
        publish: bool = True,
    ) -> CreatedSchedule[OutcomeRecord]:
        """Let a scheduler put it on the queue at this time; UTC unless it is aware."""
        ...


class StopTask(Protocol):
    """The task that completes one experiment for good."""

    async def kiq(
        self, experiment_id: str, *, winner_variant_id: str | None = None
    ) -> AsyncTaskiqTask[OutcomeRecord]:
        """Put it on the queue."""
        ...

    async def schedule_by_time(
        self,
        source: ScheduleSource,
        time: datetime,
        experiment_id: str,
        *,
        winner_variant_id: str | None = None,
    ) -> CreatedSchedule[OutcomeRecord]:
        """Let a scheduler put it on the queue at this time; UTC unless it is aware."""
        ...


class DecisionTask(Protocol):
    """The task that completes an experiment once its results are decided."""

    async def kiq(
        self, experiment_id: str, **options: Unpack[DecisionOptions]
    ) -> AsyncTaskiqTask[DecisionRecord]:
        """Put it on the queue; options as in `DecisionOptions`."""
        ...

    async def schedule_by_time(
        self,
        source: ScheduleSource,
        time: datetime,
        experiment_id: str,
        **options: Unpack[DecisionOptions],
    ) -> CreatedSchedule[DecisionRecord]:
        """Let a scheduler put it on the queue at this time; UTC unless it is aware."""
        ...


class BulkTask(Protocol):
    """The task that splits a bulk call into tasks for a hundred ids each."""

    async def kiq(
        self,
        action: BulkAction,
        ids: Sequence[str] | Mapping[str, str | None],
        *,
        publish: WayToPublish = "each",
    ) -> AsyncTaskiqTask[BatchRecord]:
        """Put it on the queue; with "stop", a mapping names the winners."""
        ...

    async def schedule_by_time(
        self,
        source: ScheduleSource,
        time: datetime,
        action: BulkAction,
        ids: Sequence[str] | Mapping[str, str | None],
        *,
        publish: WayToPublish = "each",
    ) -> CreatedSchedule[BatchRecord]:
        """Let a scheduler put it on the queue at this time; UTC unless it is aware."""
        ...


@attrs.frozen
class Tasks:
    """The tasks of one broker; each is taskiq's own and has all that taskiq's have."""

    start: TransitionTask
    """Starts an experiment."""
    pause: TransitionTask
    """Pauses an experiment."""
    resume: TransitionTask
    """Resumes an experiment."""
    stop: StopTask
    """Completes an experiment."""
    stop_when_decided: DecisionTask
    """Completes an experiment if it is decided; needs the extra `analysis`."""
    bulk: BulkTask
    """Any of these, and delete, on many; `report` waits for them."""
    _worker: Worker = attrs.field(alias="worker")

    async def report(self, batch: AsyncTaskiqTask[BatchRecord]) -> BulkReport:
        """Wait for all parts of a bulk task and merge what they report.

        Bound it by `asyncio.timeout`; asking again later is fine. The outcomes stand in
        the order of the ids; they have no transitions.

        Args:
            batch: What `bulk.kiq` gave.

        Raises:
            ConfigurationError: The bulk call has arguments that cannot be used.
        """
        return await self._worker.merge(batch)


def register_tasks(
    broker: AsyncBroker,
    client_factory: Callable[[], AbstractAsyncContextManager[Client]],
    *,
    prefix: str = "ours_experiments",
    chunk: int = 100,
    concurrency: int = 8,
) -> Tasks:
    """Put the lifecycle calls on a broker.

    Every worker process enters one client when it starts up and leaves it when it shuts
    down. A worker that shuts down before a task is over does not acknowledge it.

    Args:
        broker: Where the tasks go; see `redis_broker` for what it should promise.
        client_factory: Called once in each worker process: `Client` itself, or what
            gives an asynchronous context manager of one.
        prefix: What the names of the tasks begin with.
        chunk: Ids that one task of a bulk call takes.
        concurrency: Calls at the same time in each of those.

    Raises:
        ConfigurationError: An argument cannot be used; the text names it.
    """
    check_count("chunk", chunk, 1)
    check_count("concurrency", concurrency, 1)
    worker = Worker(broker, client_factory, prefix, chunk, concurrency)
    broker.add_event_handler(TaskiqEvents.WORKER_STARTUP, worker.open)
    broker.add_event_handler(TaskiqEvents.WORKER_SHUTDOWN, worker.close)
    return Tasks(
        start=transition_task(worker, "start"),
        pause=transition_task(worker, "pause"),
        resume=transition_task(worker, "resume"),
        stop=stop_task(worker),
        stop_when_decided=decision_task(worker),
        bulk=bulk_task(worker),
        worker=worker,
    )


def transition_task(worker: Worker, action: str) -> TransitionTask:
    """Register one of the tasks that may publish or not."""

    async def transition(experiment_id: str, *, publish: bool = True) -> OutcomeRecord:
        way = "each" if publish else "none"
        (record,) = await worker.carry_out(action, [experiment_id], way)
        return record

    task = worker.register(transition, action)
    return cast("TransitionTask", task)


def stop_task(worker: Worker) -> StopTask:
    """Register the task that completes an experiment."""

    async def stop(
        experiment_id: str, *, winner_variant_id: str | None = None
    ) -> OutcomeRecord:
        winners = {experiment_id: winner_variant_id}
        (record,) = await worker.carry_out("stop", winners, "each")
        return record

    return cast("StopTask", worker.register(stop, "stop"))


def decision_task(worker: Worker) -> DecisionTask:
    """Register the task that stops what is decided."""

    async def stop_when_decided(experiment_id: str, **options: Any) -> DecisionRecord:
        return await worker.decide(experiment_id, options)

    return cast("DecisionTask", worker.register(stop_when_decided, "stop_when_decided"))


def bulk_task(worker: Worker) -> BulkTask:
    """Register the task that makes tasks of a bulk call."""

    async def bulk(
        action: str,
        ids: Ids,
        *,
        publish: str = "each",
        context: Annotated[Context, TaskiqDepends()],
    ) -> BatchRecord:
        return await worker.split(context.message.task_id, action, ids, publish)

    return cast("BulkTask", worker.register(bulk, "bulk"))


def redis_broker(
    url: str,
    *,
    queue: str = "ours_experiments",
    redeliver_after: float = 600.0,
    results_for: int = 86_400,
) -> RedisStreamBroker:
    """Make a broker whose tasks survive the worker that took them.

    A task is acknowledged when its result is stored; while Redis is full or away, the
    worker waits with it. Until then it belongs to one worker, and after
    `redeliver_after` seconds to the next one that looks, whether the first is dead or
    only slow. The first result of a task stays. taskiq's `ListQueueBroker` and
    `PubSubBroker` forget a task once it is handed out.

    Args:
        url: The URL of a Redis 6.2 or newer.
        queue: The name of the queue in Redis; one for each application and API key.
        redeliver_after: Seconds; longer than any task takes, or it is done twice. That
            is the client's `timeout` at most, and for a part of a bulk task as often as
            its `concurrency` goes into its ids.
        results_for: Seconds for which results are kept.

    Raises:
        ConfigurationError: An argument cannot be used; the text names it.
    """
    check_name("queue", queue)
    check_seconds("redeliver_after", redeliver_after)
    check_count("results_for", results_for, 1)
    results: ResultBackend[object] = ResultBackend(
        url, result_ex_time=results_for, serializer=JSONSerializer()
    )
    broker = StreamBroker(
        url,
        queue_name=queue,
        consumer_group_name=queue,
        consumer_id="0",  # what was sent before the first worker came counts too
        idle_timeout=round(redeliver_after * 1000),
        unacknowledged_lock_timeout=60.0,
        xread_count=1,  # a worker takes no more than it works on
    )
    return broker.with_result_backend(results)


def redis_schedule(
    url: str, *, queue: str = "ours_experiments"
) -> ListRedisScheduleSource:
    """Keep what is to be done later in Redis, for a `TaskiqScheduler`.

    taskiq's scheduler looks once a minute, at the full minute: a task is sent up to a
    minute after its time.

    Args:
        url: The URL of a Redis.
        queue: The name of the queue, as in `redis_broker`.

    Raises:
        ConfigurationError: An argument cannot be used; the text names it.
    """
    check_name("queue", queue)
    # With a colon in its prefix the source would not find what has become overdue.
    prefix = f"{queue.replace(':', '_')}_schedule"
    return ListRedisScheduleSource(url, prefix=prefix, serializer=JSONSerializer())


def check_name(name: str, value: object) -> None:
    """Refuse what cannot name a key in Redis."""
    check_text(name, value)
    if not str(value).strip():
        raise ConfigurationError(f"{name} must not be blank")
