"""One request over aiohttp, and the `ClientSession` that it uses."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from ours_experiments._http.api_key import Authorization, account_fingerprint
from ours_experiments._http.bodies import READ_BUFFER, RequestBody, read_body
from ours_experiments._http.deadlines import Deadline
from ours_experiments._http.failures import (
    CLOSED,
    EXCEPTIONS,
    failure_of,
    is_foreign,
)
from ours_experiments._http.pacing import Pacing, SharedPacing
from ours_experiments._http.responses import Failure, Reply, request_id_of
from ours_experiments._http.retry import FailureKind, RetryBudget
from ours_experiments._http.tracing import CallTracer, tracer_source
from ours_experiments._version import __version__
from ours_experiments.errors import ConfigurationError, UnexpectedResponseError


NO_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=None)
"""aiohttp's own timeouts stay off: `exchange` has one deadline for the attempt."""
USER_AGENT = f"ours-experiments/{__version__}"
DEFAULT_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": USER_AGENT,
}
MAX_CONNECTIONS = 100
"""aiohttp's own default. More connections than that cost more than they win: a client
in Python cannot keep them busy, and each switch between them costs time."""
MAX_HEADER_LINE = 2**16
"""Bytes; aiohttp allows 8 190, which one Content-Security-Policy can exceed."""
MAX_HEADERS = 1000
"""aiohttp allows 128."""
BYTES_PER_VALUE = 16
"""`{}` takes 2 bytes in JSON and some 70 as an object; the API's values take 20."""
RESENT_METHODS = {"DELETE", "PUT"}
"""Writes that aiohttp sends again by itself when a kept-alive connection is closed."""


