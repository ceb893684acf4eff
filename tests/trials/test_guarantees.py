"""The promises about time, repeats and what is left behind, over sockets."""

import asyncio
import gc
import logging
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ours_experiments import (
    APIConnectionError,
    APITimeoutError,
    Client,
    ConflictError,
    ExperimentPatch,
    InternalServerError,
    NewExperiment,
    NotFoundError,
    OursError,
    OutcomeUnknownError,
    RateLimitError,
    RetryPolicy,
)
from ours_experiments.emulator import Emulator
from tests.support.clock import run_fast
from tests.trials import guarantees


def fast_now() -> float:
    """Return the event loop's time."""
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize(
    ("word", "parameters"),
    [
        pytest.param("hang", {"seconds": 1000.0}, id="hang"),
        pytest.param("drip", {"interval": 1.0}, id="a byte a second"),
        pytest.param("status", {"code": 503}, id="endless 503"),
        pytest.param(
            "status", {"code": 429, "retry_after": "3600"}, id="an hour's wait"
        ),
    ],
)
@pytest.mark.parametrize("write", [False, True], ids=["read", "write"])
@pytest.mark.parametrize("attempt", [20, 2], ids=["one attempt", "several"])
def test_a_call_ends_within_its_timeout(
    word: str, parameters: dict[str, Any], attempt: float, *, write: bool
) -> None:
    """Attempts, waits and reads together take no longer than `timeout`."""

    async def main() -> None:
        async with (
            Emulator() as emulator,
            Client(
                emulator.api_key,
                base_url=emulator.url,
                timeout=20,
                attempt_timeout=attempt,
            ) as client,
        ):
            (experiment_id,) = emulator.seed_experiments(1)
            emulator.faults.add(word, **parameters)
            begun_at = fast_now()
            call = client.experiments.start if write else client.experiments.retrieve
            with pytest.raises(OursError):
                await call(experiment_id)
            assert fast_now() - begun_at <= 20.01

    run_fast(main)


def test_creates_are_never_duplicated() -> None:
    """No create is duplicated, and nothing is unaccounted for."""
    count = run_fast(lambda: guarantees.faulty_creates(300, seed=11))
    assert count["duplicates"] == 0
    assert count["wrong"] == 0
    assert count["created"] + count["unknown"] + count["refused"] == 300
    assert count["created"] >= 150


def test_a_late_commit_is_found() -> None:
    """What the service commits 1.5 s after the reply was lost is found."""
    count = run_fast(lambda: guarantees.late_commits(48, seed=12))
    assert count == Counter(runs=48, found=48, duplicates=0)


def test_lost_transitions_are_settled() -> None:
    """No wrong verdict, and no claim of a publish without evidence."""
    count = run_fast(lambda: guarantees.lost_transitions(8))
    assert count == Counter(calls=8 * 21, right=8 * 21)


def test_a_publish_makes_one_version() -> None:
    """Whatever happens to the reply, each publish makes one version."""
    count = run_fast(lambda: guarantees.faulty_publishes(42))
    assert count == Counter(publishes=42, versions=42, wrong=0)


async def test_a_permanent_conflict_costs_one_request(
    emulator: Emulator, client: Client
) -> None:
    """A 409 that waiting does not cure is not repeated."""
    (experiment_id,) = emulator.seed_experiments(1, status="completed")
    with pytest.raises(ConflictError):
        await client.experiments.start(experiment_id)
    assert emulator.log.received() == 1


def test_publishing_calls_take_turns_once_they_conflict() -> None:
    """Conflicts stay within the first burst, and everything is applied."""

    async def main() -> None:
        async with (
            Emulator(publish_seconds=0.2) as emulator,
            Client(emulator.api_key, base_url=emulator.url, timeout=600) as client,
        ):
            ids = emulator.seed_experiments(100)
            await asyncio.gather(*map(client.experiments.start, ids))
            statuses = Counter(entry.status for entry in emulator.log.entries)
            assert statuses[200] == 100
            assert 0 < statuses[409] <= 32
            first = [entry.status for entry in list(emulator.log.entries)[:33]]
            assert statuses[409] == first.count(409)

    run_fast(main)


