"""The report of a bulk call: one outcome for each distinct id."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

import attrs

from ours_experiments._html import html_table
from ours_experiments.errors import OursError
from ours_experiments.models import Transition, Version


class OutcomeStatus(StrEnum):
    """The result for one experiment of a bulk call."""

    APPLIED = "applied"
    """The experiment has changed as asked for, and the change is live."""
    ALREADY = "already"
    """The experiment was as asked for before this call, and is live so."""
    STAGED = "staged"
    """The experiment is as asked for, and is not known to be live so."""
    FAILED = "failed"
    """The service refused the call, or was never reached."""
    UNKNOWN = "unknown"
    """The call may have been applied."""
    NOT_ATTEMPTED = "not_attempted"
    """Nothing was sent; in a dry run: the call would be applied."""


class Result(NamedTuple):
    """What happened to one experiment."""

    status: OutcomeStatus
    transition: Transition | None = None
    note: str = ""


SUCCEEDED = frozenset(
    {OutcomeStatus.APPLIED, OutcomeStatus.ALREADY, OutcomeStatus.STAGED}
)
FAILED = frozenset({OutcomeStatus.FAILED, OutcomeStatus.UNKNOWN})


@attrs.frozen
class Outcome:
    """The outcome for one experiment."""

    experiment_id: str
    """The id of the experiment; empty where a create made none."""
    action: str
    """The call: `start`, `pause`, `resume`, `stop`, `delete` or `create`."""
    status: OutcomeStatus
    """The result."""
    transition: Transition | None = attrs.field(default=None, repr=False)
    """The service's answer; None without one, for deletes, for what an earlier run of
    the journal did, and in the report of a stream."""
    error: OursError | None = None
    """Why the status is FAILED or UNKNOWN; None for the others. In the report of a
    stream an error has no cause and no headers."""
    attempts: int = 0
    """The number of requests that were sent, reading back not counted; 0 for creates
    and for what an earlier run of the journal did."""
    seconds: float = 0.0
    """How long the call took; 0 in the report of a stream."""
    note: str = ""
    """What a dry run warns of; empty for nothing."""

    def to_record(self) -> dict[str, object]:
        """Return a flat dict of plain values, each of one type: no error is ""."""
        published = self.transition and self.transition.publish_status
        return {
            "experiment_id": self.experiment_id,
            "action": self.action,
            "status": self.status.value,
            "publish_status": str(published or ""),
            "error": str(self.error or ""),
            "attempts": self.attempts,
            "seconds": round(self.seconds, 6),
            "note": self.note,
        }


@attrs.frozen(repr=False)
class BulkReport:
    """The result of a bulk call."""

    action: str
    """The call: `start`, `pause`, `resume`, `stop`, `delete` or `create`."""
    outcomes: tuple[Outcome, ...]
    """One outcome for each distinct id, in the order of the input; ids that only the
    journal names come last, or first where the input is read while the run goes on."""
    seconds: float
    """How long the call took so far."""
    version: Version | None = None
    """The version that `publish="once"` made; None when it made none."""
    publish_error: OursError | None = None
    """Why `publish="once"` could not publish what is staged. In a dry run: why it
    would refuse to."""
    dry_run: bool = False
    """Whether nothing was written: NOT_ATTEMPTED then means it would be applied."""

    @property
    def counts(self) -> Mapping[OutcomeStatus, int]:
        """Count the outcomes of each status; every status is a key."""
        counts = dict.fromkeys(OutcomeStatus, 0)
        for outcome in self.outcomes:
            counts[outcome.status] += 1
        return counts

    @property
    def by_status(self) -> Mapping[OutcomeStatus, tuple[Outcome, ...]]:
        """Group the outcomes; every status is a key."""
        groups: dict[OutcomeStatus, list[Outcome]] = {s: [] for s in OutcomeStatus}
        for outcome in self.outcomes:
            groups[outcome.status].append(outcome)
        return {status: tuple(group) for status, group in groups.items()}

    @property
    def succeeded(self) -> tuple[Outcome, ...]:
        """Select the outcomes that are applied, already or staged."""
        return tuple(done for done in self.outcomes if done.status in SUCCEEDED)

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Select the outcomes that are failed or unknown."""
        return tuple(done for done in self.outcomes if done.status in FAILED)

    @property
    def failed_ids(self) -> tuple[str, ...]:
        """Select the ids to try again; drafts that were not created have none."""
        return tuple(
            outcome.experiment_id for outcome in self.failed if outcome.experiment_id
        )

    def raise_for_failures(self) -> None:
        """Raise one `ExceptionGroup` of every error; nothing when all succeeded."""
        errors = [outcome.error for outcome in self.failed if outcome.error]
        if self.publish_error is not None:
            errors.append(self.publish_error)
        if errors:
            raise ExceptionGroup(str(self), errors)

    def to_records(self) -> list[dict[str, object]]:
        """List one flat dict for each outcome, for pandas, polars or csv.

        Keys: experiment_id, action, status, publish_status, error, attempts, seconds,
        note; what there is none of is an empty text.
        """
        return [outcome.to_record() for outcome in self.outcomes]

    def __str__(self) -> str:
        counts = [
            f"{count} {self.describe(status)}"
            for status, count in self.counts.items()
            if count
        ]
        line = f"{self.action}: {', '.join(counts) or 'nothing to do'}"
        line += f" in {self.seconds:.1f} s"
        if self.version is not None:
            line += f"; published as version {self.version.version_number}"
        if self.publish_error is not None:
            line += f"; not published: {self.publish_error}"
        return line

    def __repr__(self) -> str:
        return f"<BulkReport {self}>"

    def _repr_html_(self) -> str:
        """Format the line and a table of failures for a notebook."""
        failed = self.failed
        rows = (
            (outcome.experiment_id, outcome.status.value, outcome.error or "")
            for outcome in failed
        )
        return html_table(self, ("experiment", "status", "error"), rows, len(failed))

    def describe(self, status: OutcomeStatus) -> str:
        """Return the words for a status in a text for people."""
        if self.dry_run and status is OutcomeStatus.NOT_ATTEMPTED:
            return "would be applied"
        if self.dry_run and status is OutcomeStatus.FAILED:
            return "would fail"
        return status.value.replace("_", " ")
