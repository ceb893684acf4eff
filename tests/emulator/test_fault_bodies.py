"""Faults of the body's bytes."""

import asyncio
import resource
import time
import zlib

import orjson
import pytest

from ours_experiments.emulator.faults.bodies import BLOCK, gzipped, with_member
from tests.emulator.fault_service import EXPERIMENT, Service, Wire, over_the_wire


START = "/experiments/start"
APPLIED = [f"POST {START}"]
MIB = 2**20


async def test_content_type_is_mislabelled() -> None:
    """The true answer comes under another content type."""
    async with Service() as service:
        service.faults.add("content_type", value="text/html")
        async with service.http.post(START) as response:
            assert response.headers.getall("Content-Type") == ["text/html"]
            assert orjson.loads(await response.read()) == EXPERIMENT


@pytest.mark.parametrize(
    "share",
    [
        pytest.param(0.0, id="nothing"),
        pytest.param(0.5, id="half"),
        pytest.param(1.0, id="all-but-one-byte"),
    ],
)
async def test_truncated_json_is_a_whole_answer(share: float) -> None:
    """The length is right for the part that comes, and the part is no JSON."""
    async with Service() as service:
        _, whole = await service.seen("POST", START)
        service.faults.add("truncated_json", share=share)
        status, body = await service.seen("POST", START)
        assert (status, len(body)) == (
            200,
            min(int(len(whole) * share), len(whole) - 1),
        )
        assert whole.startswith(body)
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(body)


@pytest.mark.parametrize("defect", ["comma", "nan", "encoding", "tail", None])
@pytest.mark.parametrize("method", ["POST", "DELETE"], ids=["object", "true"])
async def test_malformed_json_is_refused(method: str, defect: str | None) -> None:
    """Each defect makes a strict reader refuse the answer."""
    async with Service() as service:
        service.faults.add("malformed_json", defect=defect)
        status, body = await service.seen(method, START)
        assert status == 200
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(body)
        assert service.applied == [f"{method} {START}"]


@pytest.mark.parametrize(
    ("body", "result"),
    [
        pytest.param(b'{"a":1}', b'{"padding":0,"a":1}', id="object"),
        pytest.param(b"{ }", b'{"padding":0 }', id="empty-object"),
        pytest.param(b"true", b"0", id="no-object"),
    ],
)
def test_member_is_added(body: bytes, result: bytes) -> None:
    """A member fits into any object and stands in for anything else."""
    assert with_member(body, b"0") == result


async def test_deep_body_nests_as_told() -> None:
    """The answer gains a field of nested lists and stays correct."""
    async with Service() as service:
        service.faults.add("deep_body", depth=100)
        payload = await service.payload(START)
        assert isinstance(payload, dict)
        nested, depth = payload.pop("padding"), 0
        while isinstance(nested, list):
            nested, depth = nested[0] if nested else None, depth + 1
        assert (payload, depth) == (EXPERIMENT, 100)


async def test_deep_body_is_too_deep_by_default() -> None:
    """A reader with a limit on nesting refuses the answer."""
    async with Service() as service:
        service.faults.add("deep_body")
        with pytest.raises(orjson.JSONDecodeError):
            await service.payload(START)


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
@pytest.mark.parametrize("size", [3, 1000, BLOCK + 1000, 2 * BLOCK])
async def test_huge_body_is_correct(size: int, *, announced: bool) -> None:
    """The answer is padded to its size and says the same as before."""
    async with Service() as service:
        _, whole = await service.seen("POST", START)
        service.faults.add("huge_body", size=size, announced=announced)
        async with service.http.post(START) as response:
            body = await response.read()
            assert ("Content-Length" in response.headers) == announced
        assert len(body) == max(size, len(whole))
        assert orjson.loads(body) == EXPERIMENT


@pytest.mark.parametrize("size", [3, 1000, BLOCK + 1000, 3 * BLOCK])
async def test_gzip_bomb_is_correct(size: int) -> None:
    """The answer unpacks to its size and says the same as before."""
    async with Service() as service:
        _, whole = await service.seen("POST", START)
        service.faults.add("gzip_bomb", size=size)
        async with service.http.post(START) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            body = await response.read()
        assert len(body) == max(size, len(whole))
        assert orjson.loads(body) == EXPERIMENT


def test_gzip_stream_checks_out() -> None:
    """The checksum and the length at the end of the stream are right."""
    stream = b"".join(gzipped(b"{}", 5 * BLOCK + 7))
    unpacker = zlib.decompressobj(wbits=31)
    assert len(unpacker.decompress(stream)) == 5 * BLOCK + 7
    assert unpacker.eof
    assert unpacker.unused_data == b""


async def test_gzip_bomb_is_small_on_the_wire_and_here() -> None:
    """300 MiB cost about a thousandth on the wire, and no memory to serve."""
    async with Service() as service:
        service.faults.add("gzip_bomb", size=300 * MIB)
        service.faults.add("stale")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        seen = await over_the_wire(service, "POST", START)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert 300 * 1000 < len(seen.whole) < 400 * 1024
        assert grown < 16 * 1024
        assert service.applied == APPLIED


async def test_gzip_bomb_leaves_time_to_others() -> None:
    """While a bomb goes to one client, another is answered."""
    async with Service() as service:
        service.faults.add("gzip_bomb", size=2**42, times=1)
        async with Wire(service.port) as wire:
            wire.send("POST", START)
            reading = asyncio.create_task(wire.rest())
            await asyncio.sleep(0.01)
            begin = time.process_time()
            await service.seen("POST", START)
            assert time.process_time() - begin < 0.2
            reading.cancel()
            await asyncio.wait([reading])


async def test_huge_body_costs_no_memory_here() -> None:
    """A client that does not read makes the service wait, not buffer."""
    async with Service() as service:
        service.faults.add("huge_body", size=2**40)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        async with service.http.post(START) as response:
            await response.content.readexactly(8 * MIB)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown < 64 * 1024
