"""What a plan consists of, and what became of its changes."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

import attrs

from ours_experiments.bulk.outcomes import FAILED, OutcomeStatus
from ours_experiments.errors import OursError
from ours_experiments.models import Version
from ours_experiments.specs.spec import ExperimentSpec


class Action(StrEnum):
    """Name what a change does."""

    CREATE = "create"
    """Create the experiment."""
    UPDATE = "update"
    """Change fields of the experiment."""
    CREATE_VARIANT = "create_variant"
    """Create a treatment."""
    UPDATE_VARIANT = "update_variant"
    """Change fields of a variant."""
    DELETE_VARIANT = "delete_variant"
    """Delete a treatment."""
    START = "start"
    """Bring a draft to running."""
    PAUSE = "pause"
    """Bring a running experiment to paused."""
    RESUME = "resume"
    """Bring a paused experiment to running."""
    PUBLISH = "publish"
    """Publish what is staged already."""
    STOP = "stop"
    """Complete the experiment."""
    WINNER = "winner"
    """Declare another winner, or none."""
    ROLLOUT = "rollout"
    """Serve a treatment to everybody."""
    END_ROLLOUT = "end_rollout"
    """Serve the original again."""
    DELETE = "delete"
    """Delete the experiment."""


Subject = tuple[str, str | None]
"""An experiment of a plan: its key, and its id unless it is to be created."""
PUBLISHING = frozenset({Action.STOP, Action.ROLLOUT, Action.END_ROLLOUT})
"""Actions that publish everything unpublished by themselves."""
COUNTED = frozenset({Action.UPDATE, Action.PAUSE, Action.DELETE}) | PUBLISHING
"""Actions on what visitors see that the safety limit counts."""


@attrs.frozen
class FieldChange:
    """A field before and after; the values are plain JSON."""

    path: str
    """The field, such as `targeting_rules.url_patterns`."""
    old: object = attrs.field(hash=False)
    """The service's value; None where there is none."""
    new: object = attrs.field(hash=False)
    """The spec's value; None where the field is cleared."""


@attrs.frozen(kw_only=True)
class Change:
    """One step of a plan."""

    action: Action
    """What is done."""
    key: str
    """The experiment's key."""
    experiment_id: str | None = None
    """The experiment's id; None for one that is to be created."""
    variant: str | None = None
    """The variant's name; None for changes of the experiment itself."""
    variant_id: str | None = None
    """The variant's id; None for one that is to be created."""
    fields: tuple[FieldChange, ...] = ()
    """The fields that change."""
    live: bool = False
    """Whether visitors see it once it is published."""
    publishes: bool = False
    """Whether the call itself publishes everything that is unpublished."""

    @property
    def subject(self) -> Subject:
        """Return the experiment that it is about: its key, and its id if it exists."""
        return self.key, self.experiment_id


@attrs.frozen
class Conflict:
    """A difference that cannot be applied."""

    key: str
    """The experiment's key."""
    message: str
    """What differs and why it cannot be changed."""
    experiment_ids: tuple[str, ...] = ()
    """The experiments that it is about; empty where there is none yet."""


@attrs.frozen
class PlanWarning:
    """A change that is possible and may be a mistake."""

    key: str
    """The experiment's key."""
    message: str
    """What happens when it is applied."""
    experiment_id: str | None = None
    """The experiment's id; None for one that is to be created."""


@attrs.define
class Difference:
    """The difference between a spec and an experiment."""

    spec: ExperimentSpec
    """What it is to be like."""
    experiment_id: str | None = None
    """The experiment; None for one that does not exist."""
    changes: list[Change] = attrs.field(factory=list[Change])
    """What to do, in order."""
    conflicts: list[Conflict] = attrs.field(factory=list[Conflict])
    """What cannot be done."""
    warnings: list[PlanWarning] = attrs.field(factory=list[PlanWarning])
    """What may be a mistake."""
    blocked: bool = False
    """Whether a conflict keeps the experiment from being started."""

    def change(
        self,
        action: Action,
        fields: Iterable[FieldChange] = (),
        *,
        variant: str | None = None,
        variant_id: str | None = None,
        live: bool = False,
    ) -> None:
        """Add a change."""
        self.changes.append(
            Change(
                action=action,
                key=self.spec.key,
                experiment_id=self.experiment_id,
                variant=variant,
                variant_id=variant_id,
                fields=tuple(fields),
                live=live,
                publishes=action in PUBLISHING,
            )
        )

    def conflict(self, message: str) -> None:
        """Add a conflict."""
        ids = () if self.experiment_id is None else (self.experiment_id,)
        self.conflicts.append(Conflict(self.spec.key, message, ids))

    def warn(self, message: str) -> None:
        """Add a warning."""
        self.warnings.append(PlanWarning(self.spec.key, message, self.experiment_id))


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
