"""Limits that all processes with one API key share, kept in Redis (extra `redis`).

    async with (
        RedisPacing("redis://localhost", rate=50) as pacing,
        Client(pacing=pacing) as client,
    ):
        ...

Ten workers then send fifty requests a second together, and a `Retry-After` that one of
them receives pauses all ten. While Redis does not answer, each process keeps to its own
share of the rate.
"""

import asyncio
import logging
import os
import random
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from ours_experiments._validation import check_count, check_seconds, check_text
from ours_experiments.errors import ConfigurationError
from ours_experiments.integrations._turns import (
    GIVE_BACK,
    MICROSECONDS,
    PAUSE,
    TAKE,
    Answer,
    Queue,
    Waiter,
    numbers_of,
)


__all__ = ["RedisPacing"]

logger: logging.Logger = logging.getLogger("ours_experiments")

T = TypeVar("T")

CONNECTIONS = 8
"""To Redis, for each process: a single task asks for each account."""
RETRY_AFTER = 2.0
"""Seconds for which a Redis that failed is not asked again."""
JITTER = 0.02
"""Seconds; processes that wait for the same turn ask in random order, not always the
nearest first."""
MAX_SLEEP = 60.0
"""Seconds after which it is asked again in any case, however long the pause."""
UNKNOWN_PROCESSES = 10
"""How many processes share the rate where Redis has never said how many there are."""