async def test_publishing_calls_run_together_where_they_may(
    emulator: Emulator, client: Client
) -> None:
    """Without conflicts nothing waits for its turn."""
    emulator.faults.add("latency", seconds=0.02)
    ids = emulator.seed_experiments(64)
    await asyncio.gather(*map(client.experiments.start, ids))
    assert emulator.log.peak_in_flight("experiments.start") == 32


def test_one_wait_pauses_the_whole_client() -> None:
    """While one call was asked to wait, no other call of the client leaves."""

    async def main() -> None:
        async with (
            Emulator() as emulator,
            Client(emulator.api_key, base_url=emulator.url) as client,
        ):
            ids = emulator.seed_experiments(60)
            await asyncio.gather(*map(client.experiments.retrieve, ids))
            emulator.log.clear()
            emulator.faults.add("status", code=429, retry_after="8", times=1)
            arrivals: list[float] = []
            emulator.log.watcher = lambda _: arrivals.append(fast_now())
            view = client.with_options(timeout=50)
            calls = [
                (client if number % 2 else view).experiments.retrieve(one)
                for number, one in enumerate(ids)
            ]
            await asyncio.gather(*calls)
            refused_at = arrivals[0]
            inside = [at for at in arrivals if at < refused_at + 8]
            assert len(inside) <= 32, "only what was on the wire"
            assert len(arrivals) == 61

    run_fast(main)


def test_the_limit_shrinks_and_grows_back() -> None:
    """Under throttling on average at most half of the limit is refused."""

    async def main() -> None:
        async with (
            Emulator() as emulator,
            Client(
                emulator.api_key,
                base_url=emulator.url,
                timeout=3000,
                retry=RetryPolicy(attempts=50, budget=100_000),
            ) as client,
        ):
            ids = emulator.seed_experiments(64)
            fault = emulator.faults.add("status", code=429, retry_after="1", times=96)
            await asyncio.gather(*map(client.experiments.retrieve, ids))
            limiter = client._session.transport.ready().limiter
            pauses = fault.hits / 16
            assert fault.hits == 96
            assert pauses <= 32
            emulator.log.clear()
            for _ in range(18):
                await asyncio.gather(*map(client.experiments.retrieve, ids))
            assert limiter.limit == 32

    run_fast(main)


def test_an_outage_is_not_multiplied() -> None:
    """1 000 calls against 503 alone send at most 1.1 times as many requests."""

    async def main() -> None:
        async with (
            Emulator() as emulator,
            Client(emulator.api_key, base_url=emulator.url, timeout=600) as client,
        ):
            (experiment_id,) = emulator.seed_experiments(1)
            fault = emulator.faults.add("status", code=503)

            async def call() -> bool:
                try:
                    await client.experiments.retrieve(experiment_id)
                except InternalServerError:
                    return True
                return False

            refused = await asyncio.gather(*(call() for _ in range(1000)))
            assert all(refused)
            assert 1000 < emulator.log.received() <= 1100
            fault.remove()
            for _ in range(50):
                await client.experiments.retrieve(experiment_id)
            emulator.log.clear()
            emulator.faults.add("status", code=503)
            assert await call()
            assert emulator.log.received() == 4, "all attempts are back"

    run_fast(main)


@pytest.mark.parametrize("header", ["3600", "1e300", "Fri, 31 Dec 2100 23:59:59 GMT"])
async def test_a_wait_beyond_the_deadline_fails_at_once(
    emulator: Emulator, client: Client, header: str
) -> None:
    """What cannot be waited for is raised, with how long it would be."""
    emulator.faults.add("status", code=429, retry_after=header)
    with pytest.raises(RateLimitError) as caught:
        await client.experiments.list_page()
    assert caught.value.retry_after is not None
    assert caught.value.retry_after >= 3600
    assert emulator.log.received() == 1
    with pytest.raises(APITimeoutError, match="asked to wait") as later:
        await client.experiments.list_page()
    assert later.value.retry_after is not None
    assert emulator.log.received() == 1, "the second never left"


async def test_the_longest_of_several_waits_counts(
    emulator: Emulator, client: Client
) -> None:
    """A repeated header and garbage beside it are understood."""
    emulator.faults.add("status", code=429, retry_after=("soon", "7000", "5"))
    with pytest.raises(RateLimitError) as caught:
        await client.experiments.list_page()
    assert caught.value.retry_after == 7000


