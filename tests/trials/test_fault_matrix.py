"""Every kind of call meets every kind of fault; the emulator's state is the judge."""

import asyncio

import pytest

from ours_experiments import Client
from ours_experiments.emulator import Emulator
from tests.support.clock import run_fast
from tests.trials.fault_matrix import (
    FAULTS,
    KINDS,
    LOST,
    OTHER_SERVICE,
    READS,
    attempt,
    meet,
    staged,
)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", KINDS)
def test_every_call_meets_every_fault(name: str, fault: str) -> None:
    """What a call says is what the emulator has, whatever happens on the way."""
    problem = run_fast(lambda: meet(name, fault, {}))
    assert problem is None


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("name", sorted(KINDS.keys() - READS))
def test_every_write_meets_another_service(name: str, fault: str) -> None:
    """A service that reads its documents otherwise makes no outcome wrong."""
    problem = run_fast(lambda: meet(name, fault, OTHER_SERVICE))
    assert problem is None


@pytest.mark.parametrize("fault", ["hangs, applied", "503", "429 with a wait"])
@pytest.mark.parametrize("name", KINDS)
def test_every_call_can_be_cancelled(name: str, fault: str) -> None:
    """A cancelled call ends at once, and leaves no task behind."""
    kind = KINDS[name]

    async def main() -> None:
        async with (
            Emulator() as emulator,
            Client(emulator.api_key, base_url=emulator.url) as client,
        ):
            stage = await staged(emulator, client, kind.status)
            word, parameters = FAULTS[fault]
            emulator.faults.add(word, route=kind.route, **parameters)
            for steps in (0, 1, 2, 3, 5, 8, 13, 21, 34):
                before = asyncio.all_tasks()
                task = asyncio.create_task(attempt(kind, stage))
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
                assert task.cancelled()
                left = {
                    left_over
                    for left_over in asyncio.all_tasks() - before
                    if "ours_experiments/_" in repr(left_over)
                    and "emulator" not in repr(left_over)
                }
                assert not left

    run_fast(main)
