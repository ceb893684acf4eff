"""When faults strike, how they combine, and that they leave nothing behind."""

import asyncio
from contextlib import suppress
from itertools import permutations

import pytest
from aiohttp import ClientError
from hypothesis import given
from hypothesis import strategies as st

from ours_experiments.emulator.faults.kinds import KINDS
from ours_experiments.emulator.faults.rules import Faults, parse
from tests.emulator.fault_service import Service, Wire, over_the_wire


START = "/experiments/start"
QUICK = {
    "latency": "seconds=0.001",
    "refuse": "seconds=0.001",
    "hang": "seconds=0.01",
    "late": "delay=0.001",
    "drip": "interval=0",
    "gzip_bomb": "size=2000000",
    "huge_body": "size=100000",
    "deep_body": "depth=1000",
    "redirect": "origin=http://127.0.0.1:1",
}
ALL_ROUTES = ("experiments.start", "experiments.create", "versions.publish", "unknown")


async def statuses(service: Service, count: int, path: str = START) -> list[int]:
    """Ask several times in a row."""
    return [(await service.seen("POST", path))[0] for _ in range(count)]


@pytest.mark.parametrize(
    ("route", "hit"),
    [
        pytest.param(None, ALL_ROUTES, id="all"),
        pytest.param("experiments.start", ["experiments.start"], id="exact"),
        pytest.param("experiments.*", ALL_ROUTES[:2], id="pattern"),
        pytest.param("unknown", ["unknown"], id="unknown"),
        pytest.param("experiments", [], id="no-prefix"),
    ],
)
async def test_route_chooses_the_operations(route: str | None, hit: list[str]) -> None:
    """Only operations that match the name or the pattern get the fault."""
    async with Service() as service:
        service.faults.add("status", route=route)
        hits = [
            name
            for name in ALL_ROUTES
            if await statuses(service, 1, f"/{name.replace('.', '/')}") == [503]
        ]
        assert hits == list(hit)


async def test_times_and_after_make_a_schedule() -> None:
    """`after` requests pass, the next `times` requests get the fault, the rest pass."""
    async with Service() as service:
        fault = service.faults.add("status", route="a", after=2, times=3)
        assert await statuses(service, 3, "/b") == [200] * 3
        assert await statuses(service, 7, "/a") == [200, 200, 503, 503, 503, 200, 200]
        assert fault.hits == 3


async def test_condition_looks_at_the_request() -> None:
    """Only requests that fulfil the condition get the fault, or are counted."""
    async with Service() as service:
        service.faults.add("status", when=lambda request: "x" in request.query, after=1)
        assert await statuses(service, 2) == [200, 200]
        assert await statuses(service, 2, f"{START}?x=1") == [200, 503]


async def test_probability_is_kept_on_average() -> None:
    """About the given share of the requests gets the fault."""
    async with Service() as service:
        service.faults.add("status", probability=0.3)
        assert 50 < (await statuses(service, 250)).count(503) < 100


async def test_probability_of_zero_and_one_are_certain() -> None:
    """At zero no request gets the fault, at one every request."""
    async with Service() as service:
        never = service.faults.add("status", probability=0.0)
        assert await statuses(service, 20) == [200] * 20
        never.remove()
        service.faults.add("status", probability=1.0)
        assert await statuses(service, 20) == [503] * 20


async def run(seed: int) -> list[tuple[int, bytes] | str]:
    """Ask often, with faults that draw when they strike and what they do."""
    async with Service(seed) as service:
        service.faults.add("reset", probability=0.2)
        service.faults.add("status", probability=0.2)
        service.faults.add("wrong_shape", probability=0.5)
        service.faults.add("malformed_json", probability=0.2)
        seen: list[tuple[int, bytes] | str] = []
        for _ in range(60):
            try:
                seen.append(await service.seen("POST", START))
            except ClientError as error:
                seen.append(type(error).__name__)
        return seen


async def test_same_seed_gives_the_same_run() -> None:
    """The same requests get the same faults, to the byte."""
    assert await run(seed=7) == await run(seed=7)


async def test_other_seed_gives_another_run() -> None:
    """Another seed strikes elsewhere."""
    assert await run(seed=7) != await run(seed=8)


async def test_draws_do_not_depend_on_other_faults() -> None:
    """A fault strikes the same requests whether others are added after it or not."""
    runs: list[list[int]] = []
    for others in (0, 3):
        async with Service() as service:
            service.faults.add("status", code=418, probability=0.5)
            for _ in range(others):
                service.faults.add("latency", seconds=0, jitter=0.001, probability=0.5)
            runs.append(await statuses(service, 40))
    assert runs[0] == runs[1]


async def test_draws_start_over_after_clear() -> None:
    """Faults added after a clear strike as they do in a new emulator."""
    runs: list[list[int]] = []
    async with Service() as service:
        for _ in range(2):
            service.faults.add("status", probability=0.5)
            runs.append(await statuses(service, 40))
            service.faults.clear()
        assert runs[0] == runs[1]
        assert 200 in runs[0]
        assert 503 in runs[0]


