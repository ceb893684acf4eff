"""The hook through which clients of several processes share their pacing."""

import asyncio
import logging

import attrs
import pytest

from ours_experiments import (
    APITimeoutError,
    Client,
    ConfigurationError,
    RateLimitError,
    RetryPolicy,
    SharedPacing,
)
from ours_experiments.emulator import Emulator


QUICK = RetryPolicy(initial=0.01)
ONCE = RetryPolicy(attempts=1)


@attrs.define
class Turnstile:
    """A pacing that lets requests pass while its gate is open, and counts them."""

    missing: float = 0.0
    """The result of every `acquire`."""
    gate: asyncio.Event = attrs.field(factory=asyncio.Event)
    asked: asyncio.Event = attrs.field(factory=asyncio.Event)
    accounts: list[str] = attrs.field(factory=list[str])
    """The accounts of all requests."""
    pauses: list[float] = attrs.field(factory=list[float])
    """The pauses that were passed on, in seconds."""

    async def acquire(self, account: str, seconds: float) -> float:
        """Wait until the gate is open."""
        assert seconds > 0
        self.accounts.append(account)
        self.asked.set()
        await self.gate.wait()
        return self.missing

    async def pause(self, account: str, seconds: float) -> None:
        """Record a pause."""
        assert account == self.accounts[0]
        self.pauses.append(seconds)


class Broken:
    """A pacing whose methods fail."""

    async def acquire(self, account: str, seconds: float) -> float:
        """Fail."""
        raise LookupError(f"{account}, {seconds}")

    async def pause(self, account: str, seconds: float) -> None:
        """Fail."""
        raise LookupError(f"{account}, {seconds}")


@pytest.fixture
def turnstile() -> Turnstile:
    """Open the gate."""
    opened = Turnstile()
    opened.gate.set()
    return opened


def paced_client(
    emulator: Emulator,
    pacing: SharedPacing,
    *,
    timeout: float = 60.0,
    retry: RetryPolicy = QUICK,
) -> Client:
    """Return a client of the emulator with a shared pacing."""
    return Client(
        emulator.api_key,
        base_url=emulator.url,
        pacing=pacing,
        timeout=timeout,
        retry=retry,
    )


async def test_every_request_asks(emulator: Emulator, turnstile: Turnstile) -> None:
    """First requests, repeats and reads after a lost reply: each takes its turn."""
    (experiment_id,) = emulator.seed_experiments(1)
    emulator.faults.add("status", code=503, route="experiments.retrieve", times=2)
    emulator.faults.add("reset", route="experiments.start", applied=True, times=1)
    async with paced_client(emulator, turnstile) as client:
        await client.experiments.retrieve(experiment_id)
        await client.experiments.start(experiment_id)
        await client.settings.list()
    assert len(turnstile.accounts) == emulator.log.received() == 6
    assert len(set(turnstile.accounts)) == 1
    assert emulator.api_key not in turnstile.accounts[0]


async def test_accounts_are_told_apart(
    emulator: Emulator, turnstile: Turnstile
) -> None:
    """Clients with other keys, or of other services, are other accounts."""
    for key, timeout in (("test-key", 60.0), ("test-key", 5.0), ("another-key", 60.0)):
        client = Client(key, base_url=emulator.url, pacing=turnstile, timeout=timeout)
        async with client:
            with pytest.raises(Exception, match=r"404|401"):
                await client.experiments.retrieve("exp_1")
    first, second, third = turnstile.accounts
    assert first == second != third


async def test_a_pause_is_told(emulator: Emulator, turnstile: Turnstile) -> None:
    """A 429 that asks to wait is passed on; other refusals are not."""
    emulator.faults.add("status", code=429, retry_after=0.01, times=1)
    emulator.faults.add("status", code=503, after=1, times=1)
    async with paced_client(emulator, turnstile) as client:
        await client.settings.list()
    assert turnstile.pauses == [0.01]


async def test_a_turn_beyond_the_deadline(emulator: Emulator) -> None:
    """A call whose turn comes after its deadline fails at once, with the wait."""
    late = Turnstile(missing=3600.0)
    late.gate.set()
    async with paced_client(emulator, late, timeout=30.0) as client:
        with pytest.raises(APITimeoutError, match=r"3600\.0 s") as caught:
            await client.settings.list()
    assert caught.value.retry_after == 3600.0
    assert not caught.value.maybe_sent
    assert not emulator.log.received()


async def test_a_turn_that_never_comes(emulator: Emulator) -> None:
    """A pacing that hangs does not delay a call beyond its timeout."""
    async with paced_client(emulator, Turnstile(), timeout=0.05) as client:
        with pytest.raises(APITimeoutError, match="not sent in time"):
            await client.settings.list()
    assert not emulator.log.received()


async def test_waiting_for_a_turn_can_be_cancelled(emulator: Emulator) -> None:
    """Cancelling a call that waits gives its place in flight back."""
    closed = Turnstile()
    async with paced_client(emulator, closed) as client:
        calls = [asyncio.create_task(client.settings.list()) for _ in range(40)]
        await closed.asked.wait()
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
        assert all(call.cancelled() for call in calls)
        closed.gate.set()
        await client.settings.list()
        assert client._session.transport.ready().limiter.in_flight == 0
    assert emulator.log.received() == 1


async def test_closing_ends_the_wait_for_a_turn(emulator: Emulator) -> None:
    """A call that waits for its turn ends when its client closes."""
    closed = Turnstile()
    client = paced_client(emulator, closed)
    call = asyncio.create_task(client.settings.list())
    await closed.asked.wait()
    await client.close()
    with pytest.raises(ConfigurationError, match="closed"):
        await call


async def test_a_pause_that_begins_while_waiting(emulator: Emulator) -> None:
    """A call that gets its turn during a pause waits for the end of the pause."""
    closed = Turnstile()
    async with paced_client(emulator, closed, timeout=1.0, retry=ONCE) as client:
        early = asyncio.create_task(client.settings.list())
        await closed.asked.wait()
        pacing = client._session.transport.ready()
        pacing.limiter.throttle(3600.0, pacing.loop.time())
        closed.gate.set()
        with pytest.raises(APITimeoutError, match="asked to wait"):
            await early
    assert not emulator.log.received()


async def test_a_pacing_that_fails(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """What a pacing raises is logged; the client goes on with its own limits."""
    emulator.faults.add("status", code=429, retry_after=0.01, times=1)
    async with paced_client(emulator, Broken(), retry=ONCE) as client:
        with pytest.raises(RateLimitError):
            await client.settings.list()
        assert await client.settings.list() == ()
    failures = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.getMessage().split(";")[0] for record in failures] == [
        "shared pacing failed"
    ] * 3
    assert emulator.api_key not in caplog.text
