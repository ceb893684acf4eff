"""What the client promises, tried a great many times with seeded faults.

`python -m tests.trials.guarantees` runs the full figures; the tests run a slice of
each.
Waits pass on a fast clock; everything else is real, sockets included.
"""

import asyncio
import logging
import random
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from ours_experiments import (
    Client,
    Experiment,
    NewExperiment,
    OursError,
    OutcomeUnknownError,
    PublishStatus,
    Transition,
)
from ours_experiments.emulator import Emulator
from tests.support.aging import age
from tests.support.clock import run_fast


LOST_REPLIES: Sequence[tuple[str, dict[str, Any]]] = (
    ("reset", {"applied": True}),
    ("reset", {"applied": False}),
    ("close", {"applied": True}),
    ("hang", {"applied": True}),
    ("hang", {"applied": False}),
    ("late", {"delay": 1.5, "reply": "reset"}),
    ("late", {"delay": 1.5, "reply": 502}),
    ("partial_reply", {"share": 0.5}),
    ("status", {"code": 500, "applied": True}),
    ("status", {"code": 504, "applied": False}),
    ("status", {"code": 503}),
    ("status", {"code": 429, "retry_after": "1"}),
    ("html", {"code": 200, "applied": True}),
    ("malformed_json", {}),
)
VERBS = ("start", "pause", "resume", "stop", "rollout", "end_rollout", "winner")
LOSSES: dict[str, tuple[str, dict[str, Any]]] = {
    "applied": ("reset", {"applied": True}),
    "not applied": ("reset", {"applied": False}),
    "applied late": ("late", {"delay": 1.5, "reply": "reset"}),
}
BEFORE = {
    "start": "draft",
    "pause": "running",
    "resume": "paused",
    "stop": "running",
    "rollout": "completed",
    "end_rollout": "completed",
    "winner": "completed",
}


def open_client(emulator: Emulator, **options: Any) -> Client:
    """Make a client whose hanging requests do not take all the time."""
    return Client(emulator.api_key, base_url=emulator.url, attempt_timeout=5, **options)


async def faulty_creates(calls: int, seed: int = 1) -> Counter[str]:
    """Create while half of the replies are lost, 500 times in each of some accounts."""
    count: Counter[str] = Counter()
    for first in range(0, calls, 500):
        count.update(
            await creates_in_one_account(min(500, calls - first), seed + first)
        )
    return count


async def creates_in_one_account(calls: int, seed: int) -> Counter[str]:
    """Create with and without keys while half of the replies are lost."""
    count: Counter[str] = Counter(calls=calls)
    async with Emulator(seed=seed) as emulator, open_client(emulator) as client:
        emulator.seed_experiments(1)
        settings_id = str(emulator.state.settings()[0]["id"])
        for word, parameters in LOST_REPLIES:
            emulator.faults.add(
                word, route="experiments.create", probability=0.05, **parameters
            )
        chance = random.Random(seed)  # noqa: S311 - seeded, guards nothing
        slots = asyncio.Semaphore(16)

        async def create(number: int) -> tuple[str, Experiment | OursError]:
            keyed = chance.random() < 0.5
            name = f"create {number}"
            key = f"key-{number}" if keyed else None
            draft = NewExperiment(settings_id, name, key=key)
            async with slots:
                try:
                    return name, await client.experiments.create(draft)
                except OursError as error:
                    return name, error

        outcomes = await asyncio.gather(*(create(number) for number in range(calls)))
        await asyncio.sleep(3)
        made = Counter(str(item["name"]) for item in emulator.state.experiments())
        for name, outcome in outcomes:
            if made[name] > 1:
                count["duplicates"] += 1
            if isinstance(outcome, Experiment):
                count["created"] += 1
                count["wrong"] += made[name] != 1
            elif isinstance(outcome, OutcomeUnknownError):
                count["unknown"] += 1
            else:
                count["refused"] += 1
                count["wrong"] += made[name] != 0
    return count


async def late_commits(runs: int, seed: int = 2) -> Counter[str]:
    """Create something that the service commits 1.5 s after losing the reply."""
    count: Counter[str] = Counter(runs=runs)
    async with Emulator(seed=seed) as emulator, open_client(emulator) as client:
        emulator.seed_experiments(1)
        settings_id = str(emulator.state.settings()[0]["id"])
        emulator.faults.add("late", route="experiments.create", delay=1.5)

        async def create(number: int) -> None:
            draft = NewExperiment(settings_id, f"late {number}", key=f"late-{number}")
            experiment = await client.experiments.create(draft)
            count["found"] += experiment.key == draft.key

        for first in range(0, runs, 16):
            numbers = range(first, min(first + 16, runs))
            await asyncio.gather(*map(create, numbers))
        count["duplicates"] = len(emulator.state.experiments()) - 1 - runs
    return count


