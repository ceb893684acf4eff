"""Workers as processes of their own: killed, shut down, and held to one limit."""

import asyncio
import signal

import pytest

from ours_experiments import OutcomeStatus
from tests.support.redis import Server
from tests.trials import full_redis
from tests.trials.shared_limits import measure
from tests.trials.workers import start_all


PATIENCE = 120.0
"""Seconds after which nobody works on what is left."""


@pytest.mark.usefixtures("redis")
async def test_a_killed_worker() -> None:
    """What a killed worker had started is done by another, and nothing twice."""
    async with asyncio.timeout(PATIENCE):
        run = await start_all(200, 2, latency=0.2, kill_at=0.3, redeliver_after=4.0)
    assert run.is_sound(200)
    # Begun by the worker that was killed, found done by the one that took over.
    assert run.report.by_status[OutcomeStatus.ALREADY]


@pytest.mark.usefixtures("redis")
async def test_a_worker_that_shuts_down() -> None:
    """A worker that ends before its tasks do leaves them to another, whole."""
    async with asyncio.timeout(PATIENCE):
        run = await start_all(
            200,
            2,
            latency=0.2,
            kill_at=0.3,
            redeliver_after=4.0,
            with_signal=signal.SIGTERM,
            options=("--wait-tasks-timeout", "0.1"),
        )
    assert run.is_sound(200)


@pytest.mark.usefixtures("redis")
async def test_a_full_redis_and_a_killed_worker() -> None:
    """Each start has one outcome, though Redis was full and a worker was killed."""
    async with asyncio.timeout(PATIENCE):
        ids, result = await full_redis.run(
            80, redeliver_after=5.0, seconds=2.0, chunk=10
        )
    assert not result.problems(ids, full_redis.WORKERS * full_redis.TASKS_AT_ONCE)


async def test_processes_share_a_limit(redis: Server) -> None:
    """Ten processes are refused less than twice each after the first second."""
    assert redis.pid
    processes = 10
    figures = await measure(processes, 3, "pauses and rate shared")
    assert figures.refused_later < 2 * processes
    assert figures.failed == 0
    assert figures.answered > 100
