"""What the tests of bulk calls ask of the emulator and of the event loop."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

import orjson

from ours_experiments import BulkReport, OutcomeStatus
from ours_experiments.emulator import Emulator


def states(emulator: Emulator, ids: Iterable[str]) -> set[str]:
    """Return which statuses these experiments have."""
    return {emulator.state.get(experiment_id).status for experiment_id in ids}


def writes(emulator: Emulator) -> list[str]:
    """List the routes of all requests that are no reads, in their order."""
    return [entry.route for entry in emulator.log.entries if entry.method != "GET"]


def statuses(report: BulkReport) -> list[OutcomeStatus]:
    """List what became of each id, in the order of the input."""
    return [outcome.status for outcome in report.outcomes]


def entries(journal: Path) -> list[dict[str, str]]:
    """Read what a journal holds behind its header."""
    return [orjson.loads(line) for line in journal.read_bytes().splitlines()[1:]]


async def one_by_one(ids: Sequence[str]) -> AsyncIterator[str]:
    """Give ids as something that cannot be read at once."""
    for experiment_id in ids:
        await asyncio.sleep(0)
        yield experiment_id


def own_tasks() -> list[str]:
    """Name the tasks of this event loop, the emulator's and this one left out."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    names = [str(task.get_coro()) for task in others]
    return [
        name
        for name in names
        if "RequestHandler" not in name and "_accept_connection" not in name
    ]


async def all_end() -> bool:
    """Return whether no task is left after a few turns of the event loop."""
    for _ in range(50):
        if not own_tasks():
            return True
        await asyncio.sleep(0.001)
    return False
