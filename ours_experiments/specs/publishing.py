"""The one version of all that applying a plan has staged."""

from collections.abc import Collection, Iterable, Mapping

import attrs

from ours_experiments._http.session import Session
from ours_experiments._writes.unrelated_changes import (
    EXPERIMENTS,
    VARIANTS,
    describe_unrelated,
    ids_in,
)
from ours_experiments.bulk.batch_publish import BatchPublish
from ours_experiments.bulk.journal import Journal
from ours_experiments.bulk.outcomes import Outcome, OutcomeStatus
from ours_experiments.errors import (
    ConflictError,
    OursError,
    UnpublishedChangesError,
)
from ours_experiments.specs.service import read_draft_changes


@attrs.define
class Publishing:
    """Publishes what a plan has staged, and nothing of anybody else's."""

    session: Session
    batch: BatchPublish
    """What makes the version, or finds the one of a run that was cut off."""
    own: set[str]
    """The ids of all that the plan manages, variants included."""
    journal: Journal | None
    error: OursError | None = attrs.field(init=False, default=None)
    """Why something that is staged was not published."""

    async def publish(self, staged: Collection[str]) -> Collection[str]:
        """Publish what these experiments have staged; return which of them are live.

        An include list holds back changes of its own collection only, so that nothing
        is published while others have changes that nobody agreed to publish.
        """
        live: Collection[str] = ()
        try:
            changes = (await read_draft_changes(self.session)).differences
            unrelated = describe_unrelated(self.own.union(staged), changes)
            if unrelated and not self.batch.ship_others:
                raise UnpublishedChangesError(
                    f"others have changed meanwhile: {unrelated}: --ship-others"
                )
            waiting = ids_in(changes, EXPERIMENTS).intersection(staged)
            live = set(staged) - waiting
            if waiting:
                include: dict[str, Iterable[str]] = {}
                variants = ids_in(changes, VARIANTS)
                if not unrelated:
                    include[EXPERIMENTS] = sorted(waiting)
                # An empty list would stand for all variants.
                if not unrelated and variants:
                    include[VARIANTS] = sorted(variants)
                await self.make_version(waiting, include)
        except OursError as problem:
            self.error = problem
            if isinstance(problem, ConflictError):
                live = await self.find_live(staged)
        else:
            live = staged
        return live

    async def make_version(
        self, waiting: Collection[str], include: Mapping[str, Iterable[str]]
    ) -> None:
        """Publish, and record in the journal what the version is to hold."""
        if self.journal is not None:
            for experiment_id in waiting:
                outcome = Outcome(experiment_id, "apply", OutcomeStatus.STAGED)
                self.journal.record(outcome)
        version = await self.batch.make_version(sorted(waiting), include, self.journal)
        self.batch.version = version

    async def find_live(self, staged: Collection[str]) -> Collection[str]:
        """Return what is live after a publish was refused: others published it."""
        try:
            changes = (await read_draft_changes(self.session)).differences
        except OursError:
            return ()
        waiting = ids_in(changes, EXPERIMENTS).intersection(staged)
        if not waiting:
            self.error = None
        return set(staged) - waiting
