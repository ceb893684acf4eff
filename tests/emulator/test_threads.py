"""The emulator in a thread of its own, for synchronous code."""

import asyncio
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from ours_experiments import Client
from ours_experiments.emulator import Emulator, LogEntry, SecondOrigin


if TYPE_CHECKING:
    from collections.abc import Callable


def call(
    emulator: Emulator, method: str, path: str, body: object = None
) -> tuple[int, Any]:
    """Make a blocking call, as a synchronous HTTP library does."""
    request = Request(  # noqa: S310 - the emulator's own URL
        f"{emulator.url}/rest/v1/{path}",
        data=None if body is None else json.dumps(body).encode(),
        method=method,
        headers={
            "Authorization": f"Bearer {emulator.api_key}",
            "Content-Type": "application/json",
        },
    )
    try:
        with urlopen(request, timeout=10) as response:  # noqa: S310
            return response.status, json.load(response)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_serves_blocking_calls() -> None:
    """A `with` block serves callers that block the thread of the test."""
    with Emulator() as emulator:
        (id_,) = emulator.seed_experiments(1)
        status, answer = call(emulator, "POST", f"experiments/{id_}/start", {})
        assert (status, answer["experiment"]["status"]) == (200, "running")
        emulator.simulate(id_, days=3)
        status, results = call(emulator, "GET", f"experiments/{id_}/results")
        assert (status, len(results["variants"])) == (200, 2)
        assert emulator.log.applied_ids("experiments.start") == {id_: 1}
        assert emulator.state.experiment(id_)["status"] == "running"


def test_leaves_no_thread_behind() -> None:
    """Leaving the block ends the thread; entering again serves at the same port."""
    before = threading.active_count()
    emulator = Emulator()
    with emulator:
        url = emulator.url
        emulator.seed_experiments(1)
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
    with emulator:
        assert emulator.url == url
        assert len(call(emulator, "GET", "experiments")[1]["entities"]) == 1
    assert "not running" in repr(emulator)


def test_ends_its_thread_when_the_start_fails() -> None:
    """A port that is taken is an OSError, and no thread is left."""
    with Emulator() as emulator:
        before = threading.active_count()
        other = Emulator(port=int(emulator.url.rpartition(":")[2]))
        with pytest.raises(OSError, match="in use"):
            other.__enter__()
        assert threading.active_count() == before


async def test_serves_one_way_at_a_time() -> None:
    """An emulator that runs in one way cannot be started in the other."""
    emulator = Emulator()
    with emulator, pytest.raises(RuntimeError, match="running already"):
        await emulator.start()
    async with emulator:
        with pytest.raises(RuntimeError, match="running already"):
            emulator.__enter__()


async def test_is_closed_from_a_loop() -> None:
    """`aclose` ends the thread as well, from whatever event loop."""
    before = threading.active_count()
    emulator = Emulator()
    with emulator:
        await emulator.aclose()
        assert threading.active_count() == before


async def test_serves_a_client_on_another_loop() -> None:
    """An asynchronous client works beside an emulator in a thread."""
    with Emulator() as emulator:
        ids = emulator.seed_experiments(20)
        async with Client(emulator.api_key, base_url=emulator.url) as client:
            report = await client.bulk.start(ids)
        assert len(report.succeeded) == 20


def test_takes_faults_from_the_test_thread() -> None:
    """Faults are added, removed and waited for from the thread of the test."""
    with Emulator() as emulator:
        (id_,) = emulator.seed_experiments(1)
        fault = emulator.faults.add("status", code=503)
        assert call(emulator, "GET", "experiments")[0] == 503
        fault.remove()
        assert call(emulator, "GET", "experiments")[0] == 200
        emulator.faults.add("late", delay=0.05, reply=504, times=1)
        assert call(emulator, "POST", f"experiments/{id_}/start", {})[0] == 504
        emulator.faults.wait()
        assert emulator.state.experiment(id_)["status"] == "running"


