"""Fixtures: an emulator on a port of its own, and a client bound to it."""

from collections.abc import AsyncIterator
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
