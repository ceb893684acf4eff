"""Refuse to apply a plan; nothing has been written then."""

from ours_experiments.errors import (
    PlanConflictsError,
    StalePlanError,
    UnpublishedChangesError,
    UnsafePlanError,
)
from ours_experiments.specs.changes import COUNTED, Action
from ours_experiments.specs.plan import Plan, Target
from ours_experiments.specs.planner import Account, staged_ids, target_of
from ours_experiments.specs.values import plural


def refuse_conflicts(plan: Plan) -> None:
    """Refuse a plan with conflicts.

    Raises:
        PlanConflictsError: It has some.
    """
    if plan.conflicts:
        shown = "; ".join(f"{c.key}: {c.message}" for c in plan.conflicts[:3])
        more = len(plan.conflicts) - 3
        rest = f"; and {more} more" if more > 0 else ""
        count = plural(len(plan.conflicts), "conflict")
        raise PlanConflictsError(
            f"{count}: {shown}{rest}; --skip-conflicts applies the rest"
        )


def refuse_unsafe(plan: Plan) -> None:
    """Refuse a plan that changes too many live experiments.

    Raises:
        UnsafePlanError: It does.
    """
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
    """Refuse a plan with which unpublished changes of others would go live.

    Raises:
        UnpublishedChangesError: There are some, and the plan publishes.
    """
    if plan.others and plan.versions:
        names = ", ".join(other.name or other.id for other in plan.others[:3])
        raise UnpublishedChangesError(
            f"{plural(len(plan.others), 'unpublished change')} of others would go live "
            f"({names}): --ship-others"
        )


def refuse_stale(plan: Plan, account: Account) -> None:
    """Refuse a plan whose experiments have changed since it was made.

    Raises:
        StalePlanError: An experiment changed; the error names it.
    """
    touched = {(change.key, change.experiment_id) for change in plan.changes}
    keys = {experiment.key for experiment in account.experiments}
    by_id = {experiment.id: experiment for experiment in account.experiments}
    for target in plan.targets:
        experiment = by_id.get(target.experiment_id or "")
        if (target.key, target.experiment_id) not in touched:
            continue
        if target.experiment_id is None:
            if target.key in keys:
                raise stale(f"{target.key}: exists by now")
        elif experiment is None:
            raise stale(f"{target.key}: {target.experiment_id} does not exist any more")
        else:
            compare_target(target, target_of(experiment, account))
    if account.draft_changes is not None:
        staged = tuple(sorted(staged_ids(account.draft_changes)))
        if staged != plan.staged:
            raise stale("other changes are unpublished")


def compare_target(old: Target, new: Target) -> None:
    """Refuse an experiment that is not what it was.

    Raises:
        StalePlanError: It is not.
    """
    for name in ("status", "updated_at", "variants"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after and before is not None:
            shown = "" if name == "variants" else f", {before} -> {after}"
            raise stale(f"{old.key}: {name} changed{shown}")
        if before is None and after is not None and name == "updated_at":
            raise stale(f"{old.key}: updated_at changed, none -> {after}")


def stale(reason: str) -> StalePlanError:
    """Build the error of a plan that is too old."""
    return StalePlanError(f"{reason} since the plan was made: plan again")