class SendRecorder:
    """A client middleware that records whether a request begins to leave."""

    request: aiohttp.ClientRequest | None = None
    resent: bool = False
    """Whether aiohttp sent the request again after it had left."""

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Record the request, and pass it on."""
        if self.request is not None:
            self.resent = self.sent
        self.request = request
        return await handler(request)

    @property
    def sent(self) -> bool:
        """Whether a byte of the request may have left this machine."""
        # aiohttp sets `response` when it writes the headers; before, it connects.
        return self.resent or getattr(self.request, "response", None) is not None


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
        proxy: URL | None,
        headers: Mapping[str, str],
        pacing: SharedPacing | None = None,
    ) -> None:
        self.root: URL = URL(prefix, encoded=True)
        self.authorization = authorization
        # aiohttp merges a session's headers in C and a request's own in Python, which
        # takes 1 us for three more: only with a borrowed session do they come along.
        plain = {**DEFAULT_HEADERS, **headers}
        self.session_headers: Mapping[str, str] = plain if session is None else {}
        self.headers: CIMultiDict[str] = CIMultiDict({} if session is None else plain)
        self.headers["Authorization"] = authorization
        self.borrowed = session
        self.max_in_flight = max_in_flight
        self.max_response_bytes = max_response_bytes
        self.max_values: int = max_response_bytes // BYTES_PER_VALUE
        self.budget = budget
        self.trace_configs: tuple[aiohttp.TraceConfig, ...] = tuple(trace_configs)
        self.proxy = proxy
        self.tracer: Callable[[], CallTracer | None] = tracer_source(self.root)
        self.shared = pacing
        self.account: str = account_fingerprint(prefix, authorization)
        self.closing: bool = False
        self.closed: bool = False
        self.http: aiohttp.ClientSession | None = None
        self.middlewares: tuple[aiohttp.ClientMiddlewareType, ...] = ()
        self.pacing: Pacing | None = None
        self.process: int = os.getpid()
        self.closer: AsyncGenerator[None, None] | None = None
        self.inherited: list[object] = []
        """A parent process' sessions: closing them would end its connections."""

    def ready(self) -> Pacing:
        """Return this event loop's pacing, with a session open beside it."""
        pacing = self.pacing
        # A forked process has an event loop of its own, too.
        if pacing is not None and pacing.loop is asyncio.get_running_loop():
            return pacing
        return self.open_session()

    def open_session(self) -> Pacing:
        """Open a session on this event loop.

        Raises:
            ConfigurationError: The client is closed, or belongs to another event loop
                that is still in use.
        """
        if self.closed:
            raise ConfigurationError("the client is closed")
        loop = asyncio.get_running_loop()
        forked = self.process != os.getpid()
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
                self.inherited += [self.closer, self.http, self.pacing]
            elif self.pacing is not None and self.pacing.loop.is_running():
                raise ConfigurationError(
                    "the client is in use on another event loop: build one for each"
                )
            self.http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=self.session_headers,
                max_field_size=MAX_HEADER_LINE,
                max_headers=MAX_HEADERS,
                max_line_size=MAX_HEADER_LINE,
                read_bufsize=READ_BUFFER,
                timeout=NO_TIMEOUT,
                trace_configs=[*self.trace_configs],
            )
            # An event loop ends what its generators hold: so a client that is used in
            # several `asyncio.run` leaves no connection behind in any of them.
            self.closer = closing_with_the_loop(self.http)
            with suppress(StopIteration):
                anext(self.closer).send(None)
        self.process = os.getpid()
        owned: Sequence[aiohttp.ClientMiddlewareType]
        owned = getattr(self.http, "_middlewares", ())
        self.middlewares = tuple(owned)
        self.pacing = Pacing(self.max_in_flight, self.budget, self.shared, self.account)
        return self.pacing

    async def close(self, wait: float | None = None) -> None:
        """Refuse new calls, and end those under way after `wait` seconds."""
        self.closing = True
        try:
            if wait and self.pacing is not None and self.process == os.getpid():
                await self.pacing.drain(wait)
        finally:
            await self.close_session()

    async def close_session(self) -> None:
        """End every call, and close the own session; safe to call more than once."""
        self.closed = True
        closer, http, pacing = self.closer, self.http, self.pacing
        self.closer = self.http = self.pacing = None
        if self.process != os.getpid():
            self.inherited += [closer, http, pacing]
            return
        if pacing is not None:
            pacing.close()
        if closer is not None:
            await closer.aclose()

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
        recorded = data is None or method in RESENT_METHODS
        recorder = SendRecorder() if recorded else None
        deadline = Deadline(pacing.deadlines, until)
        response: aiohttp.ClientResponse | None = None
        try:
            with deadline:
                response = await http.request(
                    method,
                    url,
                    data=data,
                    headers=CIMultiDict(self.headers),
                    allow_redirects=False,
                    raise_for_status=False,
                    timeout=NO_TIMEOUT,
                    middlewares=(*self.middlewares, recorder) if recorder else None,
                    proxy=self.proxy,
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
                    received = await read_body(response, self.max_response_bytes)
        except EXCEPTIONS as problem:
            # The locals of the frames below display the response's headers.
            response = problem.__traceback__ = None
            sent = recorder is not None and recorder.sent
            if data is not None:
                sent = data.abort() or sent
            if is_foreign(problem, http, deadline):
                raise
            return failure_of(
                problem,
                f"{method} {url.raw_path}",
                sent=sent,
                closed=self.closed or http.closed,
                trust_env=http.trust_env,
                authorization=self.authorization,
            )
        if received is None:
            return self.too_large(response, f"{method} {url.raw_path}")
        return Reply(
            response.status,
            response.reason or "",
            response.headers,
            received,
            resent=recorder is not None and recorder.resent,
        )

    def too_large(self, response: aiohttp.ClientResponse, line: str) -> Failure:
        """Return the failure of a response beyond `max_response_bytes`."""
        error = UnexpectedResponseError(
            f"{line}: the response is larger than {self.max_response_bytes} bytes",
            status=response.status,
            request_id=request_id_of(response.headers, self.mask),
        )
        return Failure(FailureKind.MAYBE_APPLIED, error)

    def mask(self, text: str) -> str:
        """Return the text without the API key."""
        return self.authorization.mask(text)


async def closing_with_the_loop(
    http: aiohttp.ClientSession,
) -> AsyncGenerator[None, None]:
    """Close a session when the generator is closed, at the latest by the event loop."""
    try:
        yield
    finally:
        await http.close()
