"""`publish="once"`: everything staged, then one version of exactly that."""

import asyncio
from pathlib import Path

import pytest

from ours_experiments import (
    BulkReport,
    Client,
    ConfigurationError,
    NotFoundError,
    OutcomeStatus,
    OutcomeUnknownError,
    PermissionDeniedError,
    RetryPolicy,
    SettingsPatch,
)
from ours_experiments.emulator import Emulator
from tests.support.bulk_calls import all_end, one_by_one, states, statuses, writes


async def stage_unrelated(client: Client, emulator: Emulator) -> str:
    """Have somebody else start something without publishing it."""
    [unrelated] = emulator.seed_experiments(1)
    await client.experiments.start(unrelated, publish=False)
    emulator.log.clear()
    return unrelated


async def pending(client: Client) -> set[str]:
    """Return which experiments have changes that are not live."""
    changes = await client.versions.draft_changes()
    return set(changes.differences["experiments"].ids)


async def test_one_version_for_five_hundred(client: Client, emulator: Emulator) -> None:
    """500 starts are 500 writes that stage, and one that publishes them all."""
    ids = emulator.seed_experiments(500)
    report = await client.bulk.start(ids, publish="once", concurrency=32)
    assert statuses(report) == [OutcomeStatus.APPLIED] * 500
    assert writes(emulator) == ["experiments.start"] * 500 + ["versions.publish"]
    [version] = emulator.state.versions()
    assert report.version is not None
    assert report.version.id == version["id"]
    assert "bulk start of 500 experiments" in str(version["notes"])
    assert states(emulator, ids) == {"running"}
    assert (await client.versions.draft_changes()).count == 0
    assert f"published as version {version['versionNumber']}" in str(report)


async def test_counts_after_the_publish(client: Client, emulator: Emulator) -> None:
    """What was staged counts as applied once it is published, in streams too."""
    ids = emulator.seed_experiments(3) + emulator.seed_experiments(1, variants=1)
    run = client.bulk.stream("start", ids, publish="once")
    came = [outcome.status async for outcome in run]
    assert sorted(came) == [OutcomeStatus.FAILED] + [OutcomeStatus.STAGED] * 3
    assert run.counts[OutcomeStatus.STAGED] == 0
    assert run.counts[OutcomeStatus.APPLIED] == 3
    assert statuses(run.report()).count(OutcomeStatus.APPLIED) == 3


async def test_nothing_staged(client: Client, emulator: Emulator) -> None:
    """Where nothing had to be staged, nothing is published."""
    ids = emulator.seed_experiments(2, status="running")
    report = await client.bulk.start([*ids, "exp_missing"], publish="once")
    assert report.version is None
    assert report.publish_error is None
    assert emulator.log.received("versions.publish") == 0


async def test_other_peoples_changes_stop_the_run(
    client: Client, emulator: Emulator
) -> None:
    """Foreign changes are listed in a refusal before anything is written."""
    unrelated = await stage_unrelated(client, emulator)
    [settings] = emulator.state.settings()
    await client.settings.update(str(settings["id"]), SettingsPatch(name="Renamed"))
    emulator.log.clear()
    ids = emulator.seed_experiments(2)
    with pytest.raises(ConfigurationError) as caught:
        await client.bulk.start(ids, publish="once")
    assert f"experiments {unrelated}" in str(caught.value)
    assert f"experimentSettings {settings['id']}" in str(caught.value)
    assert "experimentVariants" not in str(caught.value)
    report: BulkReport = vars(caught.value)["report"]
    assert statuses(report) == [OutcomeStatus.NOT_ATTEMPTED] * 2
    assert writes(emulator) == []


async def test_publishing_others_too(client: Client, emulator: Emulator) -> None:
    """With leave to, everything that is staged goes live, nothing by halves."""
    await stage_unrelated(client, emulator)
    ids = emulator.seed_experiments(2)
    report = await client.bulk.start(ids, publish="once", ship_others=True)
    assert statuses(report) == [OutcomeStatus.APPLIED] * 2
    assert (await client.versions.draft_changes()).count == 0
    assert len(emulator.state.versions()) == 1


