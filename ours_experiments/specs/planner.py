"""Compare all specs with all experiments: pure, nothing is read or sent."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property

import attrs

from ours_experiments._unset import Unset
from ours_experiments.errors import StalePlanError
from ours_experiments.models import (
    DraftChanges,
    Experiment,
    ExperimentStatus,
    Settings,
    Variant,
)
from ours_experiments.specs.changes import Action, Change, Conflict, Difference
from ours_experiments.specs.diff import compare, compare_absent, is_equal
from ours_experiments.specs.plan import Plan, Target, Unmanaged, Unpublished
from ours_experiments.specs.spec import ExperimentSpec


Pairs = Sequence[tuple[ExperimentSpec, Sequence[Experiment]]]
"""Each spec with the experiment of its id, or with those of its key."""


@attrs.frozen(kw_only=True)
class Account:
    """What the service has, as far as a plan needs it."""

    experiments: tuple[Experiment, ...] = ()
    """All of them."""
    variants: Mapping[str, tuple[Variant, ...]] = attrs.field(
        factory=dict[str, tuple[Variant, ...]]
    )
    """Variants by experiment id, for experiments that came without their own."""
    draft_changes: DraftChanges | None = None
    """The unpublished changes; None where they were not read."""
    settings: tuple[Settings, ...] = ()
    """All settings; needed where something is created."""

    @cached_property
    def by_id(self) -> Mapping[str, Experiment]:
        """Return the experiments by their ids."""
        return {experiment.id: experiment for experiment in self.experiments}

    def variants_of(self, experiment: Experiment) -> tuple[Variant, ...]:
        """Return an experiment's variants; empty where they are not known."""
        return self.variants.get(experiment.id, experiment.variants or ())

    def with_variants(self, ids: Collection[str]) -> set[str]:
        """Return the ids of those experiments that exist, and of their variants."""
        found = [self.by_id[name] for name in ids if name in self.by_id]
        variants = {v.id for experiment in found for v in self.variants_of(experiment)}
        return variants | {experiment.id for experiment in found}


def pair_up(
    specs: Sequence[ExperimentSpec], experiments: Iterable[Experiment]
) -> Pairs:
    """Find the experiments that specs mean: by id where they have one, else by key."""
    named = {spec.id for spec in specs if isinstance(spec.id, str)}
    by_id: dict[str, Experiment] = {}
    by_key: dict[str, list[Experiment]] = {}
    for experiment in experiments:
        if experiment.id in named:
            by_id[experiment.id] = experiment
        else:
            by_key.setdefault(experiment.key, []).append(experiment)
    return [
        (spec, by_key.get(spec.key, ()))
        if isinstance(spec.id, Unset)
        else (spec, (by_id[spec.id],) if spec.id in by_id else ())
        for spec in specs
    ]


def needs_settings(pairs: Pairs) -> bool:
    """Return whether something is to be created."""
    return any(not found and isinstance(spec.id, Unset) for spec, found in pairs)


def needs_draft_changes(pairs: Pairs, *, prune: bool) -> bool:
    """Return whether a plan has to know what is unpublished."""
    return prune or any(
        spec.state is ExperimentStatus.RUNNING
        or any(experiment.status != ExperimentStatus.DRAFT for experiment in found)
        for spec, found in pairs
    )


def make_plan(plan: Plan, account: Account) -> Plan:
    """Return a plan with what would bring an account to its specs.

    Args:
        plan: The specs and how to plan them; all else is made anew.
        account: What there is.
    """
    pairs = pair_up(plan.specs, account.experiments)
    staged = staged_ids(account.draft_changes)
    compared = tuple(compare_all(pairs, account, staged, plan.settings))
    differences = [difference for difference, _ in compared]
    targets = [target for _, target in compared if target is not None]
    paired = {experiment.id for _, found in pairs for experiment in found}
    unmanaged = [
        experiment
        for experiment in account.experiments
        if experiment.id not in paired and matches(experiment.key, plan.owns)
    ]
    changes = [change for difference in differences for change in difference.changes]
    conflicts = [c for difference in differences for c in difference.conflicts]
    for experiment in unmanaged if plan.prune else ():
        step = delete(experiment)
        if isinstance(step, Change):
            changes.append(step)
            targets.append(target_of(experiment, account))
        else:
            conflicts.append(step)
    return attrs.evolve(
        plan,
        changes=tuple(changes),
        conflicts=tuple(conflicts),
        warnings=tuple(w for difference in differences for w in difference.warnings),
        others=unpublished_by_others(account, paired),
        unmanaged=tuple(
            Unmanaged(id=e.id, key=e.key, status=str(e.status)) for e in unmanaged
        ),
        targets=tuple(targets),
        staged=tuple(sorted(staged)),
        existing=len(paired) + (len(unmanaged) if plan.prune else 0),
    )


def compare_all(
    pairs: Pairs, account: Account, staged: frozenset[str], settings: str | None
) -> Iterator[tuple[Difference, Target | None]]:
    """Compare specs with what they mean; leave out those that are equal."""
    for spec, found in pairs:
        if not found:
            yield absent(spec, account, settings)
        elif len(found) > 1:
            yield repeated_key(spec, found), None
        else:
            difference = compare_present(spec, found[0], account, staged)
            if difference is not None:
                # The spec may rename it; the plan knows it by its new key.
                yield difference, target_of(found[0], account, spec.key)


