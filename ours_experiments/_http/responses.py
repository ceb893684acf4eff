"""What a response means: pure functions from a reply to JSON or a failure."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TypeVar, cast

import attrs
from aiohttp.hdrs import CONTENT_TYPE
from multidict import CIMultiDictProxy
from yarl import URL

from ours_experiments._codec.json_bytes import loads
from ours_experiments._http.api_key import Authorization
from ours_experiments._http.retry import FailureKind, failure_kind, parse_retry_after
from ours_experiments._http.urls import build_path
from ours_experiments._text import printable
from ours_experiments.errors import (
    MAX_ERROR_BODY,
    DecodeError,
    OursError,
    UnexpectedResponseError,
    error_from_response,
    request_id_in,
)


T = TypeVar("T")

JSON_TYPE = re.compile(r"application/([\w.-]+\+)?json\b", re.IGNORECASE)
EXCERPT_LENGTH = 200
"""Characters of a response that an error quotes."""
MAX_DECODED_FOR_EXCERPT = 2**16
"""Bytes of a body that are decoded for an excerpt."""


@attrs.define
class Reply:
    """A response as it came over the wire."""

    status: int
    """The HTTP status."""
    reason: str = attrs.field(repr=False)
    """The reason phrase; hidden like headers and body, since any may quote the key."""
    headers: CIMultiDictProxy[str] = attrs.field(repr=False)
    """The headers, as often as each came."""
    body: bytes = attrs.field(repr=False)
    """The decoded body."""
    resent: bool
    """Whether aiohttp sent the request twice, the first time perhaps with effect."""


@attrs.frozen
class Failure:
    """An attempt without a usable answer."""

    kind: FailureKind | None
    """What may have become of the request; None when the answer is definite."""
    error: OursError
    """The error to raise when the request is not repeated."""
    retry_after: float | None = None
    """Seconds that the service asked to wait."""


def to_json(reply: Reply) -> object:
    """Return the JSON of a response."""
    return loads(reply.body)


def classify(
    reply: Reply,
    method: str,
    segments: tuple[str, ...],
    authorization: Authorization,
    max_values: int,
    *,
    read: Callable[[Reply], T],
    maybe_deleted: bool,
) -> T | Failure:
    """Return what is read of a good response, or the `Failure` that it means.

    None for a DELETE that has nothing to read.

    Args:
        reply: The response.
        method: The request's method.
        segments: The request's path.
        authorization: What must not be quoted.
        max_values: JSON values that a response may have at most.
        read: Reads a good response.
        maybe_deleted: Whether an earlier DELETE of this call may have been applied:
            then the API's 404 is success.
    """
    if reply.status >= 300:
        if maybe_deleted and method == "DELETE" and is_missing(reply):
            return cast("T", None)
        return refusal(reply, method, segments, authorization)
    if not reply.body and method == "DELETE":
        return cast("T", None)
    kind: FailureKind | None = FailureKind.MAYBE_APPLIED
    content_type = reply.headers.get(CONTENT_TYPE, "")
    if not is_json(content_type):
        excerpt = printable(authorization.excerpt(content_type, EXCERPT_LENGTH))
        reason = f"{excerpt or 'no content type'} instead of JSON"
    # No body has more values than bytes: up to a sixteenth of the limit needs no count.
    elif len(reply.body) > max_values < count_values(reply.body):
        reason = "too many JSON values"
    else:
        try:
            if method != "DELETE" or is_deletion(loads(reply.body)):
                return read(reply)
            reason = "it does not say that anything was deleted"
            kind = None if is_denial(loads(reply.body)) else kind
        except DecodeError as error:
            request_id = request_id_of(reply.headers, authorization.mask)
            return Failure(None, with_request(error, request_id))
        except ValueError as problem:
            reason = f"no JSON: {problem}"
    line = f"{method} {build_path(segments)}"
    return unexpected(reply, f"{line}: {reason}", authorization, kind)


def with_request(error: DecodeError, request_id: str | None) -> DecodeError:
    """Return the same error with a request id, and without the frames it came from.

    Their locals hold the response and the API key.
    """
    return DecodeError(str(error), problems=error.problems, request_id=request_id)


def is_deletion(value: object) -> bool:
    """Return whether the JSON of a DELETE's response means success.

    The API answers `true`, or the entity that was deleted.
    """
    if value is True:
        return True
    return isinstance(value, dict) and "id" in value and "error" not in value


def is_denial(value: object) -> bool:
    """Return whether the JSON of a DELETE's response says that nothing was deleted.

    Other JSON leaves it open; a 404 to the request sent again confirms the deletion.
    """
    return value is False or (isinstance(value, dict) and "error" in value)


def unexpected(
    reply: Reply,
    message: str,
    authorization: Authorization,
    kind: FailureKind | None,
) -> Failure:
    """Return the failure of a response that is not the API's, with an excerpt."""
    text = reply.body[:MAX_DECODED_FOR_EXCERPT].decode(errors="replace")
    excerpt = authorization.excerpt(text, EXCERPT_LENGTH)
    error = UnexpectedResponseError(
        f"{message}: {excerpt!r}",
        status=reply.status,
        request_id=request_id_of(reply.headers, authorization.mask),
    )
    return Failure(kind, error)


