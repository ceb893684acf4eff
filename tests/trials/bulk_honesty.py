"""Whether each outcome of a bulk call is true: `python -m tests.trials.bulk_honesty`.

Starts 10 000 experiments, ids repeated among them, while a tenth of the requests meet
a fault of some kind, and compares every outcome with the emulator's state. Waits pass
on a fast clock; everything else is real, sockets included.
"""

import argparse
import logging
import random
from collections import Counter
from collections.abc import Sequence
from functools import partial

import attrs

from ours_experiments import Client, Outcome, OutcomeStatus
from ours_experiments.emulator import Emulator, parse
from tests.support.clock import run_fast


FAULTS: Sequence[str] = (
    "body:text=false,applied=true",
    "body:text=false,applied=false",
    "close:applied=true",
    "close:applied=false",
    "content_type:",
    "cursor_loop:",
    "deep_body:",
    "drip:interval=0.01",
    "drip:interval=1,headers=true",
    "empty:applied=true",
    "empty:applied=false",
    "empty_pages:",
    "gzip_bomb:size=4000000",
    "hang:applied=true",
    "hang:applied=false",
    "html:code=200,applied=true",
    "html:code=502,applied=false",
    "huge_body:size=2000000",
    "huge_body:size=2000000,announced=false",
    "late:delay=1.5,reply=reset",
    "late:delay=1.5,reply=504",
    "late:delay=1.5,reply=hang",
    "latency:seconds=1,jitter=2",
    "malformed_json:",
    "missing_cursor:",
    "partial_reply:share=0.5,then=close",
    "partial_reply:share=0.9,then=reset",
    "partial_reply:share=0,then=hang",
    "rate_limit:rate=20",
    "redirect:origin=http://127.0.0.1:1,code=302",
    "redirect:origin=http://127.0.0.1:1,code=303,applied=true",
    "refuse:seconds=0.1",
    "reset:applied=true",
    "reset:applied=false",
    "spare_cursor:",
    "stale:upon=answer",
    "stale:upon=next_request,applied=true",
    "stale:upon=next_request,applied=false",
    "status:code=408,applied=true",
    "status:code=429,retry_after=1",
    "status:code=500,applied=true",
    "status:code=500,applied=false",
    "status:code=503",
    "status:code=504,applied=true",
    "truncated_json:",
    "unknown_enums:",
    "unknown_fields:",
    "wrong_shape:",
)
"""Every kind. A 503 and a 302 here have done nothing, as their meaning is."""
KINDS = frozenset(fault.partition(":")[0] for fault in FAULTS)


@attrs.frozen
class Verdicts:
    """How a report compares with the truth."""

    distinct: int
    """Ids that were asked for."""
    counts: Counter[OutcomeStatus]
    """Outcomes by status."""
    faults: int
    """Requests that met a fault."""
    applied_twice: int
    """Experiments that were started more than once."""
    wrong: tuple[Outcome, ...]
    """Outcomes that the state contradicts."""

    @property
    def honest(self) -> bool:
        """Whether there is one outcome for each id, and each is true."""
        outcomes = self.counts.total() == self.distinct
        return outcomes and not self.wrong and not self.applied_twice


def is_true(outcome: Outcome, emulator: Emulator, applied: Counter[str]) -> bool:
    """Compare one outcome with what the service has, and with what it did."""
    match outcome.status:
        case OutcomeStatus.APPLIED | OutcomeStatus.ALREADY:
            return emulator.state.get(outcome.experiment_id).status == "running"
        case OutcomeStatus.FAILED:
            return not applied[outcome.experiment_id]
        case status:
            return status is OutcomeStatus.UNKNOWN


async def start_amid_faults(count: int, seed: int, share: float = 0.1) -> Verdicts:
    """Start experiments while a share of the requests meets a fault."""
    chance = random.Random(seed)  # noqa: S311 - seeded, guards nothing
    async with Emulator(seed=seed) as emulator:
        already = count // 20
        ids = emulator.seed_experiments(count - 2 * already)
        ids += emulator.seed_experiments(already, status="running")
        ids += [f"exp_missing{number}" for number in range(already // 2)]
        ids += emulator.seed_experiments(already - already // 2, variants=1)
        given = [*ids, *chance.choices(ids, k=count // 10)]
        chance.shuffle(given)
        installed = []
        for route in ("experiments.start", "experiments.retrieve"):
            for text in FAULTS:
                fault = parse(text)
                fault.route, fault.probability = route, share / len(FAULTS)
                installed.append(emulator.faults.install(fault))
        async with Client(
            emulator.api_key,
            base_url=emulator.url,
            attempt_timeout=10,
            max_response_bytes=2**20,
        ) as client:
            report = await client.bulk.start(given, concurrency=32)
        await emulator.faults.settle()
        applied = emulator.log.applied_ids("experiments.start")
        return Verdicts(
            len(ids),
            Counter(outcome.status for outcome in report.outcomes),
            sum(fault.hits for fault in installed),
            sum(times > 1 for times in applied.values()),
            tuple(
                outcome
                for outcome in report.outcomes
                if not is_true(outcome, emulator, applied)
            ),
        )


def main() -> None:
    """Print one row for each seed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=10_000)
    arguments.add_argument("--seeds", type=int, default=3)
    given = arguments.parse_args()
    logging.getLogger("ours_experiments").setLevel(logging.ERROR)
    words = [status.value for status in OutcomeStatus]
    print(*(f"{word:>13}" for word in ("seed", "ids", "faults", *words, "wrong")))
    for seed in range(given.seeds):
        found = run_fast(partial(start_amid_faults, given.count, seed))
        figures = [found.counts[status] for status in OutcomeStatus]
        row = (seed, found.distinct, found.faults, *figures, len(found.wrong))
        print(*(f"{figure:>13}" for figure in row), flush=True)
        assert found.honest, found.wrong[:5]


if __name__ == "__main__":
    main()
