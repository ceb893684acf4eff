"""What an exception of aiohttp's means: a failure whose error forgets the exception."""

import asyncio
import ssl

import aiohttp

from ours_experiments._http.api_key import Authorization
from ours_experiments._http.deadlines import Deadline
from ours_experiments._http.responses import EXCERPT_LENGTH, Failure
from ours_experiments._http.retry import FailureKind
from ours_experiments._text import printable
from ours_experiments.errors import (
    APIConnectionError,
    APITimeoutError,
    ConfigurationError,
    UnexpectedResponseError,
)


EXCEPTIONS = (
    asyncio.CancelledError,
    aiohttp.ClientError,
    OSError,
    RuntimeError,
    ValueError,
)
"""What aiohttp raises: RuntimeError where a session is closed, ValueError where it
refuses an argument."""
CLOSED = "the client or its session is closed"


def is_foreign(
    problem: BaseException, http: aiohttp.ClientSession, deadline: Deadline
) -> bool:
    """Return whether an exception has another cause than the request."""
    if isinstance(problem, asyncio.CancelledError):
        # A connector that is closed cancels what waits for a connection or for DNS;
        # whoever cancels a call cancels its task.
        return not http.closed or deadline.is_task_cancelled()
    return isinstance(problem, RuntimeError) and not http.closed


def failure_of(
    problem: BaseException,
    line: str,
    *,
    sent: bool,
    closed: bool,
    trust_env: bool,
    authorization: Authorization,
) -> Failure:
    """Return the failure of a request.

    Args:
        problem: The exception. The error does not refer to it: its frames hold the
            headers of the request.
        line: The request's method and path.
        sent: Whether a byte of the request may have left this machine.
        closed: Whether the client or its session is closed.
        trust_env: Whether a borrowed session reads the environment.
        authorization: What must not be quoted.
    """
    kind: FailureKind | None
    kind = FailureKind.MAYBE_APPLIED if sent else FailureKind.NOT_SENT
    if closed:
        return Failure(kind, ConfigurationError(CLOSED))
    if isinstance(problem, TimeoutError):
        reason = "no answer in time" if sent else "no connection in time"
        return Failure(kind, APITimeoutError(f"{line}: {reason}", maybe_sent=sent))
    # aiohttp's message may quote what the service sent.
    message = printable(authorization.excerpt(str(problem), EXCERPT_LENGTH))
    message = message or type(problem).__name__
    if is_head_too_large(problem):
        reason = f"{line}: the response's headers are too large: {message}"
        return Failure(kind, UnexpectedResponseError(reason))
    if not isinstance(problem, aiohttp.ClientError | OSError):
        if trust_env:
            message += (
                ": the session trusts the environment, and so a login in its netrc "
                "file: build it without trust_env"
            )
        reason = f"the session refuses the request: {message}"
        return Failure(None, ConfigurationError(reason))
    if is_certificate_error(problem):
        kind = None  # another attempt would meet the same certificate
        message += " (authorities beyond the system's: set SSL_CERT_FILE)"
    elif isinstance(problem, aiohttp.ClientHttpProxyError):
        # aiohttp's own text has the proxy's URL, with its password.
        message = f"the proxy refused: {problem.status} {problem.message}"
    elif not isinstance(problem, aiohttp.ClientConnectorError):
        message = f"the connection broke: {message}"
    return Failure(kind, APIConnectionError(f"{line}: {message}", maybe_sent=sent))


def is_certificate_error(problem: BaseException) -> bool:
    """Return whether the server's certificate does not verify."""
    if isinstance(problem, aiohttp.ClientConnectorCertificateError):
        return True
    cause = getattr(problem, "os_error", None)
    return isinstance(cause, ssl.SSLCertVerificationError)


def is_head_too_large(problem: BaseException) -> bool:
    """Return whether a header line is too long, or the headers are too many."""
    if not isinstance(problem, aiohttp.ClientResponseError):
        return False
    return problem.message.startswith(("Got more than", "Too many headers"))
