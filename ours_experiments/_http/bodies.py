"""The bodies of requests and responses, as bytes."""

from io import BytesIO
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.abc import AbstractStreamWriter


if TYPE_CHECKING:
    from asyncio import WriteTransport


READ_BUFFER = 2**20
RESERVED_BYTES = 32 * 2**20
"""Reserved at once for a large body of unknown length. A growing buffer is copied when
malloc cannot enlarge it in place: a page of 31 MiB then took 66 to 74 MiB in one call
of five; with the reservation it takes 62, since zeroed bytes cost nothing until they
are written."""
REFUSED_ENCODINGS = {"br", "zstd"}
"""Encodings whose sender chooses how much memory decoding takes beside the output."""


class RequestBody(aiohttp.Payload):
    """JSON bytes that record whether their request has started to leave."""

    def __init__(self, value: bytes) -> None:
        super().__init__(value, content_type="application/json")
        self._size = len(value)
        self.connection: WriteTransport | None = None
        """What the request leaves by; None before it begins to leave."""

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the body as text."""
        return str(self._value, encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write the body."""
        await self.write_with_length(writer, None)

    async def write_with_length(
        self,
        writer: AbstractStreamWriter,
        content_length: int | None,  # noqa: ARG002 - the base class names it
    ) -> None:
        """Write the body, whose length is the one announced."""
        self.connection = writer.transport
        await writer.write(self._value)

    def abort(self) -> bool:
        """Drop what has not left yet, and return whether anything may have left.

        aiohttp closes the connection, which waits until the peer reads the rest.
        """
        if self.connection is None:
            return False
        self.connection.abort()
        return True


async def read_body(response: aiohttp.ClientResponse, max_bytes: int) -> bytes | None:
    """Read the decoded body; None as soon as it exceeds `max_bytes`."""
    length = response.content_length
    encoding = response.headers.get("Content-Encoding")
    try:
        if response.content.at_eof():
            # It is empty, or a middleware of the session's owner has read it.
            body = await response.read()
            return body if len(body) <= max_bytes else None
        if encoding is not None:
            if encoding.lower() in REFUSED_ENCODINGS:
                raise aiohttp.ClientPayloadError(f"{encoding} was not asked for")
        elif length is not None:
            if length > max_bytes:
                return None
            if length <= READ_BUFFER:
                return await response.read()
        buffer = BytesIO()
        async for chunk in response.content.iter_any():
            end = buffer.tell() + len(chunk)
            if end > max_bytes:
                return None
            if buffer.tell() <= READ_BUFFER < end:
                received = buffer.getvalue()
                buffer = BytesIO(bytes(min(max_bytes, RESERVED_BYTES)))
                buffer.write(received)
            buffer.write(chunk)
        buffer.truncate()
        return buffer.getvalue()
    finally:
        response.release()
