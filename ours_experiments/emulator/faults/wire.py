"""Send answers the way a broken server or a broken network would."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from typing import Self, TypeAlias

import orjson
from aiohttp import web


Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

# Lingering for zero seconds makes the kernel send RST instead of FIN.
ABORTIVE = struct.pack("ii", 1, 0)


class LostReply(web.Response):
    """A placeholder for an answer that cannot be sent any more."""

    def __init__(self) -> None:
        super().__init__(status=444, reason="No Response")


class Blocks:
    """An async iterator over the blocks of a body."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self.blocks = blocks

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        # Without a turn of the loop, a fast client would keep all others waiting.
        await asyncio.sleep(0)
        for block in self.blocks:
            return block
        raise StopAsyncIteration


class StreamedReply(web.Response):
    """An answer made while it is sent, so that its size costs no memory.

    Without a `length` in bytes it is sent in chunks. `head`, for faults that look
    into the body, is that of the answer it was made from.
    """

    def __init__(
        self,
        template: web.StreamResponse,
        *,
        blocks: Callable[[], Iterator[bytes]],
        length: int | None = None,
    ) -> None:
        headers = template.headers.copy()
        # That of the answer it was made from would be wrong.
        headers.pop("Content-Length", None)
        if length is not None:
            headers["Content-Length"] = str(length)
        self.stream: Blocks = Blocks(blocks())
        super().__init__(
            status=template.status,
            reason=template.reason,
            headers=headers,
            body=self.stream,
        )
        self.head: bytes = body_of(template)
        self.blocks = blocks


def is_connected(request: web.Request) -> bool:
    """Return whether the client of this request is still there."""
    return request.transport is not None and not request.transport.is_closing()


def hang_up(request: web.Request, *, reset: bool) -> LostReply:
    """Close the connection: with a reset, or in order once all is flushed."""
    if request.transport is not None and not request.transport.is_closing():
        if reset:
            wire = request.transport.get_extra_info("socket")
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORTIVE)
            request.transport.abort()
        else:
            request.transport.close()
    return LostReply()


def body_of(response: web.StreamResponse) -> bytes:
    """Return the body, or what it starts with when it is made while it is sent."""
    if isinstance(response, StreamedReply):
        return response.head
    if isinstance(response, web.Response) and isinstance(response.body, bytes):
        return response.body
    return b""


def json_of(response: web.StreamResponse) -> Json:
    """Return the decoded body; None when it is not JSON."""
    try:
        payload: Json = orjson.loads(body_of(response))
    except orjson.JSONDecodeError:
        return None
    return payload


def with_body(response: web.StreamResponse, body: bytes) -> web.Response:
    """Return the same answer with another body."""
    headers = response.headers.copy()
    headers.pop("Content-Length", None)
    return web.Response(
        status=response.status, reason=response.reason, headers=headers, body=body
    )


def with_json(response: web.StreamResponse, payload: Json) -> web.Response:
    """Return the same answer with another payload."""
    return with_body(response, orjson.dumps(payload))


def error_reply(code: int, error: str | None, details: str | None) -> web.Response:
    """Return an error in the form of the service."""
    reply = web.Response(status=code, content_type="application/json")
    payload: dict[str, Json] = {"error": error or reply.reason}
    if details is not None:
        payload["details"] = details
    reply.body = orjson.dumps(payload)
    return reply


def raw_head(response: web.StreamResponse) -> bytes:
    """Write status line and headers, for a connection that closes afterwards."""
    headers = response.headers.copy()
    headers["Connection"] = "close"
    if not isinstance(response, StreamedReply):
        headers["Content-Length"] = str(len(body_of(response)))
    elif response.content_length is None:
        headers["Transfer-Encoding"] = "chunked"
    lines = [f"HTTP/1.1 {response.status} {response.reason}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def raw_blocks(response: web.StreamResponse) -> Iterator[bytes]:
    """Return the body block by block, in the form that `raw_head` announces."""
    if not isinstance(response, StreamedReply):
        yield body_of(response)
    elif response.content_length is not None:
        yield from response.blocks()
    else:
        # An empty chunk would end the body.
        for block in filter(None, response.blocks()):
            yield b"%x\r\n%b\r\n" % (len(block), block)
        yield b"0\r\n\r\n"
