"""Resuming a bulk call from its journal: nothing twice, nothing left out."""

import asyncio
import stat
import sys
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import orjson
import pytest
from aiohttp import web

from ours_experiments import (
    BulkReport,
    BulkRun,
    Client,
    ConfigurationError,
    NotFoundError,
    OutcomeStatus,
    OutcomeUnknownError,
    RetryPolicy,
)
from ours_experiments.emulator import Emulator
from tests.support.aging import age
from tests.support.bulk_calls import (
    entries,
    one_by_one,
    own_tasks,
    states,
    statuses,
    writes,
)


WORKER = """
import asyncio, sys
from ours_experiments import Client

async def main():
    key, url, journal, *ids = sys.argv[1:]
    async with Client(key, base_url=url) as client:
        await client.bulk.start(ids, concurrency=4, journal=journal)

asyncio.run(main())
"""


WAYS = {
    "start": ("draft", "running"),
    "pause": ("running", "paused"),
    "resume": ("paused", "running"),
    "stop": ("running", "completed"),
}


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Name a journal that does not exist yet."""
    return tmp_path / "bulk.journal"


def mode(journal: Path) -> int:
    """Return who may do what with a file."""
    return stat.S_IMODE(journal.stat().st_mode)


def text(journal: Path) -> str:
    """Read all of a file."""
    return journal.read_text(encoding="utf-8")


def add(journal: Path, ids: Iterable[str]) -> None:
    """Record ids as begun only, as a run that is killed leaves them."""
    with journal.open("ab") as file:
        for experiment_id in ids:
            entry = {"begun": experiment_id, "at": time.time()}
            file.write(orjson.dumps(entry) + b"\n")


def opened(folder: Path) -> list[str]:
    """List the files below a folder that this process has open."""
    targets: list[str] = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            targets.append(str(descriptor.readlink()))
    return [target for target in targets if target.startswith(str(folder))]


async def test_what_a_journal_holds(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """A line before anything is sent and one with each outcome, for the owner alone."""
    ids = emulator.seed_experiments(2)
    known: list[int] = []

    def look(_done: int, _total: int | None) -> None:
        known.append(len(entries(journal)))

    await client.bulk.start(
        [*ids, ".."], journal=journal, concurrency=1, on_progress=look
    )
    assert mode(journal) == 0o600
    written = entries(journal)
    assert [next(iter(entry)) for entry in written] == ["begun", "id"] * 2
    assert [entry["status"] for entry in written[1::2]] == ["applied"] * 2
    assert known == [2, 4, 4]
    assert emulator.api_key not in text(journal)
    assert emulator.url not in text(journal)


async def test_begun_comes_before_the_write(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """While a request is under way, its id is on record already."""
    ids = emulator.seed_experiments(3)
    emulator.faults.add("hang", route="experiments.start")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await client.bulk.start(ids, journal=journal)
    assert [entry["begun"] for entry in entries(journal)] == ids


async def test_finished_ids_are_not_sent_again(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """A second run sends only what the first has not finished."""
    ids = emulator.seed_experiments(4)
    await client.bulk.start(ids[:3], journal=journal)
    emulator.log.clear()
    report = await client.bulk.start(ids, journal=journal)
    assert statuses(report) == [OutcomeStatus.APPLIED] * 4
    assert [outcome.attempts for outcome in report.outcomes] == [0, 0, 0, 1]
    assert emulator.log.received() == 1


async def test_failures_are_tried_again(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """What failed was not applied, so a resumed run sends it once more."""
    ids = emulator.seed_experiments(2)
    emulator.faults.add("status", code=403, route="experiments.start", times=1)
    first = await client.bulk.start(ids, journal=journal, concurrency=1)
    assert statuses(first) == [OutcomeStatus.FAILED, OutcomeStatus.APPLIED]
    emulator.log.clear()
    second = await client.bulk.start(ids, journal=journal)
    assert statuses(second) == [OutcomeStatus.APPLIED] * 2
    assert writes(emulator) == ["experiments.start"]
    assert emulator.log.received() == 1


async def test_unknown_outcomes_are_looked_at(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """What is UNKNOWN is read back by the next run, and not sent when it is there."""
    ids = emulator.seed_experiments(1)
    fault = emulator.faults.add("reset", applied=True, route="experiments.start")
    hurried = client.with_options(timeout=0.2, retry=RetryPolicy(attempts=1))
    first = await hurried.bulk.start(ids, journal=journal)
    assert statuses(first) == [OutcomeStatus.UNKNOWN]
    fault.remove()
    emulator.log.clear()
    second = await client.bulk.start(ids, journal=journal)
    assert statuses(second) == [OutcomeStatus.APPLIED]
    assert writes(emulator) == []


@pytest.mark.parametrize("action", WAYS)
async def test_begun_ids_are_read_back_first(
    client: Client, emulator: Emulator, journal: Path, action: str
) -> None:
    """Of two that were begun, the one not applied is sent; both are APPLIED."""
    before, after = WAYS[action]
    [done] = emulator.seed_experiments(1, status=after)
    [undone] = emulator.seed_experiments(1, status=before)
    age(emulator)
    method = getattr(client.bulk, action)
    await method([], journal=journal)
    add(journal, [done, undone])
    report = await method([done, undone], journal=journal, concurrency=1)
    assert statuses(report) == [OutcomeStatus.APPLIED] * 2
    routes = [entry.route for entry in emulator.log.entries]
    look, write = "experiments.retrieve", f"experiments.{action}"
    assert routes == [look, "versions.draft_changes", look, write]
    assert states(emulator, [done, undone]) == {after}


async def test_what_others_changed_since_it_was_sent(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """A start that is refused for what others did may still have come before that."""
    [paused] = emulator.seed_experiments(1, status="paused")
    [unready] = emulator.seed_experiments(1, variants=1)
    age(emulator)
    await client.bulk.start([], journal=journal)
    add(journal, [paused, unready])
    report = await client.bulk.start([], journal=journal)
    assert statuses(report) == [OutcomeStatus.UNKNOWN, OutcomeStatus.FAILED]
    assert states(emulator, [paused]) == {"paused"}


async def test_begun_deletions_are_read_back_first(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """What is gone may have been deleted by the run before, and is APPLIED."""
    [there] = emulator.seed_experiments(1)
    await client.bulk.delete([], journal=journal)
    add(journal, ["exp_gone", there])
    report = await client.bulk.delete(["exp_gone", there], journal=journal)
    assert statuses(report) == [OutcomeStatus.APPLIED] * 2
    assert writes(emulator) == ["experiments.delete"]


@pytest.mark.parametrize("action", ["start", "delete"])
async def test_what_cannot_be_read_back_is_not_sent(
    client: Client, emulator: Emulator, journal: Path, action: str
) -> None:
    """As long as nobody can look, what was begun stays UNKNOWN."""
    ids = emulator.seed_experiments(1)
    method = getattr(client.bulk, action)
    await method([], journal=journal)
    add(journal, ids)
    emulator.faults.add("status", code=403, route="experiments.retrieve")
    report = await method(ids, journal=journal)
    assert statuses(report) == [OutcomeStatus.UNKNOWN]
    assert isinstance(report.outcomes[0].error, OutcomeUnknownError)
    assert report.outcomes[0].attempts == 0
    assert writes(emulator) == []


async def test_what_was_begun_and_is_gone(client: Client, journal: Path) -> None:
    """An experiment that no longer exists cannot be started."""
    await client.bulk.start([], journal=journal)
    add(journal, ["exp_gone"])
    report = await client.bulk.start(["exp_gone"], journal=journal)
    assert isinstance(report.outcomes[0].error, NotFoundError)


async def test_a_late_request_of_the_run_before(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """What comes to be while it is sent again is this call's doing, not ALREADY."""
    ids = emulator.seed_experiments(1)
    await client.bulk.start([], journal=journal, publish="none")
    add(journal, ids)

    def land(_request: web.Request) -> bool:
        emulator.state.transition(ids[0], "start", {}, publish=False)
        return False

    emulator.faults.add("reset", route="experiments.start", when=land)
    report = await client.bulk.start(ids, journal=journal, publish="none")
    assert statuses(report) == [OutcomeStatus.STAGED]
    assert emulator.log.received("experiments.start") == 1


