"""Fixtures: an emulator whose clock stands still, and calls to it."""

from collections.abc import AsyncIterator

import pytest

from ours_experiments.emulator import Clock, Emulator
from tests.emulator.calls import Calls


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """Run an emulator with a clock that moves by `advance` alone."""
    async with Emulator(clock=Clock(frozen=True)) as running:
        yield running


@pytest.fixture
async def call(emulator: Emulator) -> AsyncIterator[Calls]:
    """Call the emulator with a key that may do everything."""
    async with Calls(emulator) as calls:
        yield calls
