"""Publishing: the marker, and what "in flight" means."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import orjson
import pytest
from aiohttp import web

from ours_experiments import Client, OutcomeUnknownError, PublishStatus
from tests._writes.support import served
from tests.support.clock import run_fast


def version(notes: str) -> dict[str, object]:
    """Write a version as the API does."""
    return {
        "id": notes,
        "name": None,
        "versionNumber": 7,
        "isPublished": True,
        "notes": notes,
        "createdAt": "2026-01-01T00:00:00Z",
    }


def test_a_version_without_the_marker_is_not_ours() -> None:
    """A service that ignores `notesContains` answers versions of other people."""
    publishes: list[str] = []

    async def service(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "GET":
            body = {"entities": [version("of another person")]}
            return web.json_response({**body, "pagination": {"hasMore": False}})
        publishes.append(orjson.loads(await request.read())["notes"])
        if len(publishes) == 1:
            return web.json_response({"error": "Bad Gateway"}, status=502)
        return web.json_response(version(publishes[-1]))

    async def main() -> None:
        async with serving(service) as url, Client("key", base_url=url) as client:
            published = await client.versions.publish(notes="mine")
            assert published.id.startswith("mine\n[ours-experiments ")
            assert len(publishes) == 2

    run_fast(main)


@asynccontextmanager
async def serving(
    handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
) -> AsyncIterator[str]:
    """Serve requests by a handler on a port of its own."""
    server = web.Server(handler)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()
        await server.shutdown()


@pytest.mark.parametrize("status", [400, 409])
def test_a_publish_in_flight_is_waited_for(status: int) -> None:
    """A start that meets a publish in flight waits, whichever status says so."""

    async def main() -> None:
        service = {"publish_seconds": 0.01, "conflict_status": status}
        async with served(emulator=service) as (emulator, client, draft):
            drafts = [draft, *emulator.seed_experiments(4)]
            started = await asyncio.gather(*map(client.experiments.start, drafts))
            assert {row.publish_status for row in started} == {PublishStatus.PUBLISHED}

    run_fast(main)


async def test_starts_beside_the_bulk_of_another_client() -> None:
    """A bulk lets another client's publishes in, though its own follow at once."""
    async with (
        served(emulator={"publish_seconds": 0.05}) as (emulator, client, _),
        Client(emulator.api_key, base_url=emulator.url, timeout=2.0) as other,
    ):
        ids = emulator.seed_experiments(60)
        bulk = asyncio.create_task(client.bulk.start(ids))
        while not emulator.state.versions():  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.01)
        for experiment_id in emulator.seed_experiments(2):
            started = await other.experiments.start(experiment_id)
            assert started.publish_status is PublishStatus.PUBLISHED
        assert not bulk.done()
        assert len((await bulk).succeeded) == 60


def test_nothing_to_publish_after_a_lost_reply() -> None:
    """The lost publish may be why nothing is left, though the list does not show it."""

    async def main() -> None:
        async with served() as (emulator, client, draft):
            await client.experiments.start(draft, publish=False)
            emulator.faults.add(
                "reset", route="versions.publish", applied=True, times=1
            )
            emulator.state.list_delay = 10_000
            with pytest.raises(OutcomeUnknownError, match="list the versions"):
                await client.versions.publish()
            assert len(emulator.state.versions()) == 1

    run_fast(main)