async def test_cancellation_is_not_swallowed_by_a_timeout(
    emulator: Emulator, client: Client
) -> None:
    """An outer `asyncio.timeout` ends the call, with its own error."""
    emulator.faults.add("hang")
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.05):
            await client.experiments.list_page()
    assert not isinstance(caught.value, APITimeoutError)


def open_sockets() -> int:
    """Count this process's open sockets."""
    links = Path("/proc/self/fd").iterdir()
    count = 0
    for link in links:
        try:
            count += os.readlink(link).startswith("socket:")  # noqa: PTH115
        except FileNotFoundError:
            continue
    return count


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_nothing_is_left_behind() -> None:
    """Tasks and sockets are back to where they were, whatever happened."""

    async def cycle(emulator: Emulator, number: int) -> None:
        async with Client(
            emulator.api_key, base_url=emulator.url, retry=RetryPolicy(attempts=1)
        ) as client:
            match number % 4:
                case 0:
                    await client.experiments.list_page()
                case 1:
                    with pytest.raises(NotFoundError):
                        await client.experiments.retrieve("none")
                case 2:
                    task = asyncio.create_task(client.experiments.list_page())
                    await asyncio.sleep(0)
                    task.cancel()
                    await asyncio.wait([task])
                case _:
                    emulator.faults.add("reset", times=2)  # aiohttp resends once
                    with pytest.raises(APIConnectionError):
                        await client.experiments.list_page()

    async def main() -> None:
        async with Emulator() as emulator:
            for number in range(8):
                await cycle(emulator, number)
            await asyncio.sleep(0.05)
            gc.collect()
            tasks, sockets = len(asyncio.all_tasks()), open_sockets()
            for number in range(200):
                await cycle(emulator, number)
            await asyncio.sleep(0.05)
            gc.collect()
            assert len(asyncio.all_tasks()) <= tasks
            assert open_sockets() <= sockets

    asyncio.run(main())


@pytest.mark.parametrize("applied", [True, False], ids=["applied", "not applied"])
async def test_a_delete_on_a_dead_connection_succeeds(
    emulator: Emulator, client: Client, *, applied: bool
) -> None:
    """A delete that aiohttp sends again by itself is accounted for."""
    (experiment_id,) = emulator.seed_experiments(1)
    await client.experiments.list_page()
    emulator.faults.add(
        "stale", upon="next_request", applied=applied, route="experiments.list", times=1
    )
    await client.experiments.list_page()
    await client.experiments.delete(experiment_id)
    assert emulator.state.experiments() == []
    with pytest.raises(NotFoundError):
        await client.experiments.delete(experiment_id)


async def test_an_update_that_cannot_be_settled_says_so(emulator: Emulator) -> None:
    """A write whose every reply is lost ends as OutcomeUnknownError, with its cause."""
    (experiment_id,) = emulator.seed_experiments(1)
    emulator.faults.add("reset", route="experiments.update", applied=True)
    policy = RetryPolicy(attempts=2, initial=0.01)
    async with Client(emulator.api_key, base_url=emulator.url, retry=policy) as client:
        with pytest.raises(OutcomeUnknownError) as caught:
            await client.experiments.update(
                experiment_id, ExperimentPatch(description="lost")
            )
    assert caught.value.action == "update"
    assert caught.value.experiment_id == experiment_id
    assert caught.value.sent_at is not None
    assert isinstance(caught.value.__cause__, APIConnectionError)
    assert emulator.log.received("experiments.update") == 2


def test_an_unknown_create_tells_what_to_look_at(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The error of a lost create carries the draft, the time and the candidates."""

    async def main() -> None:
        async with (
            Emulator() as emulator,
            Client(emulator.api_key, base_url=emulator.url) as client,
        ):
            emulator.seed_experiments(1)
            settings_id = str(emulator.state.settings()[0]["id"])
            draft = NewExperiment(settings_id, "Lost")
            emulator.faults.add("reset", route="experiments.create", applied=True)
            with pytest.raises(OutcomeUnknownError) as caught:
                await client.experiments.create(draft)
            assert caught.value.draft is draft
            (candidate,) = caught.value.candidates
            assert getattr(candidate, "name", None) == "Lost"
            assert emulator.log.received("experiments.create") == 1

    with caplog.at_level(logging.INFO, logger="ours_experiments"):
        run_fast(main)
    assert "its outcome is unknown" in caplog.text
