"""The errors of this package.

Every error that a call can raise, apart from `asyncio.CancelledError`::

    OursError
    ├── ConfigurationError (ValueError)        refused before anything was sent
    ├── APIConnectionError (ConnectionError)   no answer
    │   └── APITimeoutError (TimeoutError)     the call's time ran out
    ├── APIStatusError                         an error status
    │   ├── BadRequestError                    400
    │   ├── AuthenticationError                401
    │   ├── PermissionDeniedError              403
    │   ├── NotFoundError                      404
    │   ├── ConflictError                      409
    │   ├── RateLimitError                     429
    │   └── InternalServerError                500 and above
    ├── UnexpectedResponseError                an answer that is not the API's
    │   └── DecodeError                        JSON of another shape
    ├── PaginationError                        a listing that cannot end
    ├── OutcomeUnknownError                    a write that may have been applied
    └── PlanRefusedError                       a plan that was not applied
        ├── PlanConflictsError                 it has conflicts
        ├── StalePlanError                     the account has changed since
        ├── UnsafePlanError                    it changes too much that is live
        └── UnpublishedChangesError            it would publish others' changes

No error holds the API key: neither in its text nor in anything reachable from it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar, cast

import orjson

from ours_experiments._text import printable


Kind = TypeVar("Kind", bound="OursError")

MAX_MESSAGE_LENGTH = 1000
"""Characters of the service's message in an error's text; attributes hold all."""
MAX_REQUEST_ID_LENGTH = 100
MAX_ERROR_BODY = 2**16
"""Bytes; a larger body is not the API's, and its JSON is not parsed."""


class OursError(Exception):
    """The root of every error of this package."""

    request_id: str | None = None
    """The response's `x-request-id`, or else its `cf-ray`; None without either."""

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the whole error, with its cause if that is an `OursError`."""
        state = dict(self.__dict__)
        if isinstance(self.__cause__, OursError):
            state["__cause__"] = self.__cause__
        return restore, (type(self), self.args), state


def with_request_id(message: str, request_id: str | None) -> str:
    """Return an error's text with the id that the service's operators ask for."""
    return message if request_id is None else f"{message} (request {request_id})"


def request_id_in(headers: Mapping[str, str]) -> str | None:
    """Return the request id in a response's headers, whose names are in lower case."""
    request_id = headers.get("x-request-id") or headers.get("cf-ray")
    return printable(request_id[:MAX_REQUEST_ID_LENGTH]) if request_id else None


def restore(kind: type[Kind], args: tuple[object, ...]) -> Kind:
    """Rebuild a pickled error from its arguments; its attributes are set later."""
    error = kind.__new__(kind, *args)
    error.args = args
    return error


class ConfigurationError(OursError, ValueError):
    """An argument was refused before anything was sent; the text names it."""


class APIConnectionError(OursError, ConnectionError):
    """The service could not be reached, or its answer did not arrive."""

    maybe_sent: bool
    """Whether the request may have reached the service and been acted upon."""

    def __init__(self, message: str, *, maybe_sent: bool) -> None:
        super().__init__(message)
        self.maybe_sent = maybe_sent


class APITimeoutError(APIConnectionError, TimeoutError):
    """The call's time ran out."""

    retry_after: float | None
    """Seconds that the service asked to wait, where that wait was the reason."""

    def __init__(
        self, message: str, *, maybe_sent: bool, retry_after: float | None = None
    ) -> None:
        super().__init__(message, maybe_sent=maybe_sent)
        self.retry_after = retry_after


