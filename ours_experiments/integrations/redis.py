"""Limits that all processes with one API key share, kept in Redis (extra `redis`).

    async with (
        RedisPacing("redis://localhost", rate=50) as pacing,
        Client(pacing=pacing) as client,
    ):
        ...

Ten workers then send fifty requests a second together, and the `Retry-After` that one
of them is told pauses all ten. Without Redis each client is back to pacing itself.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from types import TracebackType
from typing import Self, TypeVar, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from ours_experiments._validation import check_count, check_seconds
from ours_experiments.errors import ConfigurationError


logger: logging.Logger = logging.getLogger("ours_experiments")

T = TypeVar("T")

CONNECTIONS = 8
"""To Redis, for each process: an answer takes a fraction of a millisecond."""
BLIND = 2.0
"""Seconds for which a Redis that failed is not asked again."""
MICROSECONDS = 1_000_000

# One hash for each account: `free`, when the next turn is free, and `paused`, until
# when the service has asked for quiet; in microseconds by the clock of Redis.
CLOCK = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local state = redis.call('HMGET', KEYS[1], 'free', 'paused')
local free = math.max(tonumber(state[1]) or 0, now)
local paused = tonumber(state[2]) or 0
local function keep(field, value)
    redis.call('HSET', KEYS[1], field, value)
    local left = math.ceil((math.max(free, paused) - now) / 1000)
    redis.call('PEXPIRE', KEYS[1], left + 60000)
end
"""
# ARGV: microseconds from turn to turn, turns at once, microseconds to wait at most.
TAKE = f"""{CLOCK}
local interval = tonumber(ARGV[1])
local turn = math.max(free - interval * (ARGV[2] - 1), paused, now)
if turn - now <= tonumber(ARGV[3]) then
    free = free + interval
    keep('free', free)
end
return {{turn - now, state[2]}}
"""
# ARGV: microseconds. The turns after the pause stand in line again.
PAUSE = f"""{CLOCK}
paused = math.max(paused, now + ARGV[1])
free = math.max(free, paused)
keep('paused', paused)
keep('free', free)
"""


class RedisPacing:
    """One token bucket and one pause for all clients that use one key.

    Redis holds a fingerprint of base URL and key, never the key. Asking costs one round
    trip for each request, and a second one if its turn had to be waited for. When Redis
    does not answer, that is logged once as a warning, requests leave as they would
    without it, and it is asked again after two seconds.

    Args:
        redis: The URL of a Redis 5 or newer, or a `redis.asyncio.Redis` to borrow,
            which is never closed here.
        rate: Requests a second for all processes together; by default only pauses are
            shared.
        burst: Requests that may leave at once after a quiet time.
        patience: Seconds that Redis may take for an answer.

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
    ) -> None:
        if rate is not None:
            check_seconds("rate", rate)
        check_count("burst", burst, 1)
        check_seconds("patience", patience)
        self._owned = isinstance(redis, str)
        self._redis = connect(redis, patience) if isinstance(redis, str) else redis
        self._interval = 0 if rate is None else round(MICROSECONDS / rate)
        self._burst = burst
        self._patience = patience
        self._take = self._redis.register_script(TAKE)
        self._pause = self._redis.register_script(PAUSE)
        self._blind_until = 0.0

    async def __aenter__(self) -> Self:
        # The first request then has no connection to wait for.
        await self._ask(partial(self._latest_pause, "nobody"))
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections to Redis, unless they are borrowed."""
        if self._owned:
            await self._redis.aclose()

    async def acquire(self, account: str, seconds: float) -> float:
        """Wait for the turn of one request; see `SharedPacing`."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            left = max(end - loop.time(), 0.0)
            answer = await self._ask(partial(self._ask_turn, account, left))
            if answer is None:
                return 0.0
            turn, pause = answer
            wait = turn / MICROSECONDS
            if not turn or wait > left:
                return wait
            await asyncio.sleep(wait)
            latest = await self._ask(partial(self._latest_pause, account))
            if latest in {None, pause}:
                return 0.0

    def _ask_turn(
        self, account: str, seconds: float
    ) -> Awaitable[tuple[int, bytes | None]]:
        """Take the next turn, unless it is further away than this.

        Answers the microseconds until then, and which pause was the latest.
        """
        numbers = (self._interval, self._burst, round(seconds * MICROSECONDS))
        taken: object = self._take([key_of(account)], numbers)
        return cast("Awaitable[tuple[int, bytes | None]]", taken)

    async def pause(self, account: str, seconds: float) -> None:
        """Let every process that uses the account wait; see `SharedPacing`."""
        numbers = (round(seconds * MICROSECONDS),)
        await self._ask(
            lambda: cast("Awaitable[object]", self._pause([key_of(account)], numbers))
        )

    def _latest_pause(self, account: str) -> Awaitable[bytes | None]:
        """Tell which pause is the latest; None when there was none, or long ago."""
        found: object = self._redis.hget(key_of(account), "paused")
        return cast("Awaitable[bytes | None]", found)

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T | None:
        """Ask Redis; None when it cannot be asked."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._blind_until:
            return None
        try:
            async with asyncio.timeout(self._patience):
                return await question()
        except (RedisError, OSError, TimeoutError) as problem:
            told = str(problem) or type(problem).__name__
            if loop.time() >= self._blind_until:
                logger.warning(
                    "no shared pacing: Redis does not answer (%s); asked again in %g s",
                    told,
                    BLIND,
                )
            self._blind_until = loop.time() + BLIND
            return None


def connect(url: str, patience: float) -> Redis:
    """Prepare few connections that fail rather than wait."""
    try:
        where = parse_url(url)
    except ValueError:
        # Its text may hold a part of the password.
        raise ConfigurationError("redis must be the URL of a Redis") from None
    pool = BlockingConnectionPool(
        max_connections=CONNECTIONS,
        timeout=patience,
        socket_timeout=patience,
        socket_connect_timeout=patience,
        retry=Retry(NoBackoff(), 0),
        **where,
    )
    return Redis.from_pool(pool)


def key_of(account: str) -> str:
    """Name the hash of an account in Redis."""
    return f"ours-experiments:pacing:{account}"
