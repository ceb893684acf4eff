"""Faults in front of the emulator itself."""

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest
from aiohttp import ClientConnectorError, ClientOSError, ClientSession, ClientTimeout

from ours_experiments.emulator import Emulator
from ours_experiments.emulator.faults.rules import parse


EXPERIMENTS = "/rest/v1/experiments"


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """Return an emulator with five experiments."""
    async with Emulator() as emulator:
        emulator.seed_experiments(5)
        yield emulator


@pytest.fixture
async def http(emulator: Emulator) -> AsyncIterator[ClientSession]:
    """Return a session that carries the key."""
    async with ClientSession(
        emulator.url,
        headers={"Authorization": f"Bearer {emulator.api_key}"},
        timeout=ClientTimeout(total=5),
    ) as session:
        yield session


async def listed(http: ClientSession) -> list[str]:
    """Walk through the experiments, two a page, and return the ids."""
    ids: list[str] = []
    query = {"limit": "2"}
    for _ in range(20):
        async with http.get(EXPERIMENTS, params=query) as response:
            assert response.status == 200
            page = orjson.loads(await response.read())
        ids += [row["id"] for row in page["entities"]]
        if not page["pagination"]["hasMore"]:
            break
        query["cursor"] = page["pagination"]["nextCursor"]
    return ids


async def test_applied_and_lost_is_applied(
    emulator: Emulator, http: ClientSession
) -> None:
    """A start whose reply is lost is in the state, and in the log as unanswered."""
    (experiment_id,) = emulator.seed_experiments(1)
    emulator.faults.add("reset", applied=True, route="experiments.start", times=1)
    with pytest.raises(ClientOSError):
        await http.post(f"{EXPERIMENTS}/{experiment_id}/start")
    async with http.get(f"{EXPERIMENTS}/{experiment_id}") as response:
        assert (await response.json())["status"] == "running"
    assert emulator.log.applied("experiments.start") == 1
    assert emulator.log.entries[0].status is None


async def test_lost_before_is_not_applied(
    emulator: Emulator, http: ClientSession
) -> None:
    """A start that never reached the route leaves no trace in the state."""
    (experiment_id,) = emulator.seed_experiments(1)
    emulator.faults.add("reset", route="experiments.*", times=1)
    with pytest.raises(ClientOSError):
        await http.post(f"{EXPERIMENTS}/{experiment_id}/start")
    async with http.get(f"{EXPERIMENTS}/{experiment_id}") as response:
        assert (await response.json())["status"] == "draft"
    assert emulator.log.applied("experiments.start") == 0


async def test_late_change_reaches_the_state(
    emulator: Emulator, http: ClientSession
) -> None:
    """A change that is applied late is there once the late changes are made."""
    (experiment_id,) = emulator.seed_experiments(1)
    emulator.faults.add("late", delay=0.02, reply=504, route="experiments.start")
    async with http.post(f"{EXPERIMENTS}/{experiment_id}/start") as response:
        assert response.status == 504
    assert emulator.log.applied("experiments.start") == 0
    await emulator.faults.settle()
    assert emulator.log.applied("experiments.start") == 1


async def test_empty_pages_fit_real_cursors(
    emulator: Emulator, http: ClientSession
) -> None:
    """With empty pages in between, the listing serves the same experiments."""
    whole = await listed(http)
    emulator.faults.add("empty_pages", pages=2, route="experiments.list")
    assert await listed(http) == whole
    assert len(whole) == 5


async def test_cursor_loop_fits_real_cursors(
    emulator: Emulator, http: ClientSession
) -> None:
    """A cursor loop serves the first page for ever."""
    emulator.faults.add("cursor_loop", route="experiments.list", times=1)
    ids = await listed(http)
    assert len(ids) == 40
    assert len(set(ids)) == 2


async def test_refused_connections_come_back(
    emulator: Emulator, http: ClientSession
) -> None:
    """While refusing, not even a pooled connection serves; afterwards all is well."""
    assert len(await listed(http)) == 5
    async with emulator.faults.refusing():
        with pytest.raises(ClientConnectorError):
            await listed(http)
    assert len(await listed(http)) == 5


async def test_errors_of_the_service_pass_through_faults(
    emulator: Emulator, http: ClientSession
) -> None:
    """An error of the route is delivered like any other answer."""
    emulator.faults.install(parse("drip:interval=0"))
    async with http.get(f"{EXPERIMENTS}/none") as response:
        assert response.status == 404
        assert (await response.json())["error"] == "Not Found"


async def test_emulator_closes_at_once_although_something_hangs() -> None:
    """Closing lets go of what hangs, before any shutdown time is over."""
    loop = asyncio.get_running_loop()
    async with Emulator() as emulator, ClientSession(emulator.url) as http:
        emulator.faults.add("hang")
        call = asyncio.create_task(http.get(EXPERIMENTS).__aenter__())
        await asyncio.sleep(0.02)
        begin = loop.time()
        await emulator.aclose()
        assert loop.time() - begin < 0.5
        with pytest.raises(ClientOSError):
            await call
