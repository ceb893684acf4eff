"""An event loop whose clock counts only what it waits, and may run fast.

However long a turn of the loop computes, and however busy the machine is, it counts as
one moment, so that what happens first does not depend on that. The sockets are real.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from functools import partial
from time import monotonic
from typing import Any, TypeVar


T = TypeVar("T")

SPEED = 40.0
"""How many seconds of a fast clock pass in a real one."""
MOMENT = 20e-6
"""Real seconds that a turn of the loop counts as; who never waits stops no clock."""


class WaitingSelector(selectors.DefaultSelector):
    """Waits a fraction of what it is asked to, and adds it up."""

    def __init__(self, speed: float) -> None:
        super().__init__()
        self.speed = speed
        self.waited = 0.0

    def select(self, timeout: float | None = None) -> Any:
        """Wait for what the clock calls `timeout`."""
        begun_at = monotonic()
        events = super().select(timeout and timeout / self.speed)
        waited = (monotonic() - begun_at) * self.speed
        self.waited += waited if timeout is None else min(waited, timeout)
        self.waited += MOMENT * self.speed
        return events


class WaitingEventLoop(asyncio.SelectorEventLoop):
    """A selector event loop on a clock of its own."""

    def __init__(self, speed: float = 1.0) -> None:
        self.selector = WaitingSelector(speed)
        super().__init__(self.selector)

    def time(self) -> float:
        """Return the seconds waited so far."""
        return self.selector.waited


def block(seconds: float) -> None:
    """Let the running loop's clock move as if a callback had blocked it."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, WaitingEventLoop)
    loop.selector.waited += seconds


def fast_runner() -> asyncio.Runner:
    """Make a runner on a fast clock."""
    return asyncio.Runner(loop_factory=partial(WaitingEventLoop, SPEED))


def run_fast(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine function on a fast clock."""
    with fast_runner() as runner:
        return runner.run(main())
