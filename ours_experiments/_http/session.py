"""The loop that every call runs: wait, send, classify, and repeat where it is safe."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import attrs

from ours_experiments._codec.json_bytes import dumps
from ours_experiments._http.call import Call
from ours_experiments._http.pacing import Pacing
from ours_experiments._http.request_log import log_request
from ours_experiments._http.responses import Failure, Reply, classify
from ours_experiments._http.retry import (
    IDEMPOTENT_METHODS,
    SAFE_METHODS,
    FailureKind,
    RetryPolicy,
    may_repeat,
)
from ours_experiments._http.transport import Transport
from ours_experiments._http.urls import build_path, build_url
from ours_experiments.errors import (
    APITimeoutError,
    ConfigurationError,
    DecodeError,
    OursError,
    UnexpectedResponseError,
    outcome_unknown,
)


T = TypeVar("T")

logger = logging.getLogger("ours_experiments")

MAX_ATTEMPT_SECONDS = 20.0
ACTIONS = {"POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}


def default_attempt_seconds(session: "Session") -> float:
    """Return the seconds for one request of a view.

    At most a third of the call's time by default: a lost reply then leaves time to
    find out what became of the request.
    """
    if session.attempt_timeout is not None:
        return session.attempt_timeout
    return min(MAX_ATTEMPT_SECONDS, session.timeout / 3)


@attrs.frozen
class Session:
    """A transport, with the timeouts and the retry policy of one view."""

    transport: Transport
    """The connections, which all views of a client share."""
    timeout: float
    """Seconds for one call altogether."""
    attempt_timeout: float | None
    """Seconds for one request as the user set them; None for the default."""
    retry: RetryPolicy
    """How often a call is sent, and how long it waits in between."""
    attempt_seconds: float = attrs.field(
        init=False, default=attrs.Factory(default_attempt_seconds, takes_self=True)
    )
    """Seconds for one request, whether the user set them or not."""

    def call(self) -> Call:
        """Begin a call, whose deadline runs from now.

        Raises:
            ConfigurationError: The client is closing; calls under way may still end.
        """
        transport = self.transport
        if transport.closing:
            raise ConfigurationError("the client is closed")
        pacing = transport.ready()
        started_at = pacing.loop.time()
        return Call(pacing, started_at, started_at + self.timeout)

    async def request(
        self,
        method: str,
        *segments: str,
        read: Callable[[Reply], T],
        params: Mapping[str, object] | None = None,
        json: object = None,
        call: Call | None = None,
    ) -> T:
        """Send a request until it is answered, or must not be sent again.

        Args:
            method: The HTTP method, in upper case.
            segments: The path below the API's root.
            read: Reads a good response.
            params: The query; None values are left out.
            json: The body, if there is one.
            call: The call that the request belongs to; by default a new one.

        Returns:
            What `read` returns; None for a DELETE whose answer has no body, or whose
            effect was found after a lost reply.

        Raises:
            DecodeError: The response is of another shape than `read` expects.
            OutcomeUnknownError: A write that may have been applied, or not.
        """
        transport = self.transport
        if call is None:
            call = self.call()
            tracer = transport.tracer()
            if tracer is not None:
                running = self.request(
                    method, *segments, read=read, params=params, json=json, call=call
                )
                return await tracer.trace(call, running, method, segments)
        url = build_url(transport.root, segments, params)
        body = None if json is None else dumps(json)
        pacing = call.pacing
        while True:
            if pacing.shared is not None or not pacing.limiter.try_acquire():
                await wait_for_slot(pacing, call, method, segments)
            if not call.attempts and method not in SAFE_METHODS:
                call.timestamp = time.time()
            call.attempts += 1
            sent_at = pacing.loop.time()
            until = min(sent_at + self.attempt_seconds, call.deadline)
            try:
                response = await transport.exchange(method, url, body, until)
                if logger.isEnabledFor(logging.INFO):
                    line = f"{method} {url.raw_path}"
                    log_request(call, line, response, sent_at, transport.mask)
                answer: T | Failure
                if isinstance(response, Failure):
                    answer = response
                else:
                    call.status = response.status
                    call.maybe_applied |= response.resent
                    answer = classify(
                        response,
                        method,
                        segments,
                        transport.authorization,
                        transport.max_values,
                        read=read,
                        maybe_deleted=call.maybe_applied,
                    )
                # Before the slot is free, so that no request slips into a pause.
                if not isinstance(answer, Failure):
                    pacing.record_success()
                    return answer
                pacing.record_failure(answer.kind, answer.retry_after, sent_at)
            finally:
                pacing.limiter.release()
            await self.repeat_or_raise(answer, method, segments, call)

    async def repeat_or_raise(
        self, failure: Failure, method: str, segments: tuple[str, ...], call: Call
    ) -> None:
        """Wait until the request may be sent again; raise when it must not be."""
        kind, error, pacing = failure.kind, failure.error, call.pacing
        if isinstance(error, DecodeError):
            raise error
        if kind is FailureKind.MAYBE_APPLIED:
            if method in SAFE_METHODS and isinstance(error, UnexpectedResponseError):
                raise error
            call.maybe_applied = True
        if isinstance(error, ConfigurationError):
            raise error_of_call(error, method, segments, call)
        if kind is None:
            # A POST that may have been applied is looked for before it is repeated.
            repeated = method in IDEMPOTENT_METHODS
            raise error_of_call(error, method, segments, call) if repeated else error
        if kind is FailureKind.REFUSED:
            await pacing.broadcast_pause(failure.retry_after, call.deadline)
        # Jitter comes on top of Retry-After, which all refused clients have alike.
        wait = self.retry.backoff(call.attempts) + (failure.retry_after or 0)
        if (
            not may_repeat(method, kind)
            or call.attempts >= self.retry.attempts
            or pacing.loop.time() + wait >= call.deadline
            or not pacing.budget.spend()
        ):
            logger.info("call %d: given up: %s", call.number, error)
            raise error_of_call(error, method, segments, call)
        logger.info("call %d: again in %.3f s: %s", call.number, wait, error)
        try:
            await pacing.deadlines.sleep(wait)
        except ConfigurationError as closed:
            error = closed
        else:
            return
        raise error_of_call(error, method, segments, call)


async def wait_for_slot(
    pacing: Pacing, call: Call, method: str, segments: tuple[str, ...]
) -> None:
    """Wait until one more request may leave, inside the call's deadline."""
    try:
        await pacing.acquire(call.deadline)
    except ConfigurationError as closed:
        error: OursError = closed
    except TimeoutError as late:
        # Its argument is the wait that the other processes cause.
        paused = pacing.limiter.paused_until - pacing.loop.time()
        wait = max(paused, 0.0, *late.args) or None
        reason = f"the service asked to wait {wait:.1f} s" if wait else "no free slot"
        error = APITimeoutError(
            f"{method} {build_path(segments)}: not sent in time: {reason}",
            maybe_sent=call.maybe_applied,
            retry_after=wait,
        )
    else:
        return
    raise error_of_call(error, method, segments, call)


def error_of_call(
    error: OursError, method: str, segments: tuple[str, ...], call: Call
) -> OursError:
    """Return the error to raise: the given one, or that the outcome is unknown."""
    if method in SAFE_METHODS or not call.maybe_applied:
        return error
    collection, *rest = segments
    return outcome_unknown(
        f"{method} {build_path(segments)}",
        "look before you send it again",
        cause=error,
        action=ACTIONS[method],
        experiment_id=rest[0] if rest and collection == "experiments" else None,
        sent_at=call.sent_at,
    )
