"""The emulator goes on serving, whatever it is sent, and reveals no key."""

import asyncio
import ssl
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ours_experiments.emulator import Emulator
from tests.emulator.calls import Calls


KEY = "test-key"
MEBIBYTE = 2**20
SECONDS = 5
HEAD = f"Host: x\r\nAuthorization: Bearer {KEY}\r\n"
RETRIEVE = f"GET /rest/v1/experiments HTTP/1.1\r\n{HEAD}\r\n".encode()


async def send(emulator: Emulator, *pieces: bytes, ends: str = "never") -> bytes:
    """Send bytes, perhaps end or reset what is sent, and read what comes back."""
    host, port = emulator.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if ends == "reset":
            return b""
        if ends == "closed":
            writer.write_eof()
        async with asyncio.timeout(SECONDS):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Collect all that is logged, and find no key in it."""
    caplog.set_level("DEBUG")
    yield caplog
    assert KEY not in caplog.text
    assert not [record for record in caplog.records if KEY in repr(vars(record))]


@pytest.mark.usefixtures("logged")
@settings(max_examples=60)
@given(
    before=st.sampled_from([b"", RETRIEVE, RETRIEVE[:-2], b"POST / HTTP/1.1\r\n"]),
    garbage=st.binary(max_size=200),
)
async def test_survives_garbage(
    emulator: Emulator, call: Calls, before: bytes, garbage: bytes
) -> None:
    """Bytes that are no HTTP, alone or behind some, end their own connection only."""
    answer = await send(emulator, before + garbage, ends="closed")
    assert KEY.encode() not in answer
    await call("GET", "experiments")


@pytest.mark.usefixtures("logged")
@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param((b"",), id="nothing"),
        pytest.param((RETRIEVE[:40],), id="half-a-head"),
        pytest.param(
            (f"POST /rest/v1/experiments HTTP/1.1\r\n{HEAD}".encode(), b"Content-Le"),
            id="half-a-header",
        ),
        pytest.param(
            (
                f"POST /rest/v1/experiments HTTP/1.1\r\n{HEAD}".encode(),
                b"Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{",
            ),
            id="half-a-body",
        ),
        pytest.param(
            (
                f"POST /rest/v1/experiments HTTP/1.1\r\n{HEAD}".encode(),
                b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
                b"zz\r\n{}\r\n",
            ),
            id="no-chunk",
        ),
    ],
)
@pytest.mark.parametrize("ends", ["reset", "closed"])
async def test_survives_half_a_request(
    emulator: Emulator, call: Calls, pieces: tuple[bytes, ...], ends: str
) -> None:
    """A request that breaks off changes nothing, and the next one is served."""
    await send(emulator, *pieces, ends=ends)
    assert (await call("GET", "experiments"))["entities"] == []


@pytest.mark.usefixtures("logged")
@pytest.mark.parametrize("ends", ["closed", "reset"])
async def test_a_client_that_leaves_is_no_failure(
    emulator: Emulator, call: Calls, logged: pytest.LogCaptureFixture, ends: str
) -> None:
    """A client that disconnects while its body is read leaves no error in the log."""
    head = f"POST /rest/v1/experiments HTTP/1.1\r\n{HEAD}Content-Length: 99\r\n\r\n"
    for _ in range(5):
        await send(emulator, head.encode(), b'{"name"', ends=ends)
    await call("GET", "experiments")
    assert not [record for record in logged.records if record.levelname == "ERROR"]


async def test_answers_requests_sent_at_once(emulator: Emulator) -> None:
    """Requests of one connection are answered one after the other, all of them."""
    closing = RETRIEVE[:-2] + b"Connection: close\r\n\r\n"
    answer = await send(emulator, RETRIEVE * 50 + closing)
    assert answer.count(b"HTTP/1.1 200 OK") == 51


@pytest.mark.usefixtures("logged")
async def test_survives_an_encrypted_greeting(emulator: Emulator, call: Calls) -> None:
    """A TLS connection is closed."""
    host, port = emulator.url.removeprefix("http://").split(":")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection(
            host, int(port), ssl=ssl.create_default_context(), server_hostname="x"
        )
    await call("GET", "experiments")


@pytest.mark.usefixtures("logged")
async def test_refuses_chunks_over_the_limit(emulator: Emulator, call: Calls) -> None:
    """A body of unknown length is read up to 16 MiB, and no further."""
    chunk = b"%x\r\n%s\r\n" % (MEBIBYTE, b" " * MEBIBYTE)
    host, port = emulator.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"POST /rest/v1/experiments HTTP/1.1\r\n{HEAD}"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    )
    for _ in range(17):
        writer.write(chunk)
        await writer.drain()
    async with asyncio.timeout(SECONDS):
        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()
    await call("GET", "experiments")


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
async def test_serves_no_other_origin(emulator: Emulator, method: str) -> None:
    """A page in a browser gets no leave to read or to write: there is no CORS."""
    request = (
        f"{method} /rest/v1/experiments HTTP/1.1\r\n{HEAD}Origin: https://evil.example"
        "\r\nAccess-Control-Request-Method: POST\r\n"
        "Content-Length: 0\r\nConnection: close\r\n\r\n"
    )
    answer = await send(emulator, request.encode())
    assert answer.startswith(b"HTTP/1.1 ")
    assert b"access-control" not in answer.lower()


@pytest.mark.parametrize(
    "path", ["/", "/faults", "/control", "/_emulator", "/rest/v1", "/rest/v1/faults"]
)
async def test_is_controlled_from_python_alone(emulator: Emulator, path: str) -> None:
    """No path of the emulator is anything but the service's API."""
    request = f"POST {path} HTTP/1.1\r\n{HEAD}Content-Length: 0\r\n"
    answer = await send(emulator, f"{request}Connection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1", "example.com"])  # noqa: S104 - refused
def test_refuses_other_machines(host: str) -> None:
    """The emulator listens on this machine alone unless that is said."""
    with pytest.raises(ValueError, match="allow_remote"):
        Emulator(host=host)


async def test_shows_no_key(emulator: Emulator, call: Calls) -> None:
    """Neither the emulator nor its log displays a key."""
    await call("GET", "experiments")
    shown = [emulator, emulator.log, emulator.faults, emulator.state]
    assert KEY not in f"{shown!r} {list(emulator.log.entries)!r}"
