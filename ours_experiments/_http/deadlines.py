"""The deadlines of all requests under way, kept by one timer."""

import asyncio
import math
from asyncio import current_task
from types import TracebackType


STEP = 1.0
"""Seconds from one look at the deadlines to the next."""


class Deadline:
    """Bounds one request as `asyncio.timeout_at` does, for a fraction of its price.

    Raises:
        TimeoutError: The deadline came before the end of the block.
    """

    __slots__ = ("at", "book", "cancelling", "expired", "task", "timer")

    def __init__(self, book: "Deadlines", at: float) -> None:
        self.book: Deadlines = book
        self.at: float = at
        self.expired: bool = False
        self.timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        book = self.book
        task = current_task(book.loop)
        assert task is not None  # noqa: S101 - aiohttp needs one as well
        self.task: asyncio.Task[object] = task
        self.cancelling: int = task.cancelling()
        if self.at > book.next_look:
            book.far_off.add(self)
        else:
            book.enter(self)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.book.far_off.discard(self)
        if self.timer is not None:
            self.timer.cancel()
        # Somebody else's cancellation goes on, even if it came at the same time.
        if (
            self.expired
            and self.task.uncancel() <= self.cancelling
            and exc_type is asyncio.CancelledError
        ):
            raise TimeoutError from exc

    def expire(self) -> None:
        """End the block."""
        self.expired = True
        self.task.cancel()


class Deadlines:
    """Keeps every deadline, and a timer for those that are near.

    A timer costs as much as everything else that is done for a request, and nearly
    every request is answered long before its own would ring. So a deadline that is far
    off is only written down, and gets its timer when it is less than a step away.
    """

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self.far_off: set[Deadline] = set()
        self.next_look: float = math.inf
        """Loop time; for ever when nobody looks."""
        self.looking: asyncio.TimerHandle | None = None

    def enter(self, deadline: Deadline) -> None:
        """Write a deadline down that is near, or the first one for a while."""
        if self.looking is None:
            self.look_at(self.loop.time() + STEP)
        if deadline.at > self.next_look:
            self.far_off.add(deadline)
        else:
            deadline.timer = self.loop.call_at(deadline.at, deadline.expire)

    def look_at(self, moment: float) -> None:
        """Look next at a loop time."""
        self.next_look = moment
        self.looking = self.loop.call_at(moment, self.look)

    def look(self) -> None:
        """Give a timer to every deadline that comes before the next look."""
        next_look = self.loop.time() + STEP
        for deadline in [each for each in self.far_off if each.at <= next_look]:
            self.far_off.discard(deadline)
            deadline.timer = self.loop.call_at(deadline.at, deadline.expire)
        self.close()
        if self.far_off:
            self.look_at(next_look)

    def close(self) -> None:
        """Stop looking."""
        if self.looking is not None:
            self.looking.cancel()
            self.looking = None
            self.next_look = math.inf
