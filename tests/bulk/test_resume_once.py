"""Resuming `publish="once"`: the journal says what is published, not the input."""

import asyncio
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from ours_experiments import BulkReport, BulkRun, Client, OutcomeStatus
from ours_experiments.emulator import Emulator
from tests.support.bulk_calls import states, statuses


WORKER = """
import asyncio, os, sys
from ours_experiments import Client
from ours_experiments.bulk.journal import Journal

key, url, journal, last = sys.argv[1:]
writes = 0
write = Journal.write

def write_and_die(self, line):
    global writes
    write(self, line)
    writes += 1
    if writes == int(last):
        os.kill(os.getpid(), 9)

Journal.write = write_and_die

async def main():
    async with Client(key, base_url=url) as client:
        drafts = client.experiments.list(status="draft")
        await client.bulk.start(drafts, publish="once", journal=journal)

asyncio.run(main())
"""


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Return the path of a journal that does not exist yet."""
    return tmp_path / "bulk.journal"


def start(client: Client, journal: Path) -> BulkRun:
    """Start all drafts and publish once, as the README does."""
    drafts = client.experiments.list(status="draft")
    return client.bulk.stream("start", drafts, publish="once", journal=journal)


async def finish(client: Client, journal: Path) -> BulkReport:
    """Run the same call to its end."""
    run = start(client, journal)
    async for _ in run:
        pass
    return run.report()


async def check_all_live(
    client: Client, emulator: Emulator, ids: list[str], report: BulkReport
) -> None:
    """Check that all is running, live, reported once and sent once."""
    assert states(emulator, ids) == {"running"}
    assert (await client.versions.draft_changes()).count == 0
    assert {outcome.experiment_id for outcome in report.outcomes} == {*ids}
    assert statuses(report) == [OutcomeStatus.APPLIED] * len(ids)
    assert emulator.log.applied_ids("experiments.start") == Counter(ids)
    assert len(emulator.state.versions()) == 1


@pytest.mark.parametrize(
    ("route", "after", "applied"),
    [
        pytest.param("versions.publish", 0, False, id="all staged"),
        pytest.param("versions.publish", 0, True, id="published unseen"),
        pytest.param("experiments.start", 3, False, id="half staged"),
        pytest.param("experiments.start", 3, True, id="half staged, last unseen"),
    ],
)
async def test_a_listing_that_no_longer_names_what_was_staged(
    client: Client,
    emulator: Emulator,
    journal: Path,
    route: str,
    after: int,
    *,
    applied: bool,
) -> None:
    """The resumed run publishes what the journal says is staged or begun."""
    ids = emulator.seed_experiments(6)
    fault = emulator.faults.add("hang", route=route, after=after, applied=applied)
    run = start(client, journal)
    with suppress(TimeoutError):
        async with asyncio.timeout(0.3):
            async for _ in run:
                pass
    fault.remove()
    await emulator.faults.settle()
    report = await finish(client, journal)
    await check_all_live(client, emulator, ids, report)


async def test_a_resumed_filter_reports_the_whole_job(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """What an earlier run did is in the report, though the filter leaves it out."""
    ids = emulator.seed_experiments(5)
    await client.bulk.start(ids[:2], journal=journal)
    drafts = client.experiments.list(status="draft")
    report = await client.bulk.start(drafts, journal=journal)
    assert {outcome.experiment_id for outcome in report.outcomes} == {*ids}
    assert statuses(report) == [OutcomeStatus.APPLIED] * 5
    again = await client.bulk.start(
        client.experiments.list(status="draft"), journal=journal
    )
    assert statuses(again) == [OutcomeStatus.APPLIED] * 5


async def test_what_failed_and_is_no_longer_named_is_tried_again(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """A journal's job ends when nothing in it has failed."""
    ids = emulator.seed_experiments(2)
    emulator.faults.add("status", code=403, route="experiments.start", times=1)
    first = await client.bulk.start(ids, journal=journal, concurrency=1)
    assert statuses(first) == [OutcomeStatus.FAILED, OutcomeStatus.APPLIED]
    second = await client.bulk.start([], journal=journal)
    assert statuses(second) == [OutcomeStatus.APPLIED] * 2


@pytest.mark.parametrize("last", [1, 12, 41, 82, 83])
async def test_killed_at_a_write_of_the_journal(
    client: Client, emulator: Emulator, journal: Path, last: int
) -> None:
    """After `kill -9` the same call ends with all 40 live, each with an outcome."""
    ids = emulator.seed_experiments(40)
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, emulator.api_key, emulator.url, journal, str(last)
    )
    assert await worker.wait() == -9
    await asyncio.sleep(0.05)
    report = await finish(client, journal)
    await check_all_live(client, emulator, ids, report)
