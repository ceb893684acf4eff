"""Read from the service what a plan and an export need; nothing is written."""

from collections.abc import Iterable
from contextlib import aclosing
from itertools import chain

import attrs

from ours_experiments._http.session import Session
from ours_experiments._validation import check_filled_text, to_instance, to_tuple
from ours_experiments.bulk.workers import in_parallel
from ours_experiments.errors import ConfigurationError, NotFoundError
from ours_experiments.experiments import Experiments
from ours_experiments.models import (
    DraftChanges,
    Experiment,
    ExperimentStatus,
    Settings,
    Variant,
)
from ours_experiments.settings import SettingsRecords
from ours_experiments.specs.checks import refuse_repeated
from ours_experiments.specs.export import OnLeftOut, export_specs
from ours_experiments.specs.files import Limits, Specs
from ours_experiments.specs.plan import Plan
from ours_experiments.specs.planner import (
    Account,
    make_plan,
    matches,
    needs_draft_changes,
    needs_settings,
    pair_up,
)
from ours_experiments.specs.spec import ExperimentSpec
from ours_experiments.versions import Versions


CONCURRENCY = 8
"""Experiments that are read at the same time where a listing has no variants."""


async def plan_specs(
    session: Session,
    specs: Iterable[ExperimentSpec],
    *,
    owns: Iterable[str] = (),
    settings: str | None = None,
    limits: Limits | None = None,
    prune: bool = False,
) -> Plan:
    """Read the account, and compare the specs with it."""
    patterns = globs("owns", owns)
    if isinstance(specs, Specs):
        patterns = patterns or specs.owns
        settings = settings or specs.settings
        limits = limits or specs.limits
    wanted = to_tuple(ExperimentSpec, "specs", specs)
    refuse_repeated(wanted)
    if prune and not patterns:
        raise ConfigurationError("prune: needs `owns`, the keys that may be deleted")
    plan = Plan(
        specs=wanted,
        owns=patterns,
        settings=settings,
        limits=Limits() if limits is None else to_instance(Limits, "limits", limits),
        prune=prune,
        account=session.transport.account,
    )
    plan = attrs.evolve(plan, session=session)
    return make_plan(plan, await read_account(plan))


def globs(name: str, values: Iterable[str]) -> tuple[str, ...]:
    """Return patterns of keys as a tuple; blank ones are refused."""
    patterns = to_tuple(str, name, values)
    for pattern in patterns:
        check_filled_text(name, pattern)
    return patterns


def bind_plan(session: Session, text: str) -> Plan:
    """Read a plan that `to_json` wrote, for the account that it was made for."""
    plan = Plan.from_json(text)
    if plan.account != session.transport.account:
        raise ConfigurationError(
            "the plan was made with another API key or base URL: plan again"
        )
    return attrs.evolve(plan, session=session)


async def read_account(plan: Plan, *, with_settings: bool = True) -> Account:
    """Read all experiments, and what else the specs of a plan make necessary."""
    session = plan.session
    # A row that changes meanwhile can come twice.
    by_id = {found.id: found async for found in Experiments(session).list()}
    experiments = tuple(by_id.values())
    pairs = pair_up(plan.specs, experiments)
    settings: tuple[Settings, ...] = ()
    if with_settings and needs_settings(pairs):
        settings = await SettingsRecords(session).list()
    draft_changes = None
    if needs_draft_changes(pairs, prune=plan.prune):
        draft_changes = await read_draft_changes(session)
    return Account(
        experiments=experiments,
        variants=await read_variants(session, chain(*(found for _, found in pairs))),
        draft_changes=draft_changes,
        settings=settings,
    )


async def read_draft_changes(session: Session) -> DraftChanges:
    """Read what is unpublished; a service without versions publishes at once."""
    try:
        return await Versions(session).draft_changes()
    except NotFoundError:
        return DraftChanges(0, {})


async def read_variants(
    session: Session, experiments: Iterable[Experiment]
) -> dict[str, tuple[Variant, ...]]:
    """Read the variants of the experiments that were listed without them."""
    missing = iter([found.id for found in experiments if found.variants is None])
    retrieve = Experiments(session).retrieve
    async with aclosing(in_parallel(missing, retrieve, CONCURRENCY)) as found:
        return {item.id: item.variants async for item in found if item.variants}


async def export_account(
    session: Session,
    *,
    status: ExperimentStatus | str | None = None,
    keys: Iterable[str] | None = None,
    on_left_out: OnLeftOut | None = None,
) -> tuple[ExperimentSpec, ...]:
    """Read the experiments, and return a spec for each that is asked for."""
    patterns = None if keys is None else globs("keys", keys)
    experiments = [found async for found in Experiments(session).list()]
    wanted = {
        found.id
        for found in experiments
        if (status is None or found.status == status)
        and (patterns is None or matches(found.key, patterns))
    }
    variants = await read_variants(
        session, [found for found in experiments if found.id in wanted]
    )
    return export_specs(experiments, variants, wanted=wanted, on_left_out=on_left_out)
