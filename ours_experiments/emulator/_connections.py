"""The protocol of one TCP connection: numbered, and quiet about keys."""

import asyncio
from http import HTTPStatus
from logging import getLogger

import orjson
from aiohttp import web


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
