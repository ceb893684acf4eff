"""A service that answers each request with the next line of a script."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import attrs

from tests.support.unreachable import listening


LOST = b""
"""In place of an answer: the request is read, and the connection dropped."""


def answer(
    status: int,
    body: object = None,
    *,
    kind: str = "application/json",
    headers: str = "",
    reason: str = "Reason",
) -> bytes:
    """Spell an HTTP response; a body that is no text is sent as JSON."""
    content = (body if isinstance(body, str) else json.dumps(body)).encode()
    return (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\n{headers}"
        f"Content-Length: {len(content)}\r\n\r\n"
    ).encode() + content


def api_error(status: int, error: str = "No", **headers: str) -> bytes:
    """Spell an error as the API does."""
    lines = "".join(
        f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()
    )
    return answer(status, {"error": error, "details": "field"}, headers=lines)


@attrs.define
class Script:
    """The requests that came, and where the service listens."""

    port: int = 0
    """The port on 127.0.0.1."""
    heads: list[str] = attrs.field(factory=list[str])
    """The head of each request, in order."""

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def methods(self) -> list[str]:
        """The method of each request."""
        return [head.split(" ", 1)[0] for head in self.heads]


@asynccontextmanager
async def scripted(*answers: bytes, then: bytes = LOST) -> AsyncIterator[Script]:
    """Serve the answers in order, whatever is asked; `then` answers what follows."""
    script = Script()
    waiting = list[bytes](answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            script.heads.append(head)
            await reader.readexactly(content_length(head.split("\r\n")))
            reply = waiting.pop(0) if waiting else then
            if reply == LOST:
                return
            writer.write(reply)
            await writer.drain()

    async with listening(serve) as port:
        script.port = port
        yield script


def content_length(lines: Sequence[str]) -> int:
    """Return the length of a request's body."""
    for line in lines:
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return int(value)
    return 0
