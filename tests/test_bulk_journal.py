"""The journal of a bulk call: what is settled is never sent again."""

import asyncio
import os
import signal
import stat
import sys
from collections import Counter
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ours_experiments import Client, ConfigurationError
from ours_experiments._journal import Header, Journal, fingerprint_of
from ours_experiments.emulator import Emulator
from ours_experiments.outcomes import Outcome, OutcomeStatus


HEADER = Header("start", "0123456789abcdef", "each")

SCRIPT = """
import asyncio, sys
from ours_experiments import Client

async def main():
    key, url, journal, *ids = sys.argv[1:]
    async with Client(key, base_url=url) as client:
        await client.bulk.start(ids, concurrency=4, journal=journal)

asyncio.run(main())
"""


async def test_a_journal_holds_every_step_and_no_key(
    emulator: Emulator, client: Client, tmp_path: Path
) -> None:
    """There is a line before each write and one with each outcome, for us alone."""
    path = tmp_path / "start.jsonl"
    ids = emulator.seed_experiments(3)
    await client.bulk.start([*ids, "none"], journal=path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    header, *entries = map(orjson.loads, path.read_bytes().splitlines())
    assert header["action"] == "start"
    begun = [entry["begun"] for entry in entries if "begun" in entry]
    ended = {entry["id"]: entry["status"] for entry in entries if "id" in entry}
    assert sorted(begun) == sorted([*ids, "none"])
    assert Counter(ended.values()) == {"applied": 3, "failed": 1}
    assert emulator.api_key not in path.read_text()


async def test_settled_ids_are_not_sent_again(
    emulator: Emulator, client: Client, tmp_path: Path
) -> None:
    """The same call resumes: it sends what is new, and reports all of it."""
    path = tmp_path / "start.jsonl"
    ids = emulator.seed_experiments(5)
    await client.bulk.start(ids[:3], journal=path)
    emulator.log.clear()
    report = await client.bulk.start(ids, journal=path)
    assert [one.status for one in report.outcomes] == [OutcomeStatus.APPLIED] * 5
    assert emulator.log.received() == 2


async def test_what_was_begun_is_read_back_first(
    emulator: Emulator, client: Client, tmp_path: Path
) -> None:
    """An id begun and not settled is looked at before it is sent, or not sent."""
    path = tmp_path / "start.jsonl"
    done, open_ = emulator.seed_experiments(2)
    await client.bulk.start([], journal=path)
    with path.open("ab") as file:
        file.write(
            b'{"begun":"%b"}\n{"begun":"%b"}\n' % (done.encode(), open_.encode())
        )
    await client.experiments.start(done)
    emulator.log.clear()
    report = await client.bulk.start([done, open_], journal=path)
    assert len(report.succeeded) == 2
    assert emulator.log.applied_ids("experiments.start") == {open_: 1}
    assert emulator.log.received("experiments.retrieve") == 2


@pytest.mark.parametrize("torn", [b'{"id":"x","st', b'{"begun":"\xff', b"{"])
async def test_a_torn_last_line_is_tolerated(
    emulator: Emulator, client: Client, tmp_path: Path, torn: bytes
) -> None:
    """Half a line at the end is cut off, and the journal goes on behind it."""
    path = tmp_path / "start.jsonl"
    ids = emulator.seed_experiments(2)
    await client.bulk.start(ids[:1], journal=path)
    with path.open("ab") as file:
        file.write(torn)
    await client.bulk.start(ids, journal=path)
    assert all(map(orjson.loads, path.read_bytes().splitlines()))
    assert emulator.log.received("experiments.start") == 2


async def test_another_calls_journal_is_refused(
    emulator: Emulator, client: Client, tmp_path: Path
) -> None:
    """Another action, account or way to publish has a journal of its own."""
    path = tmp_path / "start.jsonl"
    ids = emulator.seed_experiments(1)
    await client.bulk.start(ids, journal=path)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="journal"):
        await client.bulk.pause(ids, journal=path)
    with pytest.raises(ConfigurationError, match="journal"):
        await client.bulk.start(ids, journal=path, publish="none")
    async with Client("other-key", base_url=emulator.url) as other:
        with pytest.raises(ConfigurationError, match="journal"):
            await other.bulk.start(ids, journal=path)
    assert path.read_bytes() == before


async def test_a_dry_run_keeps_no_journal(
    emulator: Emulator, client: Client, tmp_path: Path
) -> None:
    """What writes nothing writes no journal either."""
    path = tmp_path / "start.jsonl"
    await client.bulk.start(emulator.seed_experiments(1), journal=path, dry_run=True)
    assert not path.exists()


async def test_staged_before_a_crash_is_published_once(
    emulator: Emulator, client: Client, tmp_path: Path
) -> None:
    """A resumed call publishes what was staged, and finds what was published."""
    path = tmp_path / "once.jsonl"
    ids = emulator.seed_experiments(4)
    fault = emulator.faults.add("status", code=403, route="versions.publish")
    report = await client.bulk.start(ids, publish="once", journal=path)
    assert {one.status for one in report.outcomes} == {OutcomeStatus.STAGED}
    fault.remove()
    report = await client.bulk.start(ids, publish="once", journal=path)
    assert {one.status for one in report.outcomes} == {OutcomeStatus.APPLIED}
    assert emulator.log.applied("versions.publish") == 1
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if b"published" not in line))
    report = await client.bulk.start(ids, publish="once", journal=path)
    assert {one.status for one in report.outcomes} == {OutcomeStatus.APPLIED}
    assert report.version is not None
    assert emulator.log.applied("versions.publish") == 1


async def test_killed_in_the_middle_and_resumed(
    emulator: Emulator, client: Client, tmp_path: Path
) -> None:
    """G13: after `kill -9` nothing is sent twice and nothing is left out."""
    path = tmp_path / "start.jsonl"
    ids = emulator.seed_experiments(80)
    emulator.faults.add("latency", seconds=0.02)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRIPT, emulator.api_key, emulator.url, path, *ids
    )
    while emulator.log.applied("experiments.start") < 20:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    assert emulator.log.applied("experiments.start") < 80
    await asyncio.sleep(0.05)
    report = await client.bulk.start(ids, concurrency=4, journal=path)
    assert len(report.succeeded) == 80
    applied = emulator.log.applied_ids("experiments.start")
    assert applied == Counter(ids)


@given(content=st.binary(max_size=300), headed=st.booleans())
def test_any_file_is_a_journal_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, *, headed: bool
) -> None:
    """Whatever a file holds, only ConfigurationError leaves."""
    path = tmp_path_factory.mktemp("journal") / "any.jsonl"
    path.write_bytes(HEADER.to_line() + content if headed else content)
    try:
        journal = Journal.open(path, HEADER)
    except ConfigurationError:
        return
    journal.settle(Outcome("exp", "start", OutcomeStatus.APPLIED))
    journal.close()
    again = Journal.open(path, HEADER)
    assert again.settled["exp"] is OutcomeStatus.APPLIED
    again.close()


def test_a_folder_is_no_journal(tmp_path: Path) -> None:
    """What cannot be opened is refused by its name."""
    with pytest.raises(ConfigurationError, match="journal"):
        Journal.open(tmp_path, HEADER)
    with pytest.raises(ConfigurationError, match="regular"):
        Journal.open("/dev/null", HEADER)


def test_a_fingerprint_tells_accounts_apart() -> None:
    """Neither the key nor the address can be read from it."""
    one = fingerprint_of("https://a", "key")
    assert one != fingerprint_of("https://a", "key2")
    assert one != fingerprint_of("https://b", "key")
    assert "key" not in one
