"""Faults of the body's bytes: damaged, mislabelled, huge, deep, explosive."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from aiohttp import web

from ours_experiments.emulator.faults.exchange import Exchange, at_least, at_most
from ours_experiments.emulator.faults.wire import (
    body_of,
    with_body,
)


BLOCK = 2**20
PADDING = b" " * BLOCK
GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"


def with_member(body: bytes, value: bytes) -> bytes:
    """Add a member to a JSON object; any other body is replaced by the value."""
    if not body.startswith(b"{"):
        return value
    separator = b"" if body[1:].lstrip().startswith(b"}") else b","
    return b'{"padding":' + value + separator + body[1:]


@dataclass(frozen=True)
class Body:
    """Answer 200 with another body, such as "false" or "null"."""

    text: str = "null"
    applied: bool = True

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Answer with the text, before or after the change."""
        if self.applied:
            return with_body(await exchange.answer(), self.text.encode())
        return web.Response(text=self.text, content_type="application/json")


@dataclass(frozen=True)
class ContentType:
    """Label the answer with another content type."""

    value: str = "text/plain"

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Make the change and mislabel the answer."""
        response = await exchange.answer()
        response.headers["Content-Type"] = self.value
        return response


@dataclass(frozen=True)
class TruncatedJson:
    """Cut the JSON short after a `share` (0-1), in an answer that is whole."""

    share: float = 0.5

    def __post_init__(self) -> None:
        at_least(0, share=self.share)
        at_most(1, share=self.share)

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Make the change and shorten the answer."""
        response = await exchange.answer()
        body = body_of(response)
        kept = min(int(len(body) * self.share), len(body) - 1)
        return with_body(response, body[:kept])


@dataclass(frozen=True)
class MalformedJson:
    """Break the JSON: a trailing comma, NaN, bytes that are no UTF-8, a tail.

    Without a `defect` it is drawn for each answer.
    """

    defect: Literal["comma", "nan", "encoding", "tail"] | None = None

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Make the change and damage the answer."""
        response = await exchange.answer()
        body = body_of(response)
        defect = self.defect or exchange.random.choice(
            ("comma", "nan", "encoding", "tail")
        )
        if defect == "comma":
            damaged = with_member(body, b"[1,]")
        elif defect == "nan":
            damaged = with_member(body, b"NaN")
        elif defect == "encoding":
            damaged = with_member(body, b'"\xff\xfe"')
        else:
            damaged = body + b"}{"
        return with_body(response, damaged)


@dataclass(frozen=True)
class DeepBody:
    """Add a field of `depth` nested lists to the answer."""

    depth: int = 100_000

    def __post_init__(self) -> None:
        at_least(1, depth=self.depth)

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Make the change and answer deeply."""
        response = await exchange.answer()
        nested = b"[" * self.depth + b"]" * self.depth
        return with_body(response, with_member(body_of(response), nested))


@dataclass(frozen=True)
class HugeBody:
    """Pad the answer with spaces up to `size` bytes: correct JSON, only large.

    With `announced` the size stands in Content-Length; else it comes in chunks.
    """

    size: int = 64 * BLOCK
    announced: bool = True

    def __post_init__(self) -> None:
        at_least(1, size=self.size)

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Make the change and answer at length."""
        response = await exchange.answer()
        head = body_of(response)
        size = max(self.size, len(head))

        def blocks() -> Iterator[bytes]:
            yield head
            yield from padding(size - len(head))

        length = size if self.announced else None
        return exchange.stream(response, blocks, length=length)


@dataclass(frozen=True)
class GzipBomb:
    """Pad the answer with spaces up to `size` bytes, sent as a thousandth of it.

    It is correct gzip and correct JSON, and it is made while it is sent.
    """

    size: int = 300 * BLOCK

    def __post_init__(self) -> None:
        at_least(1, size=self.size)

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Make the change and answer with a bomb."""
        response = await exchange.answer()
        head = body_of(response)
        size = max(self.size, len(head))
        response.headers["Content-Encoding"] = "gzip"
        return exchange.stream(response, lambda: gzipped(head, size))


def padding(size: int) -> Iterator[bytes]:
    """Yield spaces in blocks that share their memory."""
    for _ in range(size // BLOCK):
        yield PADDING
    yield PADDING[: size % BLOCK]


@cache
def deflated_padding() -> bytes:
    """Compress one block so that it can be repeated within a stream."""
    return deflated(PADDING)


def deflated(text: bytes) -> bytes:
    """Compress a piece of a stream, without reference to what is before it."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(text) + compressor.flush(zlib.Z_FULL_FLUSH)


def gzipped(head: bytes, size: int) -> Iterator[bytes]:
    """Return a gzip stream of the head and the spaces after it."""
    yield GZIP_HEADER + deflated(head)
    checksum = zlib.crc32(head)
    for block in padding(size - len(head)):
        checksum = zlib.crc32(block, checksum)
        yield deflated_padding() if len(block) == BLOCK else deflated(block)
    # An empty last block ends the stream, checksum and length follow.
    yield b"\x03\x00" + struct.pack("<II", checksum, size % 2**32)
