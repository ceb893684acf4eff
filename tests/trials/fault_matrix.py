"""Every kind of call meets every kind of fault: `python -m tests.trials.fault_matrix`.

The emulator's state is the judge. An argument is the number of seeds, 200 by default;
waits pass on a fast clock, everything else is real, sockets included.
"""

import asyncio
import logging
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from ours_experiments import (
    Client,
    DecodeError,
    ExperimentPatch,
    NewExperiment,
    NewVariant,
    OursError,
    OutcomeUnknownError,
    PublishStatus,
)
from ours_experiments.emulator import Emulator
from tests.support.aging import age
from tests.support.clock import SPEED, run_fast
from tests.trials.guarantees import treatment_of


@attrs.frozen
class Stage:
    """One experiment in the state that a call needs, and the way to it."""

    emulator: Emulator
    client: Client
    experiment_id: str

    @property
    def now(self) -> Any:
        """The experiment as the emulator has it; None when it is gone."""
        known = {row["id"]: row for row in self.emulator.state.experiments()}
        return known.get(self.experiment_id)

    @property
    def treatment(self) -> str:
        """The variant that is not the control."""
        return treatment_of(self.emulator, self.experiment_id)

    @property
    def settings_id(self) -> str:
        """The account's settings."""
        return str(self.emulator.state.settings()[0]["id"])

    def draft(self, key: str | None) -> NewExperiment:
        """Describe one more experiment."""
        return NewExperiment(self.settings_id, "Matrix", key=key)


@attrs.frozen
class Kind:
    """One kind of call."""

    route: str
    run: Callable[[Stage], Awaitable[object]]
    happened: Callable[[Stage], bool]
    """Whether the emulator shows the effect."""
    status: str = "draft"
    """The state that the experiment has to be in."""
    can_be_found: bool = True
    """Whether the effect can be found after a lost reply."""


def status_is(status: str) -> Callable[[Stage], bool]:
    """Recognise the effect by the experiment's state."""
    return lambda stage: stage.now["status"] == status


def named(stage: Stage, name: str) -> int:
    """Count the experiments of a name."""
    return sum(row["name"] == name for row in stage.emulator.state.experiments())


def has_key(stage: Stage) -> bool:
    """Whether exactly one experiment was made."""
    return named(stage, "Matrix") == 1


async def rolled_out(stage: Stage) -> object:
    """Roll out, then end it: the second is the call in question."""
    return await stage.client.experiments.end_rollout(stage.experiment_id)


