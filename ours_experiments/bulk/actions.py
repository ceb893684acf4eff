"""What a bulk run does for each id, and before and after all of them."""

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Iterable,
    Iterator,
    Mapping,
)
from uuid import uuid4

import attrs

from ours_experiments._codec.converter import decode
from ours_experiments._http.call import Call
from ours_experiments._http.session import Session
from ours_experiments._http.urls import build_path
from ours_experiments._pagination import Listing
from ours_experiments._writes import lifecycle as _lifecycle
from ours_experiments._writes.lifecycle import Change, unverified
from ours_experiments._writes.reconcile import reconcile
from ours_experiments._writes.write import Write
from ours_experiments.bulk.journal import Journal
from ours_experiments.bulk.outcomes import OutcomeStatus
from ours_experiments.bulk.run import Ledger, Target, Verdict
from ours_experiments.errors import (
    ConfigurationError,
    ConflictError,
    NotFoundError,
    OursError,
    OutcomeUnknownError,
)
from ours_experiments.models import (
    CollectionChanges,
    Experiment,
    ExperimentStatus,
    ExperimentType,
    PublishStatus,
    Transition,
    Version,
)
from ours_experiments.versions import Versions


ORIGINS = {
    "start": {ExperimentStatus.DRAFT},
    "pause": {ExperimentStatus.RUNNING},
    "resume": {ExperimentStatus.PAUSED},
    "stop": {ExperimentStatus.RUNNING, ExperimentStatus.PAUSED},
}
"""The states from which the service allows each action."""
LEAST_VARIANTS = 2
EXPERIMENTS, VARIANTS = "experiments", "experimentVariants"
"""What the service calls the collections of a version."""


class Input:
    """The ids of a bulk call, whatever they came as.

    What can be read at once is, before anything is written: a listing too, since rows
    leave it under the walker once they are changed. Other asynchronous iterables are
    read as the work goes on.
    """

    def __init__(self, ids: object, *, mapping_allowed: bool) -> None:
        if isinstance(ids, str | bytes | Experiment):
            raise ConfigurationError("ids must be several, not a single one")
        if isinstance(ids, Mapping) and not mapping_allowed:
            raise ConfigurationError("ids: a mapping goes with stop only")
        if not isinstance(ids, Iterable | AsyncIterable):
            raise ConfigurationError(
                f"ids must be an iterable, not {type(ids).__name__}"
            )
        self.ids: Iterable[object] | AsyncIterable[object] = ids
        self.winners: Mapping[object, object] = ids if isinstance(ids, Mapping) else {}
        self.total: int | None = None
        self.special: dict[int, Target] = {}
        """By row, what is more than an id that can be sent as it is."""

    async def open(
        self, ledger: Ledger
    ) -> Iterator[Target] | AsyncGenerator[Target, None]:
        """Begin to read."""
        ids = self.ids
        if isinstance(ids, Listing):
            async for item in ids:
                self.enter(ledger, item)
        elif isinstance(ids, AsyncIterable):
            return self.stream(ids, ledger)
        else:
            for item in ids:
                self.enter(ledger, item)
        self.total = len(ledger.ids)
        special = self.special
        return (
            special.get(row) or Target(experiment_id, row)
            for row, experiment_id in enumerate(ledger.ids)
        )

    def enter(self, ledger: Ledger, item: object) -> None:
        """Enter one item, and keep what is more than an id until its turn."""
        experiment_id, refusal = checked(item)
        winner = self.winners.get(item) if self.winners else None
        if not isinstance(winner, str | None):
            refusal = ConfigurationError(
                f"winner_variant_id must be text, not {type(winner).__name__}"
            )
            winner = None
        row = ledger.enter(experiment_id)
        if row is not None and (refusal or winner):
            self.special[row] = Target(experiment_id, row, refusal, winner)

    async def stream(
        self, items: AsyncIterable[object], ledger: Ledger
    ) -> AsyncGenerator[Target, None]:
        """Pass each distinct id on as it comes."""
        async for item in items:
            experiment_id, refusal = checked(item)
            row = ledger.enter(experiment_id)
            if row is not None:
                yield Target(experiment_id, row, refusal)


def checked(item: object) -> tuple[str, ConfigurationError | None]:
    """Take an item's id, and what is wrong with it."""
    experiment_id = item.id if isinstance(item, Experiment) else item
    refusal: ConfigurationError | None = None
    try:
        build_path((experiment_id,))
    except ConfigurationError as problem:
        refusal = problem.with_traceback(None)
    if not isinstance(experiment_id, str):
        # In brackets, or the number 5 would take the row of the id "5".
        return f"<{type(item).__name__} {item!r}>", refusal
    return experiment_id, refusal


