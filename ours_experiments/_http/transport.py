"""One request over aiohttp, and the session that it travels on."""

import asyncio
import os
from collections.abc import Callable, Sequence
from io import BytesIO

import aiohttp
import attrs
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from ours_experiments._http.api_key import Authorization, fingerprint_of
from ours_experiments._http.deadlines import Deadline
from ours_experiments._http.pacing import Pacing, SharedPacing
from ours_experiments._http.retry import Fate, RetryBudget
from ours_experiments._http.tracing import Tracer, tracer_source
from ours_experiments._text import printable
from ours_experiments._version import __version__
from ours_experiments.errors import (
    APIConnectionError,
    APITimeoutError,
    ConfigurationError,
    OursError,
    UnexpectedResponseError,
)


NO_CLOCK = aiohttp.ClientTimeout(total=None, sock_connect=None)
"""aiohttp's own clocks stay off: `exchange` has one for the whole attempt."""
MANNERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": f"ours-experiments/{__version__}",
}
CONNECTIONS = 100
"""Beyond this many, aiohttp loses more by switching than it wins."""
READ_BUFFER = 2**20
RESERVED = 32 * 2**20
"""Bytes for a large body of unknown length; malloc lets one as large grow in place."""
UNWANTED = {"br", "zstd"}
"""How much they need beside their output is for the sender to choose."""
BYTES_OF_VALUE = 16
"""`{}` takes 2 bytes in JSON and some 70 as an object; the API's values take 20."""
CLOSED = "the client or its session is closed"
SHOWN = 200
"""Characters of an answer that an error quotes."""


class Lineage:
    """Tells a forked process from the one that it was forked from."""

    forks = 0

    @classmethod
    def note_fork(cls) -> None:
        """Count, in the child."""
        cls.forks += 1


if hasattr(os, "register_at_fork"):
    # Cheaper than asking the system for the process's number before every request.
    os.register_at_fork(after_in_child=Lineage.note_fork)


class RequestBody(aiohttp.Payload):
    """JSON bytes that know whether their request has begun to leave."""

    def __init__(self, value: bytes) -> None:
        super().__init__(value, content_type="application/json")
        self._size = len(value)
        self.leaving: bool = False

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the body as text."""
        return str(self._value, encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write all of it."""
        await self.write_with_length(writer, None)

    async def write_with_length(
        self,
        writer: AbstractStreamWriter,
        content_length: int | None,  # noqa: ARG002 - the base class names it
    ) -> None:
        """Write all of it: the length announced is the body's own."""
        self.leaving = True
        await writer.write(self._value)


class Sendings:
    """A client middleware that counts how often aiohttp sends one request."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Count, and pass on."""
        self.count += 1
        return await handler(request)


