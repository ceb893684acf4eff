"""Another person acts while a reply is lost: `python -m tests.trials.other_people`.

Every lifecycle call and `republish` lose their first reply, and somebody does each
thing that the service allows before or between the reads that follow. The emulator is
the judge. Waits pass on a fast clock; everything else is real, sockets included.
"""

import asyncio
import logging
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import attrs

from ours_experiments import Client, OursError, OutcomeUnknownError
from ours_experiments.emulator import Emulator
from tests.support.aging import age
from tests.support.clock import run_fast
from tests.trials.guarantees import (
    BEFORE,
    LOSSES,
    VERBS,
    WRONG,
    open_client,
    treatment_of,
)


SERVICES: tuple[dict[str, Any], ...] = (
    {},
    {"clock_skew": -5.0},
    {"clock_skew": 5.0},
    {"conflict_status": 400},
    {"conflict_status": 400, "clock_skew": -5.0},
)
SECONDS = {"applied": 0.4, "not applied": 5.0, "applied late": 2.0}
"""How long the outcome of a call stays open, about, by what became of it."""
ACTIONS = (*VERBS, "update", "delete", "pause and resume", "stop and roll out")


def act(emulator: Emulator, experiment_id: str, action: str) -> bool:
    """Do something to an experiment as another person; False where that is refused."""
    state = emulator.state
    control = control_of(emulator, experiment_id)
    values: dict[str, dict[str, Any]] = {
        "rollout": {"variantId": treatment_of(emulator, experiment_id)},
        "winner": {"winnerVariantId": control},
        "stop": {"winnerVariantId": control},
    }
    steps = {
        "pause and resume": ("pause", "resume"),
        "stop and roll out": ("stop", "rollout"),
    }.get(action, (action,))
    try:
        for step in steps:
            if step == "update":
                state.patch(experiment_id, {"description": "another person's"})
            elif step == "delete":
                state.delete(experiment_id)
            else:
                state.transition(
                    experiment_id, step, values.get(step, {}), publish=True
                )
    except Exception as refusal:  # noqa: BLE001 - the emulator's own, which is private
        logging.getLogger(__name__).debug("refused: %s", refusal)
        return False
    return True


def control_of(emulator: Emulator, experiment_id: str) -> str:
    """Return the control of an experiment."""
    experiment: dict[str, Any] = dict(emulator.state.experiment(experiment_id))
    return next(str(row["id"]) for row in experiment["variants"] if row["isControl"])


def decision_on(emulator: Emulator, experiment_id: str) -> tuple[object, ...] | None:
    """Return what people decide about an experiment; None when it is gone."""
    rows = {row["id"]: row for row in emulator.state.experiments()}
    row = rows.get(experiment_id)
    if row is None:
        return None
    names = ("status", "winnerVariantId", "rolloutVariantId", "description")
    return tuple(row[name] for name in names)


@attrs.define
class Trial:
    """One call that loses its reply, and one person who acts meanwhile."""

    emulator: Emulator
    client: Client
    verb: str
    action: str
    loss: str
    seconds: float
    """When the other person acts, after the reply was lost."""
    experiment_id: str = ""
    decision: tuple[object, ...] | None = None
    """What the other person left behind."""

    async def run(self) -> str:
        """Run it, and return a word for what came of it."""
        emulator, verb = self.emulator, self.verb
        (self.experiment_id,) = emulator.seed_experiments(1, status=BEFORE[verb])
        treatment = treatment_of(emulator, self.experiment_id)
        if verb == "end_rollout":
            act(emulator, self.experiment_id, "rollout")
        age(emulator)
        kind, parameters = LOSSES[self.loss]
        fault = emulator.faults.add(
            kind,
            route=f"experiments.{verb}",
            times=1,
            when=lambda request: self.experiment_id in request.path,
            **parameters,
        )
        arguments: dict[str, dict[str, Any]] = {
            "rollout": {"variant_id": treatment},
            "winner": {"winner_variant_id": treatment},
            "stop": {"winner_variant_id": treatment},
        }
        method = getattr(self.client.experiments, verb)
        call = asyncio.ensure_future(
            method(self.experiment_id, **arguments.get(verb, {}))
        )
        while not fault.hits:  # noqa: ASYNC110 - the emulator announces nothing
            await asyncio.sleep(0.01)
        await asyncio.wait([call], timeout=self.seconds)
        if call.done() or not act(emulator, self.experiment_id, self.action):
            await asyncio.wait([call])
            call.exception()
            return "nobody acted"
        self.decision = decision_on(emulator, self.experiment_id)
        outcomes: Sequence[object] = await asyncio.gather(call, return_exceptions=True)
        await asyncio.sleep(2)
        return self.verdict(outcomes[0])

    def verdict(self, outcome: object) -> str:
        """Compare an outcome with what the emulator has."""
        route = f"experiments.{self.verb}"
        applied = self.emulator.log.applied_ids(route)[self.experiment_id]
        now = decision_on(self.emulator, self.experiment_id)
        again = self.loss == "not applied" and applied > 0
        if applied > 1 or (again and self.verb != "start"):
            return "undone"
        if now != self.decision and not applied:
            return "undone"
        if isinstance(outcome, OutcomeUnknownError):
            return "unknown"
        if isinstance(outcome, OursError):
            return "wrong" if applied else "refused"
        if isinstance(outcome, BaseException):
            return f"failed: {outcome!r}"
        return "right" if applied or self.is_as_wanted(now) else "wrong"

    def is_as_wanted(self, now: tuple[object, ...] | None) -> bool:
        """Return whether the other person did what the call asked for."""
        if now is None:
            return False
        status, winner, rollout, _ = now
        treatment = treatment_of(self.emulator, self.experiment_id)
        wanted = {
            "start": status != "draft",
            "pause": status == "paused",
            "resume": status == "running",
            "stop": status == "completed" and winner == treatment,
            "rollout": rollout == treatment,
            "end_rollout": rollout is None,
            "winner": winner == treatment,
        }
        return wanted[self.verb]


