"""Refused connections."""

import asyncio

import pytest
from aiohttp import ClientConnectorError

from tests.emulator.fault_service import Service, Wire


START = "/experiments/start"
APPLIED = [f"POST {START}"]


async def test_refuse_closes_the_listener_for_a_while() -> None:
    """After the first matching request, connections are refused until the end."""
    async with Service() as service:
        service.faults.add("refuse", seconds=0.03, times=1)
        async with service.http.post(START) as response:
            assert response.status == 200
            assert response.headers["Connection"] == "close"
        with pytest.raises(ConnectionRefusedError):
            async with Wire(service.port):
                pass
        await service.faults.settle()
        assert (await service.seen("POST", START))[0] == 200


async def test_refusing_lasts_as_long_as_its_block() -> None:
    """Connections are refused inside the block and accepted after it."""
    async with Service() as service:
        async with service.faults.refusing():
            with pytest.raises(ConnectionRefusedError):
                async with Wire(service.port):
                    pass
        async with Wire(service.port) as wire:
            wire.send("POST", START)
            assert b"200 OK" in await wire.one_answer()


async def test_outage_closes_pooled_connections() -> None:
    """A client with an idle connection sees that it has to connect, and cannot."""
    async with Service() as service:
        await service.seen("POST", START)
        async with service.faults.refusing():
            with pytest.raises(ClientConnectorError):
                await service.seen("POST", START)
        assert service.applied == APPLIED


async def test_overlapping_outages_end_with_the_last() -> None:
    """The listener stays closed while any of several outages goes on."""
    async with Service() as service:
        async with service.faults.refusing():
            async with service.faults.refusing():
                pass
            with pytest.raises(ConnectionRefusedError):
                async with Wire(service.port):
                    pass
        assert (await service.seen("POST", START))[0] == 200


async def test_outage_drops_connections_that_were_busy() -> None:
    """A request on a connection from before the outage is reset, not applied."""
    async with Service() as service:
        service.faults.add("latency", seconds=0.03, times=1)
        async with Wire(service.port) as wire:
            wire.send("POST", START)
            wire.send("POST", START)
            await wire.writer.drain()
            await asyncio.sleep(0.01)
            # Only the listener: the busy connection lives on.
            service.faults.attach(service.site.stop, service.open_listener)
            async with service.faults.refusing():
                seen = await wire.rest()
        assert seen.reset
        assert service.applied == APPLIED


async def test_refusing_needs_a_listener() -> None:
    """Faults that stand before no server cannot refuse connections."""
    faults = Service().faults
    with pytest.raises(RuntimeError, match="not running"):
        async with faults.refusing():
            pass
