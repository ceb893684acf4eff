"""Answers that are not the API's, or deny what was asked for, delete nothing."""

import pytest

from ours_experiments import Client, NotFoundError, OutcomeStatus
from ours_experiments.emulator import Emulator
from tests.support.bulk_calls import statuses


@pytest.mark.parametrize("lost", [False, True], ids=["answered", "reply lost"])
async def test_a_404_that_is_not_the_apis(
    client: Client, emulator: Emulator, *, lost: bool
) -> None:
    """A gateway's page says nothing about an experiment: it is not deleted."""
    [experiment_id] = emulator.seed_experiments(1)
    if lost:
        emulator.faults.add("reset", route="experiments.delete", times=1)
    emulator.faults.add("html", code=404, applied=False, route="experiments.delete")
    report = await client.bulk.delete([experiment_id])
    [outcome] = report.outcomes
    assert outcome.status in {OutcomeStatus.FAILED, OutcomeStatus.UNKNOWN}
    assert not isinstance(outcome.error, NotFoundError)
    assert emulator.state.size == 1


async def test_a_delete_that_says_false(client: Client, emulator: Emulator) -> None:
    """An answer that denies the deletion is no success."""
    [experiment_id] = emulator.seed_experiments(1)
    emulator.faults.add(
        "body", text="false", applied=False, route="experiments.delete", times=1
    )
    report = await client.bulk.delete([experiment_id])
    [status] = statuses(report)
    assert status is not OutcomeStatus.ALREADY
    assert emulator.state.size == (status is not OutcomeStatus.APPLIED)