async def cut_off(client: Client, ids: Iterable[str], journal: Path) -> BulkReport:
    """Return the report of a run that is cancelled at its first outcome."""
    run = client.bulk.stream("start", ids, journal=journal, concurrency=1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await anext(aiter(run))
    return run.report()


async def test_ids_begun_before_and_not_reached(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """A resumed run that is cut off calls UNKNOWN what the run before had begun."""
    ids = emulator.seed_experiments(3)
    await client.bulk.start([], journal=journal)
    add(journal, ids[1:2])
    emulator.faults.add("hang", route="experiments.start")
    assert statuses(await cut_off(client, ids, journal)) == [
        OutcomeStatus.UNKNOWN,
        OutcomeStatus.UNKNOWN,
        OutcomeStatus.NOT_ATTEMPTED,
    ]


async def test_ids_finished_before_and_not_reached(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """A resumed run that is cut off still reports what the run before had finished."""
    ids = emulator.seed_experiments(3)
    await client.bulk.start(ids[2:], journal=journal)
    emulator.faults.add("hang", route="experiments.start")
    assert statuses(await cut_off(client, ids, journal)) == [
        OutcomeStatus.UNKNOWN,
        OutcomeStatus.NOT_ATTEMPTED,
        OutcomeStatus.APPLIED,
    ]


async def test_another_journal_is_refused(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """Another action, another way to publish, another key: each is refused."""
    ids = emulator.seed_experiments(1)
    await client.bulk.start([], journal=journal)
    before = text(journal)
    with pytest.raises(ConfigurationError, match="another action"):
        await client.bulk.pause(ids, journal=journal)
    with pytest.raises(ConfigurationError, match="another publish: 'each'"):
        await client.bulk.start(ids, journal=journal, publish="once")
    async with Client("other-key", base_url=emulator.url) as other:
        with pytest.raises(ConfigurationError, match="another API key"):
            await other.bulk.start(ids, journal=journal)
    assert text(journal) == before
    assert emulator.log.received() == 0


async def test_a_refused_journal_is_left_alone(client: Client, tmp_path: Path) -> None:
    """A file that is no journal is not kept open, nor is one that cannot be made."""
    for impossible in (tmp_path, tmp_path / "no" / "folder"):
        with pytest.raises(ConfigurationError):
            await client.bulk.start(["exp_1"], journal=impossible)
    assert opened(tmp_path) == []


async def test_every_end_closes_the_journal(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    """A run that ends, is left, or is cancelled closes its file."""
    ids = emulator.seed_experiments(9)
    await client.bulk.start(ids[:3], journal=tmp_path / "whole")
    left = aiter(client.bulk.stream("start", ids[3:6], journal=tmp_path / "left"))
    await anext(left)
    assert opened(tmp_path) == [str(tmp_path / "left")]
    await left.aclose()
    emulator.faults.add("hang", route="experiments.start")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await client.bulk.start(ids[6:], journal=tmp_path / "cancelled")
    assert opened(tmp_path) == []


async def drain(run: BulkRun) -> None:
    """Take a run to its end."""
    async for _ in run:
        pass


@pytest.mark.parametrize("step", range(1, 100, 9))
async def test_cancelled_anywhere_and_resumed(
    client: Client, emulator: Emulator, journal: Path, step: int
) -> None:
    """Wherever a run is cut off, the next one completes it, and nothing is twice."""
    ids = emulator.seed_experiments(30)
    run = client.bulk.stream("start", ids, journal=journal, concurrency=4)
    task = asyncio.create_task(drain(run))
    for _ in range(step):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0.005)
    report = await client.bulk.start(one_by_one(ids), journal=journal)
    assert statuses(report) == [OutcomeStatus.APPLIED] * 30
    assert emulator.log.applied_ids("experiments.start") == Counter(ids)
    assert not own_tasks()


async def test_killed_and_resumed(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """After `kill -9` in the middle, no id is sent twice and none is skipped."""
    ids = emulator.seed_experiments(120)
    emulator.faults.add("latency", seconds=0.01, route="experiments.start")
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, emulator.api_key, emulator.url, journal, *ids
    )
    while emulator.log.applied("experiments.start") < 40:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    worker.kill()
    await worker.wait()
    await asyncio.sleep(0.03)
    applied = emulator.log.applied("experiments.start")
    assert 40 <= applied < 120
    finished = {entry["id"] for entry in entries(journal) if "id" in entry}
    before = len(emulator.log.entries)
    report = await client.bulk.start(ids, journal=journal)
    assert statuses(report) == [OutcomeStatus.APPLIED] * 120
    assert emulator.log.applied_ids("experiments.start") == Counter(ids)
    resumed = [*emulator.log.entries][before:]
    assert finished
    assert finished.isdisjoint(entry.id or "" for entry in resumed)
    # Those under way when it died are looked at, whatever became of them.
    looked_at = sum(entry.route == "experiments.retrieve" for entry in resumed)
    assert looked_at <= 4