async def lifecycle_calls(seeds: int) -> Counter[str]:
    """Lose the reply of every lifecycle call while somebody does everything else."""
    count: Counter[str] = Counter()
    for seed in range(seeds):
        chance = random.Random(seed)  # noqa: S311 - seeded, guards nothing
        service = SERVICES[seed % len(SERVICES)]
        async with (
            Emulator(seed=seed, **service) as emulator,
            open_client(emulator) as client,
        ):
            trials = [
                Trial(emulator, client, verb, action, loss, chance.uniform(0, seconds))
                for verb in VERBS
                for action in ACTIONS
                for loss, seconds in SECONDS.items()
            ]
            count.update(await asyncio.gather(*(trial.run() for trial in trials)))
    return count


async def republish_once(
    seed: int, loss: str, other: Callable[[Emulator, Client], Any] | None
) -> str:
    """Publish an earlier version again, and judge what the call says."""
    service = SERVICES[seed % len(SERVICES)]
    async with (
        Emulator(seed=seed, **service) as emulator,
        open_client(emulator) as client,
    ):
        versions = [await publish_change(emulator, client) for _ in range(3)]
        age(emulator)
        kind, parameters = LOSSES[loss]
        route = "versions.republish"
        fault = emulator.faults.add(kind, route=route, times=1, **parameters)
        first = versions[0]
        call = asyncio.ensure_future(client.versions.republish(first))
        while not fault.hits:  # noqa: ASYNC110 - the emulator announces nothing
            await asyncio.sleep(0.01)
        await asyncio.sleep(random.Random(seed).uniform(0, 0.4))  # noqa: S311
        live: str | None = None
        if other is not None:
            live = await other(emulator, client)
        outcomes: Sequence[object] = await asyncio.gather(call, return_exceptions=True)
        outcome = outcomes[0]
        await asyncio.sleep(2)
        applied = emulator.log.applied_ids(route)[first]
        (now,) = [row["id"] for row in emulator.state.versions() if row["isPublished"]]
        if applied > 1 or (live and loss == "not applied" and now != live):
            return "undone"
        if isinstance(outcome, OutcomeUnknownError):
            return "unknown"
        if isinstance(outcome, BaseException):
            return "wrong" if applied else "refused"
        return "right" if applied else "wrong"


async def publish_change(emulator: Emulator, client: Client) -> str:
    """Publish something new; return the version's id."""
    (experiment_id,) = emulator.seed_experiments(1)
    await client.experiments.start(experiment_id, publish=False)
    return (await client.versions.publish()).id


async def republish_another(emulator: Emulator, client: Client) -> str:
    """Publish the second version again, as another person."""
    second = str(emulator.state.versions()[1]["id"])
    await client.versions.republish(second)
    return second


async def republishes(seeds: int) -> Counter[str]:
    """Lose the reply of `republish` while somebody publishes, or nobody does."""
    count: Counter[str] = Counter()
    for seed in range(seeds):
        for loss in LOSSES:
            for other in (None, publish_change, republish_another):
                count[await republish_once(seed, loss, other)] += 1
    return count


def main() -> None:
    """Print the figures; an argument divides the number of seeds."""
    logging.getLogger("ours_experiments").setLevel(logging.CRITICAL)
    scale = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    total: Counter[str] = Counter()
    for name, figure in (
        ("another person acts during a lifecycle call", lifecycle_calls),
        ("another person publishes during a republish", republishes),
    ):
        count = run_fast(partial(figure, 200 // scale))
        print(f"{name}, {200 // scale} seeds: {dict(count)}", flush=True)
        total += count
    sys.exit(any(word in WRONG or word.startswith("failed") for word in +total))


if __name__ == "__main__":
    main()
