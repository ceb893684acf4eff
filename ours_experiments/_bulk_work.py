"""What a bulk run does for each id, and before and after all of them."""

from collections.abc import AsyncIterable, AsyncIterator, Collection, Iterable, Mapping

import attrs

from ours_experiments import _lifecycle
from ours_experiments._address import path_of
from ours_experiments._bulk_run import Ledger, Target
from ours_experiments._lifecycle import Intent, carry_out, unverified
from ours_experiments._pagination import Listing
from ours_experiments._parallel import in_turn
from ours_experiments._session import Call, Session
from ours_experiments.errors import (
    ConfigurationError,
    ConflictError,
    NotFoundError,
    OursError,
    OutcomeUnknownError,
)
from ours_experiments.experiments import Experiments
from ours_experiments.models import (
    CollectionChanges,
    Experiment,
    ExperimentStatus,
    ExperimentType,
    PublishStatus,
    Transition,
    Version,
)
from ours_experiments.outcomes import Outcome, OutcomeStatus
from ours_experiments.versions import Versions


ORIGINS = {
    "start": {ExperimentStatus.DRAFT},
    "pause": {ExperimentStatus.RUNNING},
    "resume": {ExperimentStatus.PAUSED},
    "stop": {ExperimentStatus.RUNNING, ExperimentStatus.PAUSED},
}
"""The states from which the service allows each action."""
LEAST_VARIANTS = 2


class Input:
    """The ids of a bulk call, whatever they came as."""

    def __init__(self, ids: object, *, mapping_allowed: bool) -> None:
        if isinstance(ids, str | bytes | Experiment):
            raise ConfigurationError("ids must be several, not a single one")
        if isinstance(ids, Mapping):
            if not mapping_allowed:
                raise ConfigurationError("ids: a mapping goes with stop only")
            self.winners: Mapping[object, object] = ids
        elif not isinstance(ids, Iterable | AsyncIterable | Listing):
            raise ConfigurationError(
                f"ids must be an iterable, not {type(ids).__name__}"
            )
        else:
            self.winners = {}
        self.ids = ids
        self.total: int | None = None
        if isinstance(ids, Collection):
            self.total = len({target_of(item).experiment_id for item in ids})

    def count(self) -> int | None:
        """Return the number of distinct ids, where that is known."""
        return self.total

    async def open(self) -> AsyncIterator[Target]:
        """Begin to read; a listing is read to its end first."""
        ids = self.ids
        if isinstance(ids, Listing):
            ids = [item async for item in ids]
            self.total = len({one.experiment_id for one in map(target_of, ids)})
        return self.targets(ids)

    async def targets(
        self, ids: Iterable[object] | AsyncIterable[object]
    ) -> AsyncIterator[Target]:
        """Check each item as it comes."""
        async for item in in_turn(ids):
            winner = self.winners.get(item) if self.winners else None
            yield target_of(item, winner)


def target_of(item: object, winner: object = None) -> Target:
    """Check one item of the input; what is wrong with it becomes its outcome."""
    experiment_id = item.id if isinstance(item, Experiment) else item
    if not isinstance(experiment_id, str):
        told = f"id must be text, not {type(item).__name__}"
        return Target(repr(item), ConfigurationError(told))
    try:
        path_of((experiment_id,))
    except ConfigurationError as refusal:
        return Target(experiment_id, refusal)
    if winner is not None and not isinstance(winner, str):
        told = f"winner_variant_id must be text, not {type(winner).__name__}"
        return Target(experiment_id, ConfigurationError(told))
    return Target(experiment_id, None, winner)


