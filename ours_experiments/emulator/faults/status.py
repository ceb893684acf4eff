"""Faults of the gateway: statuses, Retry-After, redirects, HTML pages."""

import asyncio
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Literal, TypeAlias

from aiohttp import web

from ours_experiments.emulator.faults.exchange import Exchange, at_least, at_most
from ours_experiments.emulator.faults.wire import error_reply


RetryAfter: TypeAlias = (
    float | str | timedelta | tuple[float | str | timedelta, ...] | None
)

DATE_PREFIX = "date"
# A client that waits exactly as long as Retry-After says must not fail by rounding.
ROUNDING = 1e-6
PAGE = """<!doctype html>
<html><head><title>{code} {reason}</title></head>
<body><center><h1>{code} {reason}</h1></center><hr><center>gateway</center></body>
</html>
"""


def parse_retry_after(text: str) -> RetryAfter:
    """Read `date+30` and `date-30` as HTTP dates, `1|2` as two headers.

    All else is sent as it stands.
    """
    values = [
        timedelta(seconds=float(value.removeprefix(DATE_PREFIX)))
        if value.startswith((f"{DATE_PREFIX}+", f"{DATE_PREFIX}-"))
        else value
        for value in text.split("|")
    ]
    return tuple(values) if len(values) > 1 else values[0]


def retry_after_headers(value: RetryAfter) -> list[str]:
    """Return one header value for each of the values."""
    if value is None:
        return []
    if isinstance(value, tuple):
        return [text for part in value for text in retry_after_headers(part)]
    if isinstance(value, timedelta):
        return [format_datetime(datetime.now(UTC) + value, usegmt=True)]
    return [str(value)]


@dataclass(frozen=True)
class Status:
    """Answer with an error status, and with Retry-After when that is given.

    `retry_after` is a number or any text, sent as it stands; a timedelta from now
    (on the command line date+30 or date-30), sent as an HTTP date; or several of
    these (on the command line 1|2), sent as repeated headers.
    """

    code: int = 503
    applied: bool = False
    retry_after: RetryAfter = field(default=None, metadata={"parse": parse_retry_after})
    error: str | None = None
    details: str | None = None

    def __post_init__(self) -> None:
        at_least(200, code=self.code)
        at_most(599, code=self.code)

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Answer with the status, before or after the change."""
        if self.applied:
            await exchange.answer()
        response = error_reply(self.code, self.error, self.details)
        for value in retry_after_headers(self.retry_after):
            response.headers.add("Retry-After", value)
        return response


@dataclass(slots=True)
class RateLimit:
    """Let `rate` requests per second through, `burst` at once; 429 for the rest.

    Retry-After says when the next may come: in whole seconds, rounded up, or
    to the millisecond when `exact`.
    """

    rate: float = 10.0
    burst: int = 1
    exact: bool = False
    tokens: float = field(default=0.0, init=False, repr=False)
    refilled_at: float = field(default=-math.inf, init=False, repr=False)

    def __post_init__(self) -> None:
        at_least(0.001, rate=self.rate)
        at_least(1, burst=self.burst)

    def take(self, now: float) -> str | None:
        """Take a token at this time; give the Retry-After when there is none."""
        earned = (now - self.refilled_at) * self.rate
        self.tokens = min(self.burst, self.tokens + earned)
        self.refilled_at = now
        if self.tokens >= 1 - ROUNDING:
            self.tokens -= 1
            return None
        # Rounded up, or a client that waits exactly so long would come too early.
        seconds = (1 - self.tokens) / self.rate
        if self.exact:
            return f"{math.ceil(seconds * 1000) / 1000:.3f}"
        return str(math.ceil(seconds))

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Take a token and answer, or refuse."""
        retry_after = self.take(asyncio.get_running_loop().time())
        if retry_after is None:
            return await exchange.answer()
        response = error_reply(429, None, None)
        response.headers["Retry-After"] = retry_after
        return response


@dataclass(frozen=True)
class Html:
    """Answer with the HTML page of a gateway."""

    code: int = 502
    applied: bool = False

    def __post_init__(self) -> None:
        at_least(200, code=self.code)
        at_most(599, code=self.code)

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Answer with the page, before or after the change."""
        if self.applied:
            await exchange.answer()
        response = web.Response(status=self.code, content_type="text/html")
        response.text = PAGE.format(code=response.status, reason=response.reason)
        return response


@dataclass(frozen=True)
class Redirect:
    """Redirect to the same path of another `origin`, such as http://other:8080."""

    origin: str
    code: Literal[301, 302, 303, 307, 308] = 302
    applied: bool = False

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Answer with the redirect, before or after the change."""
        if self.applied:
            await exchange.answer()
        location = self.origin.rstrip("/") + exchange.request.raw_path
        return web.Response(status=self.code, headers={"Location": location})


@dataclass(frozen=True)
class Empty:
    """Answer without a body: 204, or another `code` with Content-Length 0."""

    code: int = 204
    applied: bool = True

    def __post_init__(self) -> None:
        at_least(200, code=self.code)
        at_most(599, code=self.code)

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Answer with nothing, before or after the change."""
        if self.applied:
            await exchange.answer()
        return web.Response(status=self.code, content_type="application/json")
