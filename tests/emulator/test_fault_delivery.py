"""Faults of the network, looked at from the socket."""

import asyncio

import pytest
from aiohttp import ClientPayloadError, ServerDisconnectedError

from ours_experiments.emulator.faults.delivery import Stale
from ours_experiments.emulator.faults.rules import parse
from ours_experiments.emulator.faults.wire import LostReply
from tests.emulator.fault_service import Service, Wire, over_the_wire


START = "/experiments/start"
APPLIED = [f"POST {START}"]


def now() -> float:
    """Read the clock that latency is measured by."""
    return asyncio.get_running_loop().time()


async def test_latency_delays_the_answer() -> None:
    """Latency takes its seconds."""
    async with Service() as service:
        service.faults.add("latency", seconds=0.03)
        begin = now()
        assert (await service.seen("POST", START))[0] == 200
        assert 0.029 <= now() - begin < 1


async def test_latency_varies_by_its_jitter() -> None:
    """With jitter, requests take up to so much more, each its own."""
    async with Service() as service:
        service.faults.add("latency", seconds=0, jitter=0.04)
        seconds: list[float] = []
        for _ in range(4):
            begin = now()
            await service.seen("POST", START)
            seconds.append(now() - begin)
        assert max(seconds) - min(seconds) > 0.005
        assert sum(seconds) < 1


async def test_latency_outlives_the_client() -> None:
    """A change is applied after the latency although the client has gone."""
    async with Service() as service:
        service.faults.add("latency", seconds=0.05)
        async with Wire(service.port) as wire:
            wire.send("POST", START)
            await wire.writer.drain()
            await asyncio.sleep(0.01)
        assert service.applied == []
        await asyncio.sleep(0.08)
        assert service.applied == APPLIED


@pytest.mark.parametrize(
    ("kind", "is_reset"),
    [pytest.param("reset", True, id="reset"), pytest.param("close", False, id="close")],
)
@pytest.mark.parametrize(
    "applied",
    [pytest.param(True, id="applied"), pytest.param(False, id="not-applied")],
)
async def test_connection_is_lost_without_an_answer(
    kind: str, *, is_reset: bool, applied: bool
) -> None:
    """Reset and close lose the reply, before the change or after it."""
    async with Service() as service:
        service.faults.add(kind, applied=applied)
        seen = await over_the_wire(service, "POST", START, b"{}")
        assert (seen.whole, seen.reset) == (b"", is_reset)
        assert service.applied == ([f"{APPLIED[0]} {{}}"] if applied else [])
        assert isinstance(service.answered[0], LostReply)


@pytest.mark.parametrize("text", ["close", "hang:seconds=0.01", "late"])
async def test_connection_is_lost_with_a_body_that_is_too_large(text: str) -> None:
    """A body that the service would refuse does not keep the fault away."""
    async with Service() as service:
        service.faults.install(parse(text))
        seen = await over_the_wire(service, "POST", START, b"x" * 2000)
        assert seen.whole == b""


@pytest.mark.parametrize(
    "applied",
    [pytest.param(True, id="applied"), pytest.param(False, id="not-applied")],
)
async def test_hang_ends_when_the_client_leaves(*, applied: bool) -> None:
    """A hanging request is let go soon after its client has gone."""
    async with Service() as service:
        service.faults.add("hang", applied=applied)
        async with Wire(service.port) as wire:
            wire.send("POST", START)
            assert (await wire.rest(0.03)).whole == b"(still open)"
            assert service.in_flight == 1
        await asyncio.sleep(0.05)
        assert service.in_flight == 0
        assert service.applied == (APPLIED if applied else [])


async def test_hang_is_bounded() -> None:
    """A hanging connection is closed after its seconds."""
    async with Service() as service:
        service.faults.add("hang", seconds=0.03)
        seen = await over_the_wire(service, "POST", START)
        assert seen.whole == b""
        assert 0.02 <= seen.seconds < 1


@pytest.mark.parametrize(
    ("reply", "status_line", "is_reset"),
    [
        pytest.param("reset", b"", True, id="reset"),
        pytest.param("hang", b"", False, id="hang"),
        pytest.param(504, b"HTTP/1.1 504 Gateway Timeout", False, id="status"),
    ],
)
async def test_late_change_comes_after_the_lost_reply(
    reply: str | int, status_line: bytes, *, is_reset: bool
) -> None:
    """The client gets no answer, or an error, and the change follows."""
    async with Service() as service:
        service.faults.add("late", delay=0.06, reply=reply, seconds=0.02)
        async with Wire(service.port) as wire:
            wire.send("POST", START, b"late body")
            seen = await wire.rest(0.04)
        assert seen.whole.partition(b"\r\n")[0].replace(b"(still open)", b"") == (
            status_line
        )
        assert seen.reset == is_reset
        assert service.applied == []
        await service.faults.settle()
        assert service.applied == [f"{APPLIED[0]} late body"]


