"""The queue of `tests.trials.workers`, as its worker processes import it."""

import os

from taskiq_redis import RedisStreamBroker

from ours_experiments import Client
from ours_experiments.integrations.taskiq import Tasks, redis_broker, register_tasks


REDIS = "QUEUE_REDIS"
REDELIVER_AFTER = "QUEUE_REDELIVER_AFTER"
CHUNK = "QUEUE_CHUNK"


def make_queue(
    redis: str, redeliver_after: float, chunk: int
) -> tuple[RedisStreamBroker, Tasks]:
    """Make the broker and its tasks."""
    broker = redis_broker(redis, redeliver_after=redeliver_after)
    return broker, register_tasks(broker, Client, chunk=chunk)


def make_broker() -> RedisStreamBroker:
    """Make the broker as the environment says: for `taskiq worker`."""
    after, chunk = float(os.environ[REDELIVER_AFTER]), int(os.environ[CHUNK])
    return make_queue(os.environ[REDIS], after, chunk)[0]
