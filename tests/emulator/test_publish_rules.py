"""The rules of publishing while another publish is in flight."""

import asyncio

import pytest

from ours_experiments.emulator import Clock, Emulator
from tests.emulator.calls import DEFERRED, Calls, several_versions


IN_FLIGHT = (409, "Another publish is already in flight", None)


@pytest.mark.parametrize("route", ["start", "stop", "publish", "republish"])
async def test_refuses_a_publish_while_one_is_in_flight(route: str) -> None:
    """A publish during another publish is a 409 and changes nothing."""
    async with Emulator(publish_seconds=0.05) as emulator, Calls(emulator) as call:
        (draft,) = emulator.seed_experiments(1)
        (running, busy) = emulator.seed_experiments(2, status="running")
        _, version = await several_versions(call, 2)
        paths = {
            "start": f"experiments/{draft}/start",
            "stop": f"experiments/{running}/stop",
            "publish": "versions",
            "republish": f"versions/{version}/publish",
        }
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(call("POST", f"experiments/{busy}/stop"))
            await call.until_publishing()
            before = (emulator.state.experiments(), emulator.state.versions())
            refusal = await call.refusal("POST", paths[route], {})
            after = (emulator.state.experiments(), emulator.state.versions())
        assert refusal == IN_FLIGHT
        assert before == after
        assert first.result()["publishStatus"] == "published"


async def test_names_its_own_conflict_first() -> None:
    """A call that the state does not allow is refused for that reason."""
    async with Emulator(publish_seconds=0.05) as emulator, Calls(emulator) as call:
        (busy, running) = emulator.seed_experiments(2, status="running")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call("POST", f"experiments/{busy}/stop"))
            await call.until_publishing()
            refusal = await call.refusal("POST", f"experiments/{running}/start")
        assert refusal == (
            409,
            "Cannot start: the experiment is running, not draft",
            None,
        )


async def test_applies_a_slow_publish_at_its_end() -> None:
    """The change of a publishing call shows when the publish is through."""
    async with Emulator(publish_seconds=0.05) as emulator, Calls(emulator) as call:
        (id_,) = emulator.seed_experiments(1)
        async with asyncio.TaskGroup() as tasks:
            start = tasks.create_task(call("POST", f"experiments/{id_}/start"))
            await call.until_publishing()
            during = await call("GET", f"experiments/{id_}")
        assert during["status"] == "draft"
        assert start.result()["experiment"]["status"] == "running"


async def test_stages_while_a_publish_is_in_flight() -> None:
    """A call that does not publish does not wait for a publish."""
    async with Emulator(publish_seconds=0.05) as emulator, Calls(emulator) as call:
        one, other = emulator.seed_experiments(2)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call("POST", f"experiments/{one}/start"))
            await call.until_publishing()
            path = f"experiments/{other}/start"
            staged = await call("POST", path, DEFERRED["start"])
        assert staged["publishStatus"] == "pending_publish"


async def test_checks_again_when_a_slow_publish_ends() -> None:
    """An experiment that is deleted during its publish is not started."""
    async with Emulator(publish_seconds=0.05) as emulator, Calls(emulator) as call:
        (id_,) = emulator.seed_experiments(1)
        async with asyncio.TaskGroup() as tasks:
            path = f"experiments/{id_}/start"
            start = tasks.create_task(call("POST", path, expect=404))
            await call.until_publishing()
            await call("DELETE", f"experiments/{id_}")
        assert start.result()["error"] == "Not Found"
        assert not emulator.state.releases.in_flight


async def test_publishes_for_clients_that_leave() -> None:
    """A publish that has started finishes although its client has gone."""
    clock = Clock(frozen=True)
    async with Emulator(publish_seconds=0.05, clock=clock) as emulator:
        (id_,) = emulator.seed_experiments(1)
        async with Calls(emulator) as call:
            start = asyncio.create_task(call("POST", f"experiments/{id_}/start"))
            await call.until_publishing()
            start.cancel()
            await asyncio.wait([start])
        await asyncio.sleep(0.1)
        assert emulator.state.experiment(id_)["status"] == "running"
