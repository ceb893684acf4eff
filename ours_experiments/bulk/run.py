"""The run of one bulk call: what is begun, what is settled, what is left."""

import asyncio
import logging
from array import array
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
)
from contextlib import aclosing
from typing import Protocol

import attrs

from ours_experiments._http.call import Call
from ours_experiments.bulk.journal import Journal
from ours_experiments.bulk.outcomes import BulkReport, Outcome, OutcomeStatus
from ours_experiments.bulk.workers import in_parallel
from ours_experiments.errors import ConfigurationError, OursError, OutcomeUnknownError
from ours_experiments.models import Transition, Version


logger = logging.getLogger("ours_experiments")

OnProgress = Callable[[int, int | None], object]
Verdict = tuple[OutcomeStatus, Transition | None]
"""What became of an id, and the service's word for it."""

STATUSES = tuple(OutcomeStatus)
NUMBERS = {status: number for number, status in enumerate(STATUSES)}
MOST_ATTEMPTS = 0xFFFF


@attrs.define
class Target:
    """One distinct id of the input, checked."""

    experiment_id: str
    row: int
    """Its place in the ledger."""
    refusal: OursError | None = None
    """Why nothing can be sent for it."""
    winner_variant_id: str | None = None
    sent_before: bool = False
    """Whether an earlier run may have sent it already."""


class Ledger:
    """One compact row for each distinct id: a million of them stay small."""

    def __init__(self, action: str) -> None:
        self.action = action
        self.ids: dict[str, None] = {}
        self.statuses: bytearray = bytearray()
        self.attempts: array[int] = array("H")
        self.seconds: array[float] = array("f")
        self.calls: dict[str, Call] = {}
        self.kept: dict[str, Outcome] = {}
        self.counts: dict[OutcomeStatus, int] = dict.fromkeys(OutcomeStatus, 0)
        self.begun_before: set[str] = set()
        self.settled_before: dict[str, OutcomeStatus] = {}

    def enter(self, experiment_id: str) -> int | None:
        """Give an id its row; None when it has one."""
        row = len(self.ids)
        self.ids.setdefault(experiment_id)
        if len(self.ids) == row:
            return None
        self.statuses.append(NUMBERS[OutcomeStatus.NOT_ATTEMPTED])
        self.attempts.append(0)
        self.seconds.append(0.0)
        return row

    @property
    def done(self) -> int:
        """How many outcomes there are so far."""
        return sum(self.counts.values())

    def settle(self, row: int, outcome: Outcome, *, keep: bool) -> None:
        """Note an outcome; what failed is kept whole in any case."""
        status = outcome.status
        self.statuses[row] = NUMBERS[status]
        self.counts[status] += 1
        if keep or outcome.error is not None:
            self.kept[outcome.experiment_id] = outcome
        else:
            self.attempts[row] = min(outcome.attempts, MOST_ATTEMPTS)
            self.seconds[row] = outcome.seconds
        self.calls.pop(outcome.experiment_id, None)

    def ids_with(self, status: OutcomeStatus) -> list[str]:
        """Select the ids that have this status now."""
        wanted = NUMBERS[status]
        rows = zip(self.ids, self.statuses, strict=True)
        return [experiment_id for experiment_id, number in rows if number == wanted]

    def mark_applied(self, published: Iterable[str]) -> None:
        """Note that what was staged has been published."""
        wanted = frozenset(published)
        for row, experiment_id in enumerate(self.ids):
            if experiment_id in wanted:
                self.statuses[row] = NUMBERS[OutcomeStatus.APPLIED]
                kept = self.kept.get(experiment_id)
                if kept is not None:
                    applied = attrs.evolve(kept, status=OutcomeStatus.APPLIED)
                    self.kept[experiment_id] = applied
        self.counts[OutcomeStatus.STAGED] -= len(wanted)
        self.counts[OutcomeStatus.APPLIED] += len(wanted)

    def outcomes(self) -> tuple[Outcome, ...]:
        """Return every outcome, those of calls that were cut off included."""
        rows = zip(self.ids, self.statuses, self.attempts, self.seconds, strict=True)
        return tuple(
            self.kept.get(experiment_id)
            or self.outcome(experiment_id, STATUSES[number], attempts, seconds)
            for experiment_id, number, attempts, seconds in rows
        )

    def outcome(
        self, experiment_id: str, status: OutcomeStatus, attempts: int, seconds: float
    ) -> Outcome:
        """Make an outcome of one row."""
        error: OursError | None = None
        if status is OutcomeStatus.NOT_ATTEMPTED:
            status = self.settled_before.get(experiment_id, status)
            call = self.calls.get(experiment_id)
            attempts = call.attempts if call else 0
            if attempts or experiment_id in self.begun_before:
                status = OutcomeStatus.UNKNOWN
                error = OutcomeUnknownError(
                    f"{self.action} of {experiment_id} was cut off after it was sent: "
                    "retrieve the experiment before you send it again",
                    action=self.action,
                    experiment_id=experiment_id,
                    sent_at=call.sent_at if call else None,
                )
        return Outcome(
            experiment_id,
            self.action,
            status,
            error=error,
            attempts=attempts,
            seconds=seconds,
        )


class Source(Protocol):
    """Where the ids of a run come from."""

    total: int | None
    """How many distinct ones there are; None when that is not known."""

    async def open(
        self, ledger: Ledger
    ) -> Iterator[Target] | AsyncGenerator[Target, None]:
        """Begin to read; whatever is read is entered in the ledger."""
        ...


