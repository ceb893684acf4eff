"""The listening socket, and its numbered connections."""

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

# Requests in flight belong to a test that is over: waiting for them helps nobody.
_SHUTDOWN_SECONDS = 0.05
_logger = getLogger("ours_experiments.emulator")
_silent = getLogger("ours_experiments.emulator.access")
_silent.disabled = True


class Connection(web.RequestHandler):
    """A connection that answers malformed HTTP with a JSON error.

    The answer and the log line of aiohttp would quote headers, and so the API key.
    """

    __slots__ = ("number",)

    def __init__(self, server: web.Server, number: int) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), access_log=_silent)
        self.number: int = number

    def close_if_idle(self) -> None:
        """Close the connection if no request is in flight."""
        # aiohttp's own method would leave the socket open.
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
        if isinstance(exc, ConnectionError):
            # A client that leaves, as after its timeout, is no fault of the emulator.
            _logger.debug("%s %s: the client is gone", request.method, request.path)
        elif failed:
            _logger.error("%s %s failed", request.method, request.path, exc_info=exc)
        else:
            _logger.debug("malformed HTTP from %s", request.remote)
        # A second status line would be read as a part of the first answer's body.
        if request.writer.output_size > 0:
            raise ConnectionError("a part of the answer has been sent")
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
    """A server on one address, which can stop listening and start again."""

    def __init__(self, receive: Receive, host: str, port: int) -> None:
        make_request = partial(
            web.Request,
            loop=asyncio.get_running_loop(),
            client_max_size=MAX_BODY_BYTES,
        )
        self.port: int = port
        """0 until the first `open` has found a free port."""
        self._host = host
        self._server = web.Server(receive, request_factory=make_request)
        self._numbers = count(1)
        self._sockets: list[asyncio.Server] = []

    async def open(self) -> None:
        """Listen, at the same port as before."""
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self._server, next(self._numbers)),
            self._host,
            self.port,
            # If this call is cancelled, no socket is left that accepts connections.
            start_serving=False,
        )
        self._sockets.append(server)
        self.port = server.sockets[0].getsockname()[1]
        await server.start_serving()

    async def close(self) -> None:
        """Stop listening, and close the connections that are idle."""
        while self._sockets:
            self._sockets.pop().close()
        for connection in self._server.connections:
            cast("Connection", connection).close_if_idle()  # as `open` makes them

    async def shut_down(self) -> None:
        """Stop listening, and end every connection."""
        await self.close()
        await self._server.shutdown(_SHUTDOWN_SECONDS)
