"""Lifecycle calls as tasks, on a queue in a real Redis."""

import asyncio
import json
import pickle
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis
from taskiq import InMemoryBroker, TaskiqResult, TaskiqScheduler
from taskiq.api import run_receiver_task, run_scheduler_task
from taskiq.exceptions import TaskiqResultTimeoutError
from taskiq_redis import RedisStreamBroker

from ours_experiments import (
    Client,
    ConfigurationError,
    ConflictError,
    NotFoundError,
    Outcome,
    OutcomeStatus,
    OutcomeUnknownError,
    RetryPolicy,
)
from ours_experiments.emulator import Emulator
from ours_experiments.integrations._records import error_of, error_record_of, record_of
from ours_experiments.integrations._streams import maintain, trim
from ours_experiments.integrations.taskiq import (
    Tasks,
    outcome_of,
    redis_broker,
    redis_schedule,
    register_tasks,
)
from tests.support.redis import Server


def client_of(emulator: Emulator) -> Client:
    """Make a client that does not wait long."""
    return Client(
        emulator.api_key,
        base_url=emulator.url,
        timeout=10.0,
        retry=RetryPolicy(initial=0.01),
    )


@pytest.fixture
def broker(redis: Server) -> RedisStreamBroker:
    """Have a queue that nobody works on yet."""
    return redis_broker(redis.url)


@asynccontextmanager
async def working(
    broker: RedisStreamBroker, emulator: Emulator
) -> AsyncIterator[Tasks]:
    """Send tasks to a queue, and work on them with a broker of one's own."""
    tasks = register_tasks(broker, lambda: client_of(emulator), chunk=10)
    async with at_work(broker):
        yield tasks


@asynccontextmanager
async def at_work(broker: RedisStreamBroker) -> AsyncIterator[None]:
    """Work on a queue."""
    broker.is_worker_process = True
    receiving = asyncio.create_task(run_receiver_task(broker, run_startup=True))
    try:
        yield
    finally:
        # A task that was cut off waits for its process to end.
        under_way = [task for task in asyncio.all_tasks() if "callback" in str(task)]
        for task in (receiving, *under_way):
            task.cancel()
        await asyncio.wait([receiving, *under_way])
        await broker.shutdown()


async def outcome(task: Any) -> Outcome:
    """Wait for the outcome of a task for one experiment."""
    result = await task.wait_result(0.01, 20)
    record = json.loads(json.dumps(result.raise_for_error().return_value))
    return outcome_of(record)


async def test_the_tasks(broker: RedisStreamBroker, emulator: Emulator) -> None:
    """Each lifecycle call is a task; doing it twice is ALREADY, not a failure."""
    (one,) = emulator.seed_experiments(1)
    statuses: list[str] = []
    async with working(broker, emulator) as tasks:
        for task in (tasks.start, tasks.start, tasks.pause, tasks.resume, tasks.resume):
            sent = await task.kiq(one)
            statuses.append((await outcome(sent)).status)
        winner = emulator.state.get(one).variants[1].id
        stopped = await outcome(await tasks.stop.kiq(one, winner_variant_id=winner))
    assert statuses == ["applied", "already", "applied", "applied", "already"]
    assert (stopped.action, stopped.status) == ("stop", OutcomeStatus.APPLIED)
    assert emulator.state.get(one).winner_variant_id == winner


async def test_a_task_that_stages(
    broker: RedisStreamBroker, emulator: Emulator
) -> None:
    """A task may leave the publish to somebody else."""
    (one,) = emulator.seed_experiments(1)
    async with working(broker, emulator) as tasks:
        staged = await outcome(await tasks.start.kiq(one, publish=False))
    assert staged.status is OutcomeStatus.STAGED


async def test_a_refused_task(broker: RedisStreamBroker, emulator: Emulator) -> None:
    """A refusal is a result, with all fields of the error and no key."""
    (one,) = emulator.seed_experiments(1)
    async with working(broker, emulator) as tasks:
        sent = await tasks.pause.kiq(one)
        result = await sent.wait_result(0.01, 20)
        missing = await outcome(await tasks.start.kiq("exp_missing"))
    assert not result.is_err
    assert emulator.api_key not in str(result)
    refused = outcome_of(result.return_value)
    assert refused.status is OutcomeStatus.FAILED
    assert isinstance(refused.error, ConflictError)
    assert refused.error.status == 409
    assert refused.error.path == f"/experiments/{one}/pause"
    assert isinstance(missing.error, NotFoundError)


