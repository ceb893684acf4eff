"""Running what is asynchronous, so that it can be ended from outside."""

import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import TypeVar

from ours_experiments.cli.errors import TerminatedError


T = TypeVar("T")


def complete(work: Coroutine[object, object, T]) -> T:
    """Run to the end; SIGTERM cancels as Ctrl-C does.

    Raises:
        KeyboardInterrupt: Ctrl-C, once everything under way is settled.
        TerminatedError: The same for SIGTERM.
    """
    import asyncio  # noqa: PLC0415 - not for help

    async def cancellable() -> T:
        task = asyncio.create_task(work)
        with suppress(NotImplementedError):  # as on Windows
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    try:
        return asyncio.run(cancellable())
    except asyncio.CancelledError:
        raise TerminatedError from None
