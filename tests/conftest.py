"""Fixtures: an emulator on a port of its own, and a client bound to it."""

import signal
from collections.abc import AsyncIterator, Callable
from typing import Any

import aioresponses.core
import pytest
from aiohttp import ClientResponse
from hypothesis import HealthCheck, settings

from ours_experiments import Client
from ours_experiments.emulator import Emulator
from tests.support.clock import WaitingEventLoop


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background job ignores Ctrl-C, and so would every command under test.
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "exploring",
    deadline=None,
    suppress_health_check=[
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
    ],
)
settings.register_profile(
    "repeatable", settings.get_profile("exploring"), derandomize=True
)
# New examples are looked for on request: `pytest --hypothesis-profile=exploring`.
settings.load_profile("repeatable")


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], WaitingEventLoop]]:
    """Keep what is late because the machine is busy from timing anything out."""
    return {"waiting": WaitingEventLoop}


class Answer(ClientResponse):
    """aioresponses 0.7.9 does not know what aiohttp 3.14 asks of a request sent."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["stream_writer"] = NothingWritten()
        super().__init__(*args, **kwargs)


class NothingWritten:
    """The size of a request that no socket has carried."""

    output_size = 0


vars(aioresponses.core)["ClientResponse"] = Answer


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
