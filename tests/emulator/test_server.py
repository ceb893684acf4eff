"""The emulator as an object: starting, closing, keys, clock, log."""

import asyncio
import gc
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientConnectionError, ClientPayloadError, ClientSession, web

from ours_experiments.emulator import Clock, Emulator, LogEntry
from ours_experiments.emulator.connections import Connection
from tests.emulator.calls import Calls


async def test_starts_and_closes_without_a_block() -> None:
    """The emulator is started and closed by calls as well, more than once."""
    emulator = Emulator()
    for _ in range(2):
        await emulator.start()
        async with Calls(emulator) as call:
            await call("GET", "experiments")
        await emulator.aclose()
    await emulator.aclose()


async def test_keeps_its_port_and_its_state() -> None:
    """An emulator that is started again listens where it did, with what it had."""
    emulator = Emulator()
    async with emulator:
        url = emulator.url
        emulator.seed_experiments(1)
    async with emulator, Calls(emulator) as call:
        assert emulator.url == url
        assert len(await call.ids("experiments")) == 1


async def test_refuses_to_start_twice(emulator: Emulator) -> None:
    """A running emulator cannot be started."""
    with pytest.raises(RuntimeError, match="running already"):
        await emulator.start()


async def test_has_no_url_while_closed() -> None:
    """Before the start there is no address."""
    with pytest.raises(RuntimeError, match="not running"):
        _ = Emulator().url


async def test_fails_to_start_on_a_port_in_use(emulator: Emulator) -> None:
    """A port that is taken is an OSError, and the emulator can be started later."""
    other = Emulator(port=int(emulator.url.rpartition(":")[2]))
    with pytest.raises(OSError, match="in use"):
        await other.start()
    await emulator.aclose()
    await other.start()
    await other.aclose()


async def test_leaves_nothing_behind() -> None:
    """Closing ends connections and tasks, also of calls that hang."""
    before = asyncio.all_tasks()
    async with Emulator(publish_seconds=60) as emulator, Calls(emulator) as call:
        (id_,) = emulator.seed_experiments(1)
        await call("GET", "experiments")
        hanging = asyncio.create_task(call("POST", f"experiments/{id_}/start"))
        await call.until_publishing()
        async with asyncio.timeout(1):
            await emulator.aclose()
        with pytest.raises(ClientConnectionError):
            await hanging
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    gc.collect()


async def test_listens_on_ipv6() -> None:
    """An IPv6 host is written in brackets."""
    async with Emulator(host="::1") as emulator, Calls(emulator) as call:
        assert emulator.url.startswith("http://[::1]:")
        await call("GET", "experiments")


async def test_starts_fast() -> None:
    """Start-up takes under 50 ms."""
    seconds: list[float] = []
    for _ in range(5):
        began = time.perf_counter()
        async with Emulator():
            seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.05, "the others may have been interrupted"


@pytest.mark.parametrize("host", ["0.0.0.0", "example.com", "192.0.2.1", "::"])  # noqa: S104
def test_stays_on_loopback(host: str) -> None:
    """Another host than loopback needs an explicit permission."""
    with pytest.raises(ValueError, match="loopback"):
        Emulator(host=host)
    Emulator(host=host, allow_remote=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_knows_loopback(host: str) -> None:
    """Every name of loopback is allowed."""
    Emulator(host=host)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"api_keys": ()}, "at least one"),
        ({"api_keys": ("",)}, "key 1"),
        ({"api_keys": ("good", "bad\n")}, "key 2"),
        ({"api_keys": ("with space",)}, "key 1"),
        ({"api_keys": ("ü",)}, "key 1"),
        ({"api_keys": {"good": "everything"}}, "scopes of key 1"),
        ({"api_keys": {"good": {"experiment:everything"}}}, "scopes of key 1"),
        ({"cursor": "page"}, "cursor"),
        ({"id_style": "int"}, "id_style"),
        ({"publish_seconds": -1}, "publish_seconds"),
        ({"list_delay": -1}, "list_delay"),
    ],
)
def test_refuses_options_that_make_no_sense(
    options: dict[str, Any], match: str
) -> None:
    """An option out of range is a ValueError that does not quote a key."""
    with pytest.raises(ValueError, match=match) as caught:
        Emulator(**options)
    assert "good" not in str(caught.value)


