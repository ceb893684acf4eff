"""What applying a plan has done: one outcome for each change."""

from collections.abc import Mapping

import attrs

from ours_experiments.bulk.outcomes import FAILED, OutcomeStatus
from ours_experiments.errors import OursError
from ours_experiments.models import Version
from ours_experiments.specs.changes import Change


@attrs.frozen
class ChangeOutcome:
    """The outcome of one change."""

    change: Change
    """The change of the plan."""
    status: OutcomeStatus
    """The result."""
    error: OursError | None = None
    """Why the status is FAILED or UNKNOWN; None for the others."""
    attempts: int = 0
    """The number of requests that were sent, reading back not counted."""
    seconds: float = 0.0
    """How long the change took."""


@attrs.frozen
class ApplyReport:
    """The result of applying a plan."""

    outcomes: tuple[ChangeOutcome, ...] = ()
    """One outcome for each change, in the order of the plan."""
    version: Version | None = None
    """The version that made the staged changes live; None: none was published."""
    publish_error: OursError | None = None
    """Why staged changes could not be published; None: they were, or are none."""

    @property
    def counts(self) -> Mapping[OutcomeStatus, int]:
        """Count the outcomes of each status; every status is a key."""
        counts = dict.fromkeys(OutcomeStatus, 0)
        for outcome in self.outcomes:
            counts[outcome.status] += 1
        return counts

    @property
    def failed(self) -> tuple[ChangeOutcome, ...]:
        """Select the outcomes that are failed or unknown."""
        return tuple(done for done in self.outcomes if done.status in FAILED)

    @property
    def is_complete(self) -> bool:
        """Return whether every change is live."""
        finished = {OutcomeStatus.APPLIED, OutcomeStatus.ALREADY}
        return all(done.status in finished for done in self.outcomes)
