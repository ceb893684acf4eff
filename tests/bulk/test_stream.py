"""Streams of outcomes, progress, and what a run tells while it goes on."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from ours_experiments import (
    BulkRun,
    Client,
    ConfigurationError,
    Outcome,
    OutcomeStatus,
)
from ours_experiments.emulator import Emulator
from tests.support.bulk_calls import one_by_one, own_tasks


async def test_streaming_in_completion_order(
    client: Client, emulator: Emulator
) -> None:
    """A stream gives outcomes as they come, the report in the order of the input."""
    ids = emulator.seed_experiments(3)

    def is_first(request: web.Request) -> bool:
        return ids[0] in request.path

    emulator.faults.add("latency", seconds=0.05, when=is_first)
    run = client.bulk.stream("start", ids)
    came = [outcome.experiment_id async for outcome in run]
    assert came[-1] == ids[0]
    assert [outcome.experiment_id for outcome in run.report().outcomes] == ids


async def test_a_stream_gives_answers_away(client: Client, emulator: Emulator) -> None:
    """The outcomes of a stream have transitions, its report short ones."""
    ids = emulator.seed_experiments(2) + emulator.seed_experiments(1, variants=1)
    run = client.bulk.stream("start", ids)
    given = {outcome.experiment_id: outcome async for outcome in run}
    assert given[ids[0]].transition is not None
    first, _, failed = run.report().outcomes
    assert first.status is OutcomeStatus.APPLIED
    assert first.transition is None
    assert first.attempts == 1
    assert given[ids[0]].seconds > first.seconds == 0
    assert failed.status is OutcomeStatus.FAILED
    assert repr(failed.error) == repr(given[ids[2]].error)
    assert str(failed.error) == str(given[ids[2]].error)


async def test_kept_errors_hold_no_frames(client: Client, emulator: Emulator) -> None:
    """A million failures must not keep alive a million stacks."""
    emulator.faults.add("status", code=500, applied=True, route="experiments.start")
    emulator.faults.add("status", code=404, route="experiments.retrieve")
    [experiment_id] = emulator.seed_experiments(1)
    view = client.with_options(timeout=1.0)
    report = await view.bulk.start([experiment_id, "exp_missing"])
    for outcome in report.outcomes:
        links: list[BaseException | None] = [outcome.error]
        for link in links:
            if link is not None:
                assert link.__traceback__ is None
                links += [link.__cause__, link.__context__]
        assert len(links) > 1


async def test_progress(client: Client, emulator: Emulator) -> None:
    """The callback hears of each outcome, and of the number of distinct ids."""
    ids = emulator.seed_experiments(3)
    heard: list[tuple[int, int | None]] = []

    def hear(done: int, total: int | None) -> None:
        heard.append((done, total))

    await client.bulk.start([*ids, ids[0]], on_progress=hear)
    assert heard == [(1, 3), (2, 3), (3, 3)]


async def test_progress_without_an_end(client: Client, emulator: Emulator) -> None:
    """Where the length of the input is not known, neither is the total."""
    ids = emulator.seed_experiments(2)
    heard: list[int | None] = []
    await client.bulk.start(
        one_by_one(ids), on_progress=lambda _, total: heard.append(total)
    )
    assert heard == [None, None]


async def test_a_callback_that_fails(
    client: Client, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """What the callback raises is logged and costs nothing."""
    ids = emulator.seed_experiments(3)

    def fail(_done: int, _total: int | None) -> None:
        raise LookupError("the bar is gone")

    report = await client.bulk.start(ids, on_progress=fail)
    assert len(report.succeeded) == 3
    assert "the bar is gone" in caplog.text


async def test_the_running_figures(client: Client, emulator: Emulator) -> None:
    """A run tells how far it is while it goes on, and stands still afterwards."""
    ids = emulator.seed_experiments(4)
    run = client.bulk.stream("start", ids, concurrency=1)
    assert (run.done, run.total, run.seconds_left) == (0, None, None)
    assert (run.seconds, run.rate) == (0.0, 0.0)
    assert run.report().outcomes == ()
    async for _ in run:
        assert run.total == 4
        assert run.counts[OutcomeStatus.APPLIED] == run.done
        assert run.rate > 0
        assert run.seconds_left == pytest.approx((4 - run.done) / run.rate, rel=0.5)
    assert run.seconds_left == 0
    seconds = run.seconds
    await asyncio.sleep(0.002)
    assert run.seconds == run.report().seconds == seconds


async def test_a_run_is_iterated_once(client: Client, emulator: Emulator) -> None:
    """A second iteration is refused: nothing is sent twice."""
    run = client.bulk.stream("start", emulator.seed_experiments(1))
    first = [outcome async for outcome in run]
    with pytest.raises(ConfigurationError, match="once"):
        await anext(aiter(run))
    assert len(first) == 1


async def test_what_the_outcomes_of_a_client_closed_meanwhile_say(
    client: Client, emulator: Emulator
) -> None:
    """Closing the client in the middle leaves one outcome for each id all the same."""
    ids = emulator.seed_experiments(6)
    hurried = client.with_options(timeout=0.3)
    run = hurried.bulk.stream("start", ids, concurrency=1)
    outcomes: list[Outcome] = []
    async for outcome in run:
        outcomes.append(outcome)
        await client.close()
    assert len(outcomes) == 6
    assert outcomes[0].status is OutcomeStatus.APPLIED
    assert isinstance(outcomes[-1].error, ConfigurationError)


@pytest.mark.parametrize("source", [list, one_by_one], ids=["list", "stream"])
@pytest.mark.parametrize("leave", ["break", "raise", "return", "never iterated"])
async def test_a_block_closes_its_run(
    client: Client, emulator: Emulator, leave: str, source: Callable[[list[str]], Any]
) -> None:
    """However the block is left, nothing is under way behind it."""
    ids = emulator.seed_experiments(20)
    emulator.faults.add("hang", route="experiments.start", after=3)

    async def consume() -> BulkRun:
        async with client.bulk.stream("start", source(ids), concurrency=4) as run:
            if leave == "never iterated":
                return run
            async for outcome in run:
                assert outcome.status is OutcomeStatus.APPLIED
                if leave == "return":
                    return run
                if leave == "raise":
                    raise LookupError(run)
                break
        return run

    try:
        run = await consume()
    except LookupError as error:
        run = error.args[0]
    assert not own_tasks()
    report = run.report()
    if source is list and leave != "never iterated":
        assert report.counts[OutcomeStatus.NOT_ATTEMPTED] >= 12
    with pytest.raises(ConfigurationError, match="once"):
        async for _ in run:
            pass


async def test_a_block_that_is_cancelled(client: Client, emulator: Emulator) -> None:
    """A cancellation ends the calls before it leaves the block."""
    ids = emulator.seed_experiments(20)
    emulator.faults.add("hang", route="experiments.start", after=3)
    run = client.bulk.stream("start", ids)

    async def consume() -> None:
        async with run:
            async for _ in run:
                pass

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(consume(), 0.1)
    assert not own_tasks()
    assert run.report().counts[OutcomeStatus.UNKNOWN] == 8


async def test_a_block_closes_the_journal(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    """The same call can be made as soon as the block is left."""
    ids = emulator.seed_experiments(6)
    journal = tmp_path / "journal"
    async with client.bulk.stream("start", ids, journal=journal) as run:
        async for _ in run:
            break
    report = await client.bulk.start(ids, journal=journal)
    assert report.counts[OutcomeStatus.APPLIED] == 6


async def test_what_is_shown_of_runs(client: Client, emulator: Emulator) -> None:
    """Runs, outcomes and reports are shown in a line, without whole experiments."""
    ids = emulator.seed_experiments(2)
    run = client.bulk.stream("start", ids)
    assert repr(run) == "<BulkRun start: 0 of unknown>"
    outcomes = [outcome async for outcome in run]
    assert repr(run) == "<BulkRun start: 2 of 2>"
    assert outcomes[0].transition is not None
    assert "Experiment" not in repr(outcomes)
    assert len(repr(outcomes[0])) < 200
    report = run.report()
    assert repr(report) == f"<BulkReport {report}>"
