"""The difference between a spec and an experiment."""

from collections.abc import Iterable

import attrs

from ours_experiments.specs.changes import (
    PUBLISHING,
    Action,
    Change,
    Conflict,
    FieldChange,
    PlanWarning,
)
from ours_experiments.specs.spec import ExperimentSpec


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
