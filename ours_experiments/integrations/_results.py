"""Results of tasks that are stored for certain, and once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError
from taskiq import TaskiqResult
from taskiq.exceptions import TaskiqError
from taskiq_redis import RedisAsyncResultBackend


logger = logging.getLogger("ours_experiments")

T = TypeVar("T")

MIN_WAIT, MAX_WAIT = 0.1, 5.0
"""Seconds between two attempts to write to a Redis that is full or away."""


class ResultBackend(RedisAsyncResultBackend[T]):
    """Store the first result of each task.

    taskiq acknowledges a task after `set_result`, even if that failed: the outcome of a
    call that was applied would be lost. So this waits until the result is stored. And a
    task that is delivered again finds done what it did before: its result must not
    replace the one that says so.
    """

    async def set_result(self, task_id: str, result: TaskiqResult[T]) -> None:
        """Store a result unless there is one; wait while Redis cannot."""
        name = self._task_name(task_id)
        value = self.serializer.dumpb(result.model_dump(mode="json"))

        async def store() -> None:
            async with Redis(connection_pool=self.redis_pool) as redis:
                await redis.set(name, value, ex=self.result_ex_time, nx=True)

        await write_until_done(store, f"the result of task {task_id}")


async def write_until_done(write: Callable[[], Awaitable[T]], subject: str) -> T:
    """Repeat a write to Redis until it succeeds; the task is not acknowledged before.

    It ends with the worker at the latest: another one then gets the task.
    """
    wait = MIN_WAIT
    while True:
        try:
            return await write()
        except (RedisError, OSError, TaskiqError) as problem:
            logger.warning("%s cannot be written to Redis: %r", subject, problem)
            await asyncio.sleep(wait)
            wait = min(wait * 2, MAX_WAIT)
