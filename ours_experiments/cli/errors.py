"""Exit codes, and errors in one line with a hint."""

from collections.abc import Mapping, Sequence
from typing import Final

from ours_experiments.cli.output.terminal import escape
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
    PlanRefusedError,
    RateLimitError,
    StalePlanError,
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
DIFFERENT: Final = 11
KEEP_RUNNING: Final = 11
DO_NOT_TRUST: Final = 12
DIFFERENT_DETAILED: Final = 2
"""With `--detailed-exitcode`, by which a wrong command line is FAILURE."""
# As shells do: 128 and the number of the signal.
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141
TERMINATED: Final = 143

EXIT_CODES = """\
Exit codes:
    0  success
    1  another failure, such as a request that the service refused (400)
    2  the command line is wrong
    3  no key, or an option or a file that cannot be used
    4  the key is not accepted, or lacks the scope
    5  not found
    6  the present state does not allow it
    7  a rate limit, or a failure of the service: try again later
    8  no connection, or no answer in time
    9  sent, but whether it was applied is not known
   10  some of many failed
   11  plan --check, drift: differences; analyze --check: keep running
   12  analyze --check: do not trust the results
  130  interrupted
  141  the reader of the output went away
  143  terminated"""


class UsageError(Exception):
    """The command line is wrong; the text is the reason."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class DeclinedError(Exception):
    """The answer to a question was not yes."""


class NoSuchKeyError(Exception):
    """No experiment has the key."""


class DuplicateKeyError(Exception):
    """An experiment has the key already."""


class OutputError(Exception):
    """Standard output cannot be written."""

    def __init__(self, problem: OSError) -> None:
        super().__init__(f"the output cannot be written: {os_reason(problem)}")


class TerminatedError(Exception):
    """The process got SIGTERM."""


def os_reason(problem: OSError) -> str:
    """Return the operating system's reason for an error."""
    return problem.strerror or str(problem)


CLI_ERRORS: Final = (
    UsageError,
    DeclinedError,
    NoSuchKeyError,
    DuplicateKeyError,
    OutputError,
    TerminatedError,
    KeyboardInterrupt,
)
"""Errors that end a command with one line and are none of the library's."""

# The first class that fits decides.
KINDS: Final[tuple[tuple[type[BaseException], int, str], ...]] = (
    (KeyboardInterrupt, INTERRUPTED, ""),
    (TerminatedError, TERMINATED, ""),
    (UsageError, USAGE, ""),
    (DeclinedError, FAILURE, ""),
    (OutputError, FAILURE, ""),
    (NoSuchKeyError, NOT_FOUND, "keys are compared as a whole, case included"),
    (
        DuplicateKeyError,
        CONFLICT,
        "choose another --key, or add --allow-duplicate-key",
    ),
    (
        AuthenticationError,
        AUTHENTICATION,
        "check the key: missing, mistyped or expired?",
    ),
    (PermissionDeniedError, AUTHENTICATION, "the key lacks the scope for this"),
    (NotFoundError, NOT_FOUND, "check --base-url: is this the service?"),
    (ConflictError, CONFLICT, ""),
    (RateLimitError, TEMPORARY, "try again later, or with a lower --concurrency"),
    (InternalServerError, TEMPORARY, "try again later"),
    (BadRequestError, FAILURE, ""),
    (StalePlanError, CONFLICT, ""),
    (PlanRefusedError, CONFLICT, "nothing was written"),
    (OutcomeUnknownError, UNKNOWN, "look before you send it again"),
    (APIConnectionError, CONNECTION, "check the network and --base-url"),
    (UnexpectedResponseError, FAILURE, "check --base-url: is this the service?"),
    (PaginationError, FAILURE, "report this to the operator of the service"),
    (ConfigurationError, CONFIGURATION, ""),
)


# Ends of a command that are neither errors nor success.
ENDINGS: Final[Mapping[type[BaseException], str]] = {
    DeclinedError: "nothing was done",
    KeyboardInterrupt: "interrupted",
    TerminatedError: "terminated",
}

LISTS: Final[Mapping[str, str]] = {
    "experiments": "list",
    "experiment-variants": "variants list ID",
    "experiment-settings": "settings list",
    "versions": "versions list",
}
"""Commands that list a collection of the API."""
SHOWS: Final[Mapping[type[APIStatusError], str]] = {
    NotFoundError: "what exists",
    ConflictError: "the present state",
}

# The library names its arguments; these are the options for them.
OPTION_HINTS: Final = (
    (
        "no API key",
        "set it, or use --api-key-env or --api-key-file; `demo` needs no key",
    ),
    ("--api-key-file", "it takes the name of a file with the key, not the key itself"),
    ("--api-key-env", "it takes the name of a variable, not the key itself"),
    ("ship_others", "--ship-others publishes them too"),
    ("unencrypted", "--base-url must begin with https://"),
    ("journal", "choose another --journal, or the account and action it is for"),
)


def exit_code(problem: BaseException) -> int:
    """Return the exit code for an error."""
    return next((code for kind, code, _ in KINDS if isinstance(problem, kind)), FAILURE)


def usage_code(code: int, tokens: Sequence[str]) -> int:
    """Return the exit code of an error: not 2 where that means a difference."""
    detailed = code == USAGE and "--detailed-exitcode" in tokens
    return FAILURE if detailed else code


def hint_for(problem: BaseException) -> str:
    """Return what to do next, or an empty text."""
    if isinstance(problem, UsageError):
        return problem.hint
    if isinstance(problem, ConfigurationError):
        return next((hint for word, hint in OPTION_HINTS if word in str(problem)), "")
    if isinstance(problem, APIStatusError) and problem.retry_after is not None:
        return f"try again in {problem.retry_after:.0f} s"
    if isinstance(problem, NotFoundError | ConflictError):
        command = command_for(problem)
        if command:
            return f"`ours-experiments {command}` shows {SHOWS[type(problem)]}"
    return next((hint for kind, _, hint in KINDS if isinstance(problem, kind)), "")


def command_for(problem: NotFoundError | ConflictError) -> str:
    """Return the command that shows what is missing or in the way, or an empty text."""
    collection, _, rest = problem.path.lstrip("/").partition("/")
    entity = rest.partition("/")[0]
    lists = LISTS.get(collection, "")
    if isinstance(problem, NotFoundError):
        # The service names what it has not found. A wrong address cannot; the emulator
        # answers that with `path`.
        named = problem.details not in {None, "path"}
        return lists if entity and named else ""
    if collection == "versions":
        return lists if entity else "versions changes"
    group = lists.removesuffix("list ID").removesuffix("list")
    return f"{group}get {entity}" if entity else lists


def format_error(problem: BaseException) -> str:
    """Format an error and its hint as one line."""
    if isinstance(problem, tuple(ENDINGS)):
        return ENDINGS[type(problem)]
    message = escape(problem) or type(problem).__name__
    hint = hint_for(problem)
    return f"error: {message}" + (f"; hint: {hint}" if hint else "")