class RedisPacing:
    """One token bucket and one pause for all clients that use one key.

    Redis holds a fingerprint of base URL and key, never the key. A turn is taken when
    it is due and not before, so a call that is cancelled while it waits costs nobody a
    turn; processes that wait for the same turn get it in random order. Asking costs one
    round trip, for all requests that wait in a process together.

    While Redis does not answer, which is logged as a warning, each process sends its
    share of the rate: `rate` divided by the processes that were active when Redis last
    answered (by ten where it never did). Without a `rate` requests leave at once. Redis
    is asked again after two seconds.

    Args:
        redis: The URL of a Redis 5 or newer, or a `redis.asyncio.Redis` to borrow,
            which is never closed here. Options in the query of the URL, such as
            `socket_timeout`, replace the defaults made from `patience`.
        rate: Requests a second for all processes together; by default only pauses are
            shared.
        burst: Requests that may leave at once after a quiet time.
        patience: Seconds that Redis may take for an answer.
        prefix: What the names of the keys in Redis begin with.

    Raises:
        ConfigurationError: An argument cannot be used; the text names it.
    """

    def __init__(
        self,
        redis: "str | Redis",
        *,
        rate: float | None = None,
        burst: int = 1,
        patience: float = 1.0,
        prefix: str = "ours-experiments:pacing",
    ) -> None:
        if rate is not None:
            check_seconds("rate", rate)
        check_count("burst", burst, 1)
        check_seconds("patience", patience)
        check_text("prefix", prefix)
        self._owned = isinstance(redis, str)
        self._redis = connect(redis, patience) if isinstance(redis, str) else redis
        self._interval = 0.0 if rate is None else 1 / rate
        self._burst = burst
        self._patience = patience
        self._prefix = prefix
        self._take = self._redis.register_script(TAKE)
        self._give_back = self._redis.register_script(GIVE_BACK)
        self._pause = self._redis.register_script(PAUSE)
        self._process = f"{os.getpid()}-{random.getrandbits(64):x}"
        self._processes = UNKNOWN_PROCESSES
        self._failed_until = 0.0
        self._queues: dict[str, Queue] = {}

    async def __aenter__(self) -> Self:
        # The first request then has no connection to wait for.
        ping: Callable[[], Awaitable[object]] = cast("Any", self._redis).ping
        await self._ask(ping)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections to Redis, unless they are borrowed.

        Requests that still wait for a turn leave without one.
        """
        tasks = [queue.task for queue in self._queues.values() if queue.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._owned:
            await self._redis.aclose()

    async def acquire(self, account: str, seconds: float) -> float:
        """Wait for the turn of one request; see `SharedPacing`."""
        loop = asyncio.get_running_loop()
        queue = self._queues.setdefault(account, Queue())
        waiter = Waiter(loop.time() + seconds, loop.create_future())
        queue.waiting.append(waiter)
        if queue.task is None:
            queue.task = loop.create_task(self._serve(account, queue))
        try:
            return await waiter.turn
        finally:
            queue.leave(waiter)

    async def _serve(self, account: str, queue: Queue) -> None:
        """Take turns as they become due while somebody waits for one."""
        loop = asyncio.get_running_loop()
        try:
            while queue.waiting:
                answer = await self._take_turns(account, queue)
                unused = queue.hand_out(answer.taken)
                if unused and self._interval:
                    await self._return_turns(account, unused)
                queue.refuse(answer.wait, loop.time())
                if queue.waiting:
                    jitter = random.uniform(0, min(self._interval, JITTER))  # noqa: S311
                    queue.can_be_cancelled = True
                    await asyncio.sleep(min(answer.wait + jitter, MAX_SLEEP))
                    queue.can_be_cancelled = False
        finally:
            # Whoever still waits leaves without a turn: the client has its own limits.
            queue.hand_out(len(queue.waiting))
            del self._queues[account]

    async def _take_turns(self, account: str, queue: Queue) -> Answer:
        """Take the turns that are due, as many as there are requests that wait."""
        interval = round(self._interval * MICROSECONDS)
        keys = self._keys(account)
        numbers = (interval, self._burst, len(queue.waiting), self._process)
        found = await self._ask(
            lambda: cast("Awaitable[list[int]]", self._take(keys, numbers))
        )
        if found is None:
            now = asyncio.get_running_loop().time()
            return queue.take_locally(self._interval * self._processes, now)
        taken, wait, self._processes = numbers_of(found)
        return Answer(taken, wait)

    async def _return_turns(self, account: str, turns: int) -> None:
        """Give back turns that came when nobody waited for them any more."""
        numbers = (round(self._interval * MICROSECONDS), turns)
        keys = self._keys(account)
        await self._ask(
            lambda: cast("Awaitable[object]", self._give_back(keys, numbers))
        )

    async def pause(self, account: str, seconds: float) -> None:
        """Let every process that uses the account wait; see `SharedPacing`."""
        numbers = (round(seconds * MICROSECONDS),)
        keys = self._keys(account)
        await self._ask(lambda: cast("Awaitable[object]", self._pause(keys, numbers)))

    def _keys(self, account: str) -> tuple[str, str]:
        """Return the names of an account's keys in Redis; one slot of a cluster."""
        name = f"{self._prefix}:{{{account}}}"
        return name, f"{name}:processes"

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T | None:
        """Ask Redis; return None when it cannot be asked."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._failed_until:
            return None
        try:
            async with asyncio.timeout(self._patience):
                return await question()
        except (RedisError, OSError, TimeoutError) as problem:
            if loop.time() >= self._failed_until:
                logger.warning(
                    "no shared pacing: Redis does not answer (%s); asked again in %g s",
                    str(problem) or type(problem).__name__,
                    RETRY_AFTER,
                )
            self._failed_until = loop.time() + RETRY_AFTER
            return None


def connect(url: str, patience: float) -> Redis:
    """Prepare few connections that fail rather than wait."""
    defaults: dict[str, object] = {
        "max_connections": CONNECTIONS,
        "timeout": patience,
        "socket_timeout": patience,
        "socket_connect_timeout": patience,
        "retry": Retry(NoBackoff(), 0),
    }
    try:
        options = parse_url(url)
    except ValueError:
        # Its text may hold a part of the password.
        raise ConfigurationError("redis must be the URL of a Redis") from None
    try:
        pool = BlockingConnectionPool(**(defaults | options))  # type: ignore[arg-type]
        # Options of connections are read when the first one is made.
        pool.make_connection()  # type: ignore[no-untyped-call]
    except (TypeError, ValueError) as problem:
        raise ConfigurationError(
            f"redis: an option of the URL cannot be used: {problem}"
        ) from None
    return Redis.from_pool(pool)
