"""The clock of the tests: it counts what is waited, and nothing else."""

import asyncio
import time

from tests.support.clock import SPEED, run_fast


async def test_a_busy_machine_times_nothing_out() -> None:
    """However long a turn takes, no timeout expires in it."""
    async with asyncio.timeout(0.02):
        await asyncio.sleep(0)
        time.sleep(0.05)  # noqa: ASYNC251 - as if the process had to stand still
        await asyncio.sleep(0.001)


async def test_waiting_counts() -> None:
    """What is waited for passes, to the moment."""
    loop = asyncio.get_running_loop()
    begun_at = loop.time()
    await asyncio.sleep(0.02)
    assert 0.02 <= loop.time() - begun_at < 0.021


async def test_turns_count() -> None:
    """Who never waits gets to his deadline all the same."""
    loop = asyncio.get_running_loop()
    until = loop.time() + 0.001
    turns = 0
    while loop.time() < until:
        await asyncio.sleep(0)
        turns += 1
    assert 10 < turns <= 50


def test_a_fast_clock() -> None:
    """Seconds of a fast clock pass in fractions of real ones."""

    async def main() -> None:
        await asyncio.sleep(SPEED / 20)

    begun_at = time.monotonic()
    run_fast(main)
    assert 0.05 <= time.monotonic() - begun_at < SPEED / 20
