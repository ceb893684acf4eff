"""From an error to one line, a hint and an exit code."""

from collections.abc import Mapping
from typing import Final

from ours_experiments.cli.output.text import escape
from ours_experiments.errors import (
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    OutcomeUnknownError,
    PaginationError,
    PermissionDeniedError,
    RateLimitError,
    UnexpectedResponseError,
)


FAILURE: Final = 1
USAGE: Final = 2
CONFIGURATION: Final = 3
AUTHENTICATION: Final = 4
NOT_FOUND: Final = 5
CONFLICT: Final = 6
TEMPORARY: Final = 7
CONNECTION: Final = 8
UNKNOWN: Final = 9
SOME_FAILED: Final = 10
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141
TERMINATED: Final = 143

EXIT_CODES = """\
Exit codes:
    0  done
    1  another failure, such as a request that the service refused (400)
    2  a command line that makes no sense
    3  no key, or an option or a file that cannot be used
    4  the key is not accepted, or lacks the scope
    5  not found
    6  the present state does not allow it
    7  a rate limit, or a failure of the service: try again later
    8  no connection, or no answer in time
    9  sent, but whether it was applied is not known
   10  of many, some failed
  130  interrupted
  141  whoever read the output went away
  143  terminated"""


class UsageError(Exception):
    """The command line makes no sense; the text says why."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class DeclinedError(Exception):
    """The answer to a question was not yes."""


class NoSuchKeyError(Exception):
    """No experiment has the key."""


class OutputError(Exception):
    """What was asked for could not be written."""

    def __init__(self, problem: OSError) -> None:
        super().__init__(f"the output cannot be written: {reason_of(problem)}")


class TerminatedError(Exception):
    """The process was asked to end, by SIGTERM."""


def reason_of(problem: OSError) -> str:
    """Say why the system refused."""
    return problem.strerror or str(problem)


OWN: Final = (
    UsageError,
    DeclinedError,
    NoSuchKeyError,
    OutputError,
    TerminatedError,
    KeyboardInterrupt,
)
"""The errors of the command line itself."""

# The first class that fits decides.
KINDS: Final[tuple[tuple[type[BaseException], int, str], ...]] = (
    (KeyboardInterrupt, INTERRUPTED, ""),
    (TerminatedError, TERMINATED, ""),
    (UsageError, USAGE, ""),
    (DeclinedError, FAILURE, ""),
    (OutputError, FAILURE, ""),
    (NoSuchKeyError, NOT_FOUND, "keys are compared as a whole, case included"),
    (
        AuthenticationError,
        AUTHENTICATION,
        "check the key: missing, mistyped or expired?",
    ),
    (PermissionDeniedError, AUTHENTICATION, "the key lacks the scope for this"),
    (NotFoundError, NOT_FOUND, "`ours-experiments list` shows what there is"),
    (ConflictError, CONFLICT, "`ours-experiments get ID` shows the present state"),
    (RateLimitError, TEMPORARY, "try again later, or with a lower --concurrency"),
    (InternalServerError, TEMPORARY, "try again later"),
    (BadRequestError, FAILURE, ""),
    (OutcomeUnknownError, UNKNOWN, "look before you send it again"),
    (APIConnectionError, CONNECTION, "check the network and --base-url"),
    (UnexpectedResponseError, FAILURE, "check --base-url: is this the service?"),
    (PaginationError, FAILURE, "report this to whoever runs the service"),
    (ConfigurationError, CONFIGURATION, ""),
)


# No errors, but no success either.
ENDINGS: Final[Mapping[type[BaseException], str]] = {
    DeclinedError: "nothing was done",
    KeyboardInterrupt: "interrupted",
    TerminatedError: "terminated",
}

# For words of the library that are spelled in another way here.
HINTS: Final = (
    (
        "no API key",
        "put it there, or say --api-key-env or --api-key-file; `demo` needs no key",
    ),
    ("--api-key-file", "it takes the name of a file with the key, not the key itself"),
    ("--api-key-env", "it takes the name of a variable, not the key itself"),
    ("ship_others", "--ship-others ships them too"),
    ("unencrypted", "--base-url has to begin with https://"),
    ("journal", "choose another --journal, or the account and action it is for"),
)


def code_of(problem: BaseException) -> int:
    """Choose the exit code for an error."""
    return next((code for kind, code, _ in KINDS if isinstance(problem, kind)), FAILURE)


def hint_for(problem: BaseException) -> str:
    """Say what to do next; empty where nothing can be said."""
    if isinstance(problem, UsageError):
        return problem.hint
    if isinstance(problem, ConfigurationError):
        return next((hint for word, hint in HINTS if word in str(problem)), "")
    if isinstance(problem, APIStatusError) and problem.retry_after is not None:
        return f"try again in {problem.retry_after:.0f} s"
    return next((hint for kind, _, hint in KINDS if isinstance(problem, kind)), "")


def line_for(problem: BaseException) -> str:
    """Tell an error in one line, its hint included."""
    if isinstance(problem, tuple(ENDINGS)):
        return ENDINGS[type(problem)]
    told = escape(problem) or type(problem).__name__
    hint = hint_for(problem)
    return f"error: {told}" + (f"; hint: {hint}" if hint else "")