async def test_changes_that_come_meanwhile(client: Client, emulator: Emulator) -> None:
    """What others stage during the run is left to them: it is not published."""
    ids = emulator.seed_experiments(2)
    [unrelated] = emulator.seed_experiments(1)
    run = client.bulk.stream("start", ids, publish="once", concurrency=1)
    async for _ in run:
        if run.done == 1:
            await client.experiments.start(unrelated, publish=False)
    report = run.report()
    assert statuses(report) == [OutcomeStatus.APPLIED] * 2
    assert report.publish_error is None
    assert await pending(client) == {unrelated}


async def test_other_changes_that_come_meanwhile(
    client: Client, emulator: Emulator
) -> None:
    """Changes that a version cannot leave out stop the publish; all stays STAGED."""
    ids = emulator.seed_experiments(2)
    [settings] = emulator.state.settings()
    settings_id = str(settings["id"])
    run = client.bulk.stream("start", ids, publish="once", concurrency=1)
    async for _ in run:
        if run.done == 1:
            await client.settings.update(settings_id, SettingsPatch(name="Renamed"))
    report = run.report()
    assert statuses(report) == [OutcomeStatus.STAGED] * 2
    assert settings_id in str(report.publish_error)
    assert "not published" in str(report)
    assert emulator.state.versions() == []


async def test_unrelated_variants_that_cannot_be_told(
    client: Client, emulator: Emulator
) -> None:
    """Where another experiment's variants are not shown, nothing is published."""
    ids = emulator.seed_experiments(2)
    [unrelated] = emulator.seed_experiments(1)
    emulator.faults.add(
        "status",
        code=403,
        route="experiments.retrieve",
        when=lambda request: unrelated in request.path,
    )
    run = client.bulk.stream("start", ids, publish="once", concurrency=1)
    async for _ in run:
        if run.done == 1:
            await client.experiments.start(unrelated, publish=False)
    report = run.report()
    assert statuses(report) == [OutcomeStatus.STAGED] * 2
    assert isinstance(report.publish_error, PermissionDeniedError)
    assert emulator.state.versions() == []


async def test_somebody_else_publishes_it_all(
    client: Client, emulator: Emulator
) -> None:
    """What another person's version has made live is APPLIED, not STAGED for ever."""
    ids = emulator.seed_experiments(3)
    run = client.bulk.stream("start", ids, publish="once", concurrency=1)
    async for _ in run:
        if run.done == 3:
            await client.versions.publish(notes="somebody else's")
    report = run.report()
    assert statuses(report) == [OutcomeStatus.APPLIED] * 3
    assert (report.version, report.publish_error) == (None, None)
    assert len(emulator.state.versions()) == 1
    assert run.counts[OutcomeStatus.STAGED] == 0


async def test_somebody_else_publishes_a_part(
    client: Client, emulator: Emulator
) -> None:
    """Only what is left is published; everything is APPLIED."""
    ids = emulator.seed_experiments(3)
    run = client.bulk.stream("start", ids, publish="once", concurrency=1)
    async for outcome in run:
        if run.done == 2:
            theirs = [outcome.experiment_id]
            await client.versions.publish(include_experiments=theirs)
    assert statuses(run.report()) == [OutcomeStatus.APPLIED] * 3
    assert len(emulator.state.versions()) == 2
    assert (await client.versions.draft_changes()).count == 0


@pytest.mark.parametrize("same", [False, True], ids=["other ids", "same ids"])
async def test_two_runs_that_begin_together(emulator: Emulator, *, same: bool) -> None:
    """Both end with everything published, each by its own version or the other's."""
    ids = emulator.seed_experiments(40)
    emulator.faults.add("latency", seconds=0.005, route="experiments.start")
    async with (
        Client(emulator.api_key, base_url=emulator.url) as mine,
        Client(emulator.api_key, base_url=emulator.url) as other,
    ):
        reports = await asyncio.gather(
            mine.bulk.start(ids if same else ids[:20], publish="once"),
            other.bulk.start(ids if same else ids[20:], publish="once"),
        )
        for report in reports:
            assert report.publish_error is None
            assert {*statuses(report)} <= {
                OutcomeStatus.APPLIED,
                OutcomeStatus.ALREADY,
            }
        assert (await mine.versions.draft_changes()).count == 0
    assert states(emulator, ids) == {"running"}