async def test_late_change_is_dropped_at_the_end() -> None:
    """A change that is still to come when the emulator closes never comes."""
    async with Service() as service:
        service.faults.add("late", delay=60)
        await over_the_wire(service, "POST", START)
    assert service.applied == []


async def test_late_change_is_stopped_at_the_end() -> None:
    """A change that is being made when the emulator closes is broken off."""
    async with Service() as service:
        service.faults.add("late", delay=0)
        await over_the_wire(service, "POST", "/slow")
        await asyncio.sleep(0.01)
        begin = now()
    assert service.applied == ["POST /slow"]
    assert now() - begin < 0.5


@pytest.mark.parametrize(
    ("share", "kept"),
    [
        pytest.param(0.0, 0.0, id="headers-only"),
        pytest.param(0.5, 0.5, id="half"),
        pytest.param(1.0, 0.99, id="all-but-one-byte"),
    ],
)
async def test_partial_reply_breaks_off(share: float, kept: float) -> None:
    """The headers promise more than the share of the body that comes."""
    async with Service() as service:
        service.faults.add("partial_reply", share=share)
        seen = await over_the_wire(service, "POST", START)
        promised = int(seen.head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
        assert promised * kept - 1 <= len(seen.body) < max(promised * share, 1)
        assert not seen.reset
        assert service.applied == APPLIED


async def test_partial_reply_without_a_body_breaks_off_in_the_headers() -> None:
    """An answer that has no body is cut before its headers are whole."""
    async with Service() as service:
        service.faults.add("empty")
        service.faults.add("partial_reply")
        seen = await over_the_wire(service, "POST", START)
        assert seen.whole.startswith(b"HTTP/1.1 204 No Content\r\n")
        assert b"\r\n\r\n" not in seen.whole


@pytest.mark.parametrize(
    ("then", "is_reset", "least"),
    [
        pytest.param("close", False, 0, id="close"),
        pytest.param("reset", True, 0, id="reset"),
        pytest.param("hang", False, 0.02, id="hang"),
    ],
)
async def test_partial_reply_ends(then: str, least: float, *, is_reset: bool) -> None:
    """A broken-off answer is followed by a close, a reset or a silence."""
    async with Service() as service:
        service.faults.add("partial_reply", then=then, seconds=0.03)
        seen = await over_the_wire(service, "POST", START)
        assert seen.reset == is_reset
        assert seen.seconds >= least


async def test_partial_reply_is_seen_by_aiohttp() -> None:
    """A client library sees that the body is not whole."""
    async with Service() as service:
        service.faults.add("partial_reply")
        with pytest.raises(ClientPayloadError):
            await service.seen("POST", START)


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
async def test_partial_reply_cuts_a_streamed_answer(*, announced: bool) -> None:
    """A large answer is cut as well, with its length announced or in chunks."""
    async with Service() as service:
        service.faults.add("huge_body", size=2**21, announced=announced)
        service.faults.add("partial_reply", share=0.1)
        with pytest.raises(ClientPayloadError):
            await service.seen("POST", START)


@pytest.mark.parametrize("headers", [False, True], ids=["body", "headers-too"])
async def test_drip_sends_single_bytes(*, headers: bool) -> None:
    """The body, or the whole answer, comes one byte at a time and complete."""
    async with Service() as service:
        plain = await service.seen("POST", START)
        service.faults.add("drip", interval=0.001, headers=headers)
        seen = await over_the_wire(service, "POST", START)
        dripped = len(seen.whole if headers else seen.body)
        assert seen.body == plain[1]
        assert len(seen.pieces) > dripped / 4
        assert seen.seconds >= dripped * 0.0005  # Some loops count in milliseconds.


async def test_drip_ends_when_the_client_leaves() -> None:
    """A dripping answer stops soon after its client has gone."""
    async with Service() as service:
        service.faults.add("drip", interval=0.01)
        async with Wire(service.port) as wire:
            wire.send("POST", START)
            await wire.reader.read(1)
            assert service.in_flight == 1
        await asyncio.sleep(0.05)
        assert service.in_flight == 0


async def test_drip_ends_when_the_emulator_closes() -> None:
    """A dripping answer breaks off rather than ending all at once."""
    async with Service() as service:
        service.faults.add("drip", interval=60)
        async with Wire(service.port) as wire:
            wire.send("POST", START)
            await wire.reader.readuntil(b"\r\n\r\n")
            await service.faults.aclose()
            assert len((await wire.rest()).whole) < 3


@pytest.mark.parametrize("kind", ["stale", "drip", "partial_reply"])
async def test_answer_to_nobody_does_no_harm(kind: str) -> None:
    """The change is applied although the client left before the answer."""
    async with Service() as service:
        service.faults.add("latency", seconds=0.02)
        service.faults.add(kind)
        async with Wire(service.port) as wire:
            wire.send("POST", START)
            await wire.writer.drain()
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.04)
        assert service.applied == APPLIED
        assert service.in_flight == 0


