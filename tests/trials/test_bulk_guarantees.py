"""What is promised of bulk calls, on a fast clock."""

import asyncio
import gc

import pytest

from ours_experiments import Client, OutcomeStatus
from ours_experiments.emulator import Emulator
from ours_experiments.emulator.faults.kinds import KINDS as ALL_KINDS
from tests.support.clock import run_fast
from tests.trials.bulk_honesty import KINDS, start_amid_faults
from tests.trials.bulk_kills import COMMANDS, kill_and_resume


FOR_EVER = 10_000.0
"""Seconds of the fast clock: a busy machine shall not decide the outcome."""


# A socket that is accepted while its listener closes is dropped by asyncio itself.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("seed", [11, 12])
def test_outcomes_are_true_whatever_happens(seed: int) -> None:
    """One outcome for each distinct id, each as the service has it."""
    found = run_fast(lambda: start_amid_faults(1000, seed))
    gc.collect()
    assert found.faults >= 80
    assert found.counts.total() == found.distinct == 1000
    assert found.counts[OutcomeStatus.NOT_ATTEMPTED] == 0
    assert found.counts[OutcomeStatus.APPLIED] > 600
    assert found.wrong == ()
    assert found.applied_twice == 0


def test_every_kind_of_fault_takes_part() -> None:
    """None of the emulator's faults is left out."""
    assert ALL_KINDS.keys() == KINDS


def test_publishes_that_conflict_take_turns() -> None:
    """After the first burst of conflicts none follows, and all is applied."""

    async def main() -> None:
        async with (
            Emulator(publish_seconds=0.05) as emulator,
            Client(
                emulator.api_key,
                base_url=emulator.url,
                timeout=FOR_EVER,
                attempt_timeout=FOR_EVER,
            ) as client,
        ):
            ids = emulator.seed_experiments(200)
            report = await client.bulk.start(ids, concurrency=200)
            answers = [entry.status for entry in emulator.log.entries]
            conflicts = answers.count(409)
            assert 0 < conflicts <= 32
            assert 409 not in answers[conflicts + 1 :]
            assert len(report.by_status[OutcomeStatus.APPLIED]) == 200
            assert {outcome.attempts for outcome in report.outcomes} == {1}

    run_fast(main)


async def test_publishes_that_do_not_conflict(
    client: Client, emulator: Emulator
) -> None:
    """A service that lets publishes run side by side is used to the full."""
    ids = emulator.seed_experiments(200)
    emulator.faults.add("latency", seconds=0.02, route="experiments.start")
    started_at = asyncio.get_running_loop().time()
    report = await client.bulk.start(ids, concurrency=200)
    assert len(report.succeeded) == 200
    assert emulator.log.peak_in_flight("experiments.start") == 32
    assert asyncio.get_running_loop().time() - started_at < 200 * 0.02


@pytest.mark.parametrize("way", COMMANDS)
@pytest.mark.parametrize("kill_at", [20, 41])
async def test_a_killed_run_resumes_whole(way: str, kill_at: int) -> None:
    """Killed at a write, the same call ends with all live, reported and sent once."""
    found = await kill_and_resume(way, 40, kill_at)
    assert found.whole, found