def matches(key: str, patterns: Iterable[str]) -> bool:
    """Return whether a key matches one of some patterns."""
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def compare_present(
    spec: ExperimentSpec,
    experiment: Experiment,
    account: Account,
    staged: frozenset[str],
) -> Difference | None:
    """Compare a spec with its experiment; None: they are equal."""
    variants = account.variants_of(experiment)
    is_staged = bool(staged) and not staged.isdisjoint(
        (experiment.id, *(variant.id for variant in variants))
    )
    if not is_staged and is_equal(spec, experiment, variants):
        return None
    difference = compare(spec, experiment, variants, staged=is_staged)
    return difference if difference.changes or difference.conflicts else None


def repeated_key(spec: ExperimentSpec, found: Sequence[Experiment]) -> Difference:
    """Return the conflict of a spec whose key is that of several experiments."""
    ids = tuple(experiment.id for experiment in found)
    message = (
        f"{len(ids)} experiments have the key ({', '.join(ids)}): put id: into the file"
    )
    return Difference(spec, conflicts=[Conflict(spec.key, message, ids)])


def absent(
    spec: ExperimentSpec, account: Account, default: str | None
) -> tuple[Difference, Target | None]:
    """Plan the creation of an experiment, with the settings that it is to have."""
    wanted = default if isinstance(spec.settings, Unset) else spec.settings
    found = account.settings
    if wanted is not None:
        found = tuple(record for record in account.settings if record.id == wanted)
        found = found or tuple(r for r in account.settings if r.name == wanted)
    settings = found[0] if len(found) == 1 else None
    difference = compare_absent(spec, None if settings is None else settings.name)
    if settings is None or not difference.changes:
        return difference, None
    return difference, Target(key=spec.key, settings_id=settings.id)


def target_of(
    experiment: Experiment, account: Account, key: str | None = None
) -> Target:
    """Record what an experiment is like while the plan is made."""
    return Target(
        key=experiment.key if key is None else key,
        experiment_id=experiment.id,
        status=str(experiment.status),
        updated_at=experiment.updated_at,
        variants=account.variants_of(experiment) or None,
    )


def delete(experiment: Experiment) -> Change | Conflict:
    """Plan the deletion of an experiment that no spec describes."""
    status = experiment.status
    if status not in (ExperimentStatus.DRAFT, ExperimentStatus.COMPLETED):
        message = f"is in no file and {status}: only drafts and completed are deleted"
        return Conflict(experiment.key, message, (experiment.id,))
    return Change(
        action=Action.DELETE,
        key=experiment.key,
        experiment_id=experiment.id,
        live=status == ExperimentStatus.COMPLETED,
    )


def staged_ids(changes: DraftChanges | None) -> frozenset[str]:
    """Collect the ids of everything that is not published."""
    collections = () if changes is None else changes.differences.values()
    return frozenset[str]().union(*(changed.ids for changed in collections))


def unpublished_by_others(
    account: Account, managed: set[str]
) -> tuple[Unpublished, ...]:
    """List unpublished changes of what is not managed."""
    if account.draft_changes is None:
        return ()
    own = account.with_variants(managed)
    return tuple(
        Unpublished(collection=collection, id=entity.id, name=entity.name)
        for collection, changed in account.draft_changes.differences.items()
        for entity in (
            *changed.added,
            *changed.removed,
            *(modified.new for modified in changed.modified),
        )
        if entity.id not in own
    )


def refuse_stale(plan: Plan, account: Account) -> None:
    """Refuse a plan whose experiments have changed since it was made."""
    touched = {change.subject for change in plan.changes}
    keys = {experiment.key for experiment in account.experiments}
    for target in plan.targets:
        experiment = account.by_id.get(target.experiment_id or "")
        if (target.key, target.experiment_id) not in touched:
            continue
        if experiment is not None:
            reason = target_change(target, target_of(experiment, account))
        elif target.experiment_id is not None:
            reason = f"{target.experiment_id} does not exist any more"
        else:
            reason = "exists by now" if target.key in keys else None
        if reason is not None:
            raise stale(f"{target.key}: {reason}")
    if account.draft_changes is not None:
        staged = tuple(sorted(staged_ids(account.draft_changes)))
        if staged != plan.staged:
            raise stale("other changes are unpublished")


def target_change(old: Target, new: Target) -> str | None:
    """Describe what an experiment has changed in since the plan was made."""
    if old.status != new.status:
        return f"status changed, {old.status} -> {new.status}"
    if old.updated_at != new.updated_at:
        before = "none" if old.updated_at is None else old.updated_at
        return f"updated_at changed, {before} -> {new.updated_at}"
    # A plan that managed no variants may not have read them.
    if old.variants not in (None, new.variants):
        return "variants changed"
    return None


def stale(reason: str) -> StalePlanError:
    """Build the error of a plan that is too old."""
    return StalePlanError(f"{reason} since the plan was made: plan again")