@pytest.mark.parametrize("inner", ["latency:seconds=0", "empty:code=200"])
async def test_drip_of_chunks_is_whole(inner: str) -> None:
    """A dripped answer in chunks is understood by a client library."""
    async with Service() as service:
        service.faults.install(parse(inner))
        service.faults.add("huge_body", size=300, announced=False)
        service.faults.add("drip", interval=0)
        status, body = await service.seen("POST", START)
        assert (status, len(body)) == (200, 300)


async def test_stale_connection_closes_after_the_answer() -> None:
    """The answer promises a connection that is then closed."""
    async with Service() as service:
        service.faults.add("stale")
        seen = await over_the_wire(service, "POST", START)
        assert b"200 OK" in seen.head
        assert b"Connection: close" not in seen.head
        assert not seen.reset


@pytest.mark.parametrize(
    "applied",
    [pytest.param(True, id="applied"), pytest.param(False, id="not-applied")],
)
async def test_stale_connection_dies_upon_the_next_request(*, applied: bool) -> None:
    """The second request on a connection is lost, whatever its route."""
    async with Service() as service:
        service.faults.add(
            "stale", upon="next_request", applied=applied, route="a", times=1
        )
        async with Wire(service.port) as wire:
            wire.send("GET", "/a")
            assert b"200 OK" in await wire.one_answer()
            wire.send("POST", "/b", b"{}")
            assert (await wire.rest()).whole == b""
        assert service.applied == ["GET /a", *(["POST /b {}"] if applied else [])]
        assert service.answered[0].status == 200


async def test_stale_connection_makes_aiohttp_resend() -> None:
    """A DELETE on a dead pooled connection is applied twice by aiohttp alone."""
    async with Service() as service:
        service.faults.add("stale", upon="next_request", applied=True, times=1)
        await service.seen("GET", "/a")
        assert (await service.seen("DELETE", "/b"))[0] == 200
        assert service.applied == ["GET /a", "DELETE /b", "DELETE /b"]


async def test_stale_connection_fails_a_post() -> None:
    """A POST on a dead pooled connection is not sent again by aiohttp."""
    async with Service() as service:
        service.faults.add("stale", upon="next_request", times=1)
        await service.seen("GET", "/a")
        with pytest.raises(ServerDisconnectedError):
            await service.seen("POST", "/b")
        assert service.applied == ["GET /a"]


async def test_stale_connections_are_forgotten_when_closed() -> None:
    """Connections that the client closed itself are not kept in mind."""
    async with Service() as service:
        fault = service.faults.add("stale", upon="next_request")
        for _ in range(3):
            async with Wire(service.port) as wire:
                wire.send("GET", "/a")
                await wire.one_answer()
            await asyncio.sleep(0.01)
        assert isinstance(fault.kind, Stale)
        assert len(fault.kind.doomed) == 1


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        pytest.param("stale", "drip:interval=0", id="stale-drip"),
        pytest.param("drip:interval=0", "partial_reply", id="drip-partial"),
        pytest.param("stale", "partial_reply", id="stale-partial"),
        pytest.param("partial_reply", "partial_reply", id="partial-partial"),
    ],
)
async def test_delivery_faults_meet(outer: str, inner: str) -> None:
    """Two faults that both send the answer give one answer, and no error."""
    async with Service() as service:
        service.faults.install(parse(outer))
        service.faults.install(parse(inner))
        seen = await over_the_wire(service, "POST", START)
        assert seen.whole.count(b"HTTP/1.1") == 1
        assert service.applied == APPLIED
