"""A small service behind faults, and a client that sees the bare bytes."""

import asyncio
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import orjson
from aiohttp import ClientSession, ClientTimeout, web

from ours_experiments.emulator.faults.rules import Faults
from ours_experiments.emulator.faults.wire import Json


EXPERIMENT: dict[str, Json] = {
    "id": "e1",
    "name": "Blue button",
    "status": "draft",
    "metrics": {"primary": {"eventName": "signup"}},
    "variants": [{"id": "v1", "isControl": True, "variantType": None}],
}
ITEMS = ("a", "b", "c")
LIMIT_SECONDS = 5


class Service:
    """Serve experiments one a page, and record which requests were applied."""

    def __init__(self, seed: int = 0) -> None:
        self.faults = Faults(seed)
        self.applied: list[str] = []
        self.answered: list[web.StreamResponse] = []
        self.in_flight = 0
        self.connections = 0
        self.port = 0
        application = web.Application(client_max_size=1000)
        application.router.add_route("*", "/{tail:.*}", self.receive)
        self.runner = web.AppRunner(application, shutdown_timeout=1)

    async def __aenter__(self) -> Self:
        await self.runner.setup()
        await self.open_listener()
        self.faults.attach(self.close_listener, self.open_listener)
        self.http = ClientSession(
            f"http://127.0.0.1:{self.port}",
            timeout=ClientTimeout(total=LIMIT_SECONDS),
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.http.close()
        await self.faults.aclose()
        server = self.runner.server
        await self.runner.cleanup()
        self.connections = 0 if server is None else len(server.connections)

    async def open_listener(self) -> None:
        """Listen, at the same port as before."""
        self.site = web.TCPSite(self.runner, "127.0.0.1", self.port)
        await self.site.start()
        self.port = self.site.port

    async def close_listener(self) -> None:
        """Stop listening and close idle connections."""
        await self.site.stop()
        assert self.runner.server is not None
        for connection in self.runner.server.connections:
            if connection._waiter is not None:
                connection.force_close()

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Name the operation after the path, and let the faults come first."""
        route = request.path.strip("/").replace("/", ".")
        self.in_flight += 1
        try:
            if not self.faults.active:
                response = await self.answer(request)
            else:
                response = await self.faults.apply(request, route, self.answer)
        finally:
            self.in_flight -= 1
        self.answered.append(response)
        return response

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Apply a change, or serve a page."""
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return web.Response(status=413)
        self.applied.append(f"{request.method} {request.path} {body.decode()}".strip())
        if request.path == "/experiments/list":
            return page(request.query.get("cursor", "0"))
        if request.path == "/slow":
            await asyncio.sleep(60)
        if request.path == "/pagination-only":
            return web.json_response({"pagination": {"hasMore": False}})
        if request.method == "DELETE":
            return web.json_response(True)  # noqa: FBT003 - the API's answer
        return web.json_response(EXPERIMENT)

    async def seen(self, method: str, path: str) -> tuple[int, bytes]:
        """Ask with a well-behaved client, for status and body."""
        async with self.http.request(method, path, allow_redirects=False) as response:
            return response.status, await response.read()

    async def payload(self, path: str) -> Json:
        """Ask with a well-behaved client, for the payload."""
        _, body = await self.seen("GET", path)
        payload: Json = orjson.loads(body)
        return payload


def page(cursor: str) -> web.Response:
    """Serve one item; cursors are numbers."""
    if not cursor.isdecimal() or int(cursor) >= len(ITEMS):
        return web.json_response({"error": "Bad Request"}, status=400)
    place = int(cursor)
    pagination: dict[str, Json] = {"hasMore": place + 1 < len(ITEMS)}
    if place + 1 < len(ITEMS):
        pagination["nextCursor"] = str(place + 1)
    return web.json_response({"entities": [ITEMS[place]], "pagination": pagination})


@dataclass
class Bytes:
    """What came over one connection, piece by piece."""

    pieces: list[bytes] = field(default_factory=list[bytes])
    reset: bool = False
    """Whether it ended in a reset rather than in order."""
    seconds: float = 0.0

    @property
    def whole(self) -> bytes:
        """All bytes."""
        return b"".join(self.pieces)

    @property
    def head(self) -> bytes:
        """Status line and headers."""
        return self.whole.partition(b"\r\n\r\n")[0]

    @property
    def body(self) -> bytes:
        """What follows the headers."""
        return self.whole.partition(b"\r\n\r\n")[2]


class Wire:
    """One connection, seen at the level of bytes."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.writer.close()

    def send(self, method: str, path: str, body: bytes = b"") -> None:
        """Write a request."""
        lines = f"{method} {path} HTTP/1.1\r\nHost: test\r\n"
        self.writer.write(f"{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    async def rest(self, seconds: float = LIMIT_SECONDS) -> Bytes:
        """Read until the server closes, or for so long."""
        loop = asyncio.get_running_loop()
        seen, start = Bytes(), loop.time()
        try:
            async with asyncio.timeout(seconds):
                while piece := await self.reader.read(2**16):
                    seen.pieces.append(piece)
        except ConnectionResetError:
            seen.reset = True
        except TimeoutError:
            seen.pieces.append(b"(still open)")
        seen.seconds = loop.time() - start
        return seen

    async def one_answer(self) -> bytes:
        """Read an answer that carries its length, and no more."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return head + await self.reader.readexactly(int(length))


async def over_the_wire(
    service: Service, method: str, path: str, body: bytes = b""
) -> Bytes:
    """Send one request and read until the server closes."""
    async with Wire(service.port) as wire:
        wire.send(method, path, body)
        return await wire.rest()
