"""Everything that waits, once more on uvloop's event loop."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable

import pytest

from ours_experiments import (
    APITimeoutError,
    Client,
    OutcomeStatus,
    RetryPolicy,
)
from ours_experiments.emulator import Emulator


uvloop = pytest.importorskip("uvloop")

Scene = Callable[[Emulator, Client], Awaitable[None]]


def play(scene: Scene) -> None:
    """Run a scene, the service on the same loop."""

    async def main() -> None:
        assert type(asyncio.get_running_loop()).__module__.startswith("uvloop")
        async with (
            Emulator() as emulator,
            Client(
                emulator.api_key,
                base_url=emulator.url,
                retry=RetryPolicy(initial=0.01),
            ) as client,
        ):
            await scene(emulator, client)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def test_listing() -> None:
    """A listing serves everything once, and leaves no request behind."""

    async def scene(emulator: Emulator, client: Client) -> None:
        ids = emulator.seed_experiments(50)
        listing = client.experiments.list(limit=10)
        assert [found.id async for found in listing] == ids[::-1]
        async for _ in client.experiments.list(limit=10):
            break

    play(scene)


def test_bulk() -> None:
    """A bulk call starts everything, beside faults."""

    async def scene(emulator: Emulator, client: Client) -> None:
        ids = emulator.seed_experiments(60)
        emulator.faults.add("status", code=503, times=3)
        report = await client.bulk.start(ids, concurrency=8)
        assert {outcome.status for outcome in report.outcomes} == {
            OutcomeStatus.APPLIED
        }

    play(scene)


def test_lost_reply() -> None:
    """A transition whose reply is lost is resolved by reading it back."""

    async def scene(emulator: Emulator, client: Client) -> None:
        [experiment_id] = emulator.seed_experiments(1)
        emulator.faults.add("reset", applied=True, times=1)
        transition = await client.experiments.start(experiment_id)
        assert transition.experiment.status == "running"

    play(scene)


def test_timeout() -> None:
    """A call ends in time where the service never answers."""

    async def scene(emulator: Emulator, client: Client) -> None:
        emulator.faults.add("hang")
        with pytest.raises(APITimeoutError):
            await client.with_options(timeout=0.05).settings.list()

    play(scene)


def test_cancellation() -> None:
    """A call that is cancelled goes at once, and the client works on."""

    async def scene(emulator: Emulator, client: Client) -> None:
        emulator.faults.add("hang", times=1)
        call = asyncio.ensure_future(client.settings.list())
        await asyncio.sleep(0.02)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await client.settings.list() == ()

    play(scene)


def test_never_imported_by_itself() -> None:
    """Whoever does not ask for uvloop does not get it, installed or not."""
    program = """
import asyncio, sys
from ours_experiments import Client
from ours_experiments.emulator import Emulator

async def main():
    async with Emulator() as emulator:
        async with Client(emulator.api_key, base_url=emulator.url) as client:
            await client.settings.list()

asyncio.run(main())
assert not [name for name in sys.modules if name.split(".")[0] == "uvloop"]
"""
    subprocess.run([sys.executable, "-c", program], check=True)  # noqa: S603
