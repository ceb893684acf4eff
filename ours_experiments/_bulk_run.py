"""The run of one bulk call: what is begun, what is settled, what is left."""

import asyncio
import logging
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing

import attrs

from ours_experiments._journal import Journal
from ours_experiments._parallel import in_parallel
from ours_experiments._session import Call
from ours_experiments.errors import ConfigurationError, OursError, OutcomeUnknownError
from ours_experiments.models import Version
from ours_experiments.outcomes import BulkReport, Outcome, OutcomeStatus


logger = logging.getLogger("ours_experiments")

OnProgress = Callable[[int, int | None], object]

STATUSES = tuple(OutcomeStatus)


@attrs.frozen
class Target:
    """One id of the input, checked."""

    experiment_id: str
    refusal: OursError | None = None
    """Why nothing can be sent for it."""
    winner_variant_id: str | None = None
    begun_before: bool = False
    """Whether an earlier run may have sent it already."""


class Ledger:
    """One compact row for each distinct id: a million of them stay small."""

    def __init__(self, action: str) -> None:
        self.action = action
        self.rows: dict[str, int] = {}
        self.statuses = bytearray()
        self.attempts = array("H")
        self.seconds = array("f")
        self.calls: dict[str, Call] = {}
        self.kept: dict[str, Outcome] = {}
        self.counts = dict.fromkeys(OutcomeStatus, 0)

    def enter(self, experiment_id: str) -> bool:
        """Give an id its row; False when it has one."""
        if experiment_id in self.rows:
            return False
        self.rows[experiment_id] = len(self.rows)
        self.statuses.append(STATUSES.index(OutcomeStatus.NOT_ATTEMPTED))
        self.attempts.append(0)
        self.seconds.append(0.0)
        return True

    def settle(self, outcome: Outcome, *, keep: bool) -> None:
        """Note an outcome; what failed is kept whole in any case."""
        experiment_id = outcome.experiment_id
        row = self.rows[experiment_id]
        self.calls.pop(experiment_id, None)
        self.statuses[row] = STATUSES.index(outcome.status)
        self.attempts[row] = min(outcome.attempts, 0xFFFF)
        self.seconds[row] = outcome.seconds
        self.counts[outcome.status] += 1
        if keep or outcome.error is not None:
            self.kept[experiment_id] = outcome

    def ids_with(self, status: OutcomeStatus) -> tuple[str, ...]:
        """Select the ids that have this status now."""
        wanted = STATUSES.index(status)
        return tuple(
            experiment_id
            for experiment_id, row in self.rows.items()
            if self.statuses[row] == wanted
        )

    def mark_applied(self, staged: Iterable[str]) -> None:
        """Note that what was staged has been published."""
        for experiment_id in staged:
            self.statuses[self.rows[experiment_id]] = STATUSES.index(
                OutcomeStatus.APPLIED
            )
            self.counts[OutcomeStatus.STAGED] -= 1
            self.counts[OutcomeStatus.APPLIED] += 1
            if (kept := self.kept.get(experiment_id)) is not None:
                self.kept[experiment_id] = attrs.evolve(
                    kept, status=OutcomeStatus.APPLIED
                )

    def outcomes(self) -> tuple[Outcome, ...]:
        """Return every outcome, those of calls that were cut off included."""
        return tuple(self.outcome(experiment_id) for experiment_id in self.rows)

    def outcome(self, experiment_id: str) -> Outcome:
        """Return the outcome of one id."""
        if (outcome := self.kept.get(experiment_id)) is not None:
            return outcome
        row = self.rows[experiment_id]
        call = self.calls.get(experiment_id)
        if call is not None and call.attempts:
            error = OutcomeUnknownError(
                f"{self.action} of {experiment_id} was cut off after it was sent: "
                "retrieve the experiment before you send it again",
                action=self.action,
                experiment_id=experiment_id,
                sent_at=call.sent_at,
            )
            status = OutcomeStatus.UNKNOWN
            return Outcome(
                experiment_id, self.action, status, error=error, attempts=call.attempts
            )
        return Outcome(
            experiment_id,
            self.action,
            STATUSES[self.statuses[row]],
            attempts=self.attempts[row],
            seconds=self.seconds[row],
        )


