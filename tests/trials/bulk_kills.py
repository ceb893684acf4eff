"""Whether a killed bulk call resumes whole: `python -m tests.trials.bulk_kills`.

A process starts all drafts with `publish="once"` and a journal, and is killed at every
20th write that the service receives. Then the same call is made again. Both are made
by the library and by the command line.
"""

import asyncio
import logging
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import attrs

from ours_experiments import Client, OutcomeStatus
from ours_experiments.bulk.journal import Header, Journal
from ours_experiments.emulator import Emulator


LIBRARY = """
import asyncio, sys
from ours_experiments import Client

async def main():
    async with Client() as client:
        drafts = client.experiments.list(status="draft")
        report = await client.bulk.start(drafts, publish="once", journal=sys.argv[1])
        print(*(outcome.experiment_id for outcome in report.succeeded))

asyncio.run(main())
"""
COMMANDS: dict[str, Sequence[str]] = {
    "library": (sys.executable, "-c", LIBRARY),
    "command line": (
        *(sys.executable, "-m", "ours_experiments.cli", "start", "--status", "draft"),
        *("--publish", "once", "--yes", "--format", "csv", "--journal"),
    ),
}


@attrs.frozen
class Resumed:
    """What became of a run that was killed and made again."""

    count: int
    """The drafts that there were."""
    killed_at: int
    """The writes that the service had received."""
    running: int
    live: bool
    """Whether nothing waits to be published."""
    sent_twice: int
    """Experiments that were started more than once."""
    versions: int
    reported: int
    """Experiments that the second run reports."""
    recorded: int
    """Experiments that the journal says are applied."""

    @property
    def whole(self) -> bool:
        """Whether all is live, reported once and sent once."""
        counts = {self.running, self.reported, self.recorded}
        once = self.versions == 1 and not self.sent_twice
        return counts == {self.count} and self.live and once


def count_writes(emulator: Emulator) -> int:
    """Count the writes that the service has received."""
    return sum(entry.method == "POST" for entry in emulator.log.entries)


async def kill_and_resume(way: str, count: int, kill_at: int) -> Resumed:
    """Kill a run at a write and make the same call again."""
    async with Emulator() as emulator:
        ids = emulator.seed_experiments(count)
        emulator.faults.add("latency", seconds=0.002)
        environment = os.environ | {
            "OURS_PRIVACY_API_KEY": emulator.api_key,
            "OURS_PRIVACY_PLATFORM_BASE_URL": emulator.url,
        }
        with tempfile.TemporaryDirectory() as folder:
            journal = Path(folder) / "journal"
            command = (*COMMANDS[way], str(journal))
            first = await asyncio.create_subprocess_exec(
                *command, env=environment, stdout=asyncio.subprocess.DEVNULL
            )
            while count_writes(emulator) < kill_at:  # noqa: ASYNC110
                await asyncio.sleep(0.0005)
            first.kill()
            await first.wait()
            await emulator.faults.settle()
            killed_at = count_writes(emulator)
            second = await asyncio.create_subprocess_exec(
                *command,
                env=environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
            output, _ = await second.communicate()
            account = recorded(journal)
        async with Client(emulator.api_key, base_url=emulator.url) as client:
            changes = await client.versions.draft_changes()
        applied = emulator.log.applied_ids("experiments.start")
        return Resumed(
            count,
            killed_at,
            Counter(emulator.state.get(name).status for name in ids)["running"],
            changes.count == 0,
            sum(times > 1 for times in applied.values()),
            len(emulator.state.versions()),
            sum(output.decode().count(name) for name in ids),
            account,
        )


def recorded(path: Path) -> int:
    """Count the experiments that a journal says are applied."""
    first = path.read_bytes().splitlines()[0].decode()
    fields = dict.fromkeys(("action", "account", "publish", "service"), "")
    for name in fields:
        fields[name] = first.partition(f'"{name}":"')[2].partition('"')[0]
    journal = Journal.open_here(path, Header(**fields))
    journal.close()
    statuses = Counter(map(journal.status_of, journal.states))
    return statuses[OutcomeStatus.APPLIED]


async def main() -> None:
    """Print one row for each kill."""
    # The server logs each connection that breaks off in the middle of a request.
    logging.disable()
    print(f"{'way':14}{'killed at':>10}{'running':>9}{'live':>6}{'reported':>10}")
    for way in COMMANDS:
        for kill_at in (1, *range(20, 101, 20), 101):
            found = await kill_and_resume(way, 100, kill_at)
            print(
                f"{way:14}{found.killed_at:>10}{found.running:>9}{found.live!s:>6}"
                f"{found.reported:>10}",
                flush=True,
            )
            assert found.whole, found


if __name__ == "__main__":
    asyncio.run(main())
