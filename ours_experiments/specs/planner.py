"""Compare all specs with all experiments: pure, nothing is read or sent."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

import attrs

from ours_experiments._unset import Unset
from ours_experiments.models import (
    DraftChanges,
    Experiment,
    ExperimentStatus,
    Settings,
    Variant,
)
from ours_experiments.specs.changes import Action, Change, Conflict, Difference
from ours_experiments.specs.diff import compare, compare_absent
from ours_experiments.specs.ours_file import Limits
from ours_experiments.specs.plan import Plan, Target, Unmanaged, Unpublished
from ours_experiments.specs.spec import ExperimentSpec


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

    def variants_of(self, experiment: Experiment) -> tuple[Variant, ...]:
        """Return an experiment's variants; empty where they are not known."""
        return self.variants.get(experiment.id, experiment.variants or ())

    def with_variants(self, ids: Collection[str | None]) -> set[str]:
        """Return the ids of those experiments that exist, and of their variants."""
        found = [experiment for experiment in self.experiments if experiment.id in ids]
        variants = {v.id for experiment in found for v in self.variants_of(experiment)}
        return variants | {experiment.id for experiment in found}


@attrs.frozen
class Pairing:
    """Which experiments each spec means."""

    spec: ExperimentSpec
    """The spec."""
    experiments: tuple[Experiment, ...]
    """The experiment with its id, or those with its key."""


def pair_up(
    specs: Iterable[ExperimentSpec], experiments: Iterable[Experiment]
) -> tuple[Pairing, ...]:
    """Find the experiments that specs mean: by id where they have one, else by key."""
    specs = tuple(specs)
    named = {spec.id for spec in specs if isinstance(spec.id, str)}
    by_id: dict[str, Experiment] = {}
    by_key: dict[str, list[Experiment]] = {}
    for experiment in experiments:
        by_id[experiment.id] = experiment
        if experiment.id not in named:
            by_key.setdefault(experiment.key, []).append(experiment)
    pairings: list[Pairing] = []
    for spec in specs:
        found = by_key.get(spec.key, [])
        if isinstance(spec.id, str):
            found = [by_id[spec.id]] if spec.id in by_id else []
        pairings.append(Pairing(spec, tuple(found)))
    return tuple(pairings)


def needs_settings(pairings: Iterable[Pairing]) -> bool:
    """Return whether something is to be created."""
    return any(
        not pairing.experiments and isinstance(pairing.spec.id, Unset)
        for pairing in pairings
    )


def needs_draft_changes(pairings: Iterable[Pairing], *, prune: bool) -> bool:
    """Return whether a plan has to know what is unpublished."""
    return prune or any(
        pairing.spec.state is ExperimentStatus.RUNNING
        or any(e.status != ExperimentStatus.DRAFT for e in pairing.experiments)
        for pairing in pairings
    )


def make_plan(
    specs: Sequence[ExperimentSpec],
    account: Account,
    *,
    owns: Sequence[str] = (),
    settings: str | None = None,
    limits: Limits | None = None,
    prune: bool = False,
    fingerprint: str | None = None,
) -> Plan:
    """Compare specs with an account.

    Args:
        specs: What the experiments are to be like.
        account: What there is.
        owns: Patterns of the keys that the specs own.
        settings: Name or id of the settings of new experiments; None: the only ones.
        limits: How much may change live; None: 30 % of 10 or more.
        prune: Delete what is owned and has no spec.
        fingerprint: Identifies the account.
    """
    pairings = pair_up(specs, account.experiments)
    staged = staged_ids(account.draft_changes)
    differences: list[Difference] = []
    targets: list[Target] = []
    for pairing in pairings:
        difference, target = compare_one(pairing, account, staged, settings)
        differences.append(difference)
        if target is not None:
            targets.append(target)
    paired = {e.id for pairing in pairings for e in pairing.experiments}
    unmanaged = [
        experiment
        for experiment in account.experiments
        if experiment.id not in paired
        and any(fnmatchcase(experiment.key, pattern) for pattern in owns)
    ]
    changes = [change for difference in differences for change in difference.changes]
    conflicts = [c for difference in differences for c in difference.conflicts]
    pruned = unmanaged if prune else []
    for experiment in pruned:
        step = delete(experiment)
        if isinstance(step, Change):
            changes.append(step)
            targets.append(target_of(experiment, account))
        else:
            conflicts.append(step)
    return Plan(
        changes=tuple(changes),
        conflicts=tuple(conflicts),
        warnings=tuple(w for difference in differences for w in difference.warnings),
        others=others(account, paired),
        unmanaged=tuple(
            Unmanaged(id=e.id, key=e.key, status=str(e.status)) for e in unmanaged
        ),
        targets=tuple(targets),
        staged=tuple(sorted(staged)),
        existing=len(paired) + len(pruned),
        limits=limits or Limits(),
        owns=tuple(owns),
        settings=settings,
        prune=prune,
        account=fingerprint,
        specs=tuple(specs),
    )