async def test_changes_that_come_at_the_last_moment(
    client: Client, emulator: Emulator
) -> None:
    """The version is made of the batch's own ids: a later change is not published."""
    ids = emulator.seed_experiments(2)
    [unrelated] = emulator.seed_experiments(1)
    emulator.faults.add("latency", seconds=0.05, route="versions.publish")
    call = asyncio.create_task(client.bulk.start(ids, publish="once"))
    while not emulator.log.received("versions.publish"):  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    await client.experiments.start(unrelated, publish=False)
    report = await call
    assert statuses(report) == [OutcomeStatus.APPLIED] * 2
    assert await pending(client) == {unrelated}


async def test_a_publish_that_is_refused(client: Client, emulator: Emulator) -> None:
    """Nothing is raised: the outcomes stay STAGED and the report has the error."""
    ids = emulator.seed_experiments(2)
    emulator.faults.add("status", code=403, route="versions.publish")
    report = await client.bulk.start(ids, publish="once")
    assert statuses(report) == [OutcomeStatus.STAGED] * 2
    assert isinstance(report.publish_error, PermissionDeniedError)
    assert report.version is None
    with pytest.raises(ExceptionGroup) as caught:
        report.raise_for_failures()
    assert caught.value.exceptions == (report.publish_error,)


async def test_a_last_look_that_fails(client: Client, emulator: Emulator) -> None:
    """Where the changes cannot be looked at again, they are not published."""
    ids = emulator.seed_experiments(2)
    emulator.faults.add("status", code=403, route="versions.draft_changes", after=1)
    report = await client.bulk.start(ids, publish="once")
    assert statuses(report) == [OutcomeStatus.STAGED] * 2
    assert isinstance(report.publish_error, PermissionDeniedError)
    assert emulator.log.received("versions.publish") == 0


async def test_a_publish_that_nobody_saw_answered(
    client: Client, emulator: Emulator
) -> None:
    """A publish without a known outcome claims nothing."""
    ids = emulator.seed_experiments(2)
    emulator.faults.add("reset", applied=True, route="versions.publish")
    emulator.faults.add("status", code=500, route="versions.list")
    hurried = client.with_options(timeout=0.7, retry=RetryPolicy(attempts=1))
    report = await hurried.bulk.start(ids, publish="once")
    assert statuses(report) == [OutcomeStatus.STAGED] * 2
    assert isinstance(report.publish_error, OutcomeUnknownError)


async def test_a_publish_that_is_found_again(
    client: Client, emulator: Emulator
) -> None:
    """After a lost reply the version is looked up, and made once."""
    ids = emulator.seed_experiments(2)
    emulator.faults.add("reset", applied=True, route="versions.publish", times=1)
    report = await client.bulk.start(ids, publish="once")
    assert statuses(report) == [OutcomeStatus.APPLIED] * 2
    assert len(emulator.state.versions()) == 1


async def test_a_publish_that_is_cut_off(client: Client, emulator: Emulator) -> None:
    """Cancelled while it publishes, the report says that nobody knows."""
    ids = emulator.seed_experiments(2)
    emulator.faults.add("hang", route="versions.publish")
    run = client.bulk.stream("start", ids, publish="once")

    async def drain() -> None:
        async for _ in run:
            pass

    task = asyncio.create_task(drain())
    while not emulator.log.received("versions.publish"):  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    report = run.report()
    assert statuses(report) == [OutcomeStatus.STAGED] * 2
    assert isinstance(report.publish_error, OutcomeUnknownError)
    assert await all_end()


async def test_the_same_call_again(client: Client, emulator: Emulator) -> None:
    """What an earlier call staged and could not publish is published by the next."""
    ids = emulator.seed_experiments(3)
    fault = emulator.faults.add("status", code=403, route="versions.publish")
    await client.bulk.start(ids, publish="once")
    fault.remove()
    report = await client.bulk.start(ids, publish="once")
    assert statuses(report) == [OutcomeStatus.APPLIED] * 3
    assert await pending(client) == set()


async def test_what_is_staged_already_is_foretold(
    client: Client, emulator: Emulator
) -> None:
    """In a dry run too, what waits to be published is STAGED, not ALREADY."""
    ids = emulator.seed_experiments(1)
    await client.bulk.start(ids, publish="none")
    report = await client.bulk.start(ids, publish="once", dry_run=True)
    assert statuses(report) == [OutcomeStatus.STAGED]


