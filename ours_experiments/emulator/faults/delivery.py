"""Faults of the network: slow, refused, lost, late and cut-off answers."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

from ours_experiments.emulator.faults.exchange import (
    NOTICE_SECONDS,
    Exchange,
    at_least,
    at_most,
)
from ours_experiments.emulator.faults.wire import (
    error_reply,
    raw_blocks,
    raw_head,
)


@dataclass(frozen=True)
class Latency:
    """Wait before the request is processed: `seconds` and up to `jitter` more."""

    seconds: float = 0.1
    jitter: float = 0.0

    def __post_init__(self) -> None:
        at_least(0, seconds=self.seconds, jitter=self.jitter)

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Wait, and answer even if the client has disconnected."""
        await exchange.background.pause(
            self.seconds + self.jitter * exchange.random.random()
        )
        return await exchange.answer()


@dataclass(frozen=True)
class Refuse:
    """Answer this request, and refuse connections from then on for `seconds`."""

    seconds: float = 1.0

    def __post_init__(self) -> None:
        at_least(0, seconds=self.seconds)

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Close the listener before the answer is sent, and open it again later."""
        await exchange.background.begin_outage()
        exchange.background.start(self.end(exchange))
        await exchange.background.pause(NOTICE_SECONDS)
        response = await exchange.answer()
        response.force_close()
        return response

    async def end(self, exchange: Exchange) -> None:
        """End the outage after its seconds."""
        try:
            await exchange.background.pause(self.seconds)
        finally:
            await exchange.background.end_outage()


@dataclass(frozen=True)
class Stale:
    """Close a connection that was promised to stay open.

    `upon` is "answer" (right after this answer) or "next_request" (when the next
    request comes on the same connection, whatever its route); `applied` says
    whether that next request is still carried out.
    """

    upon: Literal["answer", "next_request"] = "answer"
    applied: bool = False
    doomed: set[asyncio.Transport] = field(
        default_factory=set[asyncio.Transport], init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if self.applied and self.upon == "answer":
            raise ValueError("applied is for upon=next_request only")

    def claims(self, request: web.Request) -> bool:
        """Return whether this request came on a connection that is to be closed."""
        return request.transport in self.doomed

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Close now when the connection is marked; else mark or close after."""
        transport = exchange.transport
        if transport in self.doomed:
            await exchange.receive()
            if self.applied:
                await exchange.answer()
            return exchange.hang_up()
        response = await exchange.answer()
        transport = exchange.transport
        if transport is None:
            return response
        if self.upon == "answer":
            # Sent whole first: the client has to believe that the connection is kept.
            await response.prepare(exchange.request)
            await response.write_eof()
            exchange.hang_up()
            return web.Response(status=response.status)
        # Or else every connection of a long test would be kept.
        self.doomed.difference_update(
            [other for other in self.doomed if other.is_closing()]
        )
        self.doomed.add(transport)
        return response


@dataclass(frozen=True)
class Reset:
    """Reset the connection (RST) without an answer."""

    applied: bool = False

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Reset, before or after the change."""
        if self.applied:
            await exchange.answer()
        return exchange.hang_up(reset=True)


@dataclass(frozen=True)
class Close:
    """Close the connection in order (FIN) without an answer."""

    applied: bool = False

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Close, before or after the change."""
        await exchange.receive()
        if self.applied:
            await exchange.answer()
        return exchange.hang_up()


@dataclass(frozen=True)
class Hang:
    """Send no answer until the client disconnects, for at most `seconds`."""

    applied: bool = False
    seconds: float = 60.0

    def __post_init__(self) -> None:
        at_least(0, seconds=self.seconds)

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Hang, before or after the change."""
        await exchange.receive()
        if self.applied:
            await exchange.answer()
        await exchange.background.wait_until_gone(exchange.request, self.seconds)
        return exchange.hang_up()


@dataclass(frozen=True)
class Late:
    """Lose the reply at once and make the change `delay` seconds later.

    `reply` is what the client sees: "reset", "hang" (for at most `seconds`) or a
    status such as 504.
    """

    delay: float = 1.0
    reply: Literal["reset", "hang"] | int = "reset"
    seconds: float = 60.0

    def __post_init__(self) -> None:
        at_least(0, delay=self.delay, seconds=self.seconds)
        if isinstance(self.reply, int):
            at_least(400, reply=self.reply)
            at_most(599, reply=self.reply)

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Postpone the request, and lose its reply."""
        await exchange.receive()
        exchange.background.start(self.change(exchange))
        if isinstance(self.reply, int):
            return error_reply(self.reply, None, None)
        if self.reply == "hang":
            await exchange.background.wait_until_gone(exchange.request, self.seconds)
        return exchange.hang_up(reset=self.reply == "reset")

    async def change(self, exchange: Exchange) -> None:
        """Make the change after the reply was lost."""
        await exchange.background.pause(self.delay)
        if not exchange.background.stopping:
            await exchange.answer()


@dataclass(frozen=True)
class PartialReply:
    """Break off in the middle of the body, after a `share` of it (0-1).

    `then` is what follows: "close", "reset", or "hang" (for at most `seconds`).
    """

    share: float = 0.5
    then: Literal["close", "reset", "hang"] = "close"
    seconds: float = 60.0

    def __post_init__(self) -> None:
        at_least(0, share=self.share, seconds=self.seconds)
        at_most(1, share=self.share)

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Make the change and send a part of the answer."""
        response = await exchange.answer()
        transport = exchange.transport
        if transport is None:
            return response
        head, body = raw_head(response), next(raw_blocks(response))
        # At least one byte is left out, or the answer would be complete.
        kept = min(int(len(body) * self.share), len(body) - 1)
        transport.write(head + body[:kept] if body else head[:-1])
        if self.then == "hang":
            await exchange.background.wait_until_gone(exchange.request, self.seconds)
        exchange.hang_up(reset=self.then == "reset")
        return web.Response(status=response.status)


@dataclass(frozen=True)
class Drip:
    """Send the body one byte at a time, every `interval` seconds.

    `headers` makes the status line and the headers drip as well.
    """

    interval: float = 0.01
    headers: bool = False

    def __post_init__(self) -> None:
        at_least(0, interval=self.interval)

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Make the change and send the answer in single bytes."""
        response = await exchange.answer()
        for piece in self.pieces(response):
            transport = exchange.transport
            if transport is None or exchange.background.stopping:
                break
            transport.write(piece)
            await exchange.background.pause(self.interval)
        exchange.hang_up()
        return web.Response(status=response.status)

    def pieces(self, response: web.StreamResponse) -> Iterator[bytes]:
        """Yield the answer in pieces."""
        head = raw_head(response)
        if self.headers:
            yield from cut(head)
        else:
            yield head
        for block in raw_blocks(response):
            yield from cut(block)


def cut(text: bytes) -> Iterator[bytes]:
    """Return the single bytes."""
    return (text[index : index + 1] for index in range(len(text)))
