"""The request that a fault affects, and the owner of its background tasks."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from types import TracebackType
from typing import Protocol, TypeVar
from weakref import WeakKeyDictionary

from aiohttp import web

from ours_experiments.emulator.faults.wire import (
    Blocks,
    Handler,
    LostReply,
    StreamedReply,
    hang_up,
    is_connected,
)


T = TypeVar("T")
Switch = Callable[[], Awaitable[None]]

# aiohttp does not notify a running handler when the client disconnects.
POLL_SECONDS = 0.01
# Clients need this long to notice that their idle connections were closed.
NOTICE_SECONDS = 0.01


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that runs in this thread, None where none does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def ring(alarm: asyncio.Future[None]) -> None:
    """End a pause, unless it has ended already."""
    if not alarm.done():
        alarm.set_result(None)


class Background:
    """Owner of the waits, late changes and outages that faults start."""

    def __init__(self) -> None:
        self.stopping: bool = False
        self._alarms: set[asyncio.Future[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        # Weak: aiohttp drops the stream at its end, and calls nothing then.
        self._streams: WeakKeyDictionary[Blocks, web.Request] = WeakKeyDictionary()
        self._outages = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._close_listener: Switch | None = None
        self._open_listener: Switch | None = None

    @property
    def refusing(self) -> bool:
        """Whether new connections are refused just now."""
        return self._outages > 0

    def attach(self, close_listener: Switch, open_listener: Switch) -> None:
        """Take the functions that close and open the listener on this loop."""
        # An emulator may be started again after it was closed.
        self.stopping = False
        self._loop = asyncio.get_running_loop()
        self._close_listener = close_listener
        self._open_listener = open_listener

    async def pause(self, seconds: float) -> None:
        """Wait; end early when the emulator is closed."""
        if self.stopping:
            return
        loop = asyncio.get_running_loop()
        alarm = loop.create_future()
        timer = loop.call_later(seconds, ring, alarm)
        self._alarms.add(alarm)
        try:
            await alarm
        finally:
            timer.cancel()
            self._alarms.discard(alarm)

    async def wait_until_gone(self, request: web.Request, seconds: float) -> None:
        """Wait until the client disconnects, for at most `seconds`."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while is_connected(request) and not self.stopping and loop.time() < end:
            await self.pause(min(POLL_SECONDS, end - loop.time()))

    def start(self, work: Coroutine[object, object, None]) -> None:
        """Start a task that outlives the request."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def watch(self, stream: Blocks, request: web.Request) -> None:
        """Remember an answer that is still being sent when the route is done."""
        self._streams[stream] = request

    async def begin_outage(self) -> None:
        """Refuse connections from now on."""
        if self._close_listener is None:
            raise RuntimeError("No listener to close: the emulator is not running")
        self._outages += 1
        # Outages may overlap: the first one closes, the last one opens.
        if self._outages == 1:
            await self._close_listener()

    async def end_outage(self) -> None:
        """Accept connections again, once the last outage ends."""
        self._outages -= 1
        if self._outages == 0 and self._open_listener and not self.stopping:
            await self._open_listener()

    async def run(self, coroutine: Coroutine[object, object, T]) -> T:
        """Await a coroutine on the emulator's loop, from whatever loop."""
        loop = self._loop
        if loop is None or loop is asyncio.get_running_loop() or not loop.is_running():
            return await coroutine
        return await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(coroutine, loop)
        )

    def run_blocking(self, coroutine: Coroutine[object, object, T]) -> T:
        """Run a coroutine on the emulator's loop, and block until it is done."""
        if self._loop is None or not self._loop.is_running():
            return asyncio.run(coroutine)
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def check_blocking(self, instead: str) -> None:
        """Refuse to block the thread that serves the requests."""
        if self._loop is not None and self._loop is running_loop():
            raise RuntimeError(
                f"the emulator runs on this event loop: use {instead}, or serve it "
                "from a thread by `with Emulator()`"
            )

    async def finish_tasks(self) -> None:
        """Wait until late changes are made and outages are over."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def aclose(self) -> None:
        """End every wait, and drop late changes."""
        self.stopping = True
        for alarm in self._alarms:
            ring(alarm)
        for request in self._streams.values():
            hang_up(request, reset=True)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Outage:
    """A block during which connections are refused."""

    background: Background

    def __enter__(self) -> None:
        self.background.check_blocking("async with")
        self.background.run_blocking(self._begin())

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.background.run_blocking(self.background.end_outage())

    async def __aenter__(self) -> None:
        await self.background.run(self._begin())

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.background.run(self.background.end_outage())

    async def _begin(self) -> None:
        await self.background.begin_outage()
        try:
            await self.background.pause(NOTICE_SECONDS)
        except BaseException:
            await self.background.end_outage()
            raise


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, and the means to answer it."""

    request: web.Request
    handler: Handler
    """The operation, behind the faults that are nested more deeply."""
    random: Random
    """Seeded for each request, so that concurrency changes nothing."""
    background: Background

    @property
    def transport(self) -> asyncio.Transport | None:
        """The connection; None once it is closed."""
        return self.request.transport if is_connected(self.request) else None

    async def answer(self, request: web.Request | None = None) -> web.StreamResponse:
        """Carry the operation out, and return its answer."""
        return await self.handler(self.request if request is None else request)

    async def receive(self) -> None:
        """Read the whole body, so that it does not depend on the connection.

        Without this a disconnect goes unnoticed, and an orderly close turns into a
        reset. The operation refuses a body that is too large.
        """
        with suppress(web.HTTPRequestEntityTooLarge):
            await self.request.read()

    def stream(
        self,
        response: web.StreamResponse,
        blocks: Callable[[], Iterator[bytes]],
        *,
        length: int | None = None,
    ) -> StreamedReply:
        """Answer block by block, until the emulator closes at the latest."""
        reply = StreamedReply(response, blocks=blocks, length=length)
        self.background.watch(reply.stream, self.request)
        return reply

    def hang_up(self, *, reset: bool = False) -> LostReply:
        """Close the connection without an answer."""
        return hang_up(self.request, reset=reset)


class FaultKind(Protocol):
    """A kind of fault; its fields are the parameters."""

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Answer the request, or do not."""
        ...


def at_least(minimum: float, **parameters: float) -> None:
    """Raise ValueError for parameters that are too small, or NaN."""
    for name, value in parameters.items():
        if not value >= minimum:
            raise ValueError(f"{name} must be at least {minimum}, not {value}")


def at_most(maximum: float, **parameters: float) -> None:
    """Raise ValueError for parameters that are too large, or NaN."""
    for name, value in parameters.items():
        if not value <= maximum:
            raise ValueError(f"{name} must be at most {maximum}, not {value}")
