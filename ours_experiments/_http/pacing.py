"""What the calls of one client share: limit, pauses, retry budget, publish turns."""

import asyncio
import logging
from contextlib import suppress
from typing import Protocol

from ours_experiments._http.deadlines import Deadline, Deadlines
from ours_experiments._http.limiter import MAX_PAUSE, Limiter
from ours_experiments._http.publish_turns import PublishTurns
from ours_experiments._http.retry import FailureKind, RetryBudget
from ours_experiments.errors import ConfigurationError


logger = logging.getLogger("ours_experiments")

DRAIN_INTERVAL = 0.02
"""Seconds between two checks whether the last call has ended."""


class SharedPacing(Protocol):
    """What the clients of several processes agree on before a request leaves.

    An exception of an implementation is logged, and the request leaves: without the
    other processes a client still has its own limits.
    """

    async def acquire(self, account: str, seconds: float) -> float:
        """Wait until one request may leave.

        Args:
            account: A fingerprint of base URL and key, which reveals neither.
            seconds: How long the call can wait before its time is over.

        Returns:
            0.0 when the request may leave. When the wait would be longer than
            `seconds`, the length of that wait, at once, and nothing is taken.
        """
        ...

    async def pause(self, account: str, seconds: float) -> None:
        """Let every process pause from now on, because the service asks for it."""
        ...


class Pacing:
    """The limits of one client on one event loop; all its views share them."""

    def __init__(
        self,
        max_in_flight: int,
        budget: RetryBudget,
        shared: SharedPacing | None = None,
        account: str = "",
    ) -> None:
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self.budget = budget
        self.shared = shared
        self.account = account
        self.deadlines: Deadlines = Deadlines()
        self.limiter: Limiter = Limiter(max_in_flight, self.deadlines)
        self.publish_turns: PublishTurns = PublishTurns(max_in_flight, self.deadlines)

    async def acquire(self, deadline: float) -> None:
        """Wait for a slot in flight, and for the turn among all processes.

        Raises:
            TimeoutError: The deadline comes first; its argument is the wait in seconds
                that the other processes cause, if they do.
            ConfigurationError: The client was closed meanwhile.
        """
        limiter, shared = self.limiter, self.shared
        while True:
            if not limiter.try_acquire():
                await limiter.acquire(deadline)
            if shared is None:
                return
            try:
                with Deadline(self.deadlines, deadline):
                    await self.acquire_shared(shared, deadline - self.loop.time())
                if not limiter.paused_until or limiter.pause_is_over():
                    return
            except BaseException:
                limiter.release()
                raise
            # A pause that started meanwhile holds for this request too.
            limiter.release()

    async def acquire_shared(self, shared: SharedPacing, seconds: float) -> None:
        """Wait for the turn among all processes; go without it when that fails."""
        try:
            missing = await shared.acquire(self.account, seconds)
        except Exception:
            logger.exception("shared pacing failed; the request leaves without it")
            return
        if missing:
            raise TimeoutError(missing)

    async def broadcast_pause(self, retry_after: float | None, deadline: float) -> None:
        """Let the other processes pause too, within the call's time."""
        if self.shared is None or not retry_after:
            return
        seconds = min(retry_after, MAX_PAUSE)
        with (
            suppress(TimeoutError, ConfigurationError),
            Deadline(self.deadlines, deadline),
        ):
            try:
                await self.shared.pause(self.account, seconds)
            except Exception:
                logger.exception("shared pacing failed; no other process pauses")

    def record_success(self) -> None:
        """Refund the retry budget, and let the limit grow back."""
        budget, limiter = self.budget, self.limiter
        if budget.tokens < budget.capacity:
            budget.refund()
        if limiter.limit < limiter.max_in_flight:
            limiter.grow()

    def record_failure(
        self, kind: FailureKind | None, retry_after: float | None, sent_at: float
    ) -> None:
        """Adapt the limits to a failure; a definite answer counts as a success."""
        if kind is None:
            self.record_success()
        elif kind is FailureKind.REFUSED:
            self.limiter.throttle(retry_after, sent_at)

    async def drain(self, seconds: float) -> None:
        """Wait until no call is under way, but no longer than this."""
        end = self.loop.time() + seconds
        deadlines = self.deadlines
        # An event would cost every call; a check each 20 ms costs only the closing.
        while (deadlines.distant or deadlines.near) and self.loop.time() < end:  # noqa: ASYNC110
            await asyncio.sleep(DRAIN_INTERVAL)

    def close(self) -> None:
        """End every wait and every request under way."""
        self.deadlines.close()
        self.limiter.close()
