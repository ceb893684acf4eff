"""The number of requests in flight, and the pauses that the service asks for."""

import logging
from collections import deque
from typing import TYPE_CHECKING

from ours_experiments._http.deadlines import Deadline, Deadlines


if TYPE_CHECKING:
    import asyncio


logger = logging.getLogger("ours_experiments")

MAX_PAUSE = 86_400.0
"""Seconds; no `Retry-After` silences a client for longer than a day."""


class Limiter:
    """Slots for requests in flight, first come, first served, on one event loop.

    The limit follows the service as TCP follows a network: it halves when requests are
    refused, and grows by about one for each round of successes.
    """

    def __init__(self, max_in_flight: int, deadlines: Deadlines) -> None:
        self.loop: asyncio.AbstractEventLoop = deadlines.loop
        self.deadlines = deadlines
        self.max_in_flight = max_in_flight
        self.limit: float = float(max_in_flight)
        self.in_flight: int = 0
        self.paused_until: float = 0.0
        """Loop time; 0 when there is no pause."""
        self.reduced_at: float = 0.0
        self.waiting: deque[asyncio.Future[None]] = deque()
        self.timer: asyncio.TimerHandle | None = None

    def try_acquire(self) -> bool:
        """Take a slot if one is free; False means: await `acquire`."""
        if (
            self.in_flight + 1 <= self.limit
            and not self.waiting
            and (not self.paused_until or self.pause_is_over())
        ):
            self.in_flight += 1
            return True
        return False

    async def acquire(self, deadline: float) -> None:
        """Wait for a slot.

        Raises:
            TimeoutError: The deadline comes first.
            ConfigurationError: The client was closed meanwhile.
        """
        if self.paused_until >= deadline:
            raise TimeoutError
        slot = self.loop.create_future()
        self.waiting.append(slot)
        self.hand_out()
        try:
            with Deadline(self.deadlines, deadline):
                await slot
        except BaseException:
            # The slot may come in the same turn of the loop as the cancellation.
            if slot.done() and not slot.cancelled():
                self.release()
            elif slot in self.waiting:
                self.waiting.remove(slot)
            raise

    def release(self) -> None:
        """Give a slot back."""
        self.in_flight -= 1
        if self.waiting:
            self.hand_out()

    def hand_out(self) -> None:
        """Give free slots to those who wait, now or when the pause ends."""
        if self.paused_until and not self.pause_is_over():
            if self.timer is None:
                self.timer = self.loop.call_at(self.paused_until, self.end_pause)
            return
        while self.waiting and self.in_flight + 1 <= self.limit:
            slot = self.waiting.popleft()
            if not slot.done():
                self.in_flight += 1
                slot.set_result(None)

    def end_pause(self) -> None:
        """Hand out slots after a pause, unless it was prolonged meanwhile."""
        self.timer = None
        self.hand_out()

    def pause_is_over(self) -> bool:
        """Return whether requests may leave again."""
        if self.loop.time() < self.paused_until:
            return False
        self.paused_until = 0.0
        return True

    def grow(self) -> None:
        """Raise the limit after a success, by one for each round of requests."""
        self.limit = min(self.limit + 1 / self.limit, self.max_in_flight)

    def throttle(self, retry_after: float | None, sent_at: float) -> None:
        """Pause every call after a 429 or 503, and halve the limit.

        Args:
            retry_after: Seconds that the service asked for, if it did.
            sent_at: Loop time at which the refused request left. One that left before
                the limit was last halved belongs to the same burst.
        """
        now = self.loop.time()
        if retry_after:
            until = now + min(retry_after, MAX_PAUSE)
            self.paused_until = max(self.paused_until, until)
            logger.info("every call pauses: the service asks for %.3f s", retry_after)
        # Once a burst: 32 refusals of one moment would otherwise leave a single slot.
        if sent_at > self.reduced_at:
            self.limit = max(self.limit / 2, 1.0)
            self.reduced_at = now

    def close(self) -> None:
        """Cancel the timer that would end a pause."""
        if self.timer is not None:
            self.timer.cancel()
