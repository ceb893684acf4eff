"""A pytest plugin: the emulator, and a client bound to it, as fixtures.

Installed with the package; it needs pytest-asyncio to run. Tests ask for `ours_client`
or `ours_emulator`, and set the emulator up with a marker::

    @pytest.mark.ours_emulator(seed=7, faults=["reset:route=experiments.start,times=1"])
    async def test_my_code(ours_client, ours_emulator):
        ...

The marker takes every argument of `Emulator`, and `faults` as the command line does.
`--ours-seed` on pytest's command line seeds every emulator without a seed of its own.
"""

from typing import TYPE_CHECKING, Any

import pytest
from pytest_asyncio import fixture


if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ours_experiments import Client
    from ours_experiments.emulator import Emulator


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the seed to pytest's command line."""
    group = parser.getgroup("ours_experiments")
    group.addoption(
        "--ours-seed",
        type=int,
        default=0,
        help="seed of every ours_emulator that has none of its own",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        "ours_emulator(faults=(), **options): set the fixture ours_emulator up",
    )


@fixture
async def ours_emulator(request: pytest.FixtureRequest) -> "AsyncIterator[Emulator]":
    """Serve an empty account on a free port of this machine."""
    from ours_experiments.emulator import Emulator, parse  # noqa: PLC0415 - heavy

    marker = request.node.get_closest_marker("ours_emulator")
    options: dict[str, Any] = {"seed": request.config.getoption("--ours-seed")}
    options |= marker.kwargs if marker else {}
    faults = [parse(text) for text in options.pop("faults", ())]
    async with Emulator(**options) as emulator:
        for fault in faults:
            emulator.faults.install(fault)
        yield emulator


@fixture
async def ours_client(ours_emulator: "Emulator") -> "AsyncIterator[Client]":
    """Speak to `ours_emulator`."""
    from ours_experiments import Client  # noqa: PLC0415 - heavy

    async with Client(ours_emulator.api_key, base_url=ours_emulator.url) as client:
        yield client
