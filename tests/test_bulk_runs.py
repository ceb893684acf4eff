"""Bulk calls over sockets: one honest outcome for each distinct id."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from benchmarks.fast_clock import run_fast
from benchmarks.guarantees import LOST_REPLIES
from ours_experiments import (
    BulkReport,
    Client,
    ConfigurationError,
    ConflictError,
    NewExperiment,
    Outcome,
    OutcomeStatus,
    RetryPolicy,
)
from ours_experiments.emulator import Emulator


def statuses(report: BulkReport) -> Counter[str]:
    """Count a report's outcomes by status."""
    return Counter(outcome.status.value for outcome in report.outcomes)


async def test_each_distinct_id_has_one_outcome_in_input_order(
    emulator: Emulator, client: Client
) -> None:
    """Duplicates are merged, and the report keeps the order of the input."""
    ids = emulator.seed_experiments(40)
    shuffled = [*reversed(ids), *ids, *ids[:7]]
    report = await client.bulk.start(shuffled, concurrency=32)
    assert [outcome.experiment_id for outcome in report.outcomes] == ids[::-1]
    assert statuses(report) == {"applied": 40}
    assert all(one.attempts == 1 and one.seconds > 0 for one in report.outcomes)
    assert all(one.transition is not None for one in report.outcomes)
    assert {one["status"] for one in emulator.state.experiments()} == {"running"}


async def test_five_hundred_are_started_at_thirty_two_at_a_time(
    emulator: Emulator, client: Client
) -> None:
    """Concurrency is used, and not exceeded."""
    emulator.faults.add("latency", seconds=0.005)
    ids = emulator.seed_experiments(500)
    report = await client.bulk.start(ids, concurrency=32)
    assert len(report.succeeded) == 500
    assert emulator.log.peak_in_flight("experiments.start") == 32
    assert Counter(emulator.log.applied_ids("experiments.start").values()) == {1: 500}


async def test_every_action(emulator: Emulator, client: Client) -> None:
    """Start, pause, resume, stop with winners and delete do what they say."""
    ids = emulator.seed_experiments(3)
    bulk = client.bulk
    assert statuses(await bulk.start(ids)) == {"applied": 3}
    assert statuses(await bulk.pause(ids)) == {"applied": 3}
    assert statuses(await bulk.resume(ids)) == {"applied": 3}
    found = await client.experiments.retrieve(ids[0])
    assert found.variants is not None
    winner = found.variants[1].id
    stopped = await bulk.stop({ids[0]: winner, ids[1]: None, ids[2]: "none of its"})
    assert statuses(stopped) == {"applied": 2, "failed": 1}
    assert emulator.state.experiment(ids[0])["winnerVariantId"] == winner
    assert statuses(await bulk.delete([*ids, "gone"])) == {"applied": 3, "already": 1}
    assert emulator.state.experiments() == []


async def test_what_was_there_before_is_already(
    emulator: Emulator, client: Client
) -> None:
    """A conflict is told from what needs no change."""
    running = emulator.seed_experiments(2, status="running")
    completed = emulator.seed_experiments(1, status="completed")
    report = await client.bulk.start([*running, *completed, "none"])
    assert statuses(report) == {"already": 2, "failed": 2}
    assert isinstance(report.failed[0].error, ConflictError)
    assert report.failed_ids == (*completed, "none")
    with pytest.raises(ExceptionGroup, match="2 already, 2 failed"):
        report.raise_for_failures()