@attrs.define
class Reply:
    """An answer as it came over the wire."""

    status: int
    reason: str = attrs.field(repr=False)
    """Not shown, like what follows: a service may quote the key there."""
    headers: CIMultiDictProxy[str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    resent: bool
    """Whether aiohttp sent the request twice, the first time perhaps with effect."""


@attrs.frozen
class Failure:
    """An attempt that brought no usable answer."""

    fate: Fate | None
    """What may have become of it; None: the answer is definite."""
    error: OursError
    """What to raise when it is not repeated."""
    retry_after: float | None = None
    """Seconds that the service asked to wait."""


class Transport:
    """Owns or borrows the `aiohttp.ClientSession`, one for each event loop."""

    def __init__(
        self,
        prefix: str,
        authorization: Authorization,
        *,
        session: aiohttp.ClientSession | None,
        max_in_flight: int,
        max_response_bytes: int,
        budget: RetryBudget,
        trace_configs: Sequence[aiohttp.TraceConfig],
        trust_env: bool,
        pacing: SharedPacing | None = None,
    ) -> None:
        self.root: URL = URL(prefix, encoded=True)
        self.authorization = authorization
        # What is no secret can be the own session's business once and for all.
        self.headers: CIMultiDict[str] = CIMultiDict(
            {"Authorization": authorization} | ({} if session is None else MANNERS)
        )
        self.borrowed = session
        self.max_in_flight = max_in_flight
        self.max_response_bytes = max_response_bytes
        self.most_values: int = max_response_bytes // BYTES_OF_VALUE
        self.budget = budget
        self.trace_configs: tuple[aiohttp.TraceConfig, ...] = tuple(trace_configs)
        self.trust_env = trust_env
        self.tracer: Callable[[], Tracer | None] = tracer_source()
        self.shared = pacing
        self.account: str = fingerprint_of(prefix, authorization)
        self.closing: bool = False
        self.closed: bool = False
        self.http: aiohttp.ClientSession | None = None
        self.pacing: Pacing | None = None
        self.forks: int = Lineage.forks
        self.inherited: list[object] = []

    def ready(self) -> Pacing:
        """Return this event loop's pacing, with a session open beside it."""
        pacing = self.pacing
        if (
            pacing is not None
            and pacing.loop is asyncio.get_running_loop()
            and self.forks == Lineage.forks
        ):
            return pacing
        return self.open()

    def open(self) -> Pacing:
        """Begin on this event loop.

        Raises:
            ConfigurationError: The client is closed, or belongs to another event loop
                that is still in use.
        """
        if self.closed:
            raise ConfigurationError("the client is closed")
        loop = asyncio.get_running_loop()
        forked = self.forks != Lineage.forks
        if self.borrowed is not None:
            owner = getattr(self.borrowed, "_loop", loop)
            if forked or owner is not loop:
                raise ConfigurationError(
                    "session belongs to another event loop or process: build the "
                    "client where its session was built"
                )
            self.http = self.borrowed
        else:
            if forked:
                # Closing them here would end connections that the parent still uses.
                self.inherited += [self.http, self.pacing]
            elif self.pacing is not None and self.pacing.loop.is_running():
                raise ConfigurationError(
                    "the client is in use on another event loop: build one for each"
                )
            self.http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=MANNERS,
                read_bufsize=READ_BUFFER,
                timeout=NO_CLOCK,
                trace_configs=[*self.trace_configs],
                trust_env=self.trust_env,
            )
        self.forks = Lineage.forks
        self.pacing = Pacing(self.max_in_flight, self.budget, self.shared, self.account)
        return self.pacing

    async def close(self, wait: float | None = None) -> None:
        """Begin no call any more, and end those under way, after `wait` seconds."""
        self.closing = True
        try:
            if wait and self.pacing is not None and self.forks == Lineage.forks:
                await self.pacing.drain(wait)
        finally:
            await self.end()

    async def end(self) -> None:
        """Close what is owned; safe to call more than once."""
        self.closed = True
        http, pacing = self.http, self.pacing
        self.http = self.pacing = None
        if self.forks != Lineage.forks:
            self.inherited += [http, pacing]
            return
        if pacing is not None:
            pacing.close()
        if http is not None and http is not self.borrowed:
            await http.close()

    async def exchange(
        self, method: str, url: URL, body: bytes | None, until: float
    ) -> Reply | Failure:
        """Send one request and read its answer, until the given loop time.

        Failures are returned, not raised: nothing of aiohttp's, which keeps the
        request's headers, can then be reached from an error.
        """
        http, pacing = self.http, self.pacing
        if http is None or pacing is None:
            return Failure(None, ConfigurationError(CLOSED))
        data = None if body is None else RequestBody(body)
        sendings, middlewares = None, None
        if method == "DELETE":
            sendings = Sendings()
            middlewares = (*getattr(http, "_middlewares", ()), sendings)
        response: aiohttp.ClientResponse | None = None
        try:
            with Deadline(pacing.deadlines, until):
                response = await http.request(
                    method,
                    url,
                    data=data,
                    headers=self.headers,
                    allow_redirects=False,
                    raise_for_status=False,
                    timeout=NO_CLOCK,
                    middlewares=middlewares,
                )
                content = response.content
                if (
                    content.is_eof()
                    and not content.at_eof()
                    and content.total_bytes <= self.max_response_bytes
                ):
                    # All of it came with the headers, and the connection is free.
                    received: bytes | None = content.read_nowait()
                else:
                    received = await self.body_of(response)
        except asyncio.CancelledError as cancelled:
            # The locals of the frames below display the answer's headers.
            response = cancelled.__traceback__ = None
            raise
        except RuntimeError:
            if not http.closed:
                raise
            return Failure(None, ConfigurationError(CLOSED))
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            return self.failure_of(problem, f"{method} {url.raw_path}", data)
        if received is None:
            told = f"the answer is larger than {self.max_response_bytes} bytes"
            error = UnexpectedResponseError(
                f"{method} {url.raw_path}: {told}", status=response.status
            )
            return Failure(Fate.MAYBE_APPLIED, error)
        return Reply(
            response.status,
            response.reason or "",
            response.headers,
            received,
            sendings is not None and sendings.count > 1,
        )

    def failure_of(
        self, problem: Exception, line: str, data: RequestBody | None
    ) -> Failure:
        """Say what an exception of aiohttp's means, in an error that forgets it."""
        if isinstance(problem, ValueError) and not isinstance(
            problem, aiohttp.ClientError | OSError
        ):
            told = f"the session refuses the request: {self.told(problem)}"
            return Failure(None, ConfigurationError(told))
        sent = data is None or data.leaving
        if isinstance(problem, TimeoutError):
            error: APIConnectionError = APITimeoutError(
                f"{line}: no answer in time", maybe_sent=sent
            )
        elif isinstance(problem, aiohttp.ClientConnectorError):
            sent = False
            error = APIConnectionError(f"{line}: {self.told(problem)}", maybe_sent=sent)
        else:
            told = f"the connection broke: {self.told(problem)}"
            error = APIConnectionError(f"{line}: {told}", maybe_sent=sent)
        return Failure(Fate.MAYBE_APPLIED if sent else Fate.NOT_SENT, error)

    async def body_of(self, response: aiohttp.ClientResponse) -> bytes | None:
        """Read the decoded body; None as soon as it exceeds the cap."""
        cap = self.max_response_bytes
        length = response.content_length
        encoding = response.headers.get("Content-Encoding")
        try:
            if response.content.at_eof():
                # It is empty, or a middleware of the session's owner has read it.
                body = await response.read()
                return body if len(body) <= cap else None
            if encoding is not None:
                if encoding.lower() in UNWANTED:
                    raise aiohttp.ClientPayloadError(f"{encoding} was not asked for")
            elif length is not None:
                if length > cap:
                    return None
                if length <= READ_BUFFER:
                    return await response.read()
            room = BytesIO()
            async for chunk in response.content.iter_any():
                end = room.tell() + len(chunk)
                if end > cap:
                    return None
                if room.tell() <= READ_BUFFER < end:
                    # To grow may mean to copy; zeroed bytes cost nothing until written.
                    begun = room.getvalue()
                    room = BytesIO(bytes(min(cap, RESERVED)))
                    room.write(begun)
                room.write(chunk)
            room.truncate()
            return room.getvalue()
        finally:
            response.release()

    def told(self, problem: Exception) -> str:
        """Tell what aiohttp says, which may quote what the service sent."""
        told = printable(self.authorization.excerpt(str(problem), SHOWN))
        return told or type(problem).__name__

    def mask(self, text: str) -> str:
        """Return the text without the API key."""
        return self.authorization.mask(text)
