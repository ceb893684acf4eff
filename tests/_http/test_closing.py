"""Calls that are under way when their client closes."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ours_experiments import (
    Client,
    ConfigurationError,
    OutcomeStatus,
    OutcomeUnknownError,
    Transition,
)
from ours_experiments.emulator import Emulator


PROMPTLY = 5.0
"""Seconds; every wait that is cut short here would last longer."""


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - logs have no events
            await asyncio.sleep(0.001)


def answered(emulator: Emulator, requests: int) -> Callable[[], bool]:
    """Return a condition: that many requests have ended."""
    return lambda: sum(e.finished is not None for e in emulator.log.entries) == requests


async def start_without_a_reply(
    emulator: Emulator, client: Client
) -> tuple[str, asyncio.Task[Transition]]:
    """Return the id and the call of a start that was applied and lost its reply."""
    (experiment_id,) = emulator.seed_experiments(1)
    emulator.faults.add("reset", route="experiments.start", applied=True, times=1)
    call = asyncio.create_task(client.experiments.start(experiment_id))
    await until(lambda: emulator.log.applied("experiments.start") == 1)
    return experiment_id, call


async def end(call: Awaitable[object]) -> object:
    """Await a call that has to end at once."""
    async with asyncio.timeout(PROMPTLY):
        return await call


async def test_closing_ends_a_call_that_sleeps(
    emulator: Emulator, client: Client
) -> None:
    """A call that would be sent again later ends when its client closes."""
    emulator.faults.add("status", code=503, retry_after=30)
    call = asyncio.create_task(client.settings.list())
    await until(answered(emulator, 1))
    await asyncio.sleep(0.01)
    await client.close()
    with pytest.raises(ConfigurationError, match="closed"):
        await end(call)


async def test_closing_ends_calls_that_wait_for_a_pause(
    emulator: Emulator, client: Client
) -> None:
    """Calls that wait for the end of a pause end when their client closes."""
    emulator.faults.add("status", code=429, retry_after=30, times=1)
    first = asyncio.create_task(client.settings.list())
    await until(answered(emulator, 1))
    await asyncio.sleep(0.01)
    others = [asyncio.create_task(client.settings.list()) for _ in range(50)]
    await asyncio.sleep(0.01)
    await client.close()
    ended = await end(asyncio.gather(first, *others, return_exceptions=True))
    assert isinstance(ended, list)
    assert {type(error) for error in ended} == {ConfigurationError}
    assert emulator.log.received() == 1


async def test_closing_is_honest_about_a_write(
    emulator: Emulator, client: Client
) -> None:
    """A write whose reply was lost has an unknown outcome if it cannot be read back."""
    _, call = await start_without_a_reply(emulator, client)
    await asyncio.sleep(0.05)
    await client.close()
    with pytest.raises(OutcomeUnknownError, match="start of"):
        await end(call)


async def test_closing_ends_the_wait_for_a_publish() -> None:
    """Calls that wait for their turn to publish end when their client closes."""
    async with Emulator(publish_seconds=30) as emulator:
        ids = emulator.seed_experiments(40)
        client = Client(emulator.api_key, base_url=emulator.url, timeout=120)
        calls = [asyncio.create_task(client.experiments.start(id_)) for id_ in ids]
        await until(lambda: emulator.log.received("experiments.start") >= 32)
        await asyncio.sleep(0.1)
        await client.close()
        ended = await end(asyncio.gather(*calls, return_exceptions=True))
        assert isinstance(ended, list)
        kinds = {type(error) for error in ended}
        assert kinds <= {ConfigurationError, OutcomeUnknownError}


async def test_a_grace_period_lets_calls_end(
    emulator: Emulator, client: Client
) -> None:
    """Within the grace period a lost reply is reconciled; no new call starts."""
    experiment_id, call = await start_without_a_reply(emulator, client)
    closing = asyncio.create_task(client.close(wait=30))
    await asyncio.sleep(0)
    with pytest.raises(ConfigurationError, match="closed"):
        await client.experiments.retrieve(experiment_id)
    transition = await end(call)
    assert isinstance(transition, Transition)
    assert transition.experiment.status == "running"
    await end(closing)
    assert client._session.transport.http is None


async def test_a_grace_period_ends(emulator: Emulator, client: Client) -> None:
    """A call that lasts longer than the grace period is ended."""
    emulator.faults.add("hang", route="settings.list")
    call = asyncio.create_task(client.settings.list())
    await until(lambda: emulator.log.received() == 1)
    await end(client.close(wait=0.05))
    with pytest.raises(ConfigurationError, match="closed"):
        await end(call)


async def test_a_grace_period_that_is_cancelled(
    emulator: Emulator, client: Client
) -> None:
    """A `close()` that is cancelled while it waits has closed the client."""
    emulator.faults.add("status", code=503, retry_after=30)
    call = asyncio.create_task(client.settings.list())
    await until(answered(emulator, 1))
    closing = asyncio.create_task(client.close(wait=30))
    await asyncio.sleep(0.01)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    with pytest.raises(ConfigurationError, match="closed"):
        await end(call)
    assert client._session.transport.http is None


async def test_a_bulk_call_when_its_client_closes(
    emulator: Emulator, client: Client
) -> None:
    """A bulk call finishes its requests in the grace period, and sends no others."""
    ids = emulator.seed_experiments(40)
    emulator.faults.add("latency", seconds=0.05)
    call = asyncio.create_task(client.bulk.start(ids, concurrency=4))
    await until(lambda: emulator.log.received() == 4)
    await client.close(wait=30)
    report = await call
    groups = report.by_status
    assert len(groups[OutcomeStatus.APPLIED]) == emulator.log.applied() == 4
    assert len(groups[OutcomeStatus.FAILED]) == 36
    assert {outcome.attempts for outcome in groups[OutcomeStatus.FAILED]} == {0}
    assert {type(outcome.error) for outcome in report.failed} == {ConfigurationError}


@pytest.mark.parametrize("wait", [-1.0, True, "soon"])
async def test_a_grace_period_that_is_none(client: Client, wait: object) -> None:
    """A grace period is a positive number of seconds, or none is given."""
    with pytest.raises(ConfigurationError, match="wait must be"):
        await client.close(wait=wait)  # type: ignore[arg-type]
