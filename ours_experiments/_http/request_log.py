"""The log: one line for each request, at the level that the environment names."""

import logging
import os
from collections.abc import Callable

from ours_experiments._http.call import Call
from ours_experiments._http.responses import Failure, Reply, request_id_of
from ours_experiments._text import printable
from ours_experiments.errors import ConfigurationError, with_request_id


logger = logging.getLogger("ours_experiments")

VARIABLE = "OURS_PRIVACY_PLATFORM_LOG"
LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "off": logging.CRITICAL + 1,
}


def configure_logging() -> None:
    """Write this package's log to standard error, if the environment asks for it.

    Without the variable the log goes where the application sends it.

    Raises:
        ConfigurationError: The variable names no level.
    """
    name = os.environ.get(VARIABLE, "").strip().lower()
    if not name:
        return
    if name not in LEVELS:
        raise ConfigurationError(f"{VARIABLE} must be one of {', '.join(LEVELS)}")
    logger.setLevel(LEVELS[name])
    if name != "off" and not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(
            logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
        )
        logger.addHandler(handler)
        # The application's own handlers would write each line a second time.
        logger.propagate = False


def log_request(
    call: Call,
    line: str,
    answer: Reply | Failure,
    sent_at: float,
    mask: Callable[[str], str],
) -> None:
    """Log one request by method and path: no query, no body, and no API key."""
    if isinstance(answer, Reply):
        request_id = request_id_of(answer.headers, mask)
        outcome = with_request_id(str(answer.status), request_id)
    else:
        outcome = f"no response ({type(answer.error).__name__})"
    logger.info(
        "%s: %s in %.1f ms, attempt %d of call %d",
        mask(printable(line)),
        outcome,
        (call.pacing.loop.time() - sent_at) * 1000,
        call.attempts,
        call.number,
    )