@lru_cache(maxsize=64)
def is_json(content_type: str) -> bool:
    """Return whether a content type is JSON."""
    return JSON_TYPE.match(content_type) is not None


def count_values(body: bytes) -> int:
    """Return an upper bound of the number of JSON values in a body, fast."""
    return sum(map(body.count, (b"{", b"[", b",")))


def redirect(
    reply: Reply, method: str, segments: tuple[str, ...], authorization: Authorization
) -> Failure:
    """Return the failure that a redirect is: following one could send the key away."""
    host = redirect_host(authorization.mask(reply.headers.get("Location", "")))
    error = UnexpectedResponseError(
        f"{method} {build_path(segments)}: a redirect ({reply.status}) to "
        f"{printable(host)}, which is never followed: is base_url right?",
        status=reply.status,
        request_id=request_id_of(reply.headers, authorization.mask),
    )
    # 303 is how a server says "done, look there"; the others did nothing.
    return Failure(FailureKind.MAYBE_APPLIED if reply.status == 303 else None, error)


def redirect_host(location: str) -> str:
    """Return the host that a redirect points to."""
    try:
        return URL(location).host or "the same host"
    except ValueError:
        return "no valid address"


def refusal(
    reply: Reply, method: str, segments: tuple[str, ...], authorization: Authorization
) -> Failure:
    """Return the failure that a status of 300 or above means."""
    if reply.status < 400:
        return redirect(reply, method, segments, authorization)
    if reply.status == 404 and not is_missing(reply):
        message = f"{method} {build_path(segments)}: 404, but not from the API"
        return unexpected(reply, message, authorization, None)
    values = reply.headers.getall("Retry-After", ())
    wait = parse_retry_after(values, service_time(reply))
    error = error_from_response(
        reply.status,
        {name.lower(): value for name, value in reply.headers.items()},
        reply.body,
        reason=reply.reason,
        method=method,
        path=build_path(segments),
        retry_after=wait,
        mask=authorization.mask,
    )
    return Failure(failure_kind(reply.status), error, wait)


def request_id_of(
    headers: CIMultiDictProxy[str], mask: Callable[[str], str]
) -> str | None:
    """Return the id that the response gives its request."""
    for name in ("x-request-id", "cf-ray"):
        if value := headers.get(name):
            return request_id_in({name: mask(value)})
    return None


def is_missing(reply: Reply) -> bool:
    """Return whether a response is the API's 404: JSON with the text `error`.

    A gateway that knows nothing of the API answers 404 to everything.
    """
    if reply.status != 404 or not is_json(reply.headers.get(CONTENT_TYPE, "")):
        return False
    try:
        value = loads(reply.body[:MAX_ERROR_BODY])
    except ValueError:
        return False
    if not isinstance(value, dict):
        return False
    return isinstance(cast("dict[str, object]", value).get("error"), str)


def service_time(reply: Reply) -> datetime:
    """Return the response's `Date`; this machine's time when it has none."""
    try:
        moment = parsedate_to_datetime(reply.headers["Date"])
    except (KeyError, ValueError, OverflowError):
        return datetime.now(UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
