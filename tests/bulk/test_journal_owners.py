"""Who may use a journal: one run at a time, of one call, on one account."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ours_experiments import Client, ConfigurationError, OutcomeStatus
from ours_experiments.emulator import Emulator
from tests.support.bulk_calls import statuses


HOLDER = """
import sys, time
from ours_experiments.bulk.journal import Header, Journal

line = open(sys.argv[1], "rb").readline()
import orjson
header = orjson.loads(line)
del header["journal"]
journal = Journal.open_here(sys.argv[1], Header(**header))
print("open", flush=True)
time.sleep(60)
"""


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Return the path of a journal that does not exist yet."""
    return tmp_path / "bulk.journal"


def text(journal: Path) -> str:
    """Read a whole journal."""
    return journal.read_text(encoding="utf-8")


async def test_two_runs_on_one_journal(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """The second run is refused, and the first one is not disturbed."""
    ids = emulator.seed_experiments(6)
    async with client.bulk.stream("start", ids, journal=journal) as run:
        outcomes = aiter(run)
        await anext(outcomes)
        with pytest.raises(ConfigurationError, match="another run has it open"):
            await client.bulk.start(ids, journal=journal)
        assert len([outcome async for outcome in outcomes]) == 5
    again = await client.bulk.start(ids, journal=journal)
    assert statuses(again) == [OutcomeStatus.APPLIED] * 6


async def test_another_process_has_it_until_it_dies(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """The lock of a process that is killed does not outlive it."""
    ids = emulator.seed_experiments(1)
    await client.bulk.start(ids, journal=journal)
    with subprocess.Popen(  # noqa: ASYNC220, S603 - one line, at once
        [sys.executable, "-c", HOLDER, str(journal)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(ConfigurationError, match="another run has it open"):
            await client.bulk.start(ids, journal=journal)
        holder.kill()
        holder.wait()
    report = await client.bulk.start(ids, journal=journal)
    assert statuses(report) == [OutcomeStatus.APPLIED]


async def test_a_run_that_is_cancelled_while_it_opens_releases_the_lock(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """The same call can be made again at once."""
    ids = emulator.seed_experiments(1)
    await client.bulk.start(ids, journal=journal)
    task = asyncio.create_task(client.bulk.start(ids, journal=journal))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    report = await client.bulk.start(ids, journal=journal)
    assert statuses(report) == [OutcomeStatus.APPLIED]


@pytest.mark.parametrize("path", [True, False, 1, 2.5, b"journal", ""], ids=repr)
async def test_what_is_no_path(client: Client, emulator: Emulator, path: Any) -> None:
    """A journal that is no path is refused before anything is sent."""
    with pytest.raises(ConfigurationError, match="journal must be"):
        await client.bulk.start(["exp_1"], journal=path)
    with pytest.raises(ConfigurationError, match="journal must be"):
        await client.bulk.create([], journal=path)
    assert emulator.log.received() == 0


async def test_a_new_key_of_the_same_account(journal: Path) -> None:
    """A journal goes on with a new key, which is known from then on."""
    async with Emulator(("first-key", "second-key")) as emulator:
        ids = emulator.seed_experiments(3)
        async with Client("first-key", base_url=emulator.url) as client:
            await client.bulk.start(ids[:2], journal=journal)
        emulator.log.clear()
        async with Client("second-key", base_url=emulator.url) as client:
            report = await client.bulk.start(ids, journal=journal)
            assert statuses(report) == [OutcomeStatus.APPLIED] * 3
            routes = [entry.route for entry in emulator.log.entries]
            assert routes == ["experiments.retrieve", "experiments.start"]
            await client.bulk.start(ids, journal=journal)
            assert len(emulator.log.entries) == 2


async def test_a_key_whose_account_cannot_be_told(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """Where none of its experiments can be read, the error says what to do."""
    ids = emulator.seed_experiments(1)
    await client.bulk.start(ids, journal=journal)
    before = text(journal)
    async with Client("other-key", base_url=emulator.url) as other:
        with pytest.raises(ConfigurationError, match="resume with the first key"):
            await other.bulk.start(ids, journal=journal)
    assert text(journal) == before
    report = await client.bulk.start(ids, journal=journal)
    assert statuses(report) == [OutcomeStatus.APPLIED]


async def test_another_service(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """A journal of another base URL is refused, though an id may be the same."""
    ids = emulator.seed_experiments(1)
    await client.bulk.start(ids, journal=journal)
    async with (
        Emulator((emulator.api_key,)) as elsewhere,
        Client(emulator.api_key, base_url=elsewhere.url) as other,
    ):
        with pytest.raises(ConfigurationError, match="another account or base URL"):
            await other.bulk.start(ids, journal=journal)
        assert elsewhere.log.received() == 0
