"""Bulk calls that end early: nothing keeps running, and nothing is lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any

import pytest

from ours_experiments import (
    BulkReport,
    BulkRun,
    Client,
    NewExperiment,
    Outcome,
    OutcomeStatus,
    OutcomeUnknownError,
)
from ours_experiments.emulator import Emulator
from tests.support.bulk_calls import all_end, one_by_one, own_tasks, statuses


IDS = 40


class ConsumerError(Exception):
    """The consumer broke."""


async def drain(run: BulkRun) -> None:
    """Take a run to its end."""
    async for _ in run:
        pass


def assert_honest(report: BulkReport, emulator: Emulator, count: int = IDS) -> None:
    """Check that there is a status for each id, and that each is true."""
    assert len(report.outcomes) == count
    applied = emulator.log.applied_ids("experiments.start")
    for outcome in report.outcomes:
        times = applied[outcome.experiment_id]
        if outcome.status is OutcomeStatus.APPLIED:
            assert times == 1
        elif outcome.status is OutcomeStatus.NOT_ATTEMPTED:
            assert times == 0
        else:
            assert outcome.status is OutcomeStatus.UNKNOWN
            assert isinstance(outcome.error, OutcomeUnknownError)
            assert outcome.error.experiment_id == outcome.experiment_id
            assert outcome.attempts > 0


@pytest.mark.parametrize("source", [list, one_by_one], ids=["list", "stream"])
@pytest.mark.parametrize("step", [*range(1, 20), *range(20, 120, 7)])
async def test_cancelled_at_every_step(
    client: Client,
    emulator: Emulator,
    source: Callable[[list[str]], Any],
    step: int,
) -> None:
    """Wherever a cancellation hits, the statuses sum up, each of them true."""
    ids = emulator.seed_experiments(IDS)
    run = client.bulk.stream("start", source(ids), concurrency=4)
    task = asyncio.create_task(drain(run))
    for _ in range(step):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert not own_tasks()
    report = run.report()
    await asyncio.sleep(0.003)
    assert statuses(run.report()) == statuses(report)
    assert_honest(report, emulator, len(report.outcomes))
    assert task.cancelled() or run.done == IDS
    if source is list:
        assert len(report.outcomes) == IDS


async def test_a_cancelled_call_carries_its_report(
    client: Client, emulator: Emulator
) -> None:
    """The report so far is an attribute of the cancellation."""
    ids = emulator.seed_experiments(IDS)
    emulator.faults.add("hang", route="experiments.start", after=10)
    task = asyncio.create_task(client.bulk.start(ids, concurrency=4))
    while emulator.log.received() < 14:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    report: BulkReport = vars(caught.value)["report"]
    assert Counter(statuses(report)) == {
        OutcomeStatus.APPLIED: 10,
        OutcomeStatus.UNKNOWN: 4,
        OutcomeStatus.NOT_ATTEMPTED: 26,
    }
    assert_honest(report, emulator)
    assert not own_tasks()


async def test_a_timeout_around(client: Client, emulator: Emulator) -> None:
    """Under `asyncio.timeout` the report is on the cause of the TimeoutError."""
    ids = emulator.seed_experiments(IDS)
    emulator.faults.add("hang", route="experiments.start", after=5)
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.1):
            await client.bulk.start(ids)
    report: BulkReport = vars(caught.value.__cause__)["report"]
    assert len(report.succeeded) == 5
    assert_honest(report, emulator)
    assert not own_tasks()


async def test_calls_that_never_left(emulator: Emulator) -> None:
    """What waited for its turn when the run was cut off is NOT_ATTEMPTED."""
    ids = emulator.seed_experiments(IDS)
    emulator.faults.add("hang", route="experiments.start")
    async with Client(
        emulator.api_key, base_url=emulator.url, max_in_flight=2
    ) as narrow:
        run = narrow.bulk.stream("start", ids, concurrency=8)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await drain(run)
    counts = Counter(statuses(run.report()))
    assert counts == {OutcomeStatus.UNKNOWN: 2, OutcomeStatus.NOT_ATTEMPTED: IDS - 2}


async def leave(run: BulkRun) -> None:
    """Break out of the loop."""
    async for _ in run:
        break


async def fail(run: BulkRun) -> None:
    """Raise in the loop's body."""
    async for _ in run:
        raise ConsumerError


