"""Refuse to apply a plan; nothing has been written then."""

from ours_experiments.specs.changes import COUNTED
from ours_experiments.specs.errors import (
    PlanConflictsError,
    StalePlanError,
    UnpublishedChangesError,
    UnsafePlanError,
)
from ours_experiments.specs.plan import PlanData


def refuse_conflicts(plan: PlanData) -> None:
    """Refuse a plan with conflicts.

    Raises:
        PlanConflictsError: It has some.
    """
    if plan.conflicts:
        shown = "; ".join(f"{c.key}: {c.message}" for c in plan.conflicts[:3])
        more = len(plan.conflicts) - 3
        rest = f"; and {more} more" if more > 0 else ""
        raise PlanConflictsError(f"{len(plan.conflicts)} conflicts: {shown}{rest}")


def refuse_unsafe(plan: PlanData) -> None:
    """Refuse a plan that changes too many live experiments.

    Raises:
        UnsafePlanError: It does.
    """
    counted = {
        change.experiment_id
        for change in plan.changes
        if change.action in COUNTED and (change.live or change.action == "delete")
    }
    count, existing, limit = len(counted), plan.existing, plan.limits.changed
    if existing < plan.limits.from_ or count <= existing * limit:
        return
    raise UnsafePlanError(
        f"changes {count} of {existing} ({count / existing:.0%}, limit {limit:.0%})"
        " experiments live: --force, or `limits:` in ours.yaml".replace("%", " %")
    )


def refuse_others(plan: PlanData) -> None:
    """Refuse a plan with which unpublished changes of others would go live.

    Raises:
        UnpublishedChangesError: There are some, and the plan publishes.
    """
    if plan.others and plan.versions:
        names = ", ".join(other.name or other.id for other in plan.others[:3])
        raise UnpublishedChangesError(
            f"{len(plan.others)} unpublished changes of others would go live "
            f"({names}): --ship-others"
        )


def refuse_stale(plan: PlanData, fresh: PlanData) -> None:
    """Refuse a plan whose experiments have changed since.

    Args:
        plan: The plan to apply.
        fresh: A plan of the same specs made of what there is now.

    Raises:
        StalePlanError: An experiment changed; the error names it.
    """
    now = {(target.key, target.experiment_id): target for target in fresh.targets}
    for target in plan.targets:
        current = now.get((target.key, target.experiment_id))
        if current is None:
            raise StalePlanError(f"{target.key}: is not what it was: plan again")
        for name in ("status", "updated_at", "variants", "settings_id"):
            old, new = getattr(target, name), getattr(current, name)
            if old != new:
                shown = "" if name == "variants" else f" ({old} -> {new})"
                raise StalePlanError(
                    f"{target.key}: {name} changed{shown} since the plan was made: "
                    "plan again"
                )
    if plan.staged != fresh.staged:
        raise StalePlanError(
            "other changes are unpublished than when the plan was made: plan again"
        )