async def lost_transitions(seeds: int) -> Counter[str]:
    """Lose the reply of every lifecycle call in every way."""
    count: Counter[str] = Counter()
    for seed in range(seeds):
        async with Emulator(seed=seed) as emulator, open_client(emulator) as client:
            trials = [
                trial(emulator, client, verb, loss) for verb in VERBS for loss in LOSSES
            ]
            for outcome in await asyncio.gather(*trials):
                count[outcome] += 1
                count["calls"] += 1
    return count


async def trial(emulator: Emulator, client: Client, verb: str, loss: str) -> str:
    """Run one lifecycle call whose first reply is lost, and judge its verdict."""
    (experiment_id,) = emulator.seed_experiments(1, status=BEFORE[verb])
    treatment = treatment_of(emulator, experiment_id)
    if verb == "end_rollout":
        await client.experiments.rollout(experiment_id, variant_id=treatment)
    age(emulator)
    kind, parameters = LOSSES[loss]
    emulator.faults.add(
        kind,
        route=f"experiments.{verb}",
        times=1,
        when=lambda request: experiment_id in request.path,
        **parameters,
    )
    arguments: dict[str, dict[str, Any]] = {
        "rollout": {"variant_id": treatment},
        "winner": {"winner_variant_id": treatment},
        "stop": {"winner_variant_id": treatment},
    }
    method = getattr(client.experiments, verb)
    try:
        answer = await method(experiment_id, **arguments.get(verb, {}))
    except OutcomeUnknownError:
        return "unknown"
    applied = emulator.log.applied_ids(f"experiments.{verb}")[experiment_id]
    if applied != 1:
        return "wrong"
    if isinstance(answer, Transition) and loss != "not applied":
        claims = answer.publish_status == PublishStatus.PUBLISHED
        return "false claim" if claims else "right"
    return "right"


def treatment_of(emulator: Emulator, experiment_id: str) -> str:
    """Return the first variant that is not the control."""
    experiment: dict[str, Any] = dict(emulator.state.experiment(experiment_id))
    return next(
        str(row["id"]) for row in experiment["variants"] if not row["isControl"]
    )


async def faulty_publishes(seeds: int) -> Counter[str]:
    """Publish staged changes while replies are lost."""
    count: Counter[str] = Counter(publishes=seeds)
    async with Emulator() as emulator, open_client(emulator) as client:
        for seed in range(seeds):
            (experiment_id,) = emulator.seed_experiments(1)
            await client.experiments.start(experiment_id, publish=False)
            before = emulator.log.applied("versions.publish")
            word, parameters = LOST_REPLIES[seed % len(LOST_REPLIES)]
            emulator.faults.add(word, route="versions.publish", times=1, **parameters)
            version = await client.versions.publish(notes=f"publish {seed}")
            made = emulator.log.applied("versions.publish") - before
            count["versions"] += made
            kept = f"publish {seed}" in (version.notes or "")
            count["wrong"] += made != 1 or not kept
            emulator.faults.clear()
    return count


WRONG = ("wrong", "duplicates", "shared", "false claim", "undone")
"""What no trial may count."""
FIGURES: dict[str, tuple[Callable[..., Coroutine[Any, Any, Counter[str]]], int]] = {
    "creates with lost replies, none duplicated": (faulty_creates, 10_000),
    "creates applied 1.5 s late, all found": (late_commits, 1_000),
    "7 lifecycle calls x 3 losses for each seed": (lost_transitions, 200),
    "publishes with lost replies, one version each": (faulty_publishes, 1_000),
}


def main() -> None:
    """Print every figure; an argument divides the numbers, for a quick look."""
    logging.getLogger("ours_experiments").setLevel(logging.CRITICAL)
    scale = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    total: Counter[str] = Counter()
    for name, (figure, number) in FIGURES.items():
        count = run_fast(partial(figure, number // scale))
        print(f"{number // scale} {name}: {dict(count)}", flush=True)
        total += count
    sys.exit(any(total[word] for word in WRONG))


if __name__ == "__main__":
    main()
