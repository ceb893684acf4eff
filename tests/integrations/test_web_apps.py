"""One client for the life of a web application, under real servers."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import aiohttp
import pytest
import uvicorn
from aiohttp import web
from fastapi import FastAPI, HTTPException, Request

from ours_experiments import Client, ConflictError
from ours_experiments.emulator import Emulator


T = TypeVar("T")

REQUESTS = 200
GRACE = 10.0
"""Seconds that running transitions may take when the application shuts down."""


def sockets() -> int:
    """Count this process's open sockets."""
    links = Path("/proc/self/fd").iterdir()
    return sum("socket:" in os.path.realpath(link) for link in links)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something to become so."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.005)


async def while_connected(request: Request, call: Awaitable[T]) -> T:
    """Await a call for as long as somebody waits for its answer."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    task, leaving = asyncio.ensure_future(call), asyncio.ensure_future(gone())
    try:
        await asyncio.wait((task, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise HTTPException(499, "nobody waits")
        return task.result()
    finally:
        task.cancel()
        leaving.cancel()
        await asyncio.wait((task, leaving))


def make_app(emulator: Emulator) -> FastAPI:
    """Make an application: start an experiment, read one, start one later."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        client = Client(emulator.api_key, base_url=emulator.url)
        app.state.client = client
        yield
        await client.close(wait=GRACE)

    app = FastAPI(lifespan=lifespan)
    later: set[asyncio.Task[object]] = set()

    @app.post("/experiments/{experiment_id}/start")
    async def start(experiment_id: str, request: Request) -> dict[str, str]:
        try:
            found = await request.app.state.client.experiments.start(experiment_id)
        except ConflictError as conflict:
            raise HTTPException(409, conflict.error) from conflict
        return {"status": found.experiment.status}

    @app.get("/experiments/{experiment_id}")
    async def read(experiment_id: str, request: Request) -> dict[str, str]:
        call = request.app.state.client.experiments.retrieve(experiment_id)
        found = await while_connected(request, call)
        return {"status": found.status}

    @app.post("/experiments/{experiment_id}/later", status_code=202)
    async def begin(experiment_id: str, request: Request) -> None:
        call = request.app.state.client.experiments.start(experiment_id)
        later.add(asyncio.ensure_future(call))

    return app


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """Serve an application with uvicorn."""
    config = uvicorn.Config(app, port=0, log_level="error", ws="none")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await running


@asynccontextmanager
async def browsing() -> AsyncIterator[aiohttp.ClientSession]:
    """Have as many connections as anybody wants."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


async def test_concurrent_requests(emulator: Emulator) -> None:
    """Two hundred requests at once share one client, and its manners."""
    ids = emulator.seed_experiments(REQUESTS)
    async with serving(make_app(emulator)) as url, browsing() as browser:

        async def start(experiment_id: str) -> int:
            path = f"{url}/experiments/{experiment_id}/start"
            async with browser.post(path) as answer:
                return answer.status

        assert set(await asyncio.gather(*map(start, ids))) == {200}
        assert set(await asyncio.gather(*map(start, ids[:5]))) == {409}
    assert emulator.log.applied("experiments.start") == REQUESTS
    assert emulator.log.peak_in_flight() <= 32
    assert max(entry.connection for entry in emulator.log.entries) <= 32


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
async def test_browsers_that_go_away(emulator: Emulator) -> None:
    """Disconnects in the middle leave no task and no socket behind."""
    ids = emulator.seed_experiments(REQUESTS)
    emulator.faults.add("latency", seconds=0.2)
    tasks, open_sockets = asyncio.all_tasks(), sockets()
    app = make_app(emulator)
    async with serving(app) as url:
        async with browsing() as browser:

            async def visit(number: int) -> None:
                method = "POST" if number % 2 else "GET"
                path = f"/experiments/{ids[number]}{'/start' if number % 2 else ''}"
                async with browser.request(method, url + path) as answer:
                    assert answer.status == 200

            visits = [asyncio.create_task(visit(number)) for number in range(REQUESTS)]
            await until(lambda: emulator.log.received() >= 20)
            for cancelled in visits[::3]:
                cancelled.cancel()
            await asyncio.wait(visits)
            assert [visit.cancelled() for visit in visits] == [
                number % 3 == 0 for number in range(REQUESTS)
            ]
            assert not any(
                visit.exception() for visit in visits if not visit.cancelled()
            )
        limiter = app.state.client._session.transport.ready().limiter
        await until(lambda: not limiter.in_flight and not limiter.waiting)
    await until(lambda: asyncio.all_tasks() == tasks and sockets() <= open_sockets)
    started = set(emulator.log.applied_ids("experiments.start"))
    assert {ids[number] for number in range(1, REQUESTS, 2) if number % 3} <= started


async def test_a_reader_that_goes_away(emulator: Emulator) -> None:
    """A read that nobody waits for is cancelled; its place in flight is free again."""
    (one,) = emulator.seed_experiments(1)
    emulator.faults.add("hang", route="experiments.retrieve")
    app = make_app(emulator)
    async with serving(app) as url:
        async with browsing() as browser:
            visit = asyncio.create_task(browser.get(f"{url}/experiments/{one}"))
            await until(lambda: emulator.log.received() == 1)
            limiter = app.state.client._session.transport.ready().limiter
            assert limiter.in_flight == 1
            visit.cancel()
            await asyncio.wait([visit])
        await until(lambda: limiter.in_flight == 0)


async def test_a_shutdown_waits_for_transitions(emulator: Emulator) -> None:
    """What runs in the background is finished before the application ends."""
    (one,) = emulator.seed_experiments(1)
    emulator.faults.add("reset", route="experiments.start", applied=True, times=1)
    async with serving(make_app(emulator)) as url, browsing() as browser:
        async with browser.post(f"{url}/experiments/{one}/later") as answer:
            assert answer.status == 202
        await until(lambda: emulator.log.applied("experiments.start") == 1)
    assert emulator.log.received("experiments.retrieve") == 1


CLIENT = web.AppKey("client", Client)


async def test_aiohttp_handlers_are_cancelled(emulator: Emulator) -> None:
    """Under aiohttp.web a request that is given up cancels the call in its handler."""
    (one,) = emulator.seed_experiments(1)
    emulator.faults.add("hang", route="experiments.retrieve")
    cancelled = asyncio.Event()

    async def experiments(app: web.Application) -> AsyncIterator[None]:
        client = Client(emulator.api_key, base_url=emulator.url)
        app[CLIENT] = client
        yield
        await client.close(wait=GRACE)

    async def read(request: web.Request) -> web.Response:
        try:
            await request.app[CLIENT].experiments.retrieve(one)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return web.Response()

    app = web.Application()
    app.cleanup_ctx.append(experiments)
    app.router.add_get("/", read)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with browsing() as browser:
        visit = asyncio.create_task(
            browser.get(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        )
        await until(lambda: emulator.log.received() == 1)
        visit.cancel()
        await asyncio.wait([visit])
        async with asyncio.timeout(20):
            await cancelled.wait()
    limiter = app[CLIENT]._session.transport.ready().limiter
    assert limiter.in_flight == 0
    async with asyncio.timeout(20):
        await runner.cleanup()
    with pytest.raises(ValueError, match="closed"):
        await app[CLIENT].settings.list()