class Shipment(Protocol):
    """The one publish at the end of a run."""

    version: Version | None
    """What it made."""
    error: OursError | None
    """Why it could not be made."""

    async def prepare(self, ledger: Ledger, journal: Journal | None) -> None:
        """Look before anything is written, and refuse what may not be shipped."""
        ...

    async def ship(self, ledger: Ledger, journal: Journal | None) -> None:
        """Publish what is staged, and note it in the ledger."""
        ...


@attrs.frozen
class Plan:
    """What a run does; everything that can be checked has been."""

    action: str
    source: Source
    begin_call: Callable[[], Call]
    work: Callable[[Target, Call], Awaitable[Verdict]]
    """Does what there is to do for one id, or raises what became of it."""
    concurrency: int
    open_journal: Callable[[], Journal | None]
    shipment: Shipment | None = None
    on_progress: OnProgress | None = None
    keep: bool = False
    """Whether the report has every transition, not only the failures."""
    dry_run: bool = False


class BulkRun:
    """A bulk call under way: iterate over it for outcomes in completion order.

    It can be iterated once. Leaving the loop cancels what is under way; `report()` is
    valid at any time, also after that and after a cancellation.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._ledger = Ledger(plan.action)
        self._journal: Journal | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begun_at = 0.0
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
        return self._plan.source.total

    @property
    def seconds(self) -> float:
        """Seconds since the first outcome was asked for."""
        if self._loop is None:
            return 0.0
        ended_at = self._loop.time() if self._ended_at is None else self._ended_at
        return ended_at - self._begun_at

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
        """Say what has happened so far; ids not reached are NOT_ATTEMPTED."""
        shipment = self._plan.shipment
        return BulkReport(
            self._plan.action,
            self._ledger.outcomes(),
            self.seconds,
            None if shipment is None else shipment.version,
            None if shipment is None else shipment.error,
            self._plan.dry_run,
        )

    async def __aiter__(self) -> AsyncGenerator[Outcome, None]:
        if self._loop is not None:
            raise ConfigurationError("a bulk run can be iterated once")
        plan, ledger = self._plan, self._ledger
        self._loop = asyncio.get_running_loop()
        self._begun_at = self._loop.time()
        try:
            journal = self._journal = plan.open_journal()
            if journal is not None:
                ledger.begun_before = journal.begun
                ledger.settled_before = journal.settled
            targets = await plan.source.open(ledger)
            if plan.shipment is not None:
                await plan.shipment.prepare(ledger, journal)
            total = plan.source.total
            workers = (
                plan.concurrency if total is None else min(plan.concurrency, total)
            )
            outcomes = in_parallel(targets, self._carry_out, workers)
            async with aclosing(outcomes):
                async for outcome in outcomes:
                    yield outcome
            if plan.shipment is not None and not plan.dry_run:
                await plan.shipment.ship(ledger, journal)
        finally:
            self._ended_at = self._loop.time()
            if self._journal is not None:
                self._journal.close()

    async def _carry_out(self, target: Target) -> Outcome | None:
        """Bring one id to its outcome; None when the report is all that is wanted."""
        plan, journal = self._plan, self._journal
        experiment_id = target.experiment_id
        if target.refusal is not None:
            outcome = Outcome(
                experiment_id, plan.action, OutcomeStatus.FAILED, error=target.refusal
            )
            return self._settle(target, outcome)
        if journal is not None and experiment_id in journal.settled:
            status = journal.settled.pop(experiment_id)
            return self._settle(target, Outcome(experiment_id, plan.action, status))
        call: Call | None = None
        transition: Transition | None = None
        error: OursError | None = None
        try:
            call = self._ledger.calls[experiment_id] = plan.begin_call()
            if journal is not None:
                journal.begin(experiment_id)
                target.sent_before = experiment_id in journal.begun
            status, transition = await plan.work(target, call)
        except OutcomeUnknownError as problem:
            status, error = OutcomeStatus.UNKNOWN, problem
        except OursError as problem:
            status, error = OutcomeStatus.FAILED, problem
        if error is not None:
            forget_frames(error)
        outcome = Outcome(
            experiment_id,
            plan.action,
            status,
            transition,
            error,
            call.attempts if call else 0,
            call.seconds if call else 0.0,
        )
        return self._settle(target, outcome, journal)

    def _settle(
        self, target: Target, outcome: Outcome, journal: Journal | None = None
    ) -> Outcome | None:
        """Note an outcome, also in a journal that has not got it, and tell of it."""
        plan, ledger = self._plan, self._ledger
        ledger.settle(target.row, outcome, keep=plan.keep)
        if journal is not None:
            journal.settle(outcome)
        if plan.on_progress is not None:
            report_progress(plan.on_progress, ledger.done, plan.source.total)
        return None if plan.keep else outcome


def forget_frames(error: BaseException) -> None:
    """Free what an error that is kept would keep alive: the frames it came through."""
    links: list[BaseException | None] = [error]
    while links:
        link = links.pop()
        if link is not None and link.__traceback__ is not None:
            link.__traceback__ = None
            links += (link.__cause__, link.__context__)


def report_progress(on_progress: OnProgress, done: int, total: int | None) -> None:
    """Call back, and let nothing be lost by what the callback raises."""
    try:
        on_progress(done, total)
    except Exception:
        logger.exception("on_progress failed; the run goes on")