@attrs.frozen
class Work:
    """One action, for one experiment at a time."""

    session: Session
    action: str
    publish: bool

    def intent_for(self, target: Target) -> Intent:
        """Make the lifecycle call for one experiment."""
        match self.action:
            case "start":
                return _lifecycle.start(publish=self.publish)
            case "pause":
                return _lifecycle.pause(publish=self.publish)
            case "resume":
                return _lifecycle.resume(publish=self.publish)
            case _:
                return _lifecycle.stop(
                    winner_variant_id=target.winner_variant_id, rollout_variant_id=None
                )

    async def carry_out(self, target: Target, call: Call) -> Outcome:
        """Bring one experiment where it should be, and say how that went."""
        begun_at = call.deadline - self.session.timeout
        status = OutcomeStatus.APPLIED
        transition: Transition | None = None
        error: OursError | None = None
        try:
            if self.action == "delete":
                await self.session.request(
                    "DELETE", "experiments", target.experiment_id, call=call
                )
            else:
                status, transition = await self.transition(target, call)
        except NotFoundError as problem:
            if self.action == "delete":
                status = OutcomeStatus.ALREADY
            else:
                status, error = OutcomeStatus.FAILED, problem
        except OutcomeUnknownError as problem:
            status, error = OutcomeStatus.UNKNOWN, problem
        except OursError as problem:
            status, error = OutcomeStatus.FAILED, problem
        return Outcome(
            target.experiment_id,
            self.action,
            status,
            transition,
            error,
            call.attempts,
            self.session.transport.ready().loop.time() - begun_at,
        )

    async def transition(
        self, target: Target, call: Call
    ) -> tuple[OutcomeStatus, Transition]:
        """Send the lifecycle call, unless that was done, or need not be."""
        intent = self.intent_for(target)
        if target.begun_before:
            # An earlier run may have sent it and not lived to see the answer.
            experiment = await self.read(target)
            if intent.reached(experiment):
                return self.status_of(None), unverified(experiment)
        try:
            transition = await carry_out(
                self.session, target.experiment_id, intent, call
            )
        except ConflictError:
            experiment = await self.read(target)
            if not intent.reached(experiment):
                raise
            return OutcomeStatus.ALREADY, unverified(experiment)
        return self.status_of(transition.publish_status), transition

    def status_of(self, publish_status: str | None) -> OutcomeStatus:
        """Tell what is applied from what is only staged."""
        if publish_status == PublishStatus.PENDING_PUBLISH:
            return OutcomeStatus.STAGED
        if publish_status is None and not self.publish:
            return OutcomeStatus.STAGED
        return OutcomeStatus.APPLIED

    async def read(self, target: Target) -> Experiment:
        """Get the experiment as it is now."""
        return await Experiments(self.session).retrieve(target.experiment_id)

    async def look(self, target: Target, call: Call) -> Outcome:
        """Say what would happen to one experiment, and write nothing."""
        begun_at = call.deadline - self.session.timeout
        status = OutcomeStatus.NOT_ATTEMPTED
        transition: Transition | None = None
        error: OursError | None = None
        try:
            experiment = await self.read(target)
        except NotFoundError as problem:
            gone = self.action == "delete"
            status = OutcomeStatus.ALREADY if gone else OutcomeStatus.FAILED
            error = None if gone else problem
        except OursError as problem:
            status, error = OutcomeStatus.FAILED, problem
        else:
            transition = unverified(experiment)
            if self.action != "delete":
                if self.intent_for(target).reached(experiment):
                    status = OutcomeStatus.ALREADY
                elif (reason := self.obstacle(target, experiment)) is not None:
                    status, error = OutcomeStatus.FAILED, OursError(reason)
        return Outcome(
            target.experiment_id,
            self.action,
            status,
            transition,
            error,
            seconds=self.session.transport.ready().loop.time() - begun_at,
        )

    def obstacle(self, target: Target, experiment: Experiment) -> str | None:
        """Tell why the service would refuse; None when it would not."""
        told = f"{self.action} of {experiment.id} would fail: "
        if experiment.status not in ORIGINS[self.action]:
            return f"{told}it is {experiment.status}"
        variants = experiment.variants
        if self.action == "start":
            metrics = experiment.metrics
            if not (metrics and metrics.primary and metrics.primary.event_name):
                return f"{told}it has no primary metric with an event name"
            if (
                experiment.type != ExperimentType.PERSONALIZATION
                and variants is not None
                and len(variants) < LEAST_VARIANTS
            ):
                return f"{told}it has {len(variants)} variants and needs two"
        winner = target.winner_variant_id
        if winner and variants is not None and winner not in {v.id for v in variants}:
            return f"{told}the winner {winner} is none of its variants"
        return None


@attrs.define
class Shipment:
    """The one publish of `publish="once"`, and whom it may concern."""

    versions: Versions
    ship_others: bool

    async def prepare(self) -> None:
        """Refuse, before anything is staged, to ship other people's changes."""
        foreign = foreign_to(
            frozenset(), (await self.versions.draft_changes()).differences
        )
        if foreign and not self.ship_others:
            raise ConfigurationError(
                f"publish='once' would ship other changes too: {foreign}; say "
                "ship_others=True if it may"
            )

    async def publish(self, ledger: Ledger) -> Version | None:
        """Publish what is staged and note in the ledger that it is applied."""
        staged = ledger.ids_with(OutcomeStatus.STAGED)
        if not staged:
            return None
        changes = (await self.versions.draft_changes()).differences
        foreign = foreign_to(frozenset(staged), changes)
        if foreign and not self.ship_others:
            raise OursError(f"others have staged changes meanwhile: {foreign}")
        version = await self.versions.publish(include_experiments=staged)
        ledger.mark_applied(staged)
        return version


def foreign_to(
    ours: frozenset[str], differences: Mapping[str, CollectionChanges]
) -> str:
    """List the changes that are not ours; empty when there are none."""
    told: list[str] = []
    for collection, changes in differences.items():
        if collection == "experimentVariants" and ours:
            # They come with their experiments, which the line below accounts for.
            continue
        told += [f"{collection} {one}" for one in sorted(changes.ids - ours)]
    return ", ".join(told)