@pytest.mark.parametrize("bad", ["", ".", "..", "a\nb", 5, None, b"id"])
async def test_a_bad_id_costs_its_own_outcome(
    emulator: Emulator, client: Client, bad: Any
) -> None:
    """What is no id fails by itself, and nothing is sent for it."""
    (good,) = emulator.seed_experiments(1)
    report = await client.bulk.start([bad, good])
    assert statuses(report) == {"failed": 1, "applied": 1}
    assert isinstance(report.outcomes[0].error, ConfigurationError)
    assert emulator.log.received() == 1


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        pytest.param(("start", "exp_1"), {}, id="one id"),
        pytest.param(("start", 5), {}, id="no iterable"),
        pytest.param(("start", {"exp_1": None}), {}, id="mapping"),
        pytest.param(("begin", []), {}, id="action"),
        pytest.param(("start", []), {"concurrency": 0}, id="concurrency"),
        pytest.param(("start", []), {"concurrency": True}, id="a bool"),
        pytest.param(("start", []), {"publish": "twice"}, id="publish"),
        pytest.param(("stop", []), {"publish": "once"}, id="stop stages nothing"),
        pytest.param(("delete", []), {"publish": "none"}, id="delete stages nothing"),
    ],
)
async def test_bad_arguments_are_refused(
    emulator: Emulator, client: Client, arguments: Any, options: Any
) -> None:
    """A bad argument is refused before anything is sent."""
    with pytest.raises(ConfigurationError):
        client.bulk.stream(*arguments, **options)
    assert emulator.log.received() == 0


async def test_an_unknown_option_is_a_type_error(client: Client) -> None:
    """An option that does not exist is refused as in any call."""
    with pytest.raises(TypeError, match="speed"):
        await client.bulk.start([], speed=3)  # type: ignore[call-arg]


