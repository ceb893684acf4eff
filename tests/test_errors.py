"""The errors: their tree, and how one is chosen for an answer."""

import inspect
import re

import pytest

from ours_experiments import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    DecodeError,
    InternalServerError,
    NotFoundError,
    OursError,
    OutcomeUnknownError,
    PaginationError,
    PermissionDeniedError,
    PlanConflictsError,
    PlanRefusedError,
    RateLimitError,
    StalePlanError,
    UnexpectedResponseError,
    UnpublishedChangesError,
    UnsafePlanError,
    errors,
)
from ours_experiments.errors import error_from_response


def chosen(
    status: int,
    body: bytes = b"",
    *,
    headers: dict[str, str] | None = None,
    reason: str = "Reason",
    retry_after: float | None = None,
) -> APIStatusError:
    """Choose the error for an answer."""
    return error_from_response(
        status,
        headers or {},
        body,
        reason=reason,
        method="POST",
        path="/experiments",
        retry_after=retry_after,
    )


@pytest.mark.parametrize(
    ("kind", "parents"),
    [
        (OursError, (Exception,)),
        (ConfigurationError, (OursError, ValueError)),
        (APIConnectionError, (OursError, ConnectionError)),
        (APITimeoutError, (APIConnectionError, TimeoutError)),
        (APIStatusError, (OursError,)),
        (BadRequestError, (APIStatusError,)),
        (AuthenticationError, (APIStatusError,)),
        (PermissionDeniedError, (APIStatusError,)),
        (NotFoundError, (APIStatusError,)),
        (ConflictError, (APIStatusError,)),
        (RateLimitError, (APIStatusError,)),
        (InternalServerError, (APIStatusError,)),
        (UnexpectedResponseError, (OursError,)),
        (DecodeError, (UnexpectedResponseError,)),
        (PaginationError, (OursError,)),
        (OutcomeUnknownError, (OursError,)),
        (PlanRefusedError, (OursError,)),
        (PlanConflictsError, (PlanRefusedError,)),
        (StalePlanError, (PlanRefusedError,)),
        (UnsafePlanError, (PlanRefusedError,)),
        (UnpublishedChangesError, (PlanRefusedError,)),
    ],
)
def test_tree(kind: type[OursError], parents: tuple[type, ...]) -> None:
    """Each error has its place in the tree, and its likeness in the language."""
    assert kind.__bases__ == parents


def test_the_drawing() -> None:
    """The tree that the module draws has every error, and no other."""
    drawn = set(re.findall(r"(?:── |    )(\w+Error)\b", errors.__doc__ or ""))
    defined = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, OursError)
    }
    assert drawn == defined


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (401, AuthenticationError),
        (402, APIStatusError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (405, APIStatusError),
        (408, APIStatusError),
        (409, ConflictError),
        (413, APIStatusError),
        (418, APIStatusError),
        (429, RateLimitError),
        (499, APIStatusError),
        (500, InternalServerError),
        (501, InternalServerError),
        (503, InternalServerError),
        (520, InternalServerError),
        (599, InternalServerError),
    ],
)
def test_kind(status: int, kind: type[APIStatusError]) -> None:
    """The status alone chooses the class."""
    error = chosen(status, b'{"error": "E", "details": "D"}')
    assert type(error) is kind
    assert error.status == status


@pytest.mark.parametrize(
    ("body", "error", "details"),
    [
        pytest.param(b'{"error": "E", "details": "D"}', "E", "D", id="documented"),
        pytest.param(b'{"error": "E"}', "E", None, id="no-details"),
        pytest.param(b'{"error": "E", "details": null}', "E", None, id="null-details"),
        pytest.param(b'{"error": "E", "details": [1]}', "E", None, id="list-details"),
        pytest.param(b'{"details": "D"}', "Reason", "D", id="no-error"),
        pytest.param(b'{"error": {"code": 7}}', "Reason", None, id="object-error"),
        pytest.param(b'{"message": "M"}', "Reason", None, id="other-object"),
        pytest.param(b'["error"]', "Reason", None, id="array"),
        pytest.param(b"null", "Reason", None, id="null"),
        pytest.param(b'"error"', "Reason", None, id="text"),
        pytest.param(b"<html>502</html>", "Reason", None, id="html"),
        pytest.param(b'{"error": "E"', "Reason", None, id="cut-off"),
        pytest.param(b"\xff\xfe", "Reason", None, id="no-text"),
        pytest.param(b"", "Reason", None, id="empty"),
        pytest.param(b"[" * 5000, "Reason", None, id="nested"),
    ],
)
def test_body(body: bytes, error: str, details: str | None) -> None:
    """The documented body is read, and every other one is tolerated."""
    made = chosen(400, body)
    assert (made.error, made.details) == (error, details)


def test_no_reason() -> None:
    """An answer without a reason phrase still has an error."""
    assert chosen(599, reason="").error == "HTTP error"


def test_what_it_tells() -> None:
    """The text tells the call, the status, the error and its particulars."""
    error = chosen(400, b'{"error": "Bad Request", "details": "name: is required"}')
    assert str(error) == "POST /experiments: 400 Bad Request: name: is required"
    assert (error.method, error.path) == ("POST", "/experiments")


def test_what_it_tells_without_details() -> None:
    """The text of an error without particulars ends with the error."""
    assert str(chosen(409, b'{"error": "No"}')) == "POST /experiments: 409 No"


def test_headers() -> None:
    """Only headers that help in diagnosis are kept, never what identifies."""
    error = chosen(
        503,
        headers={
            "date": "Fri, 01 May 2026 00:00:00 GMT",
            "x-request-id": "r1",
            "set-cookie": "session=s3cret",
            "authorization": "Bearer s3cret",
        },
    )
    assert error.headers == {
        "date": "Fri, 01 May 2026 00:00:00 GMT",
        "x-request-id": "r1",
    }


@pytest.mark.parametrize("seconds", [None, 0.0, 12.5])
def test_retry_after(seconds: float | None) -> None:
    """The wait that the service asked for is kept."""
    assert chosen(429, retry_after=seconds).retry_after == seconds


def test_connection_error() -> None:
    """A lost connection tells whether the request may have been acted upon."""
    error = APIConnectionError("broke", maybe_sent=True)
    assert (str(error), error.maybe_sent) == ("broke", True)


def test_timeout_error() -> None:
    """A timeout tells the wait that was asked for, where that was the reason."""
    assert APITimeoutError("late", maybe_sent=False).retry_after is None
    error = APITimeoutError("late", maybe_sent=False, retry_after=60)
    assert (error.maybe_sent, error.retry_after) == (False, 60)


def test_decode_error() -> None:
    """A shape error lists its problems, and belongs to the unexpected answers."""
    error = DecodeError("shape", problems=["$.id: missing"])
    assert (error.problems, error.status) == (("$.id: missing",), None)
    assert UnexpectedResponseError("html", status=200).status == 200


def test_pagination_error() -> None:
    """A listing without an end tells the page."""
    assert PaginationError("repeats", cursor="c1").cursor == "c1"


def test_outcome_unknown_error() -> None:
    """An unsettled write tells what was attempted and what was found."""
    error = OutcomeUnknownError("?", action="create", draft="d", candidates=["a", "b"])
    assert (error.action, error.draft) == ("create", "d")
    assert error.candidates == ("a", "b")
    assert (error.experiment_id, error.sent_at) == (None, None)
