"""Limits that several processes share, over a real Redis."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
from redis.asyncio import ConnectionPool, Redis

from ours_experiments import (
    APITimeoutError,
    Client,
    ConfigurationError,
    RateLimitError,
    RetryPolicy,
)
from ours_experiments.emulator import Emulator
from ours_experiments.integrations._turns import CATCH_UP
from ours_experiments.integrations.redis import RETRY_AFTER, RedisPacing
from tests.support.redis import Server


ONCE = RetryPolicy(attempts=1)
SELDOM = 0.001
"""Requests a second: the next turn is a thousand seconds away."""
NOWHERE = "redis://127.0.0.1:1"


@pytest.fixture
async def here(redis: Server) -> AsyncIterator[RedisPacing]:
    """Pace as one process does."""
    async with RedisPacing(redis.url, rate=SELDOM, burst=3) as pacing:
        yield pacing


@pytest.fixture
async def there(redis: Server) -> AsyncIterator[RedisPacing]:
    """Pace as another process does."""
    async with RedisPacing(redis.url, rate=SELDOM, burst=3) as pacing:
        yield pacing


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    """Let a server take requests, and answer none."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


async def test_turns_are_shared(here: RedisPacing, there: RedisPacing) -> None:
    """Several processes have as many turns together as one has alone."""
    turns = [
        await pacing.acquire("account", 1) for pacing in (here, there, here, there)
    ]
    assert turns[:3] == [0.0] * 3
    assert 990 < turns[3] <= 1000
    assert 990 < await here.acquire("account", 1) <= 1000
    assert await here.acquire("another account", 1) == 0.0


async def test_turns_are_spaced(redis: Server) -> None:
    """Turns that have to be waited for are handed out one after the other."""
    async with (
        RedisPacing(redis.url, rate=500) as pacing,
        Redis.from_url(redis.url) as r,
    ):
        before = await r.time()
        turns = [pacing.acquire("account", 10) for _ in range(100)]
        assert await asyncio.gather(*turns) == [0.0] * 100
        after = await r.time()
    assert (after[0] - before[0]) + (after[1] - before[1]) / 1e6 >= 99 / 500


async def test_a_pause_is_shared(here: RedisPacing, there: RedisPacing) -> None:
    """A pause that one process was asked for holds for all of its account."""
    await here.pause("account", 100)
    await here.pause("account", 50)
    assert 90 < await there.acquire("account", 1) <= 100
    assert await there.acquire("another account", 1) == 0.0


async def test_a_pause_without_a_rate(redis: Server) -> None:
    """Without a rate requests leave at once, and pauses are shared all the same."""
    async with RedisPacing(redis.url) as pacing:
        turns = [await pacing.acquire("account", 1) for _ in range(50)]
        assert turns == [0.0] * 50
        await pacing.pause("account", 100)
        assert 90 < await pacing.acquire("account", 1) <= 100


async def test_a_pause_reaches_those_who_wait(redis: Server) -> None:
    """A pause that begins while somebody waits for a turn is waited out too."""
    async with RedisPacing(redis.url, rate=5) as pacing:
        assert await pacing.acquire("account", 1) == 0.0
        waiting = asyncio.create_task(pacing.acquire("account", 10))
        await asyncio.sleep(0.05)
        await pacing.pause("account", 100)
        assert 90 < await waiting <= 100


async def test_a_pause_ends(redis: Server) -> None:
    """After a pause turns are due one after the other, not all at once."""
    async with (
        RedisPacing(redis.url, rate=20, burst=2) as pacing,
        Redis.from_url(redis.url) as reader,
    ):
        before = seconds_of(await reader.time())
        await pacing.pause("account", 0.1)
        turns = [pacing.acquire("account", 10) for _ in range(6)]
        assert await asyncio.gather(*turns) == [0.0] * 6
        passed = seconds_of(await reader.time()) - before
    # Two at the end of the pause, the other four at 20 a second.
    assert passed >= 0.1 + 4 / 20