async def test_a_listing_is_drained_before_it_is_changed() -> None:
    """With a cursor that is an offset, no row is skipped."""
    async with (
        Emulator(cursor="offset") as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        emulator.seed_experiments(250)
        listing = client.experiments.list(status="draft", limit=20)
        report = await client.bulk.start(listing, concurrency=16)
        assert statuses(report) == {"applied": 250}


async def test_other_iterators_are_read_twice_concurrency_ahead(
    emulator: Emulator, client: Client
) -> None:
    """A slow consumer slows the reading down."""
    ids = emulator.seed_experiments(60)
    taken = 0

    async def source() -> AsyncIterator[str]:
        nonlocal taken
        for one in ids:
            taken += 1
            yield one

    served = 0
    run = client.bulk.stream("start", source(), concurrency=4)
    assert run.total is None
    async for _ in run:
        served += 1
        await asyncio.sleep(0.002)
        assert taken - served <= 8
    assert served == 60
    assert run.seconds_left is None
    assert run.rate > 0


async def test_a_source_that_fails_does_so_after_what_was_begun(
    emulator: Emulator, client: Client
) -> None:
    """What the input raises is raised, and what was begun is in the report."""
    ids = emulator.seed_experiments(10)

    async def source() -> AsyncIterator[str]:
        for one in ids:
            yield one
        raise LookupError

    with pytest.raises(LookupError) as caught:
        await client.bulk.start(source(), concurrency=3)
    report: BulkReport = vars(caught.value)["report"]
    assert statuses(report) == {"applied": 10}


async def test_progress_is_told_and_may_fail(
    emulator: Emulator, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """The callback sees every step; what it raises is logged and loses nothing."""
    seen: list[tuple[int, int | None]] = []

    def on_progress(done: int, total: int | None) -> None:
        seen.append((done, total))
        raise ZeroDivisionError

    ids = emulator.seed_experiments(5)
    report = await client.bulk.start([*ids, ids[0]], on_progress=on_progress)
    assert len(report.succeeded) == 5
    assert seen == [(done, 5) for done in range(1, 6)]
    assert "on_progress failed" in caplog.text


@pytest.mark.parametrize("steps", [0, 1, 3, 10, 30, 60, 100, 200])
async def test_a_cancelled_run_has_a_report(
    emulator: Emulator, client: Client, steps: int
) -> None:
    """Cut off at any step, the outcomes sum up and nothing keeps running."""
    ids = emulator.seed_experiments(50)
    before = asyncio.all_tasks()
    run = client.bulk.stream("start", ids, concurrency=8)

    async def drive() -> None:
        async for _ in run:
            pass

    task = asyncio.create_task(drive())
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    ours = {one for one in asyncio.all_tasks() - before if "worker" in repr(one)}
    assert not ours
    report = run.report()
    counted = statuses(report)
    if counted:
        assert counted.total() == 50
    applied = emulator.log.applied_ids("experiments.start")
    for outcome in report.outcomes:
        if outcome.status is OutcomeStatus.NOT_ATTEMPTED:
            assert outcome.experiment_id not in applied


async def test_a_timeout_around_a_bulk_call_keeps_the_report(
    emulator: Emulator, client: Client
) -> None:
    """The report is on the exception that ended the call."""
    emulator.faults.add("latency", seconds=0.01)
    ids = emulator.seed_experiments(200)
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.1):
            await client.bulk.start(ids, concurrency=4)
    cause = caught.value.__cause__
    assert cause is not None
    report: BulkReport = vars(cause)["report"]
    assert statuses(report).total() == 200
    assert 0 < len(report.succeeded) < 200


async def test_a_consumer_may_leave_early(emulator: Emulator, client: Client) -> None:
    """Leaving the loop cancels what is under way; the run says what happened."""
    ids = emulator.seed_experiments(40)
    run = client.bulk.stream("start", ids, concurrency=4)
    async with aclosing(aiter(run)) as outcomes:
        async for outcome in outcomes:
            assert isinstance(outcome, Outcome)
            break
    report = run.report()
    assert statuses(report)["applied"] >= 1
    assert statuses(report).total() == 40
    with pytest.raises(ConfigurationError, match="once"):
        await anext(aiter(run))


async def test_a_dry_run_writes_nothing(emulator: Emulator, client: Client) -> None:
    """It tells what would be applied, what is there, and what would fail and why."""
    drafts = emulator.seed_experiments(2)
    running = emulator.seed_experiments(1, status="running")
    paused = emulator.seed_experiments(1, status="paused")
    alone = emulator.seed_experiments(1, variants=1)
    before = emulator.state.experiments()
    everything = [*drafts, *running, *paused, *alone, "none"]
    report = await client.bulk.start(everything, dry_run=True)
    assert emulator.state.experiments() == before
    assert statuses(report) == {"not_attempted": 2, "already": 1, "failed": 3}
    assert "2 would be applied" in str(report)
    told = [str(outcome.error) for outcome in report.failed]
    assert "it is paused" in told[0]
    assert "needs two" in told[1]
    assert "404" in told[2]


async def test_one_publish_for_all(emulator: Emulator, client: Client) -> None:
    """500 are staged and then published as exactly one version."""
    ids = emulator.seed_experiments(500)
    report = await client.bulk.start(ids, publish="once", concurrency=32)
    assert statuses(report) == {"applied": 500}
    assert report.version is not None
    assert f"published as version {report.version.version_number}" in str(report)
    writes = [one for one in emulator.log.entries if one.method == "POST"]
    assert len(writes) == 501
    assert emulator.log.applied("versions.publish") == 1
    changes = await client.versions.draft_changes()
    assert changes.count == 0


async def test_nothing_staged_is_nothing_published(
    emulator: Emulator, client: Client
) -> None:
    """Without a change there is no version."""
    ids = emulator.seed_experiments(2, status="running")
    report = await client.bulk.start(ids, publish="once")
    assert statuses(report) == {"already": 2}
    assert report.version is None
    assert emulator.log.received("versions.publish") == 0


async def test_other_peoples_changes_are_not_shipped_unasked(
    emulator: Emulator, client: Client
) -> None:
    """Foreign drafts are listed in the refusal, before anything is staged."""
    (foreign,) = emulator.seed_experiments(1)
    await client.experiments.start(foreign, publish=False)
    ids = emulator.seed_experiments(3)
    with pytest.raises(ConfigurationError, match=foreign):
        await client.bulk.start(ids, publish="once")
    assert {emulator.state.experiment(one)["status"] for one in ids} == {"draft"}
    report = await client.bulk.start(ids, publish="once", ship_others=True)
    assert statuses(report) == {"applied": 3}


async def test_a_failed_publish_leaves_all_staged(
    emulator: Emulator, client: Client
) -> None:
    """The report says that it is staged, and why; nothing is raised."""
    emulator.faults.add("status", code=403, route="versions.publish")
    ids = emulator.seed_experiments(3)
    report = await client.bulk.start(ids, publish="once")
    assert statuses(report) == {"staged": 3}
    assert report.publish_error is not None
    assert "not published" in str(report)
    with pytest.raises(ExceptionGroup):
        report.raise_for_failures()


async def test_staging_alone(emulator: Emulator, client: Client) -> None:
    """`publish="none"` leaves everything staged."""
    ids = emulator.seed_experiments(3)
    report = await client.bulk.start(ids, publish="none")
    assert statuses(report) == {"staged": 3}
    assert len(report.succeeded) == 3
    changes = (await client.versions.draft_changes()).differences
    assert changes["experiments"].ids == set(ids)


async def test_creating_many(emulator: Emulator, client: Client) -> None:
    """Outcomes stand in the order of the drafts; the same call may be repeated."""
    emulator.seed_experiments(1)
    settings_id = str(emulator.state.settings()[0]["id"])
    drafts = [
        NewExperiment(settings_id, f"Number {number}", key=f"number-{number}")
        for number in range(20)
    ]
    seen: list[int] = []
    report = await client.bulk.create(
        drafts, concurrency=8, on_progress=lambda done, _: seen.append(done)
    )
    assert statuses(report) == {"applied": 20}
    names = [
        one.transition and one.transition.experiment.name for one in report.outcomes
    ]
    assert names == [draft.name for draft in drafts]
    assert seen == list(range(1, 21))
    again = await client.bulk.create(
        [*drafts, drafts[0], NewExperiment("none", "No settings")]
    )
    assert statuses(again) == {"already": 21, "failed": 1}
    assert len(emulator.state.experiments()) == 21


async def test_results_of_many(emulator: Emulator, client: Client) -> None:
    """Results come in completion order; those that fail are raised at the end."""
    ids = emulator.seed_experiments(5, status="running")
    got: dict[str, int] = {}

    async def collect() -> None:
        async for experiment_id, results in client.bulk.results([*ids, "none", ""]):
            got[experiment_id] = len(results.variants)

    with pytest.raises(ExceptionGroup) as caught:
        await collect()
    assert got == dict.fromkeys(ids, 2)
    assert len(caught.value.exceptions) == 2


def test_outcomes_agree_with_the_service_whatever_happens() -> None:
    """G12: with a tenth of the calls faulty, every outcome is what the emulator has."""

    async def main() -> None:
        async with (
            Emulator(seed=5) as emulator,
            Client(
                emulator.api_key,
                base_url=emulator.url,
                attempt_timeout=5,
                retry=RetryPolicy(budget=100_000),
            ) as client,
        ):
            ids = emulator.seed_experiments(600)
            for word, parameters in LOST_REPLIES:
                emulator.faults.add(
                    word, route="experiments.start", probability=0.01, **parameters
                )
            given = [*ids, *random.Random(1).choices(ids, k=200)]  # noqa: S311
            report = await client.bulk.start(given, concurrency=32)
            assert len(report.outcomes) == 600
            applied = emulator.log.applied_ids("experiments.start")
            for outcome in report.outcomes:
                status = emulator.state.experiment(outcome.experiment_id)["status"]
                assert applied[outcome.experiment_id] <= 1
                if outcome.status in {OutcomeStatus.APPLIED, OutcomeStatus.ALREADY}:
                    assert status == "running"
                if outcome.status is OutcomeStatus.FAILED:
                    assert status == "draft"
            assert len(report.succeeded) >= 590

    run_fast(main)


async def test_records_and_notebooks(emulator: Emulator, client: Client) -> None:
    """A report is flat records for tables, and HTML without markup of the server's."""
    (good,) = emulator.seed_experiments(1)
    report = await client.bulk.start([good, "<script>"])
    first, second = report.to_records()
    assert (first["status"], first["publish_status"]) == ("applied", "published")
    assert second["error"] is not None
    html = report._repr_html_()
    assert "1 applied, 1 failed" in html
    assert "<script>" not in html
