"""An emulator whose experiments are a minute old, and people who act meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from ours_experiments import Client, OursError
from ours_experiments.emulator import Emulator
from tests.support.aging import age


@asynccontextmanager
async def served(
    status: str = "draft", *, emulator: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[tuple[Emulator, Client, str]]:
    """Serve an account with one experiment, which last changed a minute ago."""
    async with (
        Emulator(**(emulator or {})) as running,
        Client(running.api_key, base_url=running.url, **options) as client,
    ):
        (experiment_id,) = running.seed_experiments(1, status=status)
        age(running)
        yield running, client, experiment_id


def settings_of(emulator: Emulator) -> str:
    """Return the id of the account's settings."""
    return str(emulator.state.settings()[0]["id"])


async def while_lost(
    emulator: Emulator,
    route: str,
    call: Awaitable[object],
    act: Callable[[], object],
    *,
    applied: bool,
) -> object:
    """Lose the first reply of a call, and let a person act before it is read back.

    Returns:
        What the call returned, or the error of this package that it raised.
    """
    fault = emulator.faults.add("reset", route=route, applied=applied, times=1)
    task = asyncio.ensure_future(call)
    while not fault.hits:  # noqa: ASYNC110 - the emulator announces nothing
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    act()
    try:
        return await task
    except OursError as error:
        return error
