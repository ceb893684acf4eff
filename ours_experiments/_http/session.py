"""The one way that every call takes: wait, send, judge, and repeat where it is safe."""

import itertools
import logging
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import NoReturn

import attrs
import orjson
from aiohttp.hdrs import CONTENT_TYPE
from yarl import URL

from ours_experiments._codec.json_bytes import loads
from ours_experiments._http.pacing import Pacing
from ours_experiments._http.retry import (
    EFFECT_OF_METHOD,
    Effect,
    Fate,
    RetryPolicy,
    fate_of_status,
    may_repeat,
    retry_after,
)
from ours_experiments._http.tracing import traced
from ours_experiments._http.transport import SHOWN, Failure, Reply, Transport
from ours_experiments._http.urls import path_of, url_of
from ours_experiments._text import printable
from ours_experiments.errors import (
    APITimeoutError,
    ConfigurationError,
    OursError,
    OutcomeUnknownError,
    UnexpectedResponseError,
    error_from_response,
)


logger = logging.getLogger("ours_experiments")

ACTION_OF_METHOD = {
    "POST": "create",
    "PUT": "update",
    "PATCH": "update",
    "DELETE": "delete",
}
JSON_TYPE = re.compile(r"application/([\w.-]+\+)?json\b", re.IGNORECASE)
LONGEST_HEAD = 2**16
"""Bytes of an answer that are looked at for that."""
call_numbers = itertools.count(1)


@attrs.define
class Call:
    """One call of a user's, over all the requests that it takes."""

    pacing: Pacing
    """Of the event loop that it runs on."""
    begun_at: float
    """Loop time, like the next one."""
    deadline: float
    """When the call has to be over."""
    number: int = attrs.field(factory=call_numbers.__next__)
    """Ties the lines of one call together in the log."""
    attempts: int = 0
    """Requests sent on purpose; aiohttp's own resends are not among them."""
    maybe_applied: bool = False
    """Whether a request may have been acted upon without a reliable answer."""
    timestamp: float | None = None
    """When the first request left, in seconds since the epoch."""
    reply: Reply | None = None
    """The latest answer of any kind."""
    method: str = "GET"
    """Of what is being sent, like what follows."""
    segments: tuple[str, ...] = ()

    @property
    def effect(self) -> Effect:
        """What sending it a second time would do."""
        return EFFECT_OF_METHOD[self.method]

    @property
    def path(self) -> str:
        """Below the root, as it was meant and as it is shown."""
        return path_of(self.segments)

    @property
    def line(self) -> str:
        """How errors name what is being sent."""
        return f"{self.method} {self.path}"

    @property
    def sent_at(self) -> datetime | None:
        """When the first request left, by this machine's clock."""
        return (
            None
            if self.timestamp is None
            else datetime.fromtimestamp(self.timestamp, UTC)
        )

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return self.pacing.loop.time() - self.begun_at

    def another(self) -> "Call":
        """Begin a call for the same purpose, which has to be over by the same time."""
        return Call(self.pacing, self.begun_at, self.deadline)


@attrs.frozen
class Session:
    """A transport, with this view's times and this view's way of repeating."""

    transport: Transport
    timeout: float
    """Seconds for one call altogether."""
    attempt_timeout: float
    """Seconds for one request."""
    retry: RetryPolicy

    def call(self) -> Call:
        """Begin a call: its deadline runs from now.

        Raises:
            ConfigurationError: The client is closing; what it began may still end.
        """
        transport = self.transport
        if transport.closing:
            raise ConfigurationError("the client is closed")
        pacing = transport.ready()
        begun_at = pacing.loop.time()
        return Call(pacing, begun_at, begun_at + self.timeout)

    async def request(
        self,
        method: str,
        *segments: str,
        params: Mapping[str, object] | None = None,
        json: object = None,
        call: Call | None = None,
    ) -> object:
        """Send a request until it is answered, or must not be sent again.

        Returns the decoded JSON; None for a DELETE whose answer has no body, or that
        was found done after a lost reply.

        Raises:
            OutcomeUnknownError: A write that may have been applied, or not.
        """
        transport = self.transport
        if call is None:
            call = self.call()
            tracer = transport.tracer()
            if tracer is not None:
                name = f"{method} {'/'.join(segments[:1])}"
                running = self.request(
                    method, *segments, params=params, json=json, call=call
                )
                return await traced(tracer, name, call, running)
        call.method = method
        call.segments = segments
        effect = call.effect
        url = url_of(transport.root, segments, params)
        body = None if json is None else encode_body(json)
        pacing = call.pacing
        while True:
            if pacing.shared is not None or not pacing.try_enter():
                await wait_for_place(pacing, call)
            if not call.attempts and effect is not Effect.NONE:
                call.timestamp = time.time()
            call.attempts += 1
            left_at = pacing.loop.time()
            until = min(left_at + self.attempt_timeout, call.deadline)
            try:
                answer: object = await transport.exchange(method, url, body, until)
                if isinstance(answer, Reply):
                    answer = outcome_of(answer, call, transport)
                # Before the place is free, so that nobody slips into a pause.
                if not isinstance(answer, Failure):
                    pacing.succeeded()
                    return answer
                pacing.learn_from(answer.fate, answer.retry_after, left_at)
            finally:
                pacing.leave()
            if answer.fate is Fate.REFUSED:
                await pacing.tell_pause(answer.retry_after, call.deadline)
            await self.repeat_or_raise(answer, pacing, call)

    async def repeat_or_raise(
        self, failure: Failure, pacing: Pacing, call: Call
    ) -> None:
        """Wait until the request may be sent again; raise when it must not be."""
        fate, error, effect = failure.fate, failure.error, call.effect
        if fate is None:
            if isinstance(error, ConfigurationError):
                give_up(error, call)
            raise error
        if fate is Fate.MAYBE_APPLIED:
            if effect is Effect.NONE and isinstance(error, UnexpectedResponseError):
                raise error
            call.maybe_applied = True
        wait = self.retry.backoff(call.attempts) + (failure.retry_after or 0)
        if (
            not may_repeat(effect, fate)
            or call.attempts >= self.retry.attempts
            or pacing.loop.time() + wait >= call.deadline
            or not pacing.budget.spend()
        ):
            logger.info("call %d: given up: %s", call.number, error)
            give_up(error, call)
        logger.info("call %d: again in %.3f s: %s", call.number, wait, error)
        try:
            await pacing.rest(wait)
        except ConfigurationError as closed:
            give_up(closed, call)