async def test_a_bulk_task(broker: RedisStreamBroker, emulator: Emulator) -> None:
    """A bulk task is split, its report merged: one outcome an id, in their order."""
    ids = emulator.seed_experiments(35)
    asked = [*ids, "exp_missing", ids[0]]
    async with working(broker, emulator) as tasks, asyncio.timeout(20):
        batch = await tasks.bulk.kiq("start", asked)
        report = await tasks.report(batch)
        assert (await tasks.report(batch)).to_records() == report.to_records()
        chunks = (await batch.get_result()).return_value["chunks"]
        winners = dict.fromkeys(ids)
        stopped = await tasks.report(await tasks.bulk.kiq("stop", winners))
        nothing = await tasks.report(await tasks.bulk.kiq("pause", []))
    assert [outcome.experiment_id for outcome in report.outcomes] == [
        *ids,
        "exp_missing",
    ]
    assert len(report.by_status[OutcomeStatus.APPLIED]) == 35
    assert [type(failed.error) for failed in report.failed] == [NotFoundError]
    assert report.seconds > 0
    assert isinstance(chunks, list)
    assert len(chunks) == 4
    assert len(stopped.succeeded) == 35
    assert nothing.outcomes == ()
    assert set(emulator.log.applied_ids("experiments.start").values()) == {1}


async def test_a_bulk_task_that_is_delivered_again(
    broker: RedisStreamBroker, emulator: Emulator
) -> None:
    """Splitting a second time sends no part whose result is there."""
    ids = emulator.seed_experiments(30)
    async with working(broker, emulator) as tasks, asyncio.timeout(20):
        batch = await tasks.bulk.kiq("start", ids)
        report = await tasks.report(batch)
        again = await tasks._worker.split(batch.task_id, "start", ids, "each")
        assert again == (await batch.get_result()).return_value
        assert await tasks.report(batch) == report
    assert emulator.log.received("experiments.start") == 30


async def test_a_result_waits_for_a_full_redis(
    redis: Server, broker: RedisStreamBroker, emulator: Emulator
) -> None:
    """A task whose result cannot be stored is not acknowledged before it can."""
    (one,) = emulator.seed_experiments(1)
    async with (
        Redis.from_url(redis.url) as control,
        working(broker, emulator) as tasks,
    ):
        emulator.faults.add("latency", seconds=0.5, times=1)
        sent = await tasks.start.kiq(one)
        await asyncio.sleep(0.1)
        await control.config_set("maxmemory", 1)
        await asyncio.sleep(1.0)
        assert emulator.log.applied_ids("experiments.start")
        pending = await control.xpending("ours_experiments", "ours_experiments")
        assert pending["pending"] == 1
        await control.config_set("maxmemory", 0)
        assert (await outcome(sent)).status is OutcomeStatus.APPLIED


async def test_a_worker_outlasts_a_full_redis(
    redis: Server,
    broker: RedisStreamBroker,
    emulator: Emulator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A worker that cannot look for lost tasks goes on when Redis has room again."""
    first, second = emulator.seed_experiments(2)
    sending = redis_broker(redis.url)
    sender = register_tasks(sending, lambda: client_of(emulator))
    await sending.startup()
    sent = [await sender.start.kiq(name) for name in (first, second)]
    async with Redis.from_url(redis.url) as control:
        await control.config_set("maxmemory", 1)
        async with working(broker, emulator), asyncio.timeout(20):
            while "cannot be read" not in caplog.text:  # noqa: ASYNC110 - in memory
                await asyncio.sleep(0.01)
            await control.config_set("maxmemory", 0)
            statuses = [(await outcome(task)).status for task in sent]
    await sending.shutdown()
    assert statuses == [OutcomeStatus.APPLIED] * 2


async def test_a_later_result_replaces_no_earlier_one(
    broker: RedisStreamBroker, emulator: Emulator
) -> None:
    """A task that is delivered again finds ALREADY; what was stored stays APPLIED."""
    (one,) = emulator.seed_experiments(1)
    async with working(broker, emulator) as tasks:
        sent = await tasks.start.kicker().with_task_id("one").kiq(one)  # type: ignore[attr-defined]
        assert (await outcome(sent)).status is OutcomeStatus.APPLIED
        await tasks.start.kicker().with_task_id("one").kiq(one)  # type: ignore[attr-defined]
        # One worker with one task at a time: the repeat is over when this one is.
        assert (await outcome(await tasks.start.kiq(one))).status == "already"
        assert (await outcome(sent)).status is OutcomeStatus.APPLIED


async def test_queues_have_names(redis: Server, emulator: Emulator) -> None:
    """Two applications share a Redis without taking each other's tasks."""
    (one,) = emulator.seed_experiments(1)
    other = redis_broker(redis.url, queue="other")
    sending = register_tasks(other, lambda: client_of(emulator))
    await other.startup()
    async with working(redis_broker(redis.url, queue="one"), emulator):
        sent = await sending.start.kiq(one)
        with pytest.raises(TaskiqResultTimeoutError):
            await sent.wait_result(0.01, 0.3)
    await other.shutdown()
    assert emulator.log.received() == 0
    with pytest.raises(ConfigurationError, match="queue"):
        redis_broker(redis.url, queue=" ")


async def test_arguments_that_no_call_can_have(
    broker: RedisStreamBroker, emulator: Emulator
) -> None:
    """What cannot be asked for is raised on both sides."""
    async with working(broker, emulator) as tasks, asyncio.timeout(20):
        batch = await tasks.bulk.kiq("begin", ["exp_1"])  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="action must be one of"):
            await tasks.report(batch)
        bad_id = await outcome(await tasks.start.kiq(".."))
    assert isinstance(bad_id.error, ConfigurationError)
    assert not emulator.log.received()


