"""A pytest plugin: the emulator, and a client of it, as fixtures.

Installed with the package. Synchronous tests use `ours_emulator`, which serves from a
thread of its own; async tests may also use `ours_client`, with pytest-asyncio (in any
mode and loop scope) or anyio. A marker sets the emulator up::

    @pytest.mark.ours_emulator(seed=7, faults=["reset:route=experiments.start,times=1"])
    async def test_my_code(ours_client, ours_emulator):
        ...

The marker takes every argument of `Emulator`, and `faults` as the command line does.
`--ours-seed` on pytest's command line seeds every emulator without a seed of its own.
"""

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import pytest


if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from ours_experiments import Client
    from ours_experiments.emulator import Emulator


LoopScope: TypeAlias = Literal["function", "class", "module", "package", "session"]


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
    """Register the marker, and the fixtures that need pytest-asyncio."""
    config.addinivalue_line(
        "markers",
        "ours_emulator(faults=(), **options): set the fixture ours_emulator up",
    )
    if config.pluginmanager.hasplugin("asyncio"):
        for scope in get_args(LoopScope):
            config.pluginmanager.register(_asyncio_fixture(scope))


@pytest.fixture
def ours_emulator(request: pytest.FixtureRequest) -> "Iterator[Emulator]":
    """Serve an empty account on a free port, from a thread."""
    from ours_experiments.emulator import Emulator, parse  # noqa: PLC0415 - heavy

    marker = request.node.get_closest_marker("ours_emulator")
    options: dict[str, Any] = {"seed": request.config.getoption("--ours-seed")}
    options |= marker.kwargs if marker else {}
    faults = [parse(text) for text in options.pop("faults", ())]
    with Emulator(**options) as emulator:
        for fault in faults:
            emulator.faults.install(fault)
        yield emulator


@pytest.fixture
def ours_client(request: pytest.FixtureRequest) -> "Client":
    """Return a client of `ours_emulator`, closed on the event loop of the test."""
    client: Client = request.getfixturevalue(_client_fixture(request))
    return client


@pytest.fixture
async def _ours_client_anyio(ours_emulator: "Emulator") -> "AsyncIterator[Client]":
    from ours_experiments import Client  # noqa: PLC0415 - heavy

    async with Client(ours_emulator.api_key, base_url=ours_emulator.url) as client:
        yield client


def _asyncio_fixture(scope: LoopScope) -> object:
    """Return a plugin whose fixture runs on pytest-asyncio's loop of a scope.

    Fixtures choose their loop when they are defined, and a client is closed on the
    loop that it was used on. So there is one fixture for each scope.
    """
    import pytest_asyncio  # noqa: PLC0415 - only in an extra

    class Plugin:
        @pytest_asyncio.fixture(loop_scope=scope, name=f"_ours_client_{scope}")
        async def client(self, ours_emulator: "Emulator") -> "AsyncIterator[Client]":
            from ours_experiments import Client  # noqa: PLC0415 - heavy

            async with Client(
                ours_emulator.api_key, base_url=ours_emulator.url
            ) as client:
                yield client

    return Plugin()


def _client_fixture(request: pytest.FixtureRequest) -> str:
    """Return the name of the fixture that runs on the loop of the test."""
    if "anyio_backend" in request.fixturenames:
        if request.getfixturevalue("anyio_backend_name") != "asyncio":
            pytest.fail("ours_client needs the anyio backend 'asyncio'", pytrace=False)
        return "_ours_client_anyio"
    if not request.config.pluginmanager.hasplugin("asyncio"):
        pytest.fail(
            "ours_client needs pytest-asyncio or anyio: "
            "python -m pip install pytest-asyncio",
            pytrace=False,
        )
    marker = request.node.get_closest_marker("asyncio")
    if marker is None:
        pytest.fail(
            "ours_client needs an async test, marked with pytest.mark.asyncio or in "
            "asyncio_mode=auto; synchronous tests use ours_emulator",
            pytrace=False,
        )
    default = request.config.getini("asyncio_default_test_loop_scope")
    return f"_ours_client_{marker.kwargs.get('loop_scope') or default or 'function'}"
