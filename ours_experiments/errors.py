"""The errors of this package.

Every error that a call can raise, apart from `asyncio.CancelledError`::

    OursError
    ├── ConfigurationError (ValueError)        refused before anything was sent
    ├── APIConnectionError (ConnectionError)   no answer
    │   └── APITimeoutError (TimeoutError)     the call's time ran out
    ├── APIStatusError                         an answer that says no
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
    └── OutcomeUnknownError                    a write whose fate is not known

No error holds the API key: neither in its text nor in anything reachable from it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar, cast

import orjson

from ours_experiments._text import printable


Kind = TypeVar("Kind", bound="OursError")

SHOWN_CHARACTERS = 1000
"""Of a service's word in the text of an error; its attributes hold all of it."""
LARGEST_ERROR_BODY = 2**16
"""Bytes; what is larger is not the API's, and not read."""


class OursError(Exception):
    """The root of every error of this package."""

    def __reduce__(self) -> tuple[object, ...]:
        """Cross to another process whole, with the cause where that is one of these."""
        state = dict(self.__dict__)
        if isinstance(self.__cause__, OursError):
            state["__cause__"] = self.__cause__
        return revive, (type(self), self.args), state


def revive(kind: type[Kind], args: tuple[object, ...]) -> Kind:
    """Make an error again of its text; its attributes are set afterwards."""
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
    """The service answered with an error status."""

    status: int
    """The HTTP status."""
    error: str
    """The service's word for what is wrong, or the HTTP reason phrase."""
    details: str | None
    """The particulars, such as the field's name; None when the answer had none."""
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
        told = f"{error}: {details}" if details else error
        told = printable(told[:SHOWN_CHARACTERS])
        super().__init__(f"{method} {path}: {status} {told}")
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
    """429: too many calls; `retry_after` tells how long to wait."""


class InternalServerError(APIStatusError):
    """500 and above: the service, or a proxy before it, failed."""


class UnexpectedResponseError(OursError):
    """The answer is not the API's: a redirect, HTML, too large, not JSON."""

    status: int | None
    """The HTTP status; None where the answer as a whole is meant."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class DecodeError(UnexpectedResponseError):
    """The answer is JSON, but not of the documented shape."""

    problems: tuple[str, ...]
    """One line each: the JSON path and the reason."""

    def __init__(
        self, message: str, *, problems: Sequence[str], status: int | None = None
    ) -> None:
        super().__init__(message, status=status)
        self.problems = tuple(problems)


class PaginationError(OursError):
    """The service's cursor repeats, or more is promised without a cursor."""

    cursor: str | None
    """The cursor of the page in question; None for the first."""

    def __init__(self, message: str, *, cursor: str | None) -> None:
        super().__init__(message)
        self.cursor = cursor


class OutcomeUnknownError(OursError):
    """A write was sent and nobody can tell whether it was applied.

    The first failure is its `__cause__`. Look before sending the write again.
    """

    action: str
    """What was attempted, such as `start` or `create`."""
    experiment_id: str | None
    """The experiment it was attempted on; None for creates and publishes."""
    draft: object | None
    """What was to be created; None for calls on something that exists."""
    candidates: tuple[object, ...]
    """What was found that may be the write's effect."""
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


CLASS_OF_STATUS: Mapping[int, type[APIStatusError]] = {
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


def text_in(payload: Mapping[str, object], name: str) -> str | None:
    """Return a field's text; None when it has none."""
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
    """Choose the error for an answer of 400 or above.

    Understands `{"error": …, "details": …}` and tolerates every other body. What the
    error keeps of the answer goes through `mask`.
    """
    error, details = reason or "HTTP error", None
    try:
        payload: object = orjson.loads(body[:LARGEST_ERROR_BODY])
    except ValueError:
        payload = None
    if isinstance(payload, dict):
        told = cast("Mapping[str, object]", payload)
        error = text_in(told, "error") or error
        details = text_in(told, "details")
    kind = CLASS_OF_STATUS.get(status)
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