EXPERIMENTS = "experiments"
KINDS = {
    "retrieve": Kind(
        "experiments.retrieve",
        lambda s: s.client.experiments.retrieve(s.experiment_id),
        lambda _: True,
    ),
    "list": Kind(
        "experiments.list",
        lambda s: s.client.experiments.list_page(),
        lambda _: True,
    ),
    "results": Kind(
        "experiments.results",
        lambda s: s.client.experiments.results(s.experiment_id),
        lambda _: True,
        status="running",
    ),
    "update": Kind(
        "experiments.update",
        lambda s: s.client.experiments.update(
            s.experiment_id, ExperimentPatch(description="changed")
        ),
        lambda s: s.now["description"] == "changed",
    ),
    "delete": Kind(
        "experiments.delete",
        lambda s: s.client.experiments.delete(s.experiment_id),
        lambda s: s.now is None,
    ),
    "create_keyed": Kind(
        "experiments.create",
        lambda s: s.client.experiments.create(s.draft("matrix-key")),
        has_key,
    ),
    "create_unkeyed": Kind(
        "experiments.create",
        lambda s: s.client.experiments.create(s.draft(None)),
        has_key,
        can_be_found=False,
    ),
    "create_variant": Kind(
        "variants.create",
        lambda s: s.client.variants.create(
            NewVariant(s.experiment_id, "Third", 10, redirect_url="/third")
        ),
        lambda s: len(s.now["variants"]) == 3,
        can_be_found=False,
    ),
    "start": Kind(
        "experiments.start",
        lambda s: s.client.experiments.start(s.experiment_id),
        status_is("running"),
    ),
    "pause": Kind(
        "experiments.pause",
        lambda s: s.client.experiments.pause(s.experiment_id),
        status_is("paused"),
        status="running",
    ),
    "resume": Kind(
        "experiments.resume",
        lambda s: s.client.experiments.resume(s.experiment_id),
        status_is("running"),
        status="paused",
    ),
    "stop": Kind(
        "experiments.stop",
        lambda s: s.client.experiments.stop(
            s.experiment_id, winner_variant_id=s.treatment
        ),
        lambda s: (
            s.now["status"] == "completed" and s.now["winnerVariantId"] == s.treatment
        ),
        status="running",
    ),
    "rollout": Kind(
        "experiments.rollout",
        lambda s: s.client.experiments.rollout(s.experiment_id, variant_id=s.treatment),
        lambda s: s.now["rolloutVariantId"] == s.treatment,
        status="completed",
    ),
    "end_rollout": Kind(
        "experiments.end_rollout",
        rolled_out,
        lambda s: s.now["rolloutVariantId"] is None,
        status="rolled out",
    ),
    "winner": Kind(
        "experiments.winner",
        lambda s: s.client.experiments.winner(
            s.experiment_id, winner_variant_id=s.treatment
        ),
        lambda s: s.now["winnerVariantId"] == s.treatment,
        status="completed",
    ),
    "publish": Kind(
        "versions.publish",
        lambda s: s.client.versions.publish(notes="matrix"),
        lambda s: s.emulator.log.applied("versions.publish") == 1,
        status="staged",
    ),
}
READS = {"retrieve", "list", "results"}

FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "refused connection": ("refuse", {"seconds": 0.3}),
    "reset, not applied": ("reset", {"applied": False}),
    "reset, applied": ("reset", {"applied": True}),
    "closed, applied": ("close", {"applied": True}),
    "hangs, not applied": ("hang", {"applied": False}),
    "hangs, applied": ("hang", {"applied": True}),
    "applied late, reset": ("late", {"delay": 1.5, "reply": "reset"}),
    "applied late, 502": ("late", {"delay": 1.5, "reply": 502}),
    "breaks off": ("partial_reply", {"share": 0.5}),
    "500, not applied": ("status", {"code": 500, "applied": False}),
    "500, applied": ("status", {"code": 500, "applied": True}),
    "504, applied": ("status", {"code": 504, "applied": True}),
    "503": ("status", {"code": 503}),
    "429 with a wait": ("status", {"code": 429, "retry_after": "2"}),
    "HTML, applied": ("html", {"code": 200, "applied": True}),
    "HTML, not applied": ("html", {"code": 200, "applied": False}),
    "truncated JSON": ("truncated_json", {}),
    "malformed JSON": ("malformed_json", {}),
    "too deep": ("deep_body", {}),
    "wrong shape": ("wrong_shape", {}),
    "wrong content type": ("content_type", {}),
    "204": ("empty", {"code": 204, "applied": True}),
    "redirect": ("redirect", {"origin": "http://127.0.0.1:9", "code": 307}),
    "400": ("status", {"code": 400}),
    "403": ("status", {"code": 403}),
    "404 of a gateway": ("html", {"code": 404}),
    "409": ("status", {"code": 409, "error": "Not now"}),
}


OTHER_SERVICE: dict[str, Any] = {
    "conflict_status": 400,
    "clock_skew": -5.0,
    "list_delay": 4 / SPEED,
    "normalize_names": ["trim"],
    "normalize_keys": ["casefold"],
}
"""What may differ from the documents' plain reading, all at once."""
LOST: tuple[str, ...] = (
    "reset, not applied",
    "hangs, applied",
    "applied late, 502",
    "HTML, applied",
    "404 of a gateway",
)
"""The faults that the service of above is tried with."""