async def close(run: BulkRun) -> None:
    """Close what is iterated at once."""
    async with aclosing(aiter(run)) as outcomes:
        assert isinstance(await anext(outcomes), Outcome)
    assert not own_tasks()


@pytest.mark.parametrize("source", [list, one_by_one], ids=["list", "stream"])
@pytest.mark.parametrize("consume", [leave, fail, close])
async def test_a_consumer_that_leaves(
    client: Client,
    emulator: Emulator,
    consume: Callable[[BulkRun], Awaitable[None]],
    source: Callable[[list[str]], Any],
) -> None:
    """Whoever leaves the loop leaves no call behind, and keeps the report."""
    ids = emulator.seed_experiments(IDS)
    emulator.faults.add("hang", route="experiments.start", after=3)
    run = client.bulk.stream("start", source(ids), concurrency=4)
    with suppress(ConsumerError):
        await consume(run)
    assert await all_end()
    report = run.report()
    assert 1 <= len(report.succeeded) <= 3
    assert_honest(report, emulator, len(report.outcomes))
    assert run.seconds == report.seconds


async def test_a_consumer_that_dawdles_does_not_hold_up_what_was_begun(
    client: Client, emulator: Emulator
) -> None:
    """What has been read ahead is finished though nobody asks for it."""
    ids = emulator.seed_experiments(IDS)
    run = client.bulk.stream("start", ids, concurrency=3)
    outcomes = aiter(run)
    await anext(outcomes)
    await asyncio.sleep(0.05)
    assert run.done == 6
    await outcomes.aclose()
    counts = Counter(statuses(run.report()))
    assert counts == {OutcomeStatus.APPLIED: 6, OutcomeStatus.NOT_ATTEMPTED: IDS - 6}


async def test_a_source_that_hangs_is_cancelled_too(
    client: Client, emulator: Emulator
) -> None:
    """A source that waits for ever is cancelled, and may clean up."""
    ids = emulator.seed_experiments(2)
    cleaned: list[bool] = []

    async def source() -> AsyncIterator[str]:
        try:
            for experiment_id in ids:
                yield experiment_id
            await asyncio.Event().wait()
        finally:
            cleaned.append(True)

    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.1):
            await client.bulk.start(source())
    report: BulkReport = vars(caught.value.__cause__)["report"]
    assert statuses(report) == [OutcomeStatus.APPLIED] * 2
    assert cleaned
    assert await all_end()


async def test_a_bug_in_the_midst_stops_the_run(
    client: Client, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is no error of a call ends the run at once, with the report."""
    ids = emulator.seed_experiments(IDS)
    emulator.faults.add("hang", route="experiments.start", after=5)
    begun: list[int] = []

    def broken() -> object:
        begun.append(1)
        if len(begun) > 7:
            raise ConsumerError
        return begin_call()

    begin_call = client._session.call
    monkeypatch.setattr(type(client._session), "call", lambda _: broken())
    with pytest.raises(ConsumerError) as caught:
        await client.bulk.start(ids, concurrency=4)
    report: BulkReport = vars(caught.value)["report"]
    assert_honest(report, emulator)
    assert not own_tasks()


async def test_cancelling_twice(client: Client, emulator: Emulator) -> None:
    """A second cancellation is prompt, and leaves nothing behind either."""
    ids = emulator.seed_experiments(IDS)
    emulator.faults.add("hang", route="experiments.start")
    task = asyncio.create_task(client.bulk.start(ids))
    await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await all_end()


async def test_cancelled_creations(client: Client, emulator: Emulator) -> None:
    """Creations that were cut off are UNKNOWN, those not reached NOT_ATTEMPTED."""
    emulator.seed_experiments(1)
    settings_id = str(emulator.state.settings()[0]["id"])
    drafts = [NewExperiment(settings_id, f"Number {number}") for number in range(6)]
    emulator.faults.add("hang", route="experiments.create", after=1)
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.1):
            await client.bulk.create(drafts, concurrency=2)
    report: BulkReport = vars(caught.value.__cause__)["report"]
    assert Counter(statuses(report)) == {
        OutcomeStatus.APPLIED: 1,
        OutcomeStatus.UNKNOWN: 2,
        OutcomeStatus.NOT_ATTEMPTED: 3,
    }
    errors = [outcome.error for outcome in report.outcomes if outcome.error]
    assert all(isinstance(error, OutcomeUnknownError) for error in errors)
    assert not own_tasks()