async def test_three_faults_compose() -> None:
    """One request gets latency, a 503 with Retry-After, and single bytes."""
    async with Service() as service:
        service.faults.add("latency", seconds=0.03)
        service.faults.add("drip", interval=0.001)
        service.faults.add("status", code=503, retry_after=2, applied=True)
        seen = await over_the_wire(service, "POST", START)
        assert seen.head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"\r\nRetry-After: 2\r\n" in seen.head
        assert seen.body == b'{"error":"Service Unavailable"}'
        assert len(seen.pieces) > len(seen.body) / 2
        assert seen.seconds >= 0.029 + 0.001 * len(seen.body)
        assert service.applied == [f"POST {START}"]


@pytest.mark.parametrize(
    "kinds", list(permutations(["gzip_bomb", "status", "truncated_json"])), ids="-".join
)
async def test_order_of_adding_does_not_matter(kinds: tuple[str, ...]) -> None:
    """Faults of different kinds nest in one way only."""
    async with Service() as service:
        for kind in kinds:
            service.faults.add(kind)
        async with service.http.post(START) as response:
            assert response.status == 503
            assert response.headers["Content-Encoding"] == "gzip"
            assert (await response.content.readexactly(20)) == b'{"error":"Servi     '


async def test_first_of_a_kind_is_outermost() -> None:
    """Of two faults of the same kind, the one added first has the last word."""
    async with Service() as service:
        service.faults.add("status", code=500, applied=True)
        service.faults.add("status", code=501)
        assert await statuses(service, 1) == [500]
        assert service.applied == []


# A socket that is accepted while its listener closes is dropped by asyncio itself.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@given(st.lists(st.sampled_from(sorted(KINDS)), min_size=2, max_size=4))
def test_any_faults_compose(kinds: list[str]) -> None:
    """The service never fails, whatever faults one request gets."""

    async def scenario() -> None:
        async with Service() as service:
            for kind in kinds:
                service.faults.install(parse(f"{kind}:{QUICK.get(kind, '')}"))
            async with Wire(service.port) as wire:
                wire.send("POST", "/experiments/list")
                seen = await wire.rest(0.03)
            assert b"500 Internal" not in seen.whole
            assert seen.whole.count(b"HTTP/1.1") <= 1

    asyncio.run(scenario())


async def test_removed_fault_strikes_no_more() -> None:
    """A fault can be taken away, more than once, and the others stay."""
    async with Service() as service:
        first = service.faults.add("status", code=500)
        service.faults.add("status", code=501)
        assert await statuses(service, 1) == [500]
        first.remove()
        first.remove()
        assert await statuses(service, 1) == [501]


async def test_active_only_while_faults_are_there() -> None:
    """Without faults and outages, requests need not come through here."""
    async with Service() as service:
        seen = [service.faults.active]
        fault = service.faults.add("status")
        seen.append(service.faults.active)
        fault.remove()
        seen.append(service.faults.active)
        async with service.faults.refusing():
            seen.append(service.faults.active)
        service.faults.add("status")
        service.faults.clear()
        seen.append(service.faults.active)
        assert seen == [False, True, False, True, False]


@pytest.mark.parametrize(
    "text",
    [
        "latency:seconds=60",
        "refuse:seconds=60",
        "hang",
        "late:delay=60,reply=hang",
        "partial_reply:then=hang",
        "drip:interval=60",
        "stale:upon=next_request",
        "huge_body:size=10000000000",
        "gzip_bomb:size=1000000000000",
    ],
)
async def test_nothing_is_left_behind(text: str) -> None:
    """Closing ends whatever still runs for a client that is still there."""
    loop = asyncio.get_running_loop()
    before, begin = asyncio.all_tasks(), loop.time()
    service = Service()
    async with service:
        service.faults.install(parse(text))
        wire = Wire(service.port)
        await wire.__aenter__()
        wire.send("POST", START)
        await asyncio.sleep(0.02)
    await wire.rest()
    wire.writer.close()
    with suppress(ConnectionResetError):
        await wire.writer.wait_closed()
    assert service.in_flight == 0
    assert service.connections == 0
    assert asyncio.all_tasks() == before
    assert loop.time() - begin < 1


async def test_closed_faults_let_requests_through() -> None:
    """After closing nothing misbehaves any more, and nothing waits."""
    async with Service() as service:
        service.faults.add("latency", seconds=60)
        service.faults.add("late", delay=0)
        async with Wire(service.port) as wire:
            wire.send("POST", START)
            await wire.writer.drain()
            await asyncio.sleep(0.02)
            # Twice, as an emulator that is closed by hand inside its block.
            await service.faults.aclose()
            await service.faults.aclose()
            assert (await wire.rest()).reset
        assert await statuses(service, 1) == [200]
        assert service.applied == [f"POST {START}"]


async def test_faults_work_again_in_a_new_server() -> None:
    """Attached to a server that starts anew, faults wait as before."""
    faults = Faults()
    await faults.aclose()
    async with Service() as service:
        faults.attach(service.close_listener, service.open_listener)
        service.faults = faults
        faults.add("hang", seconds=0.03)
        assert (await over_the_wire(service, "POST", START)).seconds >= 0.02


async def test_settle_passes_on_what_a_late_change_raised() -> None:
    """A handler that fails after the reply was lost does not fail in silence."""
    async with Service() as service:
        service.faults.add("late", delay=0.01)
        await over_the_wire(service, "POST", START, b"\xff")
        with pytest.raises(UnicodeDecodeError):
            await service.faults.settle()