async def staged(emulator: Emulator, client: Client, status: str) -> Stage:
    """Bring one experiment into the state that a call needs."""
    seeded = {"staged": "draft", "rolled out": "completed"}.get(status, status)
    (experiment_id,) = emulator.seed_experiments(1, status=seeded)
    stage = Stage(emulator, client, experiment_id)
    if status == "staged":
        await client.experiments.start(experiment_id, publish=False)
    if status == "rolled out":
        await client.experiments.rollout(experiment_id, variant_id=stage.treatment)
    age(emulator)
    emulator.log.clear()
    return stage


async def attempt(kind: Kind, stage: Stage) -> object:
    """Run a call; an error of the package is its outcome."""
    try:
        return await kind.run(stage)
    except OursError as error:
        return error


async def meet(
    name: str, fault: str, service: dict[str, Any], seed: int = 0
) -> str | None:
    """Let one kind of call meet one fault; return what is wrong with its outcome."""
    kind = KINDS[name]
    async with (
        Emulator(seed=seed, **service) as emulator,
        Client(emulator.api_key, base_url=emulator.url, attempt_timeout=8) as client,
    ):
        stage = await staged(emulator, client, kind.status)
        word, parameters = FAULTS[fault]
        emulator.faults.add(word, route=kind.route, times=1, **parameters)
        outcome = await attempt(kind, stage)
        if word == "late":
            await asyncio.sleep(2)
        return judge(name, stage, outcome)


def judge(name: str, stage: Stage, outcome: object) -> str | None:
    """Compare an outcome with what the emulator has; return what is wrong, or None."""
    kind = KINDS[name]
    if name in READS:
        return None
    if name not in {"update", "delete"} and stage.emulator.log.applied(kind.route) > 1:
        return "it was applied twice"
    if isinstance(outcome, OursError):
        return judge_error(name, stage, outcome)
    if not kind.happened(stage):
        return "it did not happen"
    entry = stage.emulator.log.entries[-1]
    is_live = getattr(outcome, "publish_status", None) == PublishStatus.PUBLISHED
    if is_live and (entry.route, entry.status) != (kind.route, 200):
        return "it is called published, and no answer said so"
    return None


def judge_error(name: str, stage: Stage, error: OursError) -> str | None:
    """Compare an error with what the emulator has; return what is wrong, or None."""
    kind = KINDS[name]
    if isinstance(error, OutcomeUnknownError):
        return (
            "what became of this call can be found out" if kind.can_be_found else None
        )
    if isinstance(error, DecodeError):
        # An answer of another shape says neither that it happened nor that it did not.
        return None if name == "update" else "an answer of another shape is no outcome"
    return f"it happened, in spite of {error!r}" if kind.happened(stage) else None


async def meet_all(seed: int) -> Counter[str]:
    """Let every call meet every fault, in an order of the seed; count what is wrong."""
    meetings: list[tuple[str, str, dict[str, Any]]] = [
        (name, fault, {}) for name in KINDS for fault in FAULTS
    ]
    meetings += [
        (name, fault, OTHER_SERVICE) for name in KINDS.keys() - READS for fault in LOST
    ]
    random.Random(seed).shuffle(meetings)  # noqa: S311 - seeded, guards nothing
    slots = asyncio.Semaphore(256)
    count: Counter[str] = Counter(meetings=len(meetings))

    async def meet_one(name: str, fault: str, service: dict[str, Any]) -> None:
        async with slots:
            problem = await meet(name, fault, service, seed)
        if problem is not None:
            count[f"{name}, {fault}: {problem}"] += 1

    await asyncio.gather(*(meet_one(*meeting) for meeting in meetings))
    return count


def main() -> None:
    """Print how many calls met a fault, and each wrong outcome."""
    logging.getLogger("ours_experiments").setLevel(logging.CRITICAL)
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    total: Counter[str] = Counter()
    for seed in range(seeds):
        total += run_fast(lambda: meet_all(seed))  # noqa: B023 - run at once
    met = total.pop("meetings")
    print(f"{seeds} seeds, {met} calls that met a fault: {dict(total) or 'none wrong'}")
    sys.exit(bool(total))


if __name__ == "__main__":
    main()