async def test_one_client_for_each_worker(
    broker: RedisStreamBroker, emulator: Emulator
) -> None:
    """A worker enters its client when it starts up and leaves it at its end."""
    clients: list[Client] = []

    @asynccontextmanager
    async def factory() -> AsyncIterator[Client]:
        async with client_of(emulator) as client:
            clients.append(client)
            yield client
            clients.append(client)

    tasks = register_tasks(broker, factory)
    async with at_work(broker):
        for name in emulator.seed_experiments(3):
            await outcome(await tasks.start.kiq(name))
        assert len(clients) == 1
    assert len(clients) == 2
    assert clients[1] is clients[0]
    assert clients[0]._session.transport.closed


async def test_a_worker_that_ends_before_its_task(
    redis: Server, broker: RedisStreamBroker, emulator: Emulator
) -> None:
    """What a shutdown cut off is neither a result nor acknowledged."""
    (one,) = emulator.seed_experiments(1)
    emulator.faults.add("hang", route="experiments.start")
    async with working(broker, emulator) as tasks, Redis.from_url(redis.url) as reader:
        sent = await tasks.start.kiq(one)
        async with asyncio.timeout(20):
            while not emulator.log.received():  # noqa: ASYNC110 - in memory
                await asyncio.sleep(0.01)
            await tasks._worker.close(broker.state)
        await asyncio.sleep(0.3)
        assert not await sent.is_ready()
        pending = await reader.xpending("ours_experiments", "ours_experiments")
        assert pending["pending"] == 1


async def test_a_sender_needs_no_client(redis: Server, emulator: Emulator) -> None:
    """Whoever only sends opens no client, and the queue keeps what was sent before."""
    (one,) = emulator.seed_experiments(1)

    def none() -> Client:
        raise AssertionError("a sender has no key")

    sending = redis_broker(redis.url)
    sender = register_tasks(sending, none)
    await sending.startup()
    sent = await sender.start.kiq(one)
    async with working(redis_broker(redis.url), emulator):
        assert (await outcome(sent)).status is OutcomeStatus.APPLIED
    await sending.shutdown()


async def test_a_stop_at_a_time(
    redis: Server, broker: RedisStreamBroker, emulator: Emulator
) -> None:
    """Taskiq's scheduler sends a stop when its time has come, and not before."""
    due, later = emulator.seed_experiments(2, status="running")
    stops = redis_schedule(redis.url)
    scheduler = TaskiqScheduler(broker, [stops])
    async with working(broker, emulator) as tasks, asyncio.timeout(20):
        now = datetime.now(UTC)
        await tasks.stop.schedule_by_time(stops, now - timedelta(minutes=2), due)
        await tasks.stop.schedule_by_time(stops, now + timedelta(hours=1), later)
        running = asyncio.create_task(run_scheduler_task(scheduler, run_startup=True))
        while emulator.state.get(due).status != "completed":  # noqa: ASYNC110 - in memory
            await asyncio.sleep(0.01)
        while len(await stops.get_schedules()) > 0:  # noqa: ASYNC110 - in Redis
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait([running])
        async with Redis.from_url(redis.url) as reader:
            kept = [
                key async for key in reader.scan_iter("ours_experiments_schedule:d*")
            ]
    assert len(kept) == 1
    assert emulator.state.get(later).status == "running"
    await stops._connection_pool.disconnect()  # its own shutdown leaves them open


