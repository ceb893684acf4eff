"""The deadlines of all waits of one client, kept by a single timer."""

import asyncio
import math
from asyncio import current_task
from types import TracebackType

from ours_experiments.errors import ConfigurationError


CHECK_INTERVAL = 1.0
"""Seconds between two checks of the deadlines that have no timer of their own."""


class Deadline:
    """Bounds a block as `asyncio.timeout_at` does, and by the client's end.

    `asyncio.timeout_at` creates and cancels a timer, which takes about 5 us; entering
    and leaving this takes 0.6 us while the deadline is more than a second away.

    Raises:
        TimeoutError: The deadline passed before the block ended.
        ConfigurationError: The client was closed before the block ended.
    """

    __slots__ = ("at", "cancelling", "deadlines", "expired", "task", "timer")

    def __init__(self, deadlines: "Deadlines", at: float) -> None:
        self.deadlines: Deadlines = deadlines
        self.at: float = at
        self.expired: bool = False
        self.timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        deadlines = self.deadlines
        task = current_task(deadlines.loop)
        assert task is not None  # noqa: S101 - aiohttp needs one as well
        self.task: asyncio.Task[object] = task
        self.cancelling: int = task.cancelling()
        if self.at > deadlines.next_check:
            deadlines.distant.add(self)
        else:
            deadlines.add(self)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.timer is None:
            self.deadlines.distant.discard(self)
        else:
            self.timer.cancel()
            self.deadlines.near.discard(self)
        # A cancellation by somebody else goes on, even one at the same moment.
        if (
            self.expired
            and self.task.uncancel() <= self.cancelling
            and exc_type is asyncio.CancelledError
        ):
            if self.deadlines.closed:
                raise ConfigurationError("the client is closed") from None
            raise TimeoutError from exc

    def is_task_cancelled(self) -> bool:
        """Return whether the task was cancelled since the block was entered."""
        return self.task.cancelling() > self.cancelling

    def expire(self) -> None:
        """End the block, once."""
        if not self.expired:
            self.expired = True
            self.task.cancel()


class Deadlines:
    """Every open deadline of a client on one event loop.

    Nearly every request is answered long before its deadline. So a distant deadline is
    only kept in a set, and gets a timer when it is less than a second away.
    """

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self.closed: bool = False
        self.distant: set[Deadline] = set()
        self.near: set[Deadline] = set()
        """Those that have a timer of their own."""
        self.next_check: float = math.inf
        """Loop time; infinite while no check is due."""
        self.timer: asyncio.TimerHandle | None = None

    def add(self, deadline: Deadline) -> None:
        """Record a deadline that is near, or the first one after a while.

        Raises:
            ConfigurationError: The client is closed.
        """
        if self.closed:
            raise ConfigurationError("the client is closed")
        if self.timer is None:
            self.schedule_check(self.loop.time() + CHECK_INTERVAL)
        if deadline.at > self.next_check:
            self.distant.add(deadline)
        else:
            self.start_timer(deadline)

    def start_timer(self, deadline: Deadline) -> None:
        """Give a deadline a timer of its own."""
        deadline.timer = self.loop.call_at(deadline.at, deadline.expire)
        self.near.add(deadline)

    def schedule_check(self, moment: float) -> None:
        """Check next at a loop time."""
        self.next_check = moment
        self.timer = self.loop.call_at(moment, self.check)

    def check(self) -> None:
        """Start the timers of the deadlines that pass before the next check."""
        next_check = self.loop.time() + CHECK_INTERVAL
        for deadline in [found for found in self.distant if found.at <= next_check]:
            self.distant.discard(deadline)
            self.start_timer(deadline)
        self.cancel_check()
        if self.distant:
            self.schedule_check(next_check)

    def cancel_check(self) -> None:
        """Cancel the next check."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        self.next_check = math.inf

    async def sleep(self, seconds: float) -> None:
        """Sleep.

        Raises:
            ConfigurationError: The client was closed meanwhile.
        """
        with Deadline(self, math.inf):
            await asyncio.sleep(seconds)

    def close(self) -> None:
        """End every block that is open, and refuse new ones."""
        self.closed = True
        self.cancel_check()
        for deadline in (*self.distant, *self.near):
            deadline.expire()
