"""Apply a plan: phase by phase, experiments of one phase in parallel."""

import os
from contextlib import aclosing
from typing import TYPE_CHECKING

import attrs

from ours_experiments._validation import check_count
from ours_experiments.bulk.account import open_journal
from ours_experiments.bulk.batch_publish import BatchPublish
from ours_experiments.bulk.options import OnProgress
from ours_experiments.bulk.outcomes import OutcomeStatus
from ours_experiments.bulk.run import report_progress, without_frames
from ours_experiments.bulk.workers import in_parallel
from ours_experiments.errors import ConfigurationError, OursError, OutcomeUnknownError
from ours_experiments.experiments import Experiments
from ours_experiments.specs.changes import (
    Action,
    ApplyReport,
    Change,
    ChangeOutcome,
    Subject,
)
from ours_experiments.specs.plan import Plan
from ours_experiments.specs.plan_json import digest, plain_specs
from ours_experiments.specs.planner import (
    Account,
    make_plan,
    pair_up,
    refuse_stale,
)
from ours_experiments.specs.publishing import Publishing
from ours_experiments.specs.service import read_account
from ours_experiments.specs.steps import Steps
from ours_experiments.versions import Versions


if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection

STAGES = 4
"""Phases up to this one stage what the publish in the next one ships."""
LAST = 8
PHASES = {
    Action.CREATE: 1,
    Action.UPDATE: 2,
    Action.CREATE_VARIANT: 2,
    Action.UPDATE_VARIANT: 2,
    Action.DELETE_VARIANT: 2,
    Action.START: 4,
    Action.PAUSE: 4,
    Action.RESUME: 4,
    Action.PUBLISH: 4,
    Action.STOP: 6,
    Action.WINNER: 7,
    Action.ROLLOUT: 7,
    Action.END_ROLLOUT: 7,
    Action.DELETE: 8,
}


def phase_of(change: Change) -> int:
    """Return the phase of a change; some are staged if they are live."""
    if change.live and change.action in (Action.UPDATE, Action.DELETE):
        return 3 if change.action is Action.UPDATE else 4
    return PHASES[change.action]


async def apply_plan(
    plan: Plan,
    journal: str | os.PathLike[str] | None,
    concurrency: int,
    on_progress: OnProgress | None,
    **allowed: bool,
) -> ApplyReport:
    """Refuse a plan that must not be applied, else carry it out."""
    check_count("concurrency", concurrency, 1)
    if not isinstance(journal, str | os.PathLike | None):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(
            f"journal must be a path, not {type(journal).__name__}"
        )
    session = plan.session
    plan.check(**allowed)
    if not plan.changes:
        return ApplyReport()
    opened = None
    if journal is not None:
        identity = digest({"specs": plain_specs(plan)})[:16]
        opened = await open_journal(session, journal, f"apply {identity}", "once")
    try:
        resumed = opened is not None and bool(opened.states)
        if resumed:
            # An earlier run was cut off: what it left is another plan.
            account = await read_account(plan)
            plan = make_plan(plan, account)
            plan.check(**allowed)
        else:
            account = await check_current(plan)
        pairs = pair_up(plan.specs, account.experiments)
        specs = {
            (spec.key, found[0].id if found else None): spec
            for spec, found in pairs
            if len(found) < 2
        }
        settings = {t.key: t.settings_id for t in plan.targets if t.settings_id}
        managed = {experiment_id for _, experiment_id in specs if experiment_id}
        managed |= {c.experiment_id for c in plan.changes if c.experiment_id}
        own = account.with_variants(managed)
        batch = BatchPublish(
            "apply",
            Versions(session),
            Experiments(session),
            allowed["ship_others"],
            dry_run=False,
        )
        run = Run(
            plan.changes,
            Steps(session, specs, account, settings, opened),
            Publishing(session, batch, own, opened),
            on_progress,
        )
        return await run.run(concurrency)
    finally:
        if opened is not None:
            opened.close()


