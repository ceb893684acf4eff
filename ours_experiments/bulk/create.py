"""Creating many experiments, each at most once."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

import attrs
import orjson

from ours_experiments._codec.converter import encode
from ours_experiments._writes.contents import differing_fields, plain_text
from ours_experiments._writes.lifecycle import unverified
from ours_experiments.bulk.journal import Journal
from ours_experiments.bulk.options import OnProgress
from ours_experiments.bulk.outcomes import (
    SUCCEEDED,
    BulkReport,
    Outcome,
    OutcomeStatus,
)
from ours_experiments.bulk.run import report_progress, without_frames
from ours_experiments.bulk.workers import in_parallel
from ours_experiments.drafts import NewExperiment
from ours_experiments.errors import ConfigurationError, OursError, OutcomeUnknownError
from ours_experiments.models import Experiment


if TYPE_CHECKING:
    from ours_experiments.experiments import Experiments


LIST_DELAY = 5.0
"""Seconds after which a list shows what was created: a resumed run waits for it."""


def loop_time() -> float:
    """Return the event loop's time."""
    return asyncio.get_running_loop().time()


@attrs.define
class BulkCreate:
    """One call of `bulk.create`; outcomes stand in the order of the drafts."""

    experiments: "Experiments"
    drafts: Sequence[NewExperiment]
    open_journal: Callable[[], Awaitable[Journal]] | None
    on_progress: OnProgress | None
    dry_run: bool
    outcomes: dict[int, Outcome] = attrs.field(init=False, factory=dict[int, Outcome])
    started: set[int] = attrs.field(init=False, factory=set[int])
    """The positions of the drafts that were sent."""
    identities: Sequence[str] = attrs.field(init=False, default=())
    """What the journal calls the drafts."""
    journal: Journal | None = attrs.field(init=False, default=None)
    started_at: float = attrs.field(init=False, factory=loop_time)

    async def run(self, concurrency: int) -> BulkReport:
        """Create what does not exist."""
        if self.open_journal is not None:
            self.identities = identify(self.drafts)
            self.journal = await self.open_journal()
        try:
            positions = await self.find_missing()
            if self.dry_run:
                for position in positions:
                    self.record(position, OutcomeStatus.NOT_ATTEMPTED)
            else:
                nothing: AsyncGenerator[None, None] = in_parallel(
                    iter(positions), self.create, concurrency
                )
                async with aclosing(nothing):
                    async for _ in nothing:
                        pass
        finally:
            if self.journal is not None:
                self.journal.close()
        return self.report()

    async def find_missing(self) -> list[int]:
        """Return the drafts to create; record the outcome of all others."""
        wanted: list[int] = []
        for position in range(len(self.drafts)):
            outcome = self.earlier_outcome(position)
            if outcome is not None:
                self.add(position, outcome)
            else:
                wanted.append(position)
        # One listing: a search does not cover keys, whatever the number of drafts.
        existing = await self.list_existing(wanted)
        by_key: dict[str, Experiment] = {}
        for experiment in existing:
            by_key.setdefault(experiment.key, experiment)
        missing: list[int] = []
        keys: set[str] = set()
        for position in wanted:
            key = key_of(self.drafts[position])
            if key is not None and key in keys:
                twice = ConfigurationError(f"drafts[{position}]: key {key!r} twice")
                self.record(position, OutcomeStatus.FAILED, error=twice)
            elif key is not None and key in by_key:
                self.record_existing(position, by_key[key])
            elif self.earlier_status(position) is not OutcomeStatus.UNKNOWN:
                missing.append(position)
            elif (error := self.lost_error(position, existing)) is not None:
                self.record(position, OutcomeStatus.UNKNOWN, error=error)
            else:
                missing.append(position)
            if key is not None:
                keys.add(key)
        return missing

    def earlier_status(self, position: int) -> OutcomeStatus | None:
        """Return the status of a draft in the journal; None if it has none."""
        if self.journal is None:
            return None
        return self.journal.status_of(self.identities[position])

    async def list_existing(self, wanted: Sequence[int]) -> list[Experiment]:
        """List the experiments that have a key, or may be a draft that was lost."""
        keys = {key_of(self.drafts[position]) for position in wanted} - {None}
        lost = [
            self.drafts[position]
            for position in wanted
            if self.earlier_status(position) is OutcomeStatus.UNKNOWN
        ]
        if not keys and not lost:
            return []
        if lost and self.journal is not None:
            # A supervisor restarts a killed process within a second.
            await asyncio.sleep(LIST_DELAY - self.journal.age)
        names = {
            plain_text(text) for draft in lost for text in (draft.name, draft.key or "")
        }
        return [
            experiment
            async for experiment in self.experiments.list()
            if experiment.key in keys
            or plain_text(experiment.name) in names
            or plain_text(experiment.key) in names
        ]

    def record_existing(self, position: int, experiment: Experiment) -> None:
        """Record the outcome of a draft whose key an experiment has."""
        draft = self.drafts[position]
        different = differing_fields(draft, experiment)
        if different:
            error = ConfigurationError(
                f"drafts[{position}]: experiment {experiment.id} has the key "
                f"{draft.key!r} and differs in {', '.join(different)}"
            )
            self.record(position, OutcomeStatus.FAILED, error=error)
            return
        lost = self.earlier_status(position) is OutcomeStatus.UNKNOWN
        status = OutcomeStatus.APPLIED if lost else OutcomeStatus.ALREADY
        self.record(position, status, experiment)

    def lost_error(
        self, position: int, existing: Sequence[Experiment]
    ) -> OutcomeUnknownError | None:
        """Return why a draft that an earlier run sent must not be sent again.

        None: it has a key, and no experiment has its name or its key, however the
        service spells them.
        """
        draft = self.drafts[position]
        key = key_of(draft)
        spellings = {plain_text(draft.name), plain_text(key or draft.name)}
        candidates = [
            experiment
            for experiment in existing
            if spellings & {plain_text(experiment.name), plain_text(experiment.key)}
        ]
        if key is not None and not candidates:
            return None
        return OutcomeUnknownError(
            f"create of {draft.name!r} was cut off in an earlier run: look at the "
            "candidates; begin another journal to create it again",
            action="create",
            draft=draft,
            candidates=candidates,
        )

    async def create(self, position: int) -> None:
        """Bring one draft to its outcome."""
        self.started.add(position)
        if self.journal is not None:
            self.journal.begin(self.identities[position])
        started_at = loop_time()
        experiment: Experiment | None = None
        error: OursError | None = None
        status = OutcomeStatus.APPLIED
        try:
            experiment = await self.experiments.create(self.drafts[position])
        except OutcomeUnknownError as problem:
            status, error = OutcomeStatus.UNKNOWN, without_frames(problem)
        except OursError as problem:
            status, error = OutcomeStatus.FAILED, without_frames(problem)
        self.record(position, status, experiment, error, loop_time() - started_at)

    def record(
        self,
        position: int,
        status: OutcomeStatus,
        experiment: Experiment | None = None,
        error: OursError | None = None,
        seconds: float = 0.0,
    ) -> None:
        """Record one outcome, in the journal too."""
        outcome = Outcome(
            experiment.id if experiment else "",
            "create",
            status,
            unverified(experiment) if experiment else None,
            error,
            seconds=seconds,
        )
        self.add(position, outcome)
        if self.journal is not None:
            self.journal.record(outcome, self.identities[position])

    def earlier_outcome(self, position: int) -> Outcome | None:
        """Return the outcome of a draft that an earlier run has created or found."""
        status = self.earlier_status(position)
        if self.journal is None or status is None or status not in SUCCEEDED:
            return None
        experiment_id = self.journal.experiments.get(self.identities[position], "")
        return Outcome(experiment_id, "create", status)

    def add(self, position: int, outcome: Outcome) -> None:
        """Add one outcome and report progress."""
        self.outcomes[position] = outcome
        if self.on_progress is not None:
            report_progress(self.on_progress, len(self.outcomes), len(self.drafts))

    def report(self) -> BulkReport:
        """Return what has happened so far."""
        outcomes = tuple(
            self.outcomes.get(position) or self.unfinished(position)
            for position in range(len(self.drafts))
        )
        seconds = loop_time() - self.started_at
        return BulkReport("create", outcomes, seconds, dry_run=self.dry_run)

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


def key_of(draft: NewExperiment) -> str | None:
    """Return the key of a draft; a blank one is none."""
    return draft.key if draft.key and draft.key.strip() else None


def identify(drafts: Sequence[NewExperiment]) -> list[str]:
    """Return a name for each draft, made of its contents; equal ones are numbered."""
    seen: Counter[str] = Counter()
    identities: list[str] = []
    for draft in drafts:
        contents = orjson.dumps(encode(draft), option=orjson.OPT_SORT_KEYS)
        digest = hashlib.blake2b(contents, digest_size=12).hexdigest()
        seen[digest] += 1
        identities.append(f"{digest}#{seen[digest]}")
    return identities