def make_again(plan: Plan, account: Account) -> Plan:
    """Compare the specs of a plan with what the account is now."""
    return make_plan(
        plan.specs,
        account,
        owns=plan.owns,
        settings=plan.settings,
        limits=plan.limits,
        prune=plan.prune,
        fingerprint=plan.account,
    )


def compare_one(
    pairing: Pairing, account: Account, staged: frozenset[str], settings: str | None
) -> tuple[Difference, Target | None]:
    """Compare one spec with the experiment that it means; no target: they are equal."""
    spec = pairing.spec
    if len(pairing.experiments) > 1:
        ids = tuple(experiment.id for experiment in pairing.experiments)
        difference = Difference(spec)
        message = (
            f"{len(ids)} experiments have the key ({', '.join(ids)}): "
            "put id: into the file"
        )
        difference.conflicts.append(Conflict(spec.key, message, ids))
        return difference, None
    if not pairing.experiments:
        wanted = settings if isinstance(spec.settings, Unset) else spec.settings
        found = settings_for(wanted, account.settings)
        difference = compare_absent(spec, None if found is None else found.name)
        settings_id = None if found is None else found.id
        target = Target(key=spec.key, settings_id=settings_id)
        return difference, target if difference.changes else None
    (experiment,) = pairing.experiments
    variants = account.variants_of(experiment)
    is_staged = bool(staged) and not staged.isdisjoint(
        (experiment.id, *(variant.id for variant in variants))
    )
    difference = compare(spec, experiment, variants, staged=is_staged)
    if not (difference.changes or difference.conflicts):
        return difference, None
    # The spec may rename the experiment; the plan knows it by its new key.
    return difference, target_of(experiment, account, spec.key)


def target_of(
    experiment: Experiment, account: Account, key: str | None = None
) -> Target:
    """Note what an experiment is like while the plan is made."""
    return Target(
        key=experiment.key if key is None else key,
        experiment_id=experiment.id,
        status=str(experiment.status),
        updated_at=experiment.updated_at,
        variants=account.variants_of(experiment) or None,
    )


def settings_for(wanted: str | None, settings: Sequence[Settings]) -> Settings | None:
    """Find settings by id or name, or the only ones; None where that is not clear."""
    if wanted is None:
        found = list(settings)
    else:
        found = [record for record in settings if record.id == wanted]
        found = found or [record for record in settings if record.name == wanted]
    return found[0] if len(found) == 1 else None


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


def others(account: Account, managed: set[str]) -> tuple[Unpublished, ...]:
    """List unpublished changes of what is not managed."""
    if account.draft_changes is None:
        return ()
    ours = account.with_variants(managed)
    return tuple(
        Unpublished(collection=collection, id=entity.id, name=entity.name)
        for collection, changed in account.draft_changes.differences.items()
        for entity in (
            *changed.added,
            *changed.removed,
            *(modified.new for modified in changed.modified),
        )
        if entity.id not in ours
    )