async def wait_for_place(pacing: Pacing, call: Call) -> None:
    """Wait until one more request may leave, inside the call's deadline."""
    try:
        if pacing.shared is None:
            await pacing.enter(call.deadline)
        else:
            await pacing.enter_in_turn(pacing.shared, call.deadline)
    except ConfigurationError as closed:
        give_up(closed, call)
    except TimeoutError as late:
        # What the turn among all processes would take, where that is the reason.
        pause = max(pacing.paused_until - pacing.loop.time(), 0.0, *late.args) or None
    else:
        return
    told = f"the service asked to wait {pause:.1f} s" if pause else "no free place"
    error = APITimeoutError(
        f"{call.line}: not sent in time: {told}",
        maybe_sent=call.maybe_applied,
        retry_after=pause,
    )
    give_up(error, call)


def give_up(error: OursError, call: Call) -> NoReturn:
    """Raise the failure, or what it means for a write that may have been applied."""
    if call.effect is Effect.NONE or not call.maybe_applied:
        raise error
    collection, *rest = call.segments
    experiment_id = rest[0] if rest and collection == "experiments" else None
    raise OutcomeUnknownError(
        f"{call.line} may or may not have been applied ({error}): "
        "look before you send it again",
        action=ACTION_OF_METHOD[call.method],
        experiment_id=experiment_id,
        sent_at=call.sent_at,
    ) from error


def encode_body(json: object) -> bytes:
    """Encode a request body, refusing what JSON cannot hold."""
    try:
        return orjson.dumps(json)
    except TypeError as problem:
        raise ConfigurationError(f"json cannot be encoded: {problem}") from None


def outcome_of(reply: Reply, call: Call, transport: Transport) -> object:
    """Take the JSON out of an answer; a `Failure` when there is none of the API's."""
    call.reply = reply
    if reply.status >= 300:
        return refusal_of(reply, call, transport)
    if not reply.body and call.effect is Effect.GONE:
        return None
    content_type = reply.headers.get(CONTENT_TYPE, "")
    if not is_json(content_type):
        shown = printable(transport.authorization.excerpt(content_type, SHOWN))
        told = f"{shown or 'no content type'} instead of JSON"
    elif len(reply.body) > transport.most_values < values_in(reply.body):
        told = "too many JSON values"
    else:
        try:
            return loads(reply.body)
        except ValueError as problem:
            told = f"no JSON: {problem}"
    error = UnexpectedResponseError(
        f"{call.line}: {told}: {excerpt_of(reply, transport)}",
        status=reply.status,
    )
    return Failure(Fate.MAYBE_APPLIED, error)


@lru_cache(maxsize=64)
def is_json(content_type: str) -> bool:
    """Whether an answer says of itself that it is JSON."""
    return JSON_TYPE.match(content_type) is not None


def values_in(body: bytes) -> int:
    """Count the JSON values of a body: at least as many as there are, and fast."""
    return sum(map(body.count, (b"{", b"[", b",")))


def refusal_of(reply: Reply, call: Call, transport: Transport) -> Failure | None:
    """Make the error of an answer that is not a good one.

    None: what was to be deleted is gone, and an earlier request may have done that.
    """
    status = reply.status
    if (
        status == 404
        and call.effect is Effect.GONE
        and (call.maybe_applied or reply.resent)
    ):
        return None
    if status < 400:
        target = host_of(transport.mask(reply.headers.get("Location", "")))
        error = UnexpectedResponseError(
            f"{call.line}: a redirect ({status}) to {printable(target)}, "
            "which is never followed: is base_url right?",
            status=status,
        )
        # 303 is how a server says "done, look there"; the others did nothing.
        return Failure(Fate.MAYBE_APPLIED if status == 303 else None, error)
    wait = retry_after(reply.headers.getall("Retry-After", ()), clock_of(reply))
    return Failure(
        fate_of_status(status),
        error_from_response(
            status,
            {name.lower(): value for name, value in reply.headers.items()},
            reply.body,
            reason=reply.reason,
            method=call.method,
            path=call.path,
            retry_after=wait,
            mask=transport.mask,
        ),
        wait,
    )


def host_of(location: str) -> str:
    """Name the host that a redirect points to."""
    try:
        return URL(location).host or "the same host"
    except ValueError:
        return "no valid address"


def clock_of(reply: Reply | None) -> datetime:
    """Read the service's clock from an answer; this machine's when it tells none."""
    try:
        moment = parsedate_to_datetime(reply.headers["Date"] if reply else "")
    except (KeyError, ValueError, OverflowError):
        return datetime.now(UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def excerpt_of(reply: Reply, transport: Transport) -> str:
    """Return the first characters of a body, without the API key."""
    text = reply.body[:LONGEST_HEAD].decode(errors="replace")
    return repr(transport.authorization.excerpt(text, SHOWN))
