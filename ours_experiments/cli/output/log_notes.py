"""Records of the library's log as notes on standard error."""

import logging
from collections.abc import Generator
from contextlib import contextmanager

from ours_experiments.cli.context import Context


class NoteHandler(logging.Handler):
    """Prints each log record as a note, above a progress bar if there is one."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        self.context.note(f"{record.levelname.lower()}: {record.getMessage()}")


@contextmanager
def log_to(context: Context, *, verbose: bool) -> Generator[None]:
    """Print what the library logs, or keep `logging` from printing warnings itself."""
    logger = logging.getLogger("ours_experiments")
    level = logger.level
    # Without any handler `logging` prints warnings to standard error itself.
    handler = NoteHandler(context) if verbose else logging.NullHandler()
    logger.addHandler(handler)
    if verbose:
        logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
