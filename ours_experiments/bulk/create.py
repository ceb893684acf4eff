"""Creating many experiments, each at most once."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import attrs

from ours_experiments._writes.lifecycle import unverified
from ours_experiments.bulk.outcomes import BulkReport, Outcome, OutcomeStatus
from ours_experiments.bulk.run import OnProgress, report_progress, without_frames
from ours_experiments.bulk.workers import in_parallel
from ours_experiments.drafts import NewExperiment
from ours_experiments.errors import ConfigurationError, OursError, OutcomeUnknownError
from ours_experiments.experiments import Experiments
from ours_experiments.models import Experiment


def now() -> float:
    """Return the event loop's time."""
    return asyncio.get_running_loop().time()


@attrs.define
class BulkCreate:
    """One call of `bulk.create`; outcomes stand in the order of the drafts."""

    experiments: Experiments
    drafts: Sequence[NewExperiment]
    on_progress: OnProgress | None
    outcomes: dict[int, Outcome] = attrs.field(init=False, factory=dict[int, Outcome])
    started: set[int] = attrs.field(init=False, factory=set[int])
    started_at: float = attrs.field(init=False, factory=now)

    async def run(self, concurrency: int) -> BulkReport:
        """Create what does not exist."""
        existing = await self.existing()
        positions: list[int] = []
        keys: set[str] = set()
        for position, draft in enumerate(self.drafts):
            key = draft.key
            if key is None:
                positions.append(position)
            elif key in keys:
                twice = ConfigurationError(f"drafts[{position}]: key {key!r} twice")
                self.record(position, OutcomeStatus.FAILED, error=twice)
            elif key in existing:
                self.record(position, OutcomeStatus.ALREADY, experiment=existing[key])
            else:
                positions.append(position)
                keys.add(key)
        workers = min(concurrency, len(positions))
        nothing: AsyncGenerator[None, None] = in_parallel(
            iter(positions), self.create, workers
        )
        async with aclosing(nothing):
            async for _ in nothing:
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
        self.started.add(position)
        started_at = now()
        experiment: Experiment | None = None
        error: OursError | None = None
        status = OutcomeStatus.APPLIED
        try:
            experiment = await self.experiments.create(self.drafts[position])
        except OutcomeUnknownError as problem:
            status, error = OutcomeStatus.UNKNOWN, problem
        except OursError as problem:
            status, error = OutcomeStatus.FAILED, problem
        if error is not None:
            without_frames(error)
        self.record(position, status, experiment, error, now() - started_at)

    def record(
        self,
        position: int,
        status: OutcomeStatus,
        experiment: Experiment | None = None,
        error: OursError | None = None,
        seconds: float = 0.0,
    ) -> None:
        """Note one outcome."""
        self.outcomes[position] = Outcome(
            experiment.id if experiment else "",
            "create",
            status,
            unverified(experiment) if experiment else None,
            error,
            seconds=seconds,
        )
        if self.on_progress is not None:
            report_progress(self.on_progress, len(self.outcomes), len(self.drafts))

    def report(self) -> BulkReport:
        """Say what has happened so far."""
        outcomes = tuple(
            self.outcomes.get(position) or self.unfinished(position)
            for position in range(len(self.drafts))
        )
        return BulkReport("create", outcomes, now() - self.started_at)

    def unfinished(self, position: int) -> Outcome:
        """Return the outcome of a draft that was not reached, or was cut off."""
        if position not in self.started:
            return Outcome("", "create", OutcomeStatus.NOT_ATTEMPTED)
        draft = self.drafts[position]
        error = OutcomeUnknownError(
            f"create of {draft.name!r} was cut off: look before you create it again",
            action="create",
            draft=draft,
        )
        return Outcome("", "create", OutcomeStatus.UNKNOWN, error=error)
