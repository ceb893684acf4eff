"""Every kind of call meets every kind of fault; the emulator's state is the judge."""

import asyncio
from typing import Any

import pytest

from ours_experiments import (
    Client,
    DecodeError,
    OursError,
    OutcomeUnknownError,
    PublishStatus,
)
from ours_experiments.emulator import Emulator
from tests.support.clock import run_fast
from tests.trials.fault_matrix import (
    FAULTS,
    KINDS,
    LOST,
    OTHER_SERVICE,
    READS,
    Stage,
    attempt,
    staged,
)


def judge(name: str, stage: Stage, outcome: object) -> None:
    """Hold an outcome against what the emulator has."""
    kind = KINDS[name]
    applied = stage.emulator.log.applied(kind.route)
    if name in READS:
        return
    if name not in {"update", "delete"}:
        assert applied <= 1, "it was applied twice"
    if isinstance(outcome, OutcomeUnknownError):
        assert not kind.settles, "this call can be settled"
    elif isinstance(outcome, DecodeError):
        # An answer of another shape says neither that it happened nor that it did not.
        assert name == "update"
    elif isinstance(outcome, OursError):
        assert not kind.happened(stage), f"it happened, in spite of {outcome!r}"
    else:
        assert kind.happened(stage), "it did not happen"


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", KINDS)
def test_every_call_meets_every_fault(name: str, fault: str) -> None:
    """What a call says is what the emulator has, whatever happens on the way."""
    run_fast(lambda: meet(name, fault, {}))


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("name", sorted(KINDS.keys() - READS))
def test_every_write_meets_another_service(name: str, fault: str) -> None:
    """A service that reads its documents otherwise makes no outcome wrong."""
    run_fast(lambda: meet(name, fault, OTHER_SERVICE))


async def meet(name: str, fault: str, service: dict[str, Any]) -> None:
    """Let one kind of call meet one fault, and judge what it says."""
    kind = KINDS[name]
    async with (
        Emulator(**service) as emulator,
        Client(emulator.api_key, base_url=emulator.url, attempt_timeout=8) as client,
    ):
        stage = await staged(emulator, client, kind.status)
        word, parameters = FAULTS[fault]
        emulator.faults.add(word, route=kind.route, times=1, **parameters)
        outcome = await attempt(kind, stage)
        if word == "late":
            await asyncio.sleep(2)
        judge(name, stage, outcome)
        status = getattr(outcome, "publish_status", None)
        if status == PublishStatus.PUBLISHED:
            entry = emulator.log.entries[-1]
            assert (entry.route, entry.status) == (kind.route, 200)


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
                    one
                    for one in asyncio.all_tasks() - before
                    if "ours_experiments/_" in repr(one) and "emulator" not in repr(one)
                }
                assert not left

    run_fast(main)