async def read(session: Session, target: Target, call: Call) -> Experiment:
    """Get an experiment as it is now, in the time that a call has left."""
    payload = await session.request(
        "GET", "experiments", target.experiment_id, call=call.child()
    )
    return decode(Experiment, payload)


@attrs.frozen
class Deletions:
    """The work of delete."""

    session: Session

    async def carry_out(self, target: Target, call: Call) -> Verdict:
        """Delete an experiment; one that is gone was so already."""
        experiment_id = target.experiment_id
        if target.sent_before:
            try:
                await read(self.session, target, call)
            except NotFoundError:
                return OutcomeStatus.APPLIED, None
            except OursError as problem:
                raise OutcomeUnknownError(
                    f"delete of {experiment_id} may or may not have been applied "
                    f"({problem}): look before you send it again",
                    action="delete",
                    experiment_id=experiment_id,
                ) from problem
        try:
            await self.session.request(
                "DELETE", "experiments", experiment_id, call=call
            )
        except NotFoundError:
            return OutcomeStatus.ALREADY, None
        return OutcomeStatus.APPLIED, None

    async def look(self, target: Target, call: Call) -> Verdict:
        """Say what would happen, and write nothing."""
        try:
            experiment = await read(self.session, target, call)
        except NotFoundError:
            return OutcomeStatus.ALREADY, None
        return OutcomeStatus.NOT_ATTEMPTED, unverified(experiment)


@attrs.define
class Transitions:
    """The work of start, pause, resume and stop."""

    session: Session
    action: str
    publish: bool
    unpublished: set[str]
    """What is known to have changes that are not live."""
    common: Change = attrs.field(init=False)
    """The lifecycle call for all that have no winner."""

    def __attrs_post_init__(self) -> None:
        """Make the common call once."""
        self.common = self.make_change(None)

    def make_change(self, winner_variant_id: str | None) -> Change:
        """Make the lifecycle call."""
        match self.action:
            case "start":
                return _lifecycle.start(publish=self.publish)
            case "pause":
                return _lifecycle.pause(publish=self.publish)
            case "resume":
                return _lifecycle.resume(publish=self.publish)
            case _:
                return _lifecycle.stop(
                    winner_variant_id=winner_variant_id, rollout_variant_id=None
                )

    def change_for(self, target: Target) -> Change:
        """Choose the lifecycle call for one experiment."""
        if target.winner_variant_id is None:
            return self.common
        return self.make_change(target.winner_variant_id)

    async def carry_out(self, target: Target, call: Call) -> Verdict:
        """Send the lifecycle call, unless that was done, or need not be."""
        write = self.change_for(target).of(target.experiment_id)
        if target.sent_before:
            found = await self.look_back(write, call)
            if found is not None:
                return self.status_of(None), found
        try:
            transition = await reconcile(self.session, write, call)
        except ConflictError as conflict:
            try:
                found = (await write.find(self.session, call)).effect
            except OursError:
                raise conflict from None
            if found is None:
                raise
            return self.status_if_found(target), found
        return self.status_of(transition.publish_status), transition

    async def look_back(
        self, write: Write[Transition], call: Call
    ) -> Transition | None:
        """Read back what an earlier run may have sent, and not seen answered."""
        try:
            return (await write.find(self.session, call)).effect
        except NotFoundError:
            raise
        except OursError as problem:
            raise write.unknown_error(call, problem) from problem

    def status_of(self, publish_status: str | None) -> OutcomeStatus:
        """Tell what is applied from what is only staged."""
        if publish_status == PublishStatus.PUBLISHED:
            return OutcomeStatus.APPLIED
        if publish_status == PublishStatus.PENDING_PUBLISH or not self.publish:
            return OutcomeStatus.STAGED
        return OutcomeStatus.APPLIED

    def status_if_found(self, target: Target) -> OutcomeStatus:
        """Tell what was there already from what this call, or another, only staged."""
        if target.sent_before:
            return self.status_of(None)
        if target.experiment_id in self.unpublished:
            return OutcomeStatus.STAGED
        return OutcomeStatus.ALREADY

    async def look(self, target: Target, call: Call) -> Verdict:
        """Say what would happen to one experiment, and write nothing."""
        experiment = await read(self.session, target, call)
        if self.change_for(target).is_reached(experiment):
            return self.status_if_found(target), unverified(experiment)
        reason = self.obstacle(target, experiment)
        if reason is not None:
            raise OursError(f"{self.action} of {experiment.id} would fail: {reason}")
        return OutcomeStatus.NOT_ATTEMPTED, unverified(experiment)

    def obstacle(self, target: Target, experiment: Experiment) -> str | None:
        """Tell why the service would refuse; None when it would not."""
        if experiment.status not in ORIGINS[self.action]:
            return f"it is {experiment.status}"
        variants = experiment.variants
        if self.action == "start":
            metrics = experiment.metrics
            if not (metrics and metrics.primary and metrics.primary.event_name):
                return "it has no primary metric with an event name"
            if (
                experiment.type != ExperimentType.PERSONALIZATION
                and variants is not None
                and len(variants) < LEAST_VARIANTS
            ):
                return f"it has {len(variants)} variants and needs two"
        winner = target.winner_variant_id
        if winner and variants is not None and winner not in {v.id for v in variants}:
            return f"the winner {winner} is none of its variants"
        return None


