"""A service with answers of the test's own, and a client of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import RawTestServer

from ours_experiments import Client


Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serve(
    handler: Handler, key: str = "key", **options: Any
) -> AsyncIterator[Client]:
    """Serve a handler at every path, and yield a client with these options."""
    async with (
        RawTestServer(handler) as server,
        Client(key, base_url=str(server.make_url("/")), **options) as client,
    ):
        yield client


@asynccontextmanager
async def serve_json(value: object) -> AsyncIterator[Client]:
    """Serve one JSON value at every path, and yield a client of it."""

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.json_response(value)

    async with serve(answer) as client:
        yield client
