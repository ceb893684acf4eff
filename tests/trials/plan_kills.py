"""`kill -9` at every write of an apply: `python -m tests.trials.plan_kills`.

Each write of the apply of 20 experiments is met twice: before it is sent, and after it
was carried out. Applying the same specs with the same journal has to end with
everything there once.
"""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from ours_experiments import Client, NewSettings
from ours_experiments.emulator import Emulator
from tests.specs.killing import WRITES, check_end_state, kill_at, new_specs


async def kill_once(write: int, *, before: bool) -> None:
    """Kill at one write, apply again, and check what there is."""
    with TemporaryDirectory() as folder:
        async with (
            Emulator() as emulator,
            Client(emulator.api_key, base_url=emulator.url) as client,
        ):
            await client.settings.create(NewSettings(name="Shop"))
            await client.versions.publish()
            emulator.log.clear()
            journal = Path(folder, "journal")
            await kill_at(emulator, journal, write, before=before)
            plan = await client.plan(new_specs())
            report = await plan.apply(journal=journal)
            await check_end_state(emulator, client, report)


async def main(step: int) -> None:
    """Kill at every write, or at every so many."""
    for write in range(1, WRITES + 1, step):
        for before in (True, False):
            await kill_once(write, before=before)
            print(f"write {write} of {WRITES}, before={before}: fine", flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
