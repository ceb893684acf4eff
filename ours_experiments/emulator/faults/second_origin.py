"""Another origin, to see what a redirected client gives away."""

from dataclasses import dataclass
from types import TracebackType
from typing import Self

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that should never have come; it holds no secret."""

    method: str
    path: str
    """With the query."""
    headers: frozenset[str]
    """Names only, in lower case."""
    authorized: bool
    """Whether an Authorization header came; its value is not kept."""
    body_length: int
    """Bytes."""


class SecondOrigin:
    """A listener on another port that records what arrives.

    async with SecondOrigin() as other:
        emulator.faults.add("redirect", origin=other.url)
    """

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.url: str = ""
        self._runner = web.ServerRunner(web.Server(self._record), shutdown_timeout=1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site.port}"
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()

    async def _record(self, request: web.BaseRequest) -> web.Response:
        """Keep what came, and answer like a service that takes everything."""
        arrival = Arrival(
            method=request.method,
            path=request.raw_path,
            headers=frozenset(name.lower() for name in request.headers),
            authorized="Authorization" in request.headers,
            body_length=len(await request.read()),
        )
        self.arrivals.append(arrival)
        return web.json_response({})
