"""Fixtures: an account with published settings, and a client whose writes are seen."""

import json
from collections.abc import AsyncIterator
from types import SimpleNamespace

import aiohttp
import pytest

from ours_experiments import Client, NewSettings
from ours_experiments.emulator import Emulator
from tests.specs.account import Writes


@pytest.fixture
async def shop(emulator: Emulator) -> Emulator:
    """Serve an account whose settings "Shop" are published."""
    async with Client(emulator.api_key, base_url=emulator.url) as client:
        await client.settings.create(NewSettings(name="Shop"))
        await client.versions.publish()
    emulator.log.clear()
    return emulator


@pytest.fixture
def writes() -> Writes:
    """Collect the writes of the client `watched`."""
    return []


@pytest.fixture
async def watched(shop: Emulator, writes: Writes) -> AsyncIterator[Client]:
    """Speak to the shop, and note every write with its body."""

    async def note(
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        sent: aiohttp.TraceRequestChunkSentParams,
    ) -> None:
        if sent.chunk:
            writes.append((sent.method, sent.url.path, json.loads(sent.chunk)))

    trace = aiohttp.TraceConfig()
    trace.on_request_chunk_sent.append(note)
    async with Client(shop.api_key, base_url=shop.url, trace_configs=[trace]) as client:
        yield client
