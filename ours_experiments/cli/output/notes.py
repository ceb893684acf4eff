"""What the library logs: notes beside the output, for those who ask."""

import logging
from collections.abc import Generator
from contextlib import contextmanager

from ours_experiments.cli.context import Context


class Notes(logging.Handler):
    """Tells each record as a note, above a bar where there is one."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context

    def emit(self, record: logging.LogRecord) -> None:
        """Tell one record."""
        self.context.note(f"{record.levelname.lower()}: {record.getMessage()}")


@contextmanager
def listening(context: Context, *, verbose: bool) -> Generator[None]:
    """Tell what is logged meanwhile, or keep it from the last resort of `logging`."""
    logger = logging.getLogger("ours_experiments")
    level = logger.level
    handler = Notes(context) if verbose else logging.NullHandler()
    logger.addHandler(handler)
    if verbose:
        logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
