"""APPLIED and ALREADY are said of what is live only."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ours_experiments import Client, OutcomeStatus, RetryPolicy
from ours_experiments.emulator import Emulator
from tests.support.bulk_calls import statuses


@pytest.fixture
async def other(emulator: Emulator) -> AsyncIterator[Client]:
    """Be another person with the same account."""
    async with Client(emulator.api_key, base_url=emulator.url) as client:
        yield client


async def staged(client: Client) -> set[str]:
    """Return the experiments whose changes are not live."""
    changes = (await client.versions.draft_changes()).differences["experiments"]
    return set(changes.ids)


async def test_what_an_earlier_call_staged(client: Client, emulator: Emulator) -> None:
    """A start that publishes finds a staged one STAGED, among live ones."""
    ids = emulator.seed_experiments(2)
    await client.bulk.start(ids, publish="none")
    running = emulator.seed_experiments(1, status="running")
    report = await client.bulk.start([*ids, *running])
    assert statuses(report) == [OutcomeStatus.STAGED] * 2 + [OutcomeStatus.ALREADY]
    assert await staged(client) == set(ids)


async def test_what_another_person_stages_meanwhile(
    client: Client, other: Client, emulator: Emulator
) -> None:
    """Another person's staged start is published with the batch that asks for it."""
    ids = emulator.seed_experiments(3)
    run = client.bulk.stream("start", ids, publish="once", concurrency=1)
    async for _ in run:
        if run.done == 1:
            await other.experiments.start(ids[2], publish=False)
    assert statuses(run.report()) == [OutcomeStatus.APPLIED] * 3
    assert await staged(client) == set()


async def test_what_another_person_stages_while_a_reply_is_lost(
    client: Client, other: Client, emulator: Emulator
) -> None:
    """A start that was not applied is not taken for another person's staged one."""
    [experiment_id] = emulator.seed_experiments(1)
    emulator.faults.add("reset", route="experiments.start", times=1)
    task = asyncio.create_task(client.bulk.start([experiment_id]))
    while not emulator.log.received("experiments.start"):  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    await other.experiments.start(experiment_id, publish=False)
    [status] = statuses(await task)
    assert status in {OutcomeStatus.STAGED, OutcomeStatus.UNKNOWN}


async def test_a_publish_status_of_tomorrow(client: Client, emulator: Emulator) -> None:
    """What an unknown word means is looked up in the changes that are not live."""
    live, waiting = emulator.seed_experiments(2)
    emulator.faults.add("unknown_enums", route="experiments.start")
    report = await client.bulk.start([live])
    assert statuses(report) == [OutcomeStatus.APPLIED]
    report = await client.bulk.start([waiting], publish="none")
    assert statuses(report) == [OutcomeStatus.STAGED]


async def test_a_status_of_tomorrow(client: Client, emulator: Emulator) -> None:
    """A status that is not known does not show that a lost start was applied."""
    [experiment_id] = emulator.seed_experiments(1)
    emulator.faults.add("reset", route="experiments.start")
    emulator.faults.add("unknown_enums", route="experiments.retrieve")
    hurried = client.with_options(timeout=1.0)
    report = await hurried.bulk.start([experiment_id])
    assert statuses(report) == [OutcomeStatus.UNKNOWN]
    assert emulator.state.get(experiment_id).status == "draft"


async def test_changes_that_cannot_be_read(client: Client, emulator: Emulator) -> None:
    """Where the service does not say what is live, nothing is said to be."""
    ids = emulator.seed_experiments(1, status="running")
    emulator.faults.add("status", code=403, route="versions.draft_changes")
    report = await client.bulk.start(ids)
    assert statuses(report) == [OutcomeStatus.STAGED]


async def test_changes_that_take_too_long(client: Client, emulator: Emulator) -> None:
    """The call's own time bounds the question too."""
    ids = emulator.seed_experiments(8, status="running")
    emulator.faults.add("hang", route="versions.draft_changes")
    hurried = client.with_options(timeout=0.3, retry=RetryPolicy(attempts=1))
    async with asyncio.timeout(3):
        report = await hurried.bulk.start(ids, concurrency=8)
    assert statuses(report) == [OutcomeStatus.STAGED] * 8


async def test_a_service_without_versions() -> None:
    """Where there are no versions, nothing waits to be published."""
    async with (
        Emulator(api="initial") as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        ids = emulator.seed_experiments(1, status="running")
        report = await client.bulk.start(ids)
        assert statuses(report) == [OutcomeStatus.ALREADY]


async def test_one_question_for_many(client: Client, emulator: Emulator) -> None:
    """Many ids that are there already share the requests for what is not live."""
    ids = emulator.seed_experiments(64, status="running")
    emulator.faults.add("latency", seconds=0.02, route="versions.draft_changes")
    report = await client.bulk.start(ids, concurrency=32)
    assert statuses(report) == [OutcomeStatus.ALREADY] * 64
    assert emulator.log.received("versions.draft_changes") <= 16


@pytest.mark.parametrize("action", ["start", "pause", "resume", "stop"])
async def test_a_service_that_answers_400(action: str) -> None:
    """An impossible transition is looked into after 400 as after 409."""
    reached = {"start": "running", "pause": "paused", "resume": "running"}
    async with (
        Emulator(conflict_status=400) as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        ids = emulator.seed_experiments(1, status=reached.get(action, "completed"))
        ids += emulator.seed_experiments(
            1, status="draft" if action != "start" else "paused"
        )
        report = await getattr(client.bulk, action)(ids)
        assert statuses(report) == [OutcomeStatus.ALREADY, OutcomeStatus.FAILED]
