"""Services that spell, count time and list differently: no create is sent twice.

`python -m tests.trials.other_services` runs 1 000 creates against each of them; half
of the replies are lost. Waits pass on a fast clock; everything else is real.
"""

import asyncio
import logging
import random
import sys
from collections import Counter
from functools import partial
from typing import Any

from ours_experiments import Experiment, NewExperiment, OursError, OutcomeUnknownError
from ours_experiments.emulator import Emulator
from tests.support.clock import SPEED, run_fast
from tests.trials.guarantees import LOST_REPLIES, WRONG, open_client


LIST_DELAY = 4 / SPEED
"""Seconds of the emulator's clock, which is the real one: four of the fast clock."""
SERVICES: dict[str, dict[str, Any]] = {
    "plain": {},
    "trims": {"normalize_names": ["trim"], "normalize_keys": ["trim"]},
    "folds": {"normalize_names": ["casefold"], "normalize_keys": ["casefold"]},
    "slugs": {"normalize_names": ["slug"], "normalize_keys": ["slug"]},
    "cuts": {"normalize_names": ["cut:20"], "normalize_keys": ["cut:20"]},
    "numbers": {
        "normalize_names": ["slug", "cut:20", "suffix"],
        "normalize_keys": ["slug", "cut:20", "suffix"],
    },
    "clock 5 s behind": {"clock_skew": -5.0},
    "clock 5 s ahead": {"clock_skew": 5.0},
    "list 4 s behind": {"list_delay": LIST_DELAY},
    "400 for 409, unique keys": {"conflict_status": 400, "unique_keys": True},
}


async def creates(calls: int, seed: int, service: dict[str, Any]) -> Counter[str]:
    """Create with keys while half of the replies are lost."""
    count: Counter[str] = Counter()
    async with (
        Emulator(seed=seed, **service) as emulator,
        open_client(emulator) as client,
    ):
        emulator.seed_experiments(1)
        settings_id = str(emulator.state.settings()[0]["id"])
        for kind, parameters in LOST_REPLIES:
            emulator.faults.add(
                kind, route="experiments.create", probability=0.05, **parameters
            )
        slots = asyncio.Semaphore(16)
        chance = random.Random(seed)  # noqa: S311 - seeded, guards nothing
        numbers = chance.sample(range(10_000), calls)

        async def create(number: int) -> tuple[int, Experiment | OursError]:
            draft = NewExperiment(
                settings_id,
                f"  {number} Überschrift of the pricing page ",
                key=f"{number} Überschrift PRICING",
                description=f"trial {number}",
            )
            async with slots:
                try:
                    return number, await client.experiments.create(draft)
                except OursError as error:
                    return number, error

        outcomes = await asyncio.gather(*map(create, numbers))
        await asyncio.sleep(3)
        made = Counter(str(row["description"]) for row in emulator.state.experiments())
        for number, outcome in outcomes:
            exists = made[f"trial {number}"]
            count["duplicates"] += exists > 1
            if isinstance(outcome, Experiment):
                count["created"] += 1
                is_own = outcome.description == f"trial {number}"
                count["wrong"] += exists != 1 or not is_own
            elif isinstance(outcome, OutcomeUnknownError):
                count["unknown"] += 1
            else:
                count["refused"] += 1
                count["wrong"] += exists != 0
        ids = [row.id for _, row in outcomes if isinstance(row, Experiment)]
        count["shared"] = len(ids) - len(set(ids))
    return count


def main() -> None:
    """Print the figures; an argument divides the number of creates."""
    logging.getLogger("ours_experiments").setLevel(logging.CRITICAL)
    scale = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    total: Counter[str] = Counter()
    for name, service in SERVICES.items():
        count = run_fast(partial(creates, 1000 // scale, 7, service))
        print(f"{name}, {1000 // scale} creates: {dict(count)}", flush=True)
        total += count
    sys.exit(any(total[word] for word in WRONG))


if __name__ == "__main__":
    main()