class APIStatusError(OursError):
    """The service answered with an error status, 400 or above."""

    status: int
    """The HTTP status."""
    error: str
    """The answer's `error` text, or the HTTP reason phrase."""
    details: str | None
    """The answer's `details`, such as a field's name; None when it had none."""
    method: str
    """The HTTP method of the call."""
    path: str
    """The path of the call, without the query."""
    headers: Mapping[str, str]
    """The answer's headers that help in diagnosis; names in lower case."""
    retry_after: float | None
    """Seconds to wait before another call, from `Retry-After`; None without one."""

    def __init__(
        self,
        status: int,
        error: str,
        *,
        details: str | None = None,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        message = f"{error}: {details}" if details else error
        message = printable(message[:MAX_MESSAGE_LENGTH])
        request_id = request_id_in(headers or {})
        text = f"{method} {path}: {status} {message}"
        super().__init__(with_request_id(text, request_id))
        self.request_id = request_id
        self.status = status
        self.error = error
        self.details = details
        self.method = method
        self.path = path
        self.headers = headers or {}
        self.retry_after = retry_after


class BadRequestError(APIStatusError):
    """400: the service refused a field; `details` names it."""


class AuthenticationError(APIStatusError):
    """401: the API key is missing, unknown or expired."""


class PermissionDeniedError(APIStatusError):
    """403: the API key lacks the scope for this call."""


class NotFoundError(APIStatusError):
    """404: nothing has this id in the key's account."""


class ConflictError(APIStatusError):
    """409: the present state does not allow the call; `error` is the reason."""


class RateLimitError(APIStatusError):
    """429: too many calls; `retry_after` is how long to wait, in seconds."""


class InternalServerError(APIStatusError):
    """500 and above: the service, or a proxy before it, failed."""


class UnexpectedResponseError(OursError):
    """The answer is not the API's: a redirect, HTML, too large, not JSON."""

    status: int | None
    """The HTTP status; None when the error is not about one response."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(with_request_id(message, request_id))
        self.status = status
        self.request_id = request_id


class DecodeError(UnexpectedResponseError):
    """The answer is JSON, but not of the documented shape."""

    problems: tuple[str, ...]
    """One line each: the JSON path and the reason."""

    def __init__(
        self,
        message: str,
        *,
        problems: Sequence[str],
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, status=status, request_id=request_id)
        self.problems = tuple(problems)


class PaginationError(OursError):
    """The service's cursor repeats, or more is promised without a cursor."""

    cursor: str | None
    """The cursor of the page after which the listing stopped; None: the first."""

    def __init__(self, message: str, *, cursor: str | None) -> None:
        super().__init__(message)
        self.cursor = cursor


class OutcomeUnknownError(OursError):
    """A write was sent, and may have been applied or not.

    The first failure is its `__cause__`. Look before you send the write again.
    """

    action: str
    """The kind of write, such as `start` or `create`."""
    experiment_id: str | None
    """The experiment's id; None for creates and publishes."""
    draft: object | None
    """The draft of a create; None for calls on something that exists."""
    candidates: tuple[object, ...]
    """Entities found that may be the write's effect."""
    sent_at: datetime | None
    """When the first request left, by this machine's clock, in UTC."""

    def __init__(
        self,
        message: str,
        *,
        action: str,
        experiment_id: str | None = None,
        draft: object | None = None,
        candidates: Sequence[object] = (),
        sent_at: datetime | None = None,
    ) -> None:
        super().__init__(message)
        self.action = action
        self.experiment_id = experiment_id
        self.draft = draft
        self.candidates = tuple(candidates)
        self.sent_at = sent_at


class PlanRefusedError(OursError):
    """A plan was not applied; nothing was written."""


class PlanConflictsError(PlanRefusedError):
    """The plan has conflicts, and skipping them was not asked for."""


class StalePlanError(PlanRefusedError):
    """An experiment changed after the plan was made."""


class UnsafePlanError(PlanRefusedError):
    """The plan changes more live experiments than the limit allows."""


class UnpublishedChangesError(PlanRefusedError):
    """Unpublished changes of others would go live with the plan."""


def outcome_unknown(
    write: str,
    advice: str,
    *,
    cause: OursError | None,
    action: str,
    experiment_id: str | None = None,
    draft: object | None = None,
    candidates: Sequence[object] = (),
    sent_at: datetime | None = None,
) -> OutcomeUnknownError:
    """Return the error of a write whose outcome could not be found.

    Args:
        write: The write in words, such as `start of exp_1`.
        advice: What the user should do, in the imperative.
        cause: Why the outcome is not known; None when the caller was cut off.
        action: As in `OutcomeUnknownError`, like the arguments that follow.
        experiment_id: The experiment, if there is one.
        draft: The draft, if there is one.
        candidates: Entities that may be the write's effect.
        sent_at: When the first request left.
    """
    reason = "it was cut off after it was sent" if cause is None else cause
    error = OutcomeUnknownError(
        f"{write} may or may not have been applied ({reason}): {advice}",
        action=action,
        experiment_id=experiment_id,
        draft=draft,
        candidates=candidates,
        sent_at=sent_at,
    )
    if cause is not None:
        error.__cause__ = cause
        error.request_id = cause.request_id
    return error


STATUS_ERRORS: Mapping[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    429: RateLimitError,
}

KEPT_HEADERS = (
    "cf-ray",
    "content-type",
    "date",
    "retry-after",
    "server",
    "via",
    "x-request-id",
)


def text_field(payload: Mapping[str, object], name: str) -> str | None:
    """Return a field that is text; None otherwise."""
    value = payload.get(name)
    return value if isinstance(value, str) else None


def error_from_response(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    reason: str,
    method: str,
    path: str,
    retry_after: float | None,
    mask: Callable[[str], str] = str,
) -> APIStatusError:
    """Return the error for a status of 400 or above.

    Every body is accepted; only `{"error": …, "details": …}` is understood. `mask` is
    applied to all that the error keeps of the answer.
    """
    error, details = reason or "HTTP error", None
    try:
        payload: object = orjson.loads(body[:MAX_ERROR_BODY])
    except ValueError:
        payload = None
    if isinstance(payload, dict):
        fields = cast("Mapping[str, object]", payload)
        error = text_field(fields, "error") or error
        details = text_field(fields, "details")
    kind = STATUS_ERRORS.get(status)
    if kind is None:
        kind = InternalServerError if status >= 500 else APIStatusError
    return kind(
        status,
        mask(error),
        details=None if details is None else mask(details),
        method=method,
        path=path,
        headers={name: mask(headers[name]) for name in KEPT_HEADERS if name in headers},
        retry_after=retry_after,
    )
