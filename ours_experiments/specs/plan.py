"""A plan: what would bring the account to its specs, as data."""

from collections.abc import Callable
from datetime import datetime
from os import PathLike
from typing import TYPE_CHECKING

import attrs

from ours_experiments.errors import (
    ConfigurationError,
    PlanConflictsError,
    UnpublishedChangesError,
    UnsafePlanError,
)
from ours_experiments.models import Variant
from ours_experiments.specs.changes import (
    COUNTED,
    Action,
    Change,
    Conflict,
    PlanWarning,
)
from ours_experiments.specs.files import Limits
from ours_experiments.specs.spec import ExperimentSpec
from ours_experiments.specs.text import format_markdown, format_plan, plural


if TYPE_CHECKING:
    from ours_experiments._http.session import Session
    from ours_experiments.specs.changes import ApplyReport


@attrs.frozen(kw_only=True)
class Unpublished:
    """An unpublished change of the account."""

    collection: str
    """The kind of entity, as the service calls it."""
    id: str
    """The entity's identifier."""
    name: str | None = None
    """The entity's name; None where it has none."""


@attrs.frozen(kw_only=True)
class Target:
    """An experiment that the plan touches, as it was when the plan was made."""

    key: str
    """The experiment's key."""
    experiment_id: str | None = None
    """The experiment's id; None for one that is to be created."""
    status: str | None = None
    """Its status; None for one that is to be created."""
    updated_at: datetime | None = None
    """When it was last changed."""
    variants: tuple[Variant, ...] | None = None
    """Its variants; None where the plan did not read them."""
    settings_id: str | None = None
    """The settings to create it with; None for one that exists."""


@attrs.frozen(kw_only=True)
class Unmanaged:
    """An experiment that the specs own and that none of them describes."""

    id: str
    """The experiment's id."""
    key: str
    """The experiment's key."""
    status: str
    """Its status."""


