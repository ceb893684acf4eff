"""Run coroutines so that a signal can end them."""

import signal
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import TypeVar

import ours_experiments as ours  # noqa: TC001 - loads the client on use
from ours_experiments.cli.context import Context
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


def call_client(context: Context, call: "Callable[[ours.Client], Awaitable[T]]") -> T:
    """Make a call with a client of its own, outside of any event loop.

    Commands that ask a question use this: Ctrl-C does not interrupt a question that
    is asked within an event loop.
    """

    async def work() -> T:
        async with context.client() as client:
            return await call(client)

    return run_until_complete(work())
