"""What keeps a stream of Redis going: lost tasks are found, done ones are dropped."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import RedisError
from taskiq.exceptions import TaskiqError
from taskiq_redis import RedisStreamBroker


logger = logging.getLogger("ours_experiments")


async def keep_going(
    broker: RedisStreamBroker, nudge: Callable[[], Awaitable[object]]
) -> None:
    """Look after the broker's stream for as long as a worker runs.

    The broker looks for tasks of dead workers only when a new task has come: a nudge is
    such a task. And Redis keeps what was acknowledged: it is cut off here.
    """
    while True:
        await asyncio.sleep(max(broker.idle_timeout / 2000, 0.1))
        try:
            await nudge()
            async with Redis(connection_pool=broker.connection_pool) as redis:
                await trim(redis, broker.queue_name, broker.consumer_group_name)
        except (RedisError, OSError, TaskiqError) as problem:
            logger.warning("the queue cannot be looked after: %r", problem)


async def trim(redis: Redis, stream: str, group: str) -> None:
    """Drop what every worker is done with; nothing that waits or is being done."""
    groups = cast("list[dict[str, bytes]]", await redis.xinfo_groups(stream))
    pending = cast("dict[str, bytes | None]", await redis.xpending(stream, group))
    if len(groups) > 1:
        return
    # Read first: whatever was delivered by then is acknowledged, or still pending.
    oldest = pending["min"] or groups[0]["last-delivered-id"]
    await redis.xtrim(stream, minid=oldest.decode(), approximate=False)
