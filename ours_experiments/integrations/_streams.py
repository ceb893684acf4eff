"""A queue in a stream of Redis: read it, find lost tasks, drop those that are done."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import RedisError
from taskiq import AckableMessage
from taskiq.exceptions import TaskiqError
from taskiq_redis import RedisStreamBroker

from ours_experiments.integrations._results import MAX_WAIT, MIN_WAIT


logger = logging.getLogger("ours_experiments")


class StreamBroker(RedisStreamBroker):
    """Read a queue for as long as the worker runs.

    After each task the broker takes a lock to look for lost ones, which a full Redis
    refuses. The error would end the process, and results that wait for Redis with it.
    """

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        """Yield tasks; wait while Redis is full or away."""
        wait = MIN_WAIT
        while True:
            try:
                async with aclosing(super().listen()) as messages:
                    async for message in messages:
                        wait = MIN_WAIT
                        yield message
            except (RedisError, OSError) as problem:
                logger.warning("the queue cannot be read: %r", problem)
                await asyncio.sleep(wait)
                wait = min(wait * 2, MAX_WAIT)


async def maintain(
    broker: RedisStreamBroker, nudge: Callable[[], Awaitable[object]]
) -> None:
    """Maintain the broker's stream for as long as a worker runs.

    The broker looks for tasks of dead workers only when a new task has come: a nudge is
    such a task. Redis keeps what was acknowledged, so it is removed here.
    """
    while True:
        await asyncio.sleep(max(broker.idle_timeout / 2000, 0.1))
        try:
            await nudge()
            async with Redis(connection_pool=broker.connection_pool) as redis:
                await trim(redis, broker.queue_name, broker.consumer_group_name)
        except (RedisError, OSError, TaskiqError) as problem:
            logger.warning("the queue cannot be maintained: %r", problem)


async def trim(redis: Redis, stream: str, group: str) -> None:
    """Drop what was acknowledged; nothing that waits or is being worked on."""
    groups = cast("list[dict[str, bytes]]", await redis.xinfo_groups(stream))
    pending = cast("dict[str, bytes | None]", await redis.xpending(stream, group))
    if len(groups) > 1:
        return
    # Read before: what was delivered by then is acknowledged, or still pending.
    oldest = pending["min"] or groups[0]["last-delivered-id"]
    await redis.xtrim(stream, minid=oldest.decode(), approximate=False)