def test_refuses_one_string_as_keys() -> None:
    """A single string is no collection of keys."""
    with pytest.raises(TypeError, match="collection of keys"):
        Emulator("test-key")


async def test_never_shows_a_key() -> None:
    """Neither the emulator nor its log entries nor its answers show a key."""
    async with Emulator(("top-secret",)) as emulator, Calls(emulator) as call:
        await call("GET", "experiments")
        await call.refusal("GET", "nothing")
        assert emulator.api_key == "top-secret"
        assert "top-secret" not in repr(emulator)
        assert "top-secret" not in repr(list(emulator.log.entries))
        assert emulator.url in repr(emulator)
    assert "not running" in repr(emulator)


def test_gives_the_first_key() -> None:
    """`api_key` is the first of several."""
    assert Emulator({"b": "all", "a": "list-only"}).api_key == "b"


def test_follows_real_time() -> None:
    """By default the clock shows real time, moved by what it was advanced."""
    clock = Clock()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)
    clock.advance(days=2, seconds=1)
    ahead = clock.now() - datetime.now(UTC)
    assert abs(ahead - timedelta(days=2, seconds=1)) < timedelta(seconds=1)


def test_stands_still_when_frozen() -> None:
    """A frozen clock moves by `advance` alone."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    clock = Clock(start, frozen=True)
    clock.advance(seconds=90)
    assert clock.now() == start + timedelta(seconds=90)


def test_freezes_at_its_present() -> None:
    """A clock can be held while it runs."""
    clock = Clock(datetime(2026, 1, 1, tzinfo=UTC))
    clock.freeze()
    assert clock.now() == clock.now()
    assert clock.now() - datetime(2026, 1, 1, tzinfo=UTC) < timedelta(seconds=1)


def test_does_not_go_back() -> None:
    """A clock that goes back is a ValueError."""
    with pytest.raises(ValueError, match="go back"):
        Clock().advance(seconds=-1)


def test_needs_a_time_zone() -> None:
    """A clock starts at an aware datetime."""
    with pytest.raises(ValueError, match="time zone"):
        Clock(datetime(2026, 1, 1))  # noqa: DTZ001


async def test_logs_requests(call: Calls) -> None:
    """Each request leaves an entry with its route, its status and its times."""
    log = call.emulator.log
    (id_,) = call.emulator.seed_experiments(1)
    await call("POST", f"experiments/{id_}/start")
    await call("POST", f"experiments/{id_}/start", expect=409)
    await call("GET", "nothing", expect=404)
    first, second, third = log.entries
    assert (first.method, first.path, first.route, first.id) == (
        "POST",
        f"/rest/v1/experiments/{id_}/start",
        "experiments.start",
        id_,
    )
    assert (first.status, first.applied) == (200, True)
    assert (second.status, second.applied) == (409, False)
    assert (third.route, third.status, third.id) == ("unknown", 404, None)
    assert first.finished is not None
    assert first.started <= first.finished <= second.started


async def test_counts_by_route(call: Calls) -> None:
    """Received and applied are counted for each route and altogether."""
    log = call.emulator.log
    one, other = call.emulator.seed_experiments(2)
    for id_ in (one, other, one):
        path = f"experiments/{id_}/start"
        await call("POST", path, expect=409 if log.received() == 2 else 200)
    await call("GET", f"experiments/{one}")
    assert (log.received("experiments.start"), log.received()) == (3, 4)
    assert (log.applied("experiments.start"), log.applied()) == (2, 3)
    assert log.applied_ids("experiments.start") == Counter({one: 1, other: 1})
    assert log.received("experiments.stop") == 0
    assert log.applied_ids("experiments.stop") == Counter()


async def test_numbers_connections(emulator: Emulator) -> None:
    """Requests on one connection share its number, another has its own."""
    for _ in range(2):
        async with Calls(emulator) as call:
            await call("GET", "experiments")
            await call("GET", "experiments")
    assert [entry.connection for entry in emulator.log.entries] == [1, 1, 2, 2]


async def test_knows_the_peak() -> None:
    """The most requests at once are known for a route and altogether."""
    async with Emulator() as emulator, Calls(emulator) as call:
        ids = emulator.seed_experiments(5)
        emulator.faults.add("latency", seconds=0.02)
        async with asyncio.TaskGroup() as tasks:
            for id_ in ids[:4]:
                tasks.create_task(call("GET", f"experiments/{id_}"))
            tasks.create_task(call("POST", f"experiments/{ids[4]}/start"))
        log = emulator.log
        assert log.peak_in_flight() == 5
        assert log.peak_in_flight("experiments.retrieve") == 4
        assert log.peak_in_flight("experiments.start") == 1
        log.clear()
        assert (log.received(), log.peak_in_flight()) == (0, 0)
        assert not log.entries


async def test_still_counts_what_is_in_flight_when_cleared() -> None:
    """Clearing the log forgets the past, not the requests under way."""
    async with Emulator(publish_seconds=0.05) as emulator, Calls(emulator) as call:
        (id_,) = emulator.seed_experiments(1)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call("POST", f"experiments/{id_}/start"))
            await call.until_publishing()
            emulator.log.clear()
        assert emulator.log.peak_in_flight() == 1
        assert emulator.log.peak_in_flight("experiments.start") == 1


async def test_notes_replies_that_were_lost(call: Calls) -> None:
    """A call whose reply is lost is applied, without a status."""
    (id_,) = call.emulator.seed_experiments(1)
    call.emulator.faults.add("reset", applied=True, route="experiments.start", times=1)
    with pytest.raises(ClientConnectionError):
        await call("POST", f"experiments/{id_}/start")
    (entry,) = call.emulator.log.entries
    assert (entry.applied, entry.status) == (True, None)
    assert call.emulator.state.experiment(id_)["status"] == "running"


async def test_calls_a_watcher(call: Calls) -> None:
    """A watcher is called with every request once it is answered."""
    watched: list[LogEntry] = []
    call.emulator.log.watcher = watched.append
    await call("GET", "experiments")
    assert [(entry.route, entry.status) for entry in watched] == [
        ("experiments.list", 200)
    ]


async def test_refuses_connections_on_command(emulator: Emulator) -> None:
    """While connections are refused nothing gets through; afterwards it does."""
    async with emulator.faults.refusing(), ClientSession(emulator.url) as http:
        with pytest.raises(ClientConnectionError):
            await http.get("/rest/v1/experiments")
    async with Calls(emulator) as call:
        await call("GET", "experiments")


async def test_closes_idle_connections_in_an_outage(emulator: Emulator) -> None:
    """A connection that is kept alive ends with the beginning of an outage."""
    port = int(emulator.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    length = head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length))
    async with emulator.faults.refusing(), asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_closes_when_an_answer_breaks_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A failure after an answer has begun ends the connection without another."""

    async def fail_midway(request: web.BaseRequest) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"half")
        raise RuntimeError("midway")

    loop = asyncio.get_running_loop()
    server = web.Server(fail_midway)
    listener = await loop.create_server(lambda: Connection(server, 1), "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with (
        ClientSession() as http,
        http.get(f"http://127.0.0.1:{port}") as response,
    ):
        with pytest.raises(ClientPayloadError):
            await response.read()
    assert "midway" in caplog.text
    listener.close()
    await server.shutdown(0.05)


async def test_closes_during_an_outage() -> None:
    """An emulator that refuses connections can be closed, and stays closed."""
    emulator = Emulator()
    await emulator.start()
    async with emulator.faults.refusing():
        await emulator.aclose()
    assert "not running" in repr(emulator)
