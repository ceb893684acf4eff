"""Resuming a bulk call after another person has acted on its experiments."""

import time
from pathlib import Path

import orjson
import pytest

from ours_experiments import Client, Experiment, OutcomeStatus, OutcomeUnknownError
from ours_experiments.emulator import Emulator
from tests.support.aging import age
from tests.support.bulk_calls import entries, states, statuses, writes


REVERSALS = {
    "pause": ("running", "resume"),
    "resume": ("paused", "pause"),
}
"""The state before a call, and the call that leads back to it."""


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Name a journal that does not exist yet."""
    return tmp_path / "bulk.journal"


def add(journal: Path, experiment_id: str, **fields: object) -> None:
    """Record an id as begun, as a run that is killed leaves it."""
    with journal.open("ab") as file:
        file.write(orjson.dumps({"begun": experiment_id, **fields}) + b"\n")


@pytest.mark.parametrize("action", REVERSALS)
async def test_a_reversed_change_is_not_sent_again(
    client: Client, emulator: Emulator, journal: Path, action: str
) -> None:
    """A change that another person has reversed is UNKNOWN, and nothing is sent."""
    before, reversal = REVERSALS[action]
    [experiment_id] = emulator.seed_experiments(1, status=before)
    age(emulator)
    method = getattr(client.bulk, action)
    await method([], journal=journal)
    sent_at = time.time()
    add(journal, experiment_id, at=sent_at)
    for step in (action, reversal):
        emulator.state.transition(experiment_id, step, {}, publish=True)
    report = await method([experiment_id], journal=journal)
    again = await method([experiment_id], journal=journal)
    assert statuses(report) == statuses(again) == [OutcomeStatus.UNKNOWN]
    assert states(emulator, [experiment_id]) == {before}
    assert writes(emulator) == []
    error = report.outcomes[0].error
    assert isinstance(error, OutcomeUnknownError)
    assert error.sent_at is not None
    assert error.sent_at.timestamp() == pytest.approx(sent_at)
    [candidate] = error.candidates
    assert isinstance(candidate, Experiment)
    assert candidate.id == experiment_id


@pytest.mark.parametrize("action", REVERSALS)
async def test_a_change_that_was_not_applied_is_sent(
    client: Client, emulator: Emulator, journal: Path, action: str
) -> None:
    """What nobody has changed since it was sent was not applied."""
    before, _ = REVERSALS[action]
    [experiment_id] = emulator.seed_experiments(1, status=before)
    age(emulator)
    method = getattr(client.bulk, action)
    await method([], journal=journal)
    add(journal, experiment_id, at=time.time())
    report = await method([experiment_id], journal=journal)
    assert statuses(report) == [OutcomeStatus.APPLIED]
    assert writes(emulator) == [f"experiments.{action}"]


@pytest.mark.parametrize("action", ["start", "pause"])
@pytest.mark.parametrize("moment", [None, 3600.0, "soon"], ids=str)
async def test_a_journal_without_a_usable_time(
    client: Client,
    emulator: Emulator,
    journal: Path,
    action: str,
    moment: float | str | None,
) -> None:
    """Nothing is sent again where the journal cannot show when it was sent.

    Journals of 0.1.0 have no times, and a clock that was set back makes them useless.
    """
    status = {"start": "paused", "pause": "running"}[action]
    [experiment_id] = emulator.seed_experiments(1, status=status)
    age(emulator)
    method = getattr(client.bulk, action)
    await method([], journal=journal)
    at = time.time() + moment if isinstance(moment, float) else moment
    add(journal, experiment_id, **({} if at is None else {"at": at}))
    report = await method([experiment_id], journal=journal)
    assert statuses(report) == [OutcomeStatus.UNKNOWN]
    assert writes(emulator) == []
    error = report.outcomes[0].error
    assert isinstance(error, OutcomeUnknownError)
    assert error.sent_at is None


async def test_a_draft_was_not_started(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """A draft is started again whatever the journal shows: nothing leads back to it."""
    [experiment_id] = emulator.seed_experiments(1)
    await client.bulk.start([], journal=journal)
    add(journal, experiment_id)
    report = await client.bulk.start([experiment_id], journal=journal)
    assert statuses(report) == [OutcomeStatus.APPLIED]
    assert writes(emulator) == ["experiments.start"]


async def test_a_start_that_another_person_paused(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """A start of an earlier run is APPLIED, whatever was done with it afterwards."""
    [experiment_id] = emulator.seed_experiments(1)
    age(emulator)
    await client.bulk.start([], journal=journal)
    add(journal, experiment_id, at=time.time())
    for step in ("start", "pause"):
        emulator.state.transition(experiment_id, step, {}, publish=True)
    report = await client.bulk.start([experiment_id], journal=journal)
    assert statuses(report) == [OutcomeStatus.APPLIED]
    assert writes(emulator) == []


async def test_begun_has_a_time(
    client: Client, emulator: Emulator, journal: Path
) -> None:
    """The journal records when each id was begun, in seconds since the epoch."""
    ids = emulator.seed_experiments(2)
    started_at = time.time()
    await client.bulk.start(ids, journal=journal)
    moments = [float(entry["at"]) for entry in entries(journal) if "begun" in entry]
    assert len(moments) == 2
    assert all(started_at - 0.01 <= moment <= time.time() for moment in moments)
