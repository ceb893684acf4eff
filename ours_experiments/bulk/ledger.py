"""What is known of every id of a run."""

from collections.abc import Callable, Iterable

import attrs

from ours_experiments._http.call import Call
from ours_experiments.bulk.outcomes import SUCCEEDED, Outcome, OutcomeStatus
from ours_experiments.bulk.summaries import Summaries, Summary
from ours_experiments.errors import OutcomeUnknownError


Entry = Summary | Outcome | Call | None
"""An outcome, whole or in short, the call under way, or nothing yet."""


def no_status(_experiment_id: str) -> None:
    """Stand for a journal that holds nothing."""


@attrs.define
class Ledger:
    """One entry for each distinct id, in the order of the input.

    A stream keeps summaries, which ids share: a million ids cost 30 MiB beside their
    own text, and 32 in a set.
    """

    action: str
    keep: bool
    """Whether outcomes are kept whole, the service's answers included."""
    entries: dict[str, Entry] = attrs.field(init=False, factory=dict[str, Entry])
    counts: dict[OutcomeStatus, int] = attrs.field(init=False)
    earlier_status: Callable[[str], OutcomeStatus | None] = attrs.field(
        init=False, default=no_status
    )
    """Returns the status of an id in the journal."""
    summaries: Summaries = attrs.field(init=False, factory=Summaries)

    def __attrs_post_init__(self) -> None:
        """Start every count at zero."""
        self.counts = dict.fromkeys(OutcomeStatus, 0)

    @property
    def done(self) -> int:
        """The number of outcomes so far."""
        return sum(self.counts.values())

    def add(self, experiment_id: str) -> bool:
        """Add an id without an outcome; return whether it is new."""
        # One look-up for a new id, where `in` and an assignment are two.
        entries = self.entries
        before = len(entries)
        entries.setdefault(experiment_id)
        return len(entries) > before

    def begin(self, experiment_id: str, call: Call) -> None:
        """Record that a call for this id is under way."""
        self.entries[experiment_id] = call

    def record(self, outcome: Outcome) -> None:
        """Record an outcome."""
        self.counts[outcome.status] += 1
        self.entries[outcome.experiment_id] = (
            outcome if self.keep else self.summaries.summarize(outcome)
        )

    def ids_with(self, status: OutcomeStatus) -> list[str]:
        """Select the ids that have this status now."""
        return [
            experiment_id
            for experiment_id, entry in self.entries.items()
            if isinstance(entry, Outcome | Summary) and entry.status is status
        ]

    def mark_applied(self, staged: Iterable[str]) -> None:
        """Record that what was staged is live."""
        for experiment_id in staged:
            entry = self.entries[experiment_id]
            applied = OutcomeStatus.APPLIED
            if isinstance(entry, Outcome):
                self.entries[experiment_id] = attrs.evolve(entry, status=applied)
            elif isinstance(entry, Summary):
                kind = attrs.evolve(entry.kind, status=applied)
                self.entries[experiment_id] = self.summaries.share(kind, entry.text)
            else:
                continue
            self.counts[entry.status] -= 1
            self.counts[applied] += 1

    def outcomes(self) -> tuple[Outcome, ...]:
        """Return the outcome of every id, those of calls under way included."""
        return tuple(
            entry
            if isinstance(entry, Outcome)
            else self.outcome_of(experiment_id, entry)
            for experiment_id, entry in self.entries.items()
        )

    def outcome_of(self, experiment_id: str, entry: Summary | Call | None) -> Outcome:
        """Build the outcome of an id that has no whole one."""
        if isinstance(entry, Summary):
            return entry.to_outcome(experiment_id, self.action)
        attempts = entry.attempts if entry else 0
        status = self.earlier_status(experiment_id)
        if status is not None and status in SUCCEEDED:
            return Outcome(experiment_id, self.action, status)
        if not attempts and status is not OutcomeStatus.UNKNOWN:
            return Outcome(experiment_id, self.action, OutcomeStatus.NOT_ATTEMPTED)
        error = OutcomeUnknownError(
            f"{self.action} of {experiment_id} was cut off after it was sent: "
            "retrieve the experiment before you send it again",
            action=self.action,
            experiment_id=experiment_id,
            sent_at=entry.sent_at if entry else None,
        )
        return Outcome(
            experiment_id,
            self.action,
            OutcomeStatus.UNKNOWN,
            error=error,
            attempts=attempts,
        )