def seconds_of(moment: tuple[int, int]) -> float:
    """Return the time of Redis in seconds."""
    return moment[0] + moment[1] / 1e6


async def test_a_refusal_pauses_the_other_clients(
    redis: Server, emulator: Emulator
) -> None:
    """The Retry-After that one client received keeps those of other processes quiet."""
    emulator.faults.add("status", code=429, retry_after=3600, times=1)
    async with RedisPacing(redis.url) as here, RedisPacing(redis.url) as there:
        options = {"base_url": emulator.url, "timeout": 5.0, "retry": ONCE}
        async with (
            Client(emulator.api_key, pacing=here, **options) as refused,  # type: ignore[arg-type]
            Client(emulator.api_key, pacing=there, **options) as another,  # type: ignore[arg-type]
        ):
            with pytest.raises(RateLimitError):
                await refused.settings.list()
            with pytest.raises(APITimeoutError, match="asked to wait") as caught:
                await another.settings.list()
    assert caught.value.retry_after is not None
    assert 3500 < caught.value.retry_after <= 3600
    assert emulator.log.received() == 1


async def test_the_key_stays_out_of_redis(redis: Server, emulator: Emulator) -> None:
    """Redis sees a fingerprint of the account, which ends by itself."""
    async with (
        RedisPacing(redis.url, rate=1000) as pacing,
        Client(emulator.api_key, base_url=emulator.url, pacing=pacing) as client,
        Redis.from_url(redis.url) as reader,
    ):
        await client.settings.list()
        await pacing.pause("account", 0.01)
        stored = [
            (key, await reader.dump(key), await reader.ttl(key))
            async for key in reader.scan_iter()
        ]
    assert len(stored) == 3, "two hashes, and the processes of one account"
    assert all(ttl > 0 for *_, ttl in stored)
    assert all(key.startswith(b"ours-experiments:pacing:") for key, *_ in stored)
    assert emulator.api_key not in str(stored)
    assert emulator.url not in str(stored)


