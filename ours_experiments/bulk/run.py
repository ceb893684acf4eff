"""One bulk call under way."""

import asyncio
import logging
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Mapping,
)
from contextlib import aclosing
from types import TracebackType
from typing import Self

from ours_experiments._http.call import Call
from ours_experiments.bulk.batch_publish import BatchPublish
from ours_experiments.bulk.input import Input
from ours_experiments.bulk.journal import Journal
from ours_experiments.bulk.ledger import Ledger
from ours_experiments.bulk.options import OnProgress
from ours_experiments.bulk.outcomes import (
    SUCCEEDED,
    BulkReport,
    Outcome,
    OutcomeStatus,
    Result,
)
from ours_experiments.bulk.workers import in_parallel
from ours_experiments.errors import ConfigurationError, OursError, OutcomeUnknownError


logger: logging.Logger = logging.getLogger("ours_experiments")

Work = Callable[[str, Call, float | None], Awaitable[Result]]
"""Takes an id, its call and when an earlier run may have sent it; None: none has."""


class BulkRun:
    """A bulk call under way: iterate over it for outcomes in completion order.

    Use it as `async with client.bulk.stream(…) as run: async for outcome in run: …`,
    which cancels what is under way however the block is left. It can be iterated once.
    `report()` is valid at any time, also after a cancellation.
    """

    def __init__(
        self,
        action: str,
        ids: Input,
        work: Work,
        *,
        begin_call: Callable[[], Call],
        concurrency: int,
        open_journal: Callable[[], Awaitable[Journal]] | None,
        batch: BatchPublish | None,
        on_progress: OnProgress | None,
        keep: bool,
        dry_run: bool,
    ) -> None:
        self._action = action
        self._ids = ids
        self._work = work
        self._begin_call = begin_call
        self._concurrency = concurrency
        self._open_journal = open_journal
        self._batch = batch
        self._on_progress = on_progress
        self._keep = keep
        self._dry_run = dry_run
        self._ledger = Ledger(action, keep)
        self._journal: Journal | None = None
        self._outcomes: AsyncGenerator[Outcome, None] | None = None
        self._iterated = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started_at = 0.0
        self._ended_at: float | None = None

    @property
    def counts(self) -> Mapping[OutcomeStatus, int]:
        """How many outcomes there are of each status so far."""
        return dict(self._ledger.counts)

    @property
    def done(self) -> int:
        """How many outcomes there are so far."""
        return self._ledger.done

    @property
    def total(self) -> int | None:
        """How many there will be; None when that is not known, or not yet."""
        return self._ids.total

    @property
    def seconds(self) -> float:
        """Seconds since the first outcome was asked for."""
        if self._loop is None:
            return 0.0
        ended_at = self._loop.time() if self._ended_at is None else self._ended_at
        return ended_at - self._started_at

    @property
    def rate(self) -> float:
        """Outcomes a second so far."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the end at the present rate; None when that is not known."""
        if self.total is None or not self.rate:
            return None
        return (self.total - self.done) / self.rate

    def report(self) -> BulkReport:
        """Return what has happened so far; ids not reached are NOT_ATTEMPTED."""
        batch = self._batch
        return BulkReport(
            self._action,
            self._ledger.outcomes(),
            self.seconds,
            None if batch is None else batch.version,
            None if batch is None else batch.error,
            self._dry_run,
        )

    def __repr__(self) -> str:
        return f"<BulkRun {self._action}: {self.done} of {self.total or 'unknown'}>"

    async def __aenter__(self) -> Self:
        # Held here only: without `async with`, a loop that is left must free it.
        self._outcomes = self._run()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._iterated = True
        if self._outcomes is not None:
            await self._outcomes.aclose()

    def __aiter__(self) -> AsyncGenerator[Outcome, None]:
        if self._iterated:
            raise ConfigurationError("a bulk run can be iterated once")
        self._iterated = True
        return self._outcomes or self._run()

    async def _run(self) -> AsyncGenerator[Outcome, None]:
        """Yield outcomes as they come, then publish once where that is asked for."""
        ledger, batch = self._ledger, self._batch
        self._loop = asyncio.get_running_loop()
        self._started_at = self._loop.time()
        try:
            if self._open_journal is not None:
                self._journal = await self._open_journal()
                ledger.earlier_status = self._journal.status_of
            earlier = () if self._journal is None else self._journal.states
            ids = await self._ids.read(ledger, earlier)
            if batch is not None:
                await batch.prepare(ledger, self._journal)
            total = self._ids.total
            workers = min(self._concurrency, total or self._concurrency)
            async with aclosing(in_parallel(ids, self._carry_out, workers)) as outcomes:
                async for outcome in outcomes:
                    yield outcome
            if batch is not None and not self._dry_run:
                await batch.publish(ledger, self._journal)
        finally:
            self._ended_at = self._loop.time()
            if self._journal is not None:
                self._journal.close()

    async def _carry_out(self, experiment_id: str) -> Outcome | None:
        """Bring one id to its outcome; None when only the report is asked for."""
        outcome = self._known_outcome(experiment_id)
        if outcome is None:
            outcome = await self._do_work(experiment_id)
            # The ledger first: a full disk must not cost an outcome that is known.
            self._ledger.record(outcome)
            if self._journal is not None:
                self._journal.record(outcome)
        else:
            self._ledger.record(outcome)
        if self._on_progress is not None:
            report_progress(self._on_progress, self._ledger.done, self._ids.total)
        return None if self._keep else outcome

    def _known_outcome(self, experiment_id: str) -> Outcome | None:
        """Return the outcome of an id for which nothing has to be sent."""
        refused = self._ids.refused
        if refused and (refusal := refused.pop(experiment_id, None)) is not None:
            return Outcome(
                experiment_id, self._action, OutcomeStatus.FAILED, error=refusal
            )
        if self._journal is None:
            return None
        status = self._journal.status_of(experiment_id)
        if status is None or status not in SUCCEEDED:
            return None
        return Outcome(experiment_id, self._action, status)

    async def _do_work(self, experiment_id: str) -> Outcome:
        """Send what there is to send for one id."""
        journal = self._journal
        call: Call | None = None
        result = Result(OutcomeStatus.FAILED)
        error: OursError | None = None
        try:
            call = self._begin_call()
            self._ledger.begin(experiment_id, call)
            sent_at: float | None = None
            if journal is not None:
                journal.begin(experiment_id)
                sent_at = journal.sent_at(experiment_id)
            result = await self._work(experiment_id, call, sent_at)
        except OursError as problem:
            error = without_frames(problem)
            if isinstance(error, OutcomeUnknownError):
                result = Result(OutcomeStatus.UNKNOWN)
        return Outcome(
            experiment_id,
            self._action,
            result.status,
            result.transition,
            error,
            call.attempts if call else 0,
            call.seconds if call else 0.0,
            result.note,
        )


def without_frames(error: OursError) -> OursError:
    """Return an error that is kept without the frames it came through."""
    links: list[BaseException | None] = [error]
    while links:
        link = links.pop()
        if link is not None and link.__traceback__ is not None:
            link.__traceback__ = None
            links += (link.__cause__, link.__context__)
    return error


def report_progress(on_progress: OnProgress, done: int, total: int | None) -> None:
    """Call back; an error of the callback must not cost an outcome."""
    try:
        on_progress(done, total)
    except Exception:
        logger.exception("on_progress failed; the run goes on")
