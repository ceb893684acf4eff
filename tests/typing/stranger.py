"""Never run: a stranger's script, checked against the installed package."""

import asyncio
import sys

from ours_experiments import Client, OursError, OutcomeStatus
from ours_experiments.emulator import Emulator


async def main(search: str) -> int:
    """Start what matches, and tell what became of it."""
    async with Emulator() as emulator:
        emulator.seed_experiments(3)
        async with Client(emulator.api_key, base_url=emulator.url) as client:
            drafts = client.experiments.list(status="draft", search=search)
            try:
                report = await client.bulk.start(drafts, publish="once")
            except OursError as problem:
                sys.stderr.write(f"{problem}\n")
                return 1
            applied = report.by_status[OutcomeStatus.APPLIED]
            rates: dict[str, float] = {}
            async for experiment_id, results in client.bulk.results(
                outcome.experiment_id for outcome in applied
            ):
                best = results.best
                if best is not None and best.conversion_rate is not None:
                    rates[experiment_id] = best.conversion_rate
    return len(report.failed)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1])))
