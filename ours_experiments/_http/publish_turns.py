"""Publishing calls: concurrent at first, one at a time once the service asks for it."""

import asyncio
import math
from collections import deque

from ours_experiments._http.deadlines import Deadline, Deadlines


GAP = 0.15
"""Seconds between two publishes in which another client can begin one. Longer than the
longest wait of a client that polls, so that it meets each gap."""
GAP_INTERVAL = 1.0
"""Seconds of publishes without a gap while no other client is known to publish: gaps
then take 13% of the time."""
FOREIGN_MEMORY = 10.0
"""Seconds after another client's publish for which a gap follows every publish."""


class PublishTurns:
    """Lets calls publish concurrently until `serialize`, then one at a time.

    The service publishes one version at a time, and answers 409 "in flight" meanwhile.
    A service that publishes within a request's time never does, so turns from the
    start would cost 32 calls in flight 31 of their places for nothing.
    """

    def __init__(self, max_concurrent: int, deadlines: Deadlines) -> None:
        self.deadlines = deadlines
        self.max_concurrent = max_concurrent
        self.active: int = 0
        """Calls that publish concurrently now."""
        self.serial: bool = False
        self.waiting: deque[asyncio.Future[bool]] = deque()
        self.idle: asyncio.Event = asyncio.Event()
        """Set while no concurrent publish is left over."""
        self.idle.set()
        self.lock: asyncio.Lock = asyncio.Lock()
        self.released_at: float = -math.inf
        """Loop time at which the latest serial publish ended."""
        self.gap_ended_at: float = -math.inf
        """Loop time at which other clients last had a gap."""
        self.foreign_at: float = -math.inf
        """Loop time at which another client's publish was last met."""

    def try_acquire(self) -> bool:
        """Publish beside others if that is possible now; False: await `acquire`."""
        if self.serial or self.active >= self.max_concurrent:
            return False
        self.active += 1
        return True

    async def acquire(self, deadline: float) -> bool:
        """Wait until this call may publish; True when it publishes alone.

        The first serial publish begins after the last concurrent one has ended.

        Raises:
            TimeoutError: The deadline came first.
            ConfigurationError: The client was closed first.
        """
        if self.try_acquire():
            return False
        with Deadline(self.deadlines, deadline):
            if not self.serial and await self.wait_for_slot():
                return False
            await self.lock.acquire()
            try:
                await self.idle.wait()
                # With the lock held, so that the gap is the whole client's.
                await self.leave_gap()
            except BaseException:
                self.lock.release()
                raise
        return True

    async def leave_gap(self) -> None:
        """Wait until other clients have had time to begin a publish, if it is due."""
        now = self.deadlines.loop.time()
        gap_end = self.released_at + GAP
        if now < gap_end:
            is_alone = now - self.foreign_at > FOREIGN_MEMORY
            if is_alone and now - self.gap_ended_at < GAP_INTERVAL:
                return
            await asyncio.sleep(gap_end - now)
        self.gap_ended_at = self.deadlines.loop.time()

    async def wait_for_slot(self) -> bool:
        """Wait until fewer calls publish; False when publishing became serial."""
        slot: asyncio.Future[bool] = self.deadlines.loop.create_future()
        self.waiting.append(slot)
        try:
            acquired = await slot
        except BaseException:
            # The slot may come in the same turn of the loop as the cancellation.
            if slot.done() and not slot.cancelled() and slot.result():
                self.release(alone=False)
            raise
        if acquired and self.serial:
            self.release(alone=False)
            return False
        return acquired

    def serialize(self) -> None:
        """From now on, let calls publish one at a time."""
        if not self.serial:
            self.serial = True
            if self.active:
                self.idle.clear()
            for slot in self.waiting:
                if not slot.done():
                    slot.set_result(False)
            self.waiting.clear()

    def record_foreign(self) -> None:
        """Leave gaps from now on: a publish of another client is in flight."""
        self.foreign_at = self.deadlines.loop.time()

    def release(self, *, alone: bool) -> None:
        """Let the next call publish; `alone` is what `acquire` returned."""
        if alone:
            self.released_at = self.deadlines.loop.time()
            self.lock.release()
            return
        while self.waiting:
            slot = self.waiting.popleft()
            if not slot.done():
                slot.set_result(True)
                return
        self.active -= 1
        if self.serial and not self.active:
            self.idle.set()