async def test_the_stream_is_cut(redis: Server, emulator: Emulator) -> None:
    """What is done leaves Redis; what waits, or is being done, stays."""
    broker = redis_broker(redis.url)
    tasks = register_tasks(broker, lambda: client_of(emulator))
    stream = group = "ours_experiments"
    async with Redis.from_url(redis.url) as reader:
        async with at_work(broker):
            for name in emulator.seed_experiments(5):
                await outcome(await tasks.start.kiq(name))
            await trim(reader, stream, group)
            assert await reader.xlen(stream) <= 1
        for number in range(4):
            await reader.xadd(stream, {"data": str(number)})
        await reader.xreadgroup(group, "slow", {stream: ">"}, count=2)
        await trim(reader, stream, group)
        left: Any = await reader.xrange(stream)
        pending = await reader.xpending(stream, group)
    assert pending["pending"] == 2
    assert [entry[b"data"] for _, entry in left] == [b"0", b"1", b"2", b"3"]


async def test_a_queue_that_is_away(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker goes on to maintain its queue when Redis is away for a while."""
    broker = redis_broker("redis://127.0.0.1:1", redeliver_after=0.2)
    tasks = register_tasks(broker, lambda: client_of(emulator))
    maintaining = asyncio.create_task(maintain(broker, tasks._worker.nudge.kiq))
    async with asyncio.timeout(20):
        message = "cannot be maintained"
        while caplog.text.count(message) < 2 and not maintaining.done():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert not maintaining.done()
    maintaining.cancel()
    await asyncio.wait([maintaining])


async def test_in_memory(emulator: Emulator) -> None:
    """The tasks run on taskiq's broker for tests too."""
    broker = InMemoryBroker()
    tasks = register_tasks(broker, lambda: client_of(emulator), chunk=2)
    with pytest.raises(ConfigurationError, match="not been started"):
        await outcome(await tasks.start.kiq("exp_1"))
    await broker.startup()
    ids = emulator.seed_experiments(5)
    async with asyncio.timeout(20):
        report = await tasks.report(await tasks.bulk.kiq("start", ids))
    assert len(report.succeeded) == 5
    await broker.shutdown()


ERRORS = [
    ConflictError(
        409,
        "It is completed",
        details="status",
        method="POST",
        path="/experiments/exp_1/start",
        headers={"x-request-id": "r1"},
        retry_after=1.5,
    ),
    ConfigurationError("no"),
    OutcomeUnknownError(
        "who knows",
        action="start",
        experiment_id="exp_1",
        sent_at=datetime(2026, 1, 2, tzinfo=UTC),
    ),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_records_lose_nothing(error: Any) -> None:
    """An outcome comes back from JSON with its error's class, text and fields."""
    error.__cause__ = NotFoundError(404, "Not Found", method="GET", path="/x")
    before = Outcome("exp_1", "start", OutcomeStatus.FAILED, None, error, 2, 0.25)
    after = outcome_of(json.loads(json.dumps(record_of(before))))
    assert after.error is not None
    assert type(after.error) is type(error)
    assert (str(after.error), vars(after.error)) == (str(error), vars(error))
    assert str(after.error.__cause__) == str(error.__cause__)
    assert (after.status, after.attempts, after.seconds) == ("failed", 2, 0.25)


def test_records_of_later_versions() -> None:
    """An error whose class this version does not have is an error all the same."""
    record = error_record_of(ConfigurationError("no"))
    assert record is not None
    for name in ("NewerError", "Kind", "Mapping"):
        error = error_of({**record, "type": name})
        assert type(error).__name__ == "OursError"
        assert str(error) == "no"


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_cross_processes(error: Any) -> None:
    """An error that a task of one's own raises can be pickled, with all its fields."""
    error.__cause__ = NotFoundError(404, "Not Found", method="GET", path="/x")
    after = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert type(after) is type(error)
    assert (str(after), vars(after)) == (str(error), vars(error))
    assert vars(after.__cause__) == vars(error.__cause__)
    result = TaskiqResult(is_err=True, return_value=None, execution_time=0, error=error)
    assert type(pickle.loads(pickle.dumps(result)).error) is type(error)  # noqa: S301