@attrs.define
class OneVersion:
    """The one publish of `publish="once"`, and whom it may concern."""

    action: str
    versions: Versions
    ship_others: bool
    dry_run: bool
    unpublished: set[str] = attrs.field(init=False, factory=set[str])
    """The experiments that had changes which were not live before this run."""
    earlier: set[str] = attrs.field(init=False, factory=set[str])
    """The ids of earlier runs of the same journal."""
    version: Version | None = attrs.field(init=False, default=None)
    error: OursError | None = attrs.field(init=False, default=None)

    async def prepare(self, ledger: Ledger, journal: Journal | None) -> None:
        """Refuse, before anything is staged, to ship other people's changes."""
        if journal is not None:
            await self.look_back(journal)
            self.earlier = journal.settled.keys() | journal.begun
        changes = (await self.versions.draft_changes()).differences
        foreign = foreign_to(self.earlier | ledger.ids.keys(), changes)
        if foreign and not self.ship_others:
            refusal = ConfigurationError(
                f"publish='once' would ship other changes too: {foreign}; say "
                "ship_others=True if it may"
            )
            if not self.dry_run:
                raise refusal
            self.error = refusal
        self.unpublished |= ids_in(changes, EXPERIMENTS)

    async def look_back(self, journal: Journal) -> None:
        """Find the versions that earlier runs did not live to see made."""
        for token, staged in tuple(journal.announced.items()):
            if staged & journal.staged():
                page = await self.versions.list_page(notes_contains=token)
                if page.entities:
                    self.version = page.entities[0]
                    journal.note_published(token)
                    journal.publish(token)

    async def ship(self, ledger: Ledger, journal: Journal | None) -> None:
        """Publish what is staged and note in the ledger that it is applied."""
        staged = ledger.ids_with(OutcomeStatus.STAGED)
        if not staged:
            return
        try:
            changes = (await self.versions.draft_changes()).differences
            foreign = foreign_to(self.earlier | ledger.ids.keys(), changes)
            if foreign and not self.ship_others:
                self.error = OursError(f"others have changes meanwhile: {foreign}")
                return
            include: dict[str, Iterable[str]] = {}
            if not foreign:
                include[EXPERIMENTS] = staged
                if variants := ids_in(changes, VARIANTS):
                    include[VARIANTS] = sorted(variants)
            token = str(uuid4())
            if journal is not None:
                journal.announce(token)
            self.error = OutcomeUnknownError(
                f"the publish was cut off: list the versions whose notes contain "
                f"{token!r} before you publish again",
                action="publish",
            )
            notes = f"bulk {self.action} of {len(staged)} experiments, {token}"
            self.version = await self.versions.publish(notes=notes, include=include)
        except OursError as problem:
            self.error = problem
            return
        self.error = None
        ledger.mark_applied(staged)
        if journal is not None:
            journal.publish(token)


def ids_in(
    differences: Mapping[str, CollectionChanges], collection: str
) -> frozenset[str]:
    """Select what is changed in one collection."""
    changes = differences.get(collection)
    return changes.ids if changes else frozenset()


def foreign_to(ours: set[str], differences: Mapping[str, CollectionChanges]) -> str:
    """List the changes that are not ours; empty when there are none."""
    touched = {
        collection: ids_in(differences, collection) for collection in differences
    }
    if touched.get(EXPERIMENTS):
        # Variants change with their experiments, which are accounted for themselves.
        touched.pop(VARIANTS, None)
    return ", ".join(
        f"{collection} {identifier}"
        for collection, ids in touched.items()
        for identifier in sorted(ids - ours)
    )