async def test_without_redis(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Without Redis a process keeps to a tenth of the rate, with one warning."""
    loop = asyncio.get_running_loop()
    async with (
        RedisPacing(NOWHERE, rate=200) as pacing,
        Client(emulator.api_key, base_url=emulator.url, pacing=pacing) as client,
    ):
        started_at = loop.time()
        await asyncio.gather(*(client.settings.list() for _ in range(11)))
        passed = loop.time() - started_at
        await pacing.pause("account", 10)
    warnings = [
        record for record in caplog.records if record.levelno >= logging.WARNING
    ]
    assert [record.getMessage()[:17] for record in warnings] == ["no shared pacing:"]
    assert emulator.log.received() == 11
    assert passed >= 10 / 20 - CATCH_UP


async def test_without_redis_and_rate(emulator: Emulator) -> None:
    """Without Redis and without a rate requests leave as they would alone."""
    async with (
        RedisPacing(NOWHERE) as pacing,
        Client(emulator.api_key, base_url=emulator.url, pacing=pacing) as client,
    ):
        await asyncio.gather(*(client.settings.list() for _ in range(20)))
    assert emulator.log.received() == 20


async def test_a_share_of_the_rate(redis: Server) -> None:
    """While Redis hangs, the processes that it knew share the rate."""
    loop = asyncio.get_running_loop()
    pacings = [RedisPacing(redis.url, rate=100, patience=0.1) for _ in range(4)]
    for pacing in [*pacings, *pacings]:
        assert await pacing.acquire("account", 10) == 0.0
    with stopped(redis):
        started_at = loop.time()
        turns = [pacing.acquire("account", 10) for pacing in pacings for _ in range(6)]
        assert await asyncio.gather(*turns) == [0.0] * 24
        passed = loop.time() - started_at
    for pacing in pacings:
        await pacing.close()
    # Each of the four has 25 a second: the sixth of its requests leaves after 0.2 s.
    assert 5 / 25 - CATCH_UP <= passed < 1.0


async def test_a_redis_that_hangs(redis: Server, emulator: Emulator) -> None:
    """A Redis that stops answering holds nothing up, and is asked again later."""
    async with (
        RedisPacing(redis.url, rate=1000, patience=0.1) as pacing,
        Client(
            emulator.api_key, base_url=emulator.url, pacing=pacing, timeout=5.0
        ) as client,
    ):
        await client.settings.list()
        with stopped(redis):
            await asyncio.gather(*(client.settings.list() for _ in range(40)))
        await asyncio.sleep(RETRY_AFTER)
        await pacing.pause("account", 100)
        assert await pacing.acquire("account", 1) > 90
    assert emulator.log.received() == 41


async def test_a_full_pool(redis: Server) -> None:
    """Many requests that wait need one connection, so a small pool keeps the rate."""
    loop = asyncio.get_running_loop()
    pool = ConnectionPool.from_url(redis.url, max_connections=1)
    async with Redis.from_pool(pool) as lent, RedisPacing(lent, rate=200) as pacing:
        started_at = loop.time()
        turns = [pacing.acquire("account", 10) for _ in range(40)]
        assert await asyncio.gather(*turns) == [0.0] * 40
        assert loop.time() - started_at >= 39 / 200 - CATCH_UP


async def test_a_cancelled_call_frees_its_turn(redis: Server) -> None:
    """Calls that are cancelled while they wait cost another process nothing."""
    async with (
        RedisPacing(redis.url, rate=5) as one,
        RedisPacing(redis.url, rate=5) as other,
    ):
        waiting = [asyncio.create_task(one.acquire("account", 60)) for _ in range(32)]
        await asyncio.sleep(0.1)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        assert await other.acquire("account", 0.5) == 0.0


async def test_a_turn_that_nobody_used_is_given_back(redis: Server) -> None:
    """A turn that was on its way to calls that gave up goes to another process."""
    async with (
        RedisPacing(redis.url, rate=SELDOM) as one,
        RedisPacing(redis.url, rate=SELDOM) as other,
    ):
        with stopped(redis):
            waiting = asyncio.create_task(one.acquire("account", 60))
            await asyncio.sleep(0.05)
            waiting.cancel()
            await asyncio.wait([waiting])
        await asyncio.sleep(0.1)
        assert await other.acquire("account", 1) == 0.0


async def test_a_short_timeout_beside_patient_calls(redis: Server) -> None:
    """Calls with little time get turns too, in the same process and in another."""
    async with (
        RedisPacing(redis.url, rate=20) as one,
        RedisPacing(redis.url, rate=20) as other,
    ):
        patient = [asyncio.create_task(one.acquire("account", 60)) for _ in range(60)]
        for pacing in (one, other):
            turns = [await pacing.acquire("account", 0.5) for _ in range(4)]
            assert 0.0 in turns
        for task in patient:
            task.cancel()
        await asyncio.wait(patient)


async def test_a_clock_that_is_set_back(redis: Server) -> None:
    """Turns and pauses lie as far ahead as before the clock of Redis was set back."""
    async with (
        RedisPacing(redis.url, rate=SELDOM) as pacing,
        Redis.from_url(redis.url) as writer,
    ):
        assert await pacing.acquire("account", 1) == 0.0
        await pacing.pause("other", 100)
        for name in ("account", "other"):
            key = f"ours-experiments:pacing:{{{name}}}"
            for field, value in (await writer.hgetall(key)).items():
                await writer.hset(key, field, str(int(float(value)) + 10**12))
        assert 990 < await pacing.acquire("account", 1) <= 1000
        assert 90 < await pacing.acquire("other", 1) <= 100


async def test_a_prefix(redis: Server) -> None:
    """Applications that share a Redis can be kept apart."""
    async with (
        RedisPacing(redis.url, rate=SELDOM, prefix="one") as one,
        RedisPacing(redis.url, rate=SELDOM, prefix="other") as other,
        Redis.from_url(redis.url) as reader,
    ):
        assert await one.acquire("account", 1) == 0.0
        assert await other.acquire("account", 1) == 0.0
        names = {key.split(b":")[0] async for key in reader.scan_iter()}
    assert names == {b"one", b"other"}


async def test_waiting_can_be_cancelled(redis: Server) -> None:
    """Whoever gives up, at whatever step, leaves the connections usable."""
    async with RedisPacing(redis.url, rate=100, burst=2) as pacing:
        await pacing.pause("paused", 100)
        for steps in range(30):
            waiting = [
                asyncio.create_task(pacing.acquire(f"{steps} {number % 2}", 10))
                for number in range(8)
            ]
            for _ in range(steps):
                await asyncio.sleep(0)
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting)
            assert await pacing.acquire(f"alone {steps}", 1) == 0.0
            assert await pacing.acquire("paused", 1) > 90


async def test_calls_can_be_cancelled(redis: Server, emulator: Emulator) -> None:
    """Cancelling a paced call, at whatever step, leaves no place taken and no task."""
    before = asyncio.all_tasks()
    async with (
        RedisPacing(redis.url, rate=200) as pacing,
        Client(emulator.api_key, base_url=emulator.url, pacing=pacing) as client,
    ):
        for steps in range(40):
            calls = [asyncio.create_task(client.settings.list()) for _ in range(4)]
            for _ in range(steps):
                await asyncio.sleep(0)
            for call in calls:
                call.cancel()
            await asyncio.wait(calls)
            assert client._session.transport.ready().limiter.in_flight == 0
        assert await client.settings.list() == ()
        left = asyncio.all_tasks() - before
        assert all("RequestHandler" in str(task) for task in left)


async def test_a_call_ends_in_its_time(redis: Server, emulator: Emulator) -> None:
    """A hanging Redis does not keep a call beyond its timeout, however patient."""
    async with (
        RedisPacing(redis.url, patience=60.0) as pacing,
        Client(
            emulator.api_key, base_url=emulator.url, pacing=pacing, timeout=0.3
        ) as client,
    ):
        await client.settings.list()
        with stopped(redis), pytest.raises(APITimeoutError, match="not sent in time"):
            await client.settings.list()
    assert emulator.log.received() == 1


@pytest.mark.parametrize(
    "option",
    ["socket_timeout=5", "max_connections=20", "timeout=3", "decode_responses=true"],
)
async def test_options_of_the_url(redis: Server, option: str) -> None:
    """Options in the query of the URL replace the defaults."""
    async with RedisPacing(f"{redis.url}/0?{option}", rate=50) as pacing:
        turns = [pacing.acquire("account", 10) for _ in range(3)]
        assert await asyncio.gather(*turns) == [0.0] * 3


async def test_a_borrowed_redis(redis: Server) -> None:
    """A connection that was lent is used, and left open."""
    async with Redis.from_url(redis.url, decode_responses=True) as lent:
        async with RedisPacing(lent, rate=50) as pacing:
            turns = [pacing.acquire("account", 10) for _ in range(3)]
            assert await asyncio.gather(*turns) == [0.0] * 3
        assert await lent.ping()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"redis": "http://secret@nowhere"}, "URL of a Redis", id="scheme"),
        pytest.param({"redis": "redis://:secret@x:y"}, "URL of a Redis", id="port"),
        pytest.param({"rate": 0}, "rate must be", id="rate"),
        pytest.param({"burst": 0}, "burst must be", id="burst"),
        pytest.param({"patience": -1}, "patience must be", id="patience"),
        pytest.param({"prefix": 5}, "prefix", id="prefix"),
        pytest.param(
            {"redis": f"{NOWHERE}/0?no_such_option=1"}, "no_such_option", id="option"
        ),
    ],
)
def test_arguments(options: dict[str, object], message: str) -> None:
    """What cannot be used is refused by name, without a password in the text."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        RedisPacing(**{"redis": NOWHERE, **options})  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)