@attrs.frozen
class Plan:
    """What a run does; everything that can be checked has been."""

    action: str
    open_targets: Callable[[], Awaitable[AsyncIterator[Target]]]
    """Gives the input; a listing is read to its end before this returns."""
    total: Callable[[], int | None]
    """Tells the number of distinct ids, as soon as that is known."""
    begin_call: Callable[[], Call]
    work: Callable[[Target, Call], Awaitable[Outcome]]
    """Carries out one."""
    concurrency: int
    open_journal: Callable[[], Journal | None]
    prepare: Callable[[], Awaitable[None]] | None = None
    """Looks before anything is written, and may refuse."""
    finish: Callable[[Ledger], Awaitable[Version | None]] | None = None
    """Publishes what is staged, and notes it in the ledger."""
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
        self._version: Version | None = None
        self._publish_error: OursError | None = None

    @property
    def counts(self) -> Mapping[OutcomeStatus, int]:
        """How many outcomes there are of each status so far."""
        return dict(self._ledger.counts)

    @property
    def done(self) -> int:
        """How many outcomes there are so far."""
        return sum(self._ledger.counts.values())

    @property
    def total(self) -> int | None:
        """How many there will be; None when the input does not tell."""
        return self._plan.total()

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
        return max(self.total - self.done, 0) / self.rate

    def report(self) -> BulkReport:
        """Say what has happened so far; ids not reached are NOT_ATTEMPTED."""
        return BulkReport(
            self._plan.action,
            self._ledger.outcomes(),
            self.seconds,
            self._version,
            self._publish_error,
            self._plan.dry_run,
        )

    async def __aiter__(self) -> AsyncIterator[Outcome]:
        if self._loop is not None:
            raise ConfigurationError("a bulk run can be iterated once")
        plan = self._plan
        self._loop = asyncio.get_running_loop()
        self._begun_at = self._loop.time()
        try:
            targets = self._distinct(await plan.open_targets())
            if plan.prepare is not None:
                await plan.prepare()
            self._journal = plan.open_journal()
            outcomes = in_parallel(targets, self._carry_out, plan.concurrency)
            async with aclosing(outcomes):
                async for outcome in outcomes:
                    yield outcome
            if plan.finish is not None:
                try:
                    self._version = await plan.finish(self._ledger)
                except OursError as problem:
                    self._publish_error = problem
        finally:
            self._ended_at = self._loop.time()
            if self._journal is not None:
                self._journal.close()

    async def _distinct(self, targets: AsyncIterator[Target]) -> AsyncIterator[Target]:
        """Pass each id on once."""
        async for target in targets:
            if self._ledger.enter(target.experiment_id):
                yield target

    async def _carry_out(self, target: Target) -> Outcome:
        """Bring one id to its outcome, on record at every step."""
        experiment_id, journal = target.experiment_id, self._journal
        plan, ledger = self._plan, self._ledger
        recorded = None if journal is None else journal.settled.get(experiment_id)
        if target.refusal is not None:
            outcome = Outcome(
                experiment_id,
                plan.action,
                OutcomeStatus.FAILED,
                error=target.refusal,
            )
        elif recorded is not None:
            outcome = recorded
        else:
            call = plan.begin_call()
            ledger.calls[experiment_id] = call
            if journal is not None:
                if experiment_id in journal.begun:
                    target = attrs.evolve(target, begun_before=True)
                journal.begin(experiment_id)
            outcome = await plan.work(target, call)
            if journal is not None:
                journal.settle(outcome)
        ledger.settle(outcome, keep=plan.keep)
        report_progress(plan.on_progress, self.done, plan.total())
        return outcome


def report_progress(
    on_progress: OnProgress | None, done: int, total: int | None
) -> None:
    """Call back, and let nothing be lost by what the callback raises."""
    if on_progress is None:
        return
    try:
        on_progress(done, total)
    except Exception:
        logger.exception("on_progress failed; the run goes on")
