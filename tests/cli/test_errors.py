"""Every kind of error has its code, one line and, where it helps, a hint."""

import pytest

from ours_experiments.cli import errors as _errors
from ours_experiments.cli.errors import UsageError, exit_code, format_error
from ours_experiments.errors import (
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
    RateLimitError,
    UnexpectedResponseError,
)


def answered(
    kind: type[APIStatusError], status: int, retry_after: float | None = None
) -> APIStatusError:
    """Make the error of an answer."""
    return kind(status, "No", method="GET", path="/x", retry_after=retry_after)


CODES = [
    pytest.param(UsageError("what?"), 2, id="usage"),
    pytest.param(ConfigurationError("no"), 3, id="configuration"),
    pytest.param(answered(AuthenticationError, 401), 4, id="401"),
    pytest.param(answered(PermissionDeniedError, 403), 4, id="403"),
    pytest.param(answered(NotFoundError, 404), 5, id="404"),
    pytest.param(_errors.NoSuchKeyError("none"), 5, id="no-such-key"),
    pytest.param(answered(ConflictError, 409), 6, id="409"),
    pytest.param(answered(RateLimitError, 429), 7, id="429"),
    pytest.param(answered(InternalServerError, 503), 7, id="503"),
    pytest.param(APIConnectionError("no", maybe_sent=False), 8, id="connection"),
    pytest.param(APITimeoutError("late", maybe_sent=True), 8, id="timeout"),
    pytest.param(OutcomeUnknownError("?", action="start"), 9, id="unknown"),
    pytest.param(answered(BadRequestError, 400), 1, id="400"),
    pytest.param(answered(APIStatusError, 418), 1, id="418"),
    pytest.param(UnexpectedResponseError("html"), 1, id="html"),
    pytest.param(DecodeError("shape", problems=()), 1, id="decode"),
    pytest.param(PaginationError("loop", cursor=None), 1, id="paging"),
    pytest.param(_errors.DeclinedError("no"), 1, id="declined"),
    pytest.param(OursError("else"), 1, id="other"),
]


@pytest.mark.parametrize(("problem", "code"), CODES)
def test_every_kind_of_error_has_its_code(problem: Exception, code: int) -> None:
    """The exit code tells what kind of thing went wrong."""
    assert exit_code(problem) == code


@pytest.mark.parametrize(("problem", "code"), CODES)
def test_an_error_is_one_line(problem: Exception, code: int) -> None:
    """An error and its hint are one line, and its code is in the help."""
    line = format_error(problem)
    declined = isinstance(problem, _errors.DeclinedError)
    assert line.startswith("nothing was done" if declined else "error: ")
    assert "\n" not in line
    assert f" {code}  " in _errors.EXIT_CODES


@pytest.mark.parametrize(
    ("problem", "hint"),
    [
        pytest.param(UsageError("a", "say b"), "say b", id="usage"),
        pytest.param(answered(RateLimitError, 429, 7.2), "again in 7 s", id="wait"),
        pytest.param(answered(NotFoundError, 404), "--base-url", id="404"),
        pytest.param(
            ConfigurationError("there is no API key in X"), "--api-key-file", id="key"
        ),
        pytest.param(
            ConfigurationError("say ship_others=True"), "--ship-others", id="others"
        ),
    ],
)
def test_a_hint_says_what_to_do(problem: Exception, hint: str) -> None:
    """The hint is in the words of the command line."""
    assert hint in format_error(problem).partition("; hint: ")[2]


def test_no_hint_where_nothing_can_be_said() -> None:
    """An error without a hint ends with itself."""
    assert format_error(ConfigurationError("weight: expected 0")).endswith("expected 0")


def test_an_error_cannot_act_upon_the_terminal() -> None:
    """What the service says in an error is escaped."""
    problem = BadRequestError(400, "\x1b[2J\nno", method="GET", path="/x")
    assert "\\x1b[2J\\x0ano" in format_error(problem)


def test_an_error_without_words_is_named() -> None:
    """An error without text is told by its class."""
    assert format_error(OursError()) == "error: OursError"
