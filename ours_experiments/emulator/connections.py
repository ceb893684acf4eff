"""The listener, and its TCP connections: numbered, and quiet about keys."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from ipaddress import ip_address
from itertools import count
from logging import getLogger
from typing import cast

import orjson
from aiohttp import web


MAX_BODY_BYTES = 16 * 2**20
"""Size of a request body, after decompression, that is still read."""

_SHUTDOWN_SECONDS = 0.05
_logger = getLogger("ours_experiments.emulator")
_silent = getLogger("ours_experiments.emulator.access")
_silent.disabled = True


class Connection(web.RequestHandler):
    """A connection that answers what is no proper HTTP with an error in JSON.

    aiohttp's own answer and log line would quote headers, and with them the key.
    """

    __slots__ = ("number",)

    def __init__(self, server: web.Server, number: int) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), access_log=_silent)
        self.number = number

    def close_if_idle(self) -> None:
        """Close between two requests; aiohttp's own way leaves the socket open."""
        if self._waiter is not None:
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 (it may quote the key)
    ) -> web.StreamResponse:
        """Answer a request that failed, and close its connection."""
        failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR
        if failed:
            _logger.error("%s %s failed", request.method, request.path, exc_info=exc)
        else:
            _logger.debug("malformed HTTP from %s", request.remote)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer was under way already")
        error = "Internal Server Error" if failed else "Bad Request"
        response = web.Response(
            body=orjson.dumps({"error": error}),
            status=status,
            content_type="application/json",
        )
        response.force_close()
        return response


def is_loopback(host: str) -> bool:
    """Check whether only this machine can reach an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


Receive = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Listener:
    """A server on one address, whose door can be shut and opened again."""

    def __init__(self, receive: Receive, host: str, port: int) -> None:
        make_request = partial(
            web.Request,
            loop=asyncio.get_running_loop(),
            client_max_size=MAX_BODY_BYTES,
        )
        self.port = port
        """0 until the first `open` has found a free one."""
        self._host = host
        self._server = web.Server(receive, request_factory=make_request)
        self._numbers = count(1)
        self._doors: list[asyncio.Server] = []

    async def open(self) -> None:
        """Listen, at the same port as before."""
        door = await asyncio.get_running_loop().create_server(
            lambda: Connection(self._server, next(self._numbers)),
            self._host,
            self.port,
            # Or a door that is cancelled on its way would stay open behind our back.
            start_serving=False,
        )
        self._doors.append(door)
        self.port = door.sockets[0].getsockname()[1]
        await door.start_serving()

    async def close(self) -> None:
        """Stop listening, and close the connections that are idle."""
        while self._doors:
            self._doors.pop().close()
        for connection in self._server.connections:
            cast("Connection", connection).close_if_idle()  # as `open` makes them

    async def shut_down(self) -> None:
        """Stop listening, and end every connection."""
        await self.close()
        await self._server.shutdown(_SHUTDOWN_SECONDS)
