"""Run coroutines so that a signal can end them."""

import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import TypeVar

from ours_experiments.cli.errors import TerminatedError


T = TypeVar("T")


def run_until_complete(work: Coroutine[object, object, T]) -> T:
    """Run a coroutine; SIGTERM cancels it as Ctrl-C does.

    Raises:
        KeyboardInterrupt: Ctrl-C, after the coroutine has handled its cancellation.
        TerminatedError: The same for SIGTERM.
    """
    import asyncio  # noqa: PLC0415 - not for help

    async def cancellable() -> T:
        task = asyncio.create_task(work)
        with suppress(NotImplementedError):  # on Windows
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    try:
        return asyncio.run(cancellable())
    except asyncio.CancelledError:
        raise TerminatedError from None
