"""Fixtures: an emulator on a port of its own, a client bound to it, a fast clock."""

import asyncio
import selectors
from collections.abc import AsyncIterator, Callable
from typing import Any

import aioresponses.core
import pytest
from aiohttp import ClientResponse

from ours_experiments import Client
from ours_experiments.emulator import Emulator


class ShimmedResponse(ClientResponse):
    """aioresponses 0.7.9 does not know aiohttp 3.14's `stream_writer` argument."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("stream_writer", None)
        super().__init__(*args, **kwargs)


vars(aioresponses.core)["ClientResponse"] = ShimmedResponse


SPEED = 40.0
"""How many seconds of the fast clock pass in a real one."""


class FastSelector(selectors.DefaultSelector):
    """Waits a fraction of what it is asked to."""

    def select(self, timeout: float | None = None) -> Any:
        """Wait for what the fast clock calls `timeout`."""
        return super().select(timeout and timeout / SPEED)


class FastEventLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock runs fast: real sockets, cheap waits."""

    def __init__(self) -> None:
        super().__init__(FastSelector())

    def time(self) -> float:
        """Return the fast clock's seconds."""
        return super().time() * SPEED


def run_fast(main: Callable[[], Any]) -> Any:
    """Run a coroutine function on a fast clock."""
    with asyncio.Runner(loop_factory=FastEventLoop) as runner:
        return runner.run(main())


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """Serve an empty account."""
    async with Emulator() as running:
        yield running


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[Client]:
    """Speak to the emulator."""
    async with Client(emulator.api_key, base_url=emulator.url) as speaking:
        yield speaking