async def check_current(plan: Plan) -> Account:
    """Return what there is now; refuse a plan that was made of something else."""
    account = await read_account(plan, with_settings=False)
    refuse_stale(plan, account)
    return account


@attrs.define
class Run:
    """One plan that is being applied."""

    changes: tuple[Change, ...]
    steps: Steps
    publishing: Publishing
    on_progress: OnProgress | None = None
    outcomes: dict[int, ChangeOutcome] = attrs.field(
        init=False, factory=dict[int, ChangeOutcome]
    )
    """By the position of the change."""
    failed: set[Subject] = attrs.field(init=False, factory=set[Subject])
    """The experiments of which a step failed."""

    async def run(self, concurrency: int) -> ApplyReport:
        """Carry out all phases, the later ones only if all that is staged is live."""
        batch, journal = self.publishing.batch, self.publishing.journal
        if journal is not None:
            await batch.confirm_earlier(journal)
        for phase in range(1, STAGES + 1):
            await self.carry_out(phase, concurrency)
        if await self.publish():
            for phase in range(STAGES + 2, LAST + 1):
                await self.carry_out(phase, concurrency)
        return ApplyReport(
            tuple(
                self.outcomes.get(index)
                or ChangeOutcome(change, OutcomeStatus.NOT_ATTEMPTED)
                for index, change in enumerate(self.changes)
            ),
            batch.version,
            self.publishing.error,
        )

    async def carry_out(self, phase: int, concurrency: int) -> None:
        """Carry out one phase: the steps of an experiment in order."""
        groups: dict[Subject, list[int]] = {}
        for index, change in enumerate(self.changes):
            if phase_of(change) == phase:
                groups.setdefault(change.subject, []).append(index)
        nothing: AsyncGenerator[None, None] = in_parallel(
            iter(groups.values()), self.carry_out_group, concurrency
        )
        async with aclosing(nothing):
            async for _ in nothing:
                pass

    async def carry_out_group(self, indices: list[int]) -> None:
        """Carry out steps of one experiment, until one of them fails."""
        for index in indices:
            if self.changes[index].subject in self.failed:
                return
            outcome = await self.carry_out_one(self.changes[index])
            self.outcomes[index] = outcome
            if outcome.error is not None:
                self.failed.add(outcome.change.subject)
            if self.on_progress is not None:
                done, total = len(self.outcomes), len(self.changes)
                report_progress(self.on_progress, done, total)

    async def carry_out_one(self, change: Change) -> ChangeOutcome:
        """Bring one change to its outcome."""
        call = self.steps.session.call()
        error: OursError | None = None
        try:
            status = await self.steps.send(change, call)
            if phase_of(change) in (3, STAGES):
                status = OutcomeStatus.STAGED
        except OursError as problem:
            error = without_frames(problem)
            unknown = isinstance(problem, OutcomeUnknownError)
            status = OutcomeStatus.UNKNOWN if unknown else OutcomeStatus.FAILED
        return ChangeOutcome(change, status, error, call.attempts, call.seconds)

    async def publish(self) -> bool:
        """Make what is staged live; return whether nothing is left behind."""
        staged = {
            index: self.steps.id_of(outcome.change)
            for index, outcome in self.outcomes.items()
            if outcome.status is OutcomeStatus.STAGED
        }
        self.publishing.own |= {made.id for made in self.steps.created.values()}
        live: Collection[str] = ()
        if staged or any(change.publishes for change in self.changes):
            whole = {
                experiment_id
                for index, experiment_id in staged.items()
                if self.changes[index].subject not in self.failed
            }
            live = await self.publishing.publish(whole)
        for index, experiment_id in staged.items():
            if experiment_id in live:
                self.outcomes[index] = attrs.evolve(
                    self.outcomes[index], status=OutcomeStatus.APPLIED
                )
        return self.publishing.error is None and set(staged.values()) <= set(live)
