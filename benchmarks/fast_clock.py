"""An event loop whose clock runs fast: real sockets, cheap waits."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar


T = TypeVar("T")

SPEED = 40.0
"""How many seconds of the fast clock pass in a real one."""


class FastSelector(selectors.DefaultSelector):
    """Waits a fraction of what it is asked to."""

    def select(self, timeout: float | None = None) -> Any:
        """Wait for what the fast clock calls `timeout`."""
        return super().select(timeout and timeout / SPEED)


class FastEventLoop(asyncio.SelectorEventLoop):
    """A selector event loop on the fast clock."""

    def __init__(self) -> None:
        super().__init__(FastSelector())

    def time(self) -> float:
        """Return the fast clock's seconds."""
        return super().time() * SPEED


def run_fast(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine function on a fast clock."""
    with asyncio.Runner(loop_factory=FastEventLoop) as runner:
        return runner.run(main())
