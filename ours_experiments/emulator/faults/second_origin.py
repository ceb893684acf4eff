"""Another origin, to see what a redirected client sends there."""

from dataclasses import dataclass
from threading import RLock
from types import TracebackType
from typing import Self

from aiohttp import web

from ours_experiments.emulator.loop_thread import LoopThread


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that reached the other origin, without its secrets."""

    method: str
    path: str
    """With the query."""
    headers: frozenset[str]
    """Names only, in lower case."""
    authorized: bool
    """Whether it had an Authorization header; its value is not kept."""
    body_length: int
    """Bytes."""


class SecondOrigin:
    """A listener on another port that records what arrives.

    async with SecondOrigin() as other:
        emulator.faults.add("redirect", origin=other.url)

    A `with` block serves synchronous code, from a thread.
    """

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.url: str = ""
        self._runner: web.ServerRunner | None = None
        self._thread: LoopThread | None = None

    def __enter__(self) -> Self:
        self._thread = LoopThread(RLock())
        self._thread.run(self._start())
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._thread is not None:
            self._thread.run(self._stop())
            self._thread.close()

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stop()

    async def _start(self) -> None:
        server = web.Server(self._record)
        self._runner = web.ServerRunner(server, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site.port}"

    async def _stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _record(self, request: web.BaseRequest) -> web.Response:
        """Record a request, and answer it with an empty object."""
        arrival = Arrival(
            method=request.method,
            path=request.raw_path,
            headers=frozenset(name.lower() for name in request.headers),
            authorized="Authorization" in request.headers,
            body_length=len(await request.read()),
        )
        self.arrivals.append(arrival)
        return web.json_response({})