@attrs.frozen(kw_only=True)
class Plan:
    """What would bring an account to its specs."""

    changes: tuple[Change, ...] = ()
    """What to do; changes of one experiment are in their order."""
    conflicts: tuple[Conflict, ...] = ()
    """What cannot be done."""
    warnings: tuple[PlanWarning, ...] = ()
    """What may be a mistake."""
    others: tuple[Unpublished, ...] = ()
    """Unpublished changes of anything else, which a publish ships too."""
    unmanaged: tuple[Unmanaged, ...] = ()
    """What the specs own and no spec describes."""
    targets: tuple[Target, ...] = ()
    """What the plan touches, to find later whether it changed meanwhile."""
    staged: tuple[str, ...] = ()
    """The ids of all unpublished changes."""
    existing: int = 0
    """How many managed experiments exist."""
    limits: Limits = attrs.field(factory=Limits)
    """How much of them may change live."""
    owns: tuple[str, ...] = ()
    """Patterns of the keys that the specs own."""
    settings: str | None = None
    """Name or id of the settings of new experiments; None: the only ones."""
    prune: bool = False
    """Whether what is owned and has no spec is deleted."""
    account: str | None = None
    """The fingerprint of the account; None where the plan was made without one."""
    specs: tuple[ExperimentSpec, ...] = ()
    """The specs that the plan was made from."""
    _session: "Session | None" = attrs.field(default=None, repr=False, eq=False)

    @property
    def session(self) -> "Session":
        """Return the connection that applies the plan.

        Raises:
            ConfigurationError: It has none.
        """
        if self._session is None:
            raise ConfigurationError("the plan has no client: use client.plan_from")
        return self._session

    def __str__(self) -> str:
        """Format the plan for a terminal of 80 columns."""
        return format_plan(self)

    def to_markdown(self) -> str:
        """Format the plan for a pull request."""
        return format_markdown(self)

    def check(
        self,
        *,
        ship_others: bool = False,
        force: bool = False,
        skip_conflicts: bool = False,
    ) -> None:
        """Refuse a plan that `apply` would refuse with these arguments.

        Raises:
            PlanRefusedError: There are conflicts, too many live changes, or unpublished
                changes of others.
        """
        if not skip_conflicts:
            refuse_conflicts(self)
        if not force:
            refuse_unsafe(self)
        if not ship_others:
            refuse_others(self)

    async def check_current(self) -> None:
        """Refuse a plan whose experiments have changed since it was made.

        `apply` does so itself; this is for asking somebody in between.

        Raises:
            StalePlanError: One has; the error names it.
            ConfigurationError: The plan has no client.
        """
        from ours_experiments.specs.apply import check_current  # noqa: PLC0415 - loads aiohttp

        await check_current(self)

    async def apply(
        self,
        *,
        journal: str | PathLike[str] | None = None,
        ship_others: bool = False,
        force: bool = False,
        skip_conflicts: bool = False,
        concurrency: int = 8,
        on_progress: Callable[[int, int | None], object] | None = None,
    ) -> "ApplyReport":
        """Carry out the plan; what fails is in the report, and not undone.

        Args:
            journal: File that records what a run that is killed may have sent; apply
                the same specs with it to go on.
            ship_others: Whether unpublished changes of others may go live too.
            force: Whether to exceed the limits.
            skip_conflicts: Whether to do the rest of a plan with conflicts.
            concurrency: Experiments at the same time.
            on_progress: Called with the number of changes done, and of all.

        Raises:
            PlanRefusedError: Nothing was written: there are conflicts, unpublished
                changes of others or too many live changes, or the account has
                changed since the plan was made.
            ConfigurationError: The plan was read with `Plan.from_json`; read it with
                `Client.plan_from`.
        """
        from ours_experiments.specs.apply import apply_plan  # noqa: PLC0415 - loads aiohttp

        return await apply_plan(
            self,
            journal,
            concurrency,
            on_progress,
            ship_others=ship_others,
            force=force,
            skip_conflicts=skip_conflicts,
        )

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to change, and nothing that cannot be."""
        return not (self.changes or self.conflicts)

    @property
    def live(self) -> tuple[Change, ...]:
        """Return the changes that visitors see once they are published."""
        return tuple(change for change in self.changes if change.live)

    @property
    def versions(self) -> int:
        """Count the versions that applying the plan publishes."""
        immediate = sum(change.publishes for change in self.changes)
        return immediate + any(not change.publishes for change in self.live)

    def to_json(self) -> str:
        """Return the plan as JSON for `from_json`."""
        from ours_experiments.specs.plan_json import to_json  # noqa: PLC0415 - a cycle

        return to_json(self)

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        """Read a plan that `to_json` wrote.

        Raises:
            ConfigurationError: It is no such plan, or was changed since.
        """
        from ours_experiments.specs.plan_json import from_json  # noqa: PLC0415 - a cycle

        return from_json(text)


def refuse_conflicts(plan: Plan) -> None:
    """Refuse a plan with conflicts."""
    if plan.conflicts:
        shown = "; ".join(f"{c.key}: {c.message}" for c in plan.conflicts[:3])
        more = len(plan.conflicts) - 3
        rest = f"; and {more} more" if more > 0 else ""
        count = plural(len(plan.conflicts), "conflict")
        raise PlanConflictsError(
            f"{count}: {shown}{rest}; --skip-conflicts applies the rest"
        )


def refuse_unsafe(plan: Plan) -> None:
    """Refuse a plan that changes too many live experiments."""
    counted = {
        change.experiment_id
        for change in plan.changes
        if change.action in COUNTED and (change.live or change.action is Action.DELETE)
    }
    count, existing, limit = len(counted), plan.existing, plan.limits.changed
    if existing < plan.limits.from_ or count <= existing * limit:
        return
    raise UnsafePlanError(
        f"changes {count} of {existing} ({count / existing:.0%}, limit {limit:.0%})"
        " experiments live: --force, or `limits:` in ours.yaml".replace("%", " %")
    )


def refuse_others(plan: Plan) -> None:
    """Refuse a plan with which unpublished changes of others would go live."""
    if plan.others and plan.versions:
        names = ", ".join(other.name or other.id for other in plan.others[:3])
        raise UnpublishedChangesError(
            f"{plural(len(plan.others), 'unpublished change')} of others would go live "
            f"({names}): --ship-others"
        )
