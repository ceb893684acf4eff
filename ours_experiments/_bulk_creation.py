"""Creating many experiments, each at most once."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

import attrs

from ours_experiments._bulk_run import OnProgress, report_progress
from ours_experiments._lifecycle import unverified
from ours_experiments._parallel import in_parallel, in_turn
from ours_experiments.drafts import NewExperiment
from ours_experiments.errors import ConfigurationError, OursError, OutcomeUnknownError
from ours_experiments.experiments import Experiments
from ours_experiments.models import Experiment
from ours_experiments.outcomes import BulkReport, Outcome, OutcomeStatus


def now() -> float:
    """Return the event loop's time."""
    return asyncio.get_running_loop().time()


@attrs.define
class BulkCreation:
    """One call of `bulk.create`; outcomes stand in the order of the drafts."""

    experiments: Experiments
    drafts: Sequence[NewExperiment]
    on_progress: OnProgress | None
    outcomes: list[Outcome] = attrs.field(init=False)
    begun: set[int] = attrs.field(init=False, factory=set[int])
    begun_at: float = attrs.field(init=False, factory=now)

    def __attrs_post_init__(self) -> None:
        """Begin with nothing attempted."""
        untouched = Outcome("", "create", OutcomeStatus.NOT_ATTEMPTED)
        self.outcomes = [untouched] * len(self.drafts)

    async def run(self, concurrency: int) -> BulkReport:
        """Create what does not exist."""
        existing = await self.existing()
        keys: set[str] = set()
        positions: list[int] = []
        for position, draft in enumerate(self.drafts):
            if draft.key is not None and draft.key in keys:
                twice = ConfigurationError(
                    f"drafts[{position}]: key {draft.key!r} twice"
                )
                self.settle(position, OutcomeStatus.FAILED, error=twice)
            elif draft.key is not None and draft.key in existing:
                found = existing[draft.key]
                self.settle(position, OutcomeStatus.ALREADY, experiment=found)
            else:
                positions.append(position)
            if draft.key is not None:
                keys.add(draft.key)
        work = in_parallel(in_turn(positions), self.create, concurrency)
        async with aclosing(work) as created:
            async for _ in created:
                pass
        return self.report()

    async def existing(self) -> dict[str, Experiment]:
        """Find the experiments that have one of the drafts' keys."""
        wanted = {draft.key for draft in self.drafts if draft.key is not None}
        found: dict[str, Experiment] = {}
        if wanted:
            async for experiment in self.experiments.list():
                if experiment.key in wanted:
                    found.setdefault(experiment.key, experiment)
        return found

    async def create(self, position: int) -> None:
        """Bring one draft to its outcome."""
        self.begun.add(position)
        begun_at = now()
        try:
            experiment = await self.experiments.create(self.drafts[position])
        except OutcomeUnknownError as problem:
            self.settle(position, OutcomeStatus.UNKNOWN, error=problem)
        except OursError as problem:
            self.settle(position, OutcomeStatus.FAILED, error=problem)
        else:
            self.settle(
                position,
                OutcomeStatus.APPLIED,
                experiment=experiment,
                seconds=now() - begun_at,
            )

    def settle(
        self,
        position: int,
        status: OutcomeStatus,
        *,
        experiment: Experiment | None = None,
        error: OursError | None = None,
        seconds: float = 0.0,
    ) -> None:
        """Note one outcome."""
        self.begun.discard(position)
        self.outcomes[position] = Outcome(
            experiment.id if experiment else "",
            "create",
            status,
            unverified(experiment) if experiment else None,
            error,
            seconds=seconds,
        )
        done = sum(
            one.status is not OutcomeStatus.NOT_ATTEMPTED for one in self.outcomes
        )
        report_progress(self.on_progress, done, len(self.drafts))

    def report(self) -> BulkReport:
        """Say what has happened so far."""
        for position in self.begun:
            draft = self.drafts[position]
            error = OutcomeUnknownError(
                f"create of {draft.name!r} was cut off: list before you create it again",
                action="create",
                draft=draft,
            )
            self.outcomes[position] = Outcome(
                "", "create", OutcomeStatus.UNKNOWN, error=error
            )
        return BulkReport("create", tuple(self.outcomes), now() - self.begun_at)
