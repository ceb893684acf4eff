"""A service, or a proxy in front of it, that repeats the request in its answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ours_experiments import Client, OursError, RetryPolicy


KEY = "live-key-0815"
ECHO = KEY.encode()
JSON = b"Content-Type: application/json"


@asynccontextmanager
async def saying(answer: bytes) -> AsyncIterator[Client]:
    """Yield a client of a server that answers everything with the same bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with (
        server,
        Client(
            KEY, base_url=f"http://127.0.0.1:{port}", retry=RetryPolicy(attempts=1)
        ) as client,
    ):
        yield client


def answer(status: bytes, *headers: bytes, body: bytes = b"{}") -> bytes:
    """Return the bytes of an HTTP response."""
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join((b"HTTP/1.1 " + status, *headers, length, b"", body))


@pytest.mark.parametrize(
    "echo",
    [
        pytest.param(answer(b"400 No " + ECHO, JSON), id="reason"),
        pytest.param(answer(b"400 No", JSON, b"Server: " + ECHO), id="header"),
        pytest.param(answer(b"400 No", b"Via: x " + ECHO), id="other-header"),
        pytest.param(
            answer(b"400 No", JSON, body=b'{"error": "%b"}' % ECHO), id="error"
        ),
        pytest.param(
            answer(b"400 No", JSON, body=b'{"details": "\\u006c%b"}' % ECHO[1:]),
            id="escaped",
        ),
        pytest.param(answer(b"200 OK", b"Content-Type: text/" + ECHO), id="type"),
        pytest.param(answer(b"200 OK", JSON, body=ECHO), id="excerpt"),
        pytest.param(
            answer(b"302 Found", b"Location: http://%b.example.com/" % ECHO),
            id="location",
        ),
    ],
)
async def test_an_echoed_key(echo: bytes) -> None:
    """No part of an error holds the key, wherever the answer repeats it."""
    async with saying(echo) as client:
        with pytest.raises(OursError) as caught:
            await client.settings.list()
    assert KEY not in f"{caught.value} {caught.value!r} {vars(caught.value)}"


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(answer(b"400 N\xe9 \xff", JSON), id="reason"),
        pytest.param(answer(b"400 No", JSON, b"Server: \xff"), id="header"),
        pytest.param(answer(b"200 OK", b"Content-Type: text/\xff"), id="type"),
        pytest.param(answer(b"302 Found", b"Location: http://\xff/"), id="location"),
    ],
)
async def test_bytes_that_are_no_text(odd: bytes) -> None:
    """An error can be written to a log, whatever bytes the answer holds."""
    async with saying(odd) as client:
        with pytest.raises(OursError) as caught:
            await client.settings.list()
    assert f"{caught.value} {caught.value!r} {vars(caught.value)}".encode()
