"""A process that applies new specs and dies at one of its writes."""

import asyncio
import sys
from collections import Counter
from pathlib import Path

from ours_experiments import ApplyReport, Client, ExperimentSpec, OutcomeStatus
from ours_experiments.emulator import Emulator
from tests.specs.account import new_spec


COUNT = 20
WRITES = COUNT * 4 + 1
"""A create, two variants and a start for each, and one publish."""
WORKER = """
import asyncio, os, sys
from ours_experiments import Client
from ours_experiments._http.transport import Transport
from tests.specs.killing import new_specs

key, url, journal, last, before = sys.argv[1:]
writes = 0
exchange = Transport.exchange

async def exchange_and_die(self, method, *arguments):
    global writes
    writes += method != "GET"
    dies = method != "GET" and writes == int(last)
    if dies and before == "True":
        os.kill(os.getpid(), 9)
    reply = await exchange(self, method, *arguments)
    if dies:
        os.kill(os.getpid(), 9)
    return reply

Transport.exchange = exchange_and_die

async def main():
    async with Client(key, base_url=url) as client:
        await (await client.plan(new_specs())).apply(journal=journal)

asyncio.run(main())
"""


def new_specs() -> list[ExperimentSpec]:
    """Build specs of experiments that do not exist yet, and are to run."""
    return [new_spec(f"key-{number}", state="running") for number in range(COUNT)]


async def kill_at(
    emulator: Emulator, journal: Path, write: int, *, before: bool
) -> None:
    """Apply in another process, which dies at one write, before it or after it."""
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WORKER,
        emulator.api_key,
        emulator.url,
        journal,
        str(write),
        str(before),
    )
    assert await worker.wait() == -9
    # What the process had sent beside that write may still be under way.
    await asyncio.sleep(0.05)


async def check_end_state(
    emulator: Emulator, client: Client, report: ApplyReport
) -> None:
    """Check that everything is there once, running and live."""
    assert {done.status for done in report.outcomes} <= {OutcomeStatus.APPLIED}
    found = [row async for row in client.experiments.list()]
    assert Counter(row.key for row in found) == {s.key: 1 for s in new_specs()}
    assert {row.status for row in found} == {"running"}
    treatments = [v for row in found for v in row.variants or () if not v.is_control]
    assert Counter(v.name for v in treatments) == {"Left": COUNT, "Right": COUNT}
    assert (await client.versions.draft_changes()).count == 0
    assert emulator.log.applied("experiments.create") == COUNT
    assert emulator.log.applied("variants.create") == 2 * COUNT
    assert emulator.log.applied("experiments.start") == COUNT
    assert emulator.log.applied("versions.publish") == 1
    assert (await client.plan(new_specs())).is_empty
