"""A journal that cannot be written: nothing more is sent, nothing known is lost."""

import asyncio
import resource
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from ours_experiments import BulkReport, Client, OutcomeStatus
from ours_experiments.emulator import Emulator
from tests.support.bulk_calls import entries, statuses


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Name a journal that does not exist yet."""
    return tmp_path / "bulk.journal"


@contextmanager
def little_room(size: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def size(journal: Path) -> int:
    """Return how long a file is."""
    return journal.stat().st_size


async def test_a_journal_that_cannot_be_written(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """When the disk is full nothing more is sent, and what is on record stays whole."""
    ids = emulator.seed_experiments(30)
    with pytest.raises(OSError, match="File too large") as caught, little_room(800):
        await client.bulk.start(ids, journal=journal, concurrency=2)
    report: BulkReport = vars(caught.value)["report"]
    assert len(report.outcomes) == 30
    assert entries(journal)
    await asyncio.sleep(0.01)
    applied = emulator.log.applied("experiments.start")
    assert 0 < applied < 30
    begun = {entry["begun"] for entry in entries(journal) if "begun" in entry}
    assert set(emulator.log.applied_ids("experiments.start")) <= begun
    again = await client.bulk.start(ids, journal=journal)
    assert len(again.succeeded) == 30
    assert emulator.log.applied_ids("experiments.start") == Counter(ids)


async def test_an_outcome_that_cannot_be_written_down(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """What is known is reported, though the journal did not take it."""
    ids = emulator.seed_experiments(1)
    await client.bulk.start([], journal=journal)
    room = size(journal) + len(orjson.dumps({"begun": ids[0], "at": time.time()})) + 10
    with pytest.raises(OSError, match="File too large") as caught, little_room(room):
        await client.bulk.start(ids, journal=journal)
    report: BulkReport = vars(caught.value)["report"]
    assert statuses(report) == [OutcomeStatus.APPLIED]
    assert [entry.get("begun") for entry in entries(journal)] == ids
