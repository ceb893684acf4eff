"""What a bulk call reports: one outcome for each distinct id."""

from collections.abc import Mapping
from enum import StrEnum

import attrs

from ours_experiments._html import html_table
from ours_experiments.errors import OursError
from ours_experiments.models import Transition, Version


class OutcomeStatus(StrEnum):
    """What became of one experiment in a bulk call."""

    APPLIED = "applied"
    """It is as was asked for, by this call."""
    ALREADY = "already"
    """It was as asked for before this call."""
    STAGED = "staged"
    """It is as was asked for, but not published."""
    FAILED = "failed"
    """It was refused, or never reached the service."""
    UNKNOWN = "unknown"
    """It may have been applied."""
    NOT_ATTEMPTED = "not_attempted"
    """Nothing was sent; in a dry run: it would be applied."""


SUCCEEDED = frozenset(
    {OutcomeStatus.APPLIED, OutcomeStatus.ALREADY, OutcomeStatus.STAGED}
)
FAILED = frozenset({OutcomeStatus.FAILED, OutcomeStatus.UNKNOWN})


@attrs.frozen
class Outcome:
    """What became of one experiment."""

    experiment_id: str
    """The experiment; empty for a creation that made none."""
    action: str
    """What was asked for: `start`, `pause`, `resume`, `stop`, `delete`, `create`."""
    status: OutcomeStatus
    """What became of it."""
    transition: Transition | None = None
    """The service's answer; None when there was none, for deletions, and in the
    report of a stream."""
    error: OursError | None = None
    """Why it failed; None when it did not."""
    attempts: int = 0
    """Requests sent for it, those of reading back not counted; 0 for creations and
    for what an earlier run settled."""
    seconds: float = 0.0
    """From its turn to its outcome."""

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
        }


@attrs.frozen
class BulkReport:
    """What a bulk call did."""

    action: str
    """What was asked for."""
    outcomes: tuple[Outcome, ...]
    """One for each distinct id, in the order of the input."""
    seconds: float
    """From the first request to the last answer."""
    version: Version | None = None
    """The version that `publish="once"` made; None when it made none."""
    publish_error: OursError | None = None
    """Why `publish="once"` could not publish: what was staged is so still. In a dry
    run: why it would refuse to."""
    dry_run: bool = False
    """Whether nothing was written: NOT_ATTEMPTED then means it would be applied."""

    @property
    def by_status(self) -> Mapping[OutcomeStatus, tuple[Outcome, ...]]:
        """Group the outcomes; every status is a key."""
        groups: dict[OutcomeStatus, list[Outcome]] = {s: [] for s in OutcomeStatus}
        for outcome in self.outcomes:
            groups[outcome.status].append(outcome)
        return {status: tuple(group) for status, group in groups.items()}

    @property
    def succeeded(self) -> tuple[Outcome, ...]:
        """Select what is as was asked for: applied, already, staged."""
        return tuple(one for one in self.outcomes if one.status in SUCCEEDED)

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Select what failed, and what may have been applied."""
        return tuple(one for one in self.outcomes if one.status in FAILED)

    @property
    def failed_ids(self) -> tuple[str, ...]:
        """Select the ids to try again; none for what could not be created."""
        return tuple(one.experiment_id for one in self.failed if one.experiment_id)

    def raise_for_failures(self) -> None:
        """Raise one `ExceptionGroup` of every error; nothing when all succeeded."""
        errors = [one.error for one in self.failed if one.error is not None]
        if self.publish_error is not None:
            errors.append(self.publish_error)
        if errors:
            raise ExceptionGroup(str(self), errors)

    def to_records(self) -> list[dict[str, object]]:
        """List one flat dict for each outcome, for pandas, polars or csv.

        Keys: experiment_id, action, status, publish_status, error, attempts, seconds;
        what there is none of is an empty text.
        """
        return [outcome.to_record() for outcome in self.outcomes]

    def __str__(self) -> str:
        counts = [
            f"{len(group)} {self.word_for(status)}"
            for status, group in self.by_status.items()
            if group
        ]
        told = ", ".join(counts) or "nothing to do"
        line = f"{self.action}: {told} in {self.seconds:.1f} s"
        if self.version is not None:
            line += f"; published as version {self.version.version_number}"
        if self.publish_error is not None:
            line += f"; not published: {self.publish_error}"
        return line

    def _repr_html_(self) -> str:
        """Show the line and a table of failures, in notebooks."""
        failed = self.failed
        return html_table(
            self,
            ("experiment", "status", "error"),
            ((one.experiment_id, one.status.value, one.error or "") for one in failed),
            len(failed),
        )

    def word_for(self, status: OutcomeStatus) -> str:
        """Name a status for people."""
        if self.dry_run and status is OutcomeStatus.NOT_ATTEMPTED:
            return "would be applied"
        if self.dry_run and status is OutcomeStatus.FAILED:
            return "would fail"
        return status.value.replace("_", " ")