def test_refuses_connections_from_the_test_thread() -> None:
    """A `with` block on `refusing` refuses connections while it runs."""
    with Emulator() as emulator:
        with emulator.faults.refusing(), pytest.raises(OSError, match="refused"):
            call(emulator, "GET", "experiments")
        assert call(emulator, "GET", "experiments")[0] == 200


async def test_controls_faults_from_another_loop() -> None:
    """Outages and late changes are awaited from a loop that is not the emulator's."""
    with Emulator() as emulator:
        (id_,) = emulator.seed_experiments(1)
        async with emulator.faults.refusing():
            with pytest.raises(OSError, match="refused"):
                await asyncio.to_thread(call, emulator, "GET", "experiments")
        emulator.faults.add("late", delay=0.05, reply=504, times=1)
        path = f"experiments/{id_}/start"
        await asyncio.to_thread(call, emulator, "POST", path, {})
        await emulator.faults.settle()
        assert emulator.state.experiment(id_)["status"] == "running"


@pytest.mark.parametrize("wait", ["refusing", "wait"])
async def test_never_blocks_its_own_loop(wait: str) -> None:
    """Where blocking would never end, it is a RuntimeError that names the way."""
    async with Emulator() as emulator:
        emulator.faults.add("late", delay=60, times=1)
        if wait == "wait":
            with pytest.raises(RuntimeError, match=r"await faults\.settle"):
                emulator.faults.wait()
        else:
            with pytest.raises(RuntimeError, match="async with"):
                emulator.faults.refusing().__enter__()


def test_calls_a_watcher_in_its_thread() -> None:
    """A watcher is called in the emulator's thread, and may read the log there."""
    seen: list[tuple[str, int, str]] = []
    with Emulator() as emulator:

        def watch(entry: LogEntry) -> None:
            thread = threading.current_thread().name
            seen.append((entry.route, emulator.log.received(), thread))

        emulator.log.watcher = watch
        call(emulator, "GET", "experiments")
    ((route, received, thread),) = seen
    assert (route, received) == ("experiments.list", 1)
    assert thread != threading.current_thread().name


def test_survives_busy_threads() -> None:
    """Seeding, reading and controlling while many requests run loses nothing."""
    with Emulator() as emulator, ThreadPoolExecutor(12) as pool:
        ids = emulator.seed_experiments(40)

        def start(id_: str) -> int:
            return call(emulator, "POST", f"experiments/{id_}/start", {})[0]

        def walk(_: int) -> int:
            return call(emulator, "GET", "experiments?search=e&limit=100")[0]

        answers = [pool.submit(start, id_) for id_ in ids]
        answers += [pool.submit(walk, number) for number in range(40)]
        work: tuple[Callable[[], object], ...] = (
            lambda: emulator.seed_experiments(1),
            emulator.state.experiments,
            lambda: [entry.route for entry in emulator.log.entries],
            emulator.log.received,
            lambda: emulator.faults.add("latency", seconds=0).remove(),
        )
        while not all(answer.done() for answer in answers):
            for step in work:
                step()
        assert {answer.result() for answer in answers} == {200}
        assert emulator.log.applied("experiments.start") == 40
        assert emulator.log.received() == 80
        size = emulator.state.size
    assert len(emulator.state.experiments()) == size


def test_serves_a_subprocess() -> None:
    """A program that the test waits for reaches the emulator."""
    program = (
        "import sys, urllib.request as u; "
        "print(u.urlopen(u.Request(sys.argv[1], headers={'Authorization': "
        "'Bearer test-key'})).status)"
    )
    with Emulator() as emulator:
        url = f"{emulator.url}/rest/v1/experiments"
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-c", program, url],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
    assert done.stdout.strip() == "200"


def test_sees_redirected_blocking_calls() -> None:
    """A second origin serves synchronous code, too."""
    with SecondOrigin() as other, Emulator() as emulator:
        emulator.faults.add("redirect", origin=other.url, times=1)
        assert call(emulator, "GET", "experiments")[0] == 200
        assert [arrival.method for arrival in other.arrivals] == ["GET"]
