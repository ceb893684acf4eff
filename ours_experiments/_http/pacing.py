"""One client's manners: shared pause, retry budget, calls in flight, publishes.

All views of a client share one `Pacing`, so that what one call learns of the
service's state holds for every other call.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from ours_experiments._http.deadlines import Deadlines
from ours_experiments._http.retry import Fate, RetryBudget
from ours_experiments.errors import ConfigurationError


logger = logging.getLogger("ours_experiments")

LONGEST_PAUSE = 86_400.0
"""Seconds; no `Retry-After` silences a client for longer than a day."""

DRAIN_STEP = 0.02
"""Seconds between two looks at whether the last call is over."""


class SharedPacing(Protocol):
    """What the clients of several processes agree on before a request leaves.

    Whatever an implementation raises is logged, and the request leaves: without the
    others a client still has its own manners.
    """

    async def acquire(self, account: str, seconds: float) -> float:
        """Wait for the turn of one request.

        Args:
            account: A fingerprint of base URL and key, from which neither can be told.
            seconds: How long may be waited; the call's time is over then.

        Returns:
            0.0 when the turn has come; at once the seconds that it would take when
            those are more than there are: then nothing has been taken.
        """
        ...

    async def pause(self, account: str, seconds: float) -> None:
        """Tell all others that the service asks for a pause from now on."""
        ...


class Pacing:
    """What a client's calls know of each other, within one event loop."""

    def __init__(
        self,
        max_in_flight: int,
        budget: RetryBudget,
        shared: SharedPacing | None = None,
        account: str = "",
    ) -> None:
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self.shared = shared
        self.account = account
        self.closed: bool = False
        self.clocks: set[asyncio.Timeout] = set()
        self.deadlines: Deadlines = Deadlines()
        self.budget = budget
        self.max_in_flight = max_in_flight
        self.limit: float = float(max_in_flight)
        self.in_flight: int = 0
        self.paused_until: float = 0.0
        self.shrunk_at: float = 0.0
        self.waiting: deque[asyncio.Future[None]] = deque()
        self.waking: asyncio.TimerHandle | None = None
        self.publishing: int = 0
        self.publish_queue: deque[asyncio.Future[bool]] = deque()
        self.publishing_in_turn: bool = False
        self.drained: asyncio.Event = asyncio.Event()
        self.drained.set()
        self.publish_lock: asyncio.Lock = asyncio.Lock()

    def try_enter(self) -> bool:
        """Take a place in flight if there is one now; False means: await `enter`."""
        if (
            self.in_flight + 1 <= self.limit
            and not self.waiting
            and (not self.paused_until or self.pause_is_over())
        ):
            self.in_flight += 1
            return True
        return False

    async def enter(self, deadline: float) -> None:
        """Wait for a place in flight, first come, first served.

        Raises:
            TimeoutError: The deadline came first.
            ConfigurationError: The client was closed meanwhile.
        """
        if self.paused_until >= deadline:
            raise TimeoutError
        place = self.loop.create_future()
        self.waiting.append(place)
        self.wake()
        try:
            async with self.until(deadline):
                await place
        except BaseException:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.leave()
            elif place in self.waiting:
                self.waiting.remove(place)
            raise

    def leave(self) -> None:
        """Give a place in flight back."""
        self.in_flight -= 1
        if self.waiting:
            self.wake()

    def wake(self) -> None:
        """Hand free places to those who wait, or come back when the pause ends."""
        if self.paused_until and not self.pause_is_over():
            if self.waking is None:
                self.waking = self.loop.call_at(self.paused_until, self.wake_again)
            return
        while self.waiting and self.in_flight + 1 <= self.limit:
            place = self.waiting.popleft()
            if not place.done():
                self.in_flight += 1
                place.set_result(None)

    def wake_again(self) -> None:
        """Look again after a pause."""
        self.waking = None
        self.wake()

    @asynccontextmanager
    async def until(self, deadline: float | None) -> AsyncGenerator[None]:
        """Bound a wait by a deadline, and by the client's end.

        Raises:
            TimeoutError: The deadline came first.
            ConfigurationError: The client was closed first.
        """
        clock = asyncio.timeout_at(self.loop.time() if self.closed else deadline)
        self.clocks.add(clock)
        try:
            async with clock:
                yield
        except TimeoutError:
            if self.closed and clock.expired():
                raise ConfigurationError("the client is closed") from None
            raise
        finally:
            self.clocks.discard(clock)

    async def rest(self, seconds: float) -> None:
        """Sleep between two requests of a call.

        Raises:
            ConfigurationError: The client was closed meanwhile.
        """
        async with self.until(None):
            await asyncio.sleep(seconds)

    async def enter_in_turn(self, shared: SharedPacing, deadline: float) -> None:
        """Wait for a place in flight, and then for the turn among all processes.

        Raises:
            TimeoutError: The deadline comes first; with the seconds that the turn is
                away, if that is the reason.
            ConfigurationError: The client was closed meanwhile.
        """
        while True:
            if not self.try_enter():
                await self.enter(deadline)
            try:
                async with self.until(deadline):
                    await self.turn_of(shared, deadline - self.loop.time())
                if not self.paused_until or self.pause_is_over():
                    return
            except BaseException:
                self.leave()
                raise
            # A pause that began meanwhile holds for this request too.
            self.leave()

    async def turn_of(self, shared: SharedPacing, seconds: float) -> None:
        """Wait for the turn; let the request leave when nobody can be asked."""
        try:
            missing = await shared.acquire(self.account, seconds)
        except Exception:
            logger.exception("shared pacing failed; the request leaves without it")
            return
        if missing:
            raise TimeoutError(missing)

    async def tell_pause(self, retry_after: float | None, deadline: float) -> None:
        """Tell the other processes of a pause, in the time that the call has."""
        if self.shared is None or not retry_after:
            return
        seconds = min(retry_after, LONGEST_PAUSE)
        with suppress(TimeoutError, ConfigurationError):
            async with self.until(deadline):
                try:
                    await self.shared.pause(self.account, seconds)
                except Exception:
                    logger.exception("shared pacing failed; no other process pauses")

    def pause_is_over(self) -> bool:
        """Whether calls may leave again."""
        if self.loop.time() < self.paused_until:
            return False
        self.paused_until = 0.0
        return True

    def succeeded(self) -> None:
        """Learn from an answer: refund the budget, let the limit grow."""
        self.budget.refund()
        if self.limit < self.max_in_flight:
            self.limit = min(self.limit + 1 / self.limit, self.max_in_flight)

    def learn_from(
        self, fate: Fate | None, retry_after: float | None, left_at: float
    ) -> None:
        """Learn from a failure; a refusal on the call's own account is an answer."""
        if fate is None:
            self.succeeded()
        elif fate is Fate.REFUSED:
            self.throttled(retry_after, left_at)

    def throttled(self, retry_after: float | None, sent_at: float) -> None:
        """Learn from a 429 or 503: pause every call, halve the limit once a pause.

        Args:
            retry_after: Seconds that the service asked for, if it did.
            sent_at: Loop time at which the refused request left; one that left no
                later than the limit last shrank tells nothing new.
        """
        now = self.loop.time()
        if retry_after:
            until = now + min(retry_after, LONGEST_PAUSE)
            self.paused_until = max(self.paused_until, until)
            logger.info("every call pauses: the service asks for %.3f s", retry_after)
        if sent_at > self.shrunk_at:
            self.limit = max(self.limit / 2, 1.0)
            self.shrunk_at = now

    def try_publish(self) -> bool:
        """Publish beside others if that may be now; False: await `begin_publish`.

        Calls publish concurrently until the service first says that one is in flight.
        """
        if self.publishing_in_turn or self.publishing >= self.max_in_flight:
            return False
        self.publishing += 1
        return True

    async def begin_publish(self, deadline: float) -> bool:
        """Wait until this call may publish; True when it has the turn for itself.

        Once calls take turns, the first comes after the last concurrent one is over.

        Raises:
            TimeoutError: The deadline came first.
            ConfigurationError: The client was closed first.
        """
        if self.try_publish():
            return False
        async with self.until(deadline):
            if not self.publishing_in_turn and await self.place_to_publish():
                return False
            await self.publish_lock.acquire()
            try:
                await self.drained.wait()
            except BaseException:
                self.publish_lock.release()
                raise
        return True

    async def place_to_publish(self) -> bool:
        """Wait for the place of one who publishes; False once calls take turns."""
        place: asyncio.Future[bool] = self.loop.create_future()
        self.publish_queue.append(place)
        try:
            placed = await place
        except BaseException:
            if place.done() and not place.cancelled() and place.result():
                self.end_publish(in_turn=False)
            raise
        if placed and self.publishing_in_turn:
            self.end_publish(in_turn=False)
            return False
        return placed

    def publish_in_turn(self) -> None:
        """From now on, let calls publish one at a time."""
        if not self.publishing_in_turn:
            self.publishing_in_turn = True
            if self.publishing:
                self.drained.clear()
            for place in self.publish_queue:
                if not place.done():
                    place.set_result(False)
            self.publish_queue.clear()

    def end_publish(self, *, in_turn: bool) -> None:
        """Hand the place, or the turn, on."""
        if in_turn:
            self.publish_lock.release()
            return
        while self.publish_queue:
            place = self.publish_queue.popleft()
            if not place.done():
                place.set_result(True)
                return
        self.publishing -= 1
        if self.publishing_in_turn and not self.publishing:
            self.drained.set()

    async def drain(self, seconds: float) -> None:
        """Wait until no call is under way, but no longer than this."""
        end = self.loop.time() + seconds
        # Calls that end have nothing to announce: that would cost every one of them.
        while (self.in_flight or self.clocks) and self.loop.time() < end:  # noqa: ASYNC110
            await asyncio.sleep(DRAIN_STEP)

    def close(self) -> None:
        """Forget the timer that would end a pause, and end every wait."""
        self.closed = True
        self.deadlines.close()
        if self.waking is not None:
            self.waking.cancel()
        for clock in self.clocks:
            if not clock.expired():
                clock.reschedule(self.loop.time())