async def test_a_stream_cannot_vouch_for_its_ids(
    client: Client, emulator: Emulator
) -> None:
    """What comes one by one is not known beforehand, so its changes are unrelated."""
    staged = await stage_unrelated(client, emulator)
    with pytest.raises(ConfigurationError, match=staged):
        await client.bulk.start(one_by_one([staged]), publish="once")


async def test_unknown_outcomes_do_not_stop_the_publish(emulator: Emulator) -> None:
    """A change that may be the batch's own is not held against it, nor published."""
    ids = emulator.seed_experiments(3)
    emulator.faults.add(
        "reset",
        applied=True,
        route="experiments.start",
        when=lambda request: ids[0] in request.path,
    )
    emulator.faults.add("html", code=200, route="experiments.retrieve")
    async with Client(emulator.api_key, base_url=emulator.url, timeout=0.7) as client:
        report = await client.bulk.start(ids, publish="once")
        assert statuses(report) == [
            OutcomeStatus.UNKNOWN,
            OutcomeStatus.APPLIED,
            OutcomeStatus.APPLIED,
        ]
        assert await pending(client) == {ids[0]}


async def test_a_service_without_versions() -> None:
    """Where changes cannot be looked at, nothing is written."""
    async with (
        Emulator(api="initial") as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        ids = emulator.seed_experiments(2)
        with pytest.raises(NotFoundError):
            await client.bulk.start(ids, publish="once")
        assert writes(emulator) == []


async def test_resuming_what_was_staged(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    """A resumed call publishes what an earlier run staged, and sends it no more."""
    ids = emulator.seed_experiments(4)
    journal = tmp_path / "journal"
    run = client.bulk.stream("start", ids, publish="once", journal=journal)
    outcomes = aiter(run)
    await anext(outcomes)
    await outcomes.aclose()
    await emulator.faults.settle()
    report = await client.bulk.start(ids, publish="once", journal=journal)
    assert statuses(report) == [OutcomeStatus.APPLIED] * 4
    assert set(emulator.log.applied_ids("experiments.start").values()) == {1}
    assert len(emulator.state.versions()) == 1


async def test_resuming_from_a_stream(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    """What the journal knows as staged is related, whatever the ids come from."""
    ids = emulator.seed_experiments(3)
    journal = tmp_path / "journal"
    fault = emulator.faults.add("status", code=403, route="versions.publish")
    await client.bulk.start(ids, publish="once", journal=journal)
    fault.remove()
    report = await client.bulk.start(one_by_one(ids), publish="once", journal=journal)
    assert statuses(report) == [OutcomeStatus.APPLIED] * 3
    assert emulator.log.received("experiments.start") == 3


async def test_resuming_what_was_published(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    """A version made before a crash is found by its token, and is not made again."""
    ids = emulator.seed_experiments(3)
    journal = tmp_path / "journal"
    first = await client.bulk.start(ids, publish="once", journal=journal)
    lines = journal.read_bytes().splitlines(keepends=True)
    assert lines.pop().startswith(b'{"published":')
    journal.write_bytes(b"".join(lines) + b'{"publishing":"in vain"}\n')
    emulator.log.clear()
    again = await client.bulk.start(ids, publish="once", journal=journal)
    assert statuses(again) == [OutcomeStatus.APPLIED] * 3
    assert again.version == first.version
    assert emulator.log.received("versions.list") == 1
    assert len(emulator.state.versions()) == 1
    # What was found out is on record: the next run need not look.
    emulator.log.clear()
    last = await client.bulk.start(ids, publish="once", journal=journal)
    assert statuses(last) == [OutcomeStatus.APPLIED] * 3
    assert emulator.log.received("versions.list") == 0


async def test_what_others_published_before_the_resumed_run(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    """What the draft no longer lists is live, whoever published it."""
    ids = emulator.seed_experiments(2)
    journal = tmp_path / "journal"
    emulator.faults.add("status", code=403, route="versions.publish", times=1)
    await client.bulk.start(ids, publish="once", journal=journal)
    await client.versions.publish(notes="somebody else's")
    report = await client.bulk.start(ids, publish="once", journal=journal)
    assert statuses(report) == [OutcomeStatus.APPLIED] * 2
    assert report.publish_error is None
    assert len(emulator.state.versions()) == 1
