"""What is sent for one change of a plan."""

from collections.abc import Mapping

import attrs

from ours_experiments._codec.converter import encode
from ours_experiments._http.call import Call
from ours_experiments._http.responses import to_json
from ours_experiments._http.session import Session
from ours_experiments._pagination import Listing, Source
from ours_experiments._unset import UNSET
from ours_experiments._writes import creation, lifecycle
from ours_experiments._writes.matching import is_form_of
from ours_experiments._writes.reconcile import reconcile
from ours_experiments._writes.write import Evidence, Write
from ours_experiments.bulk.create import LIST_DELAY
from ours_experiments.bulk.journal import Journal
from ours_experiments.bulk.outcomes import Outcome, OutcomeStatus
from ours_experiments.drafts import VariantPatch
from ours_experiments.errors import (
    BadRequestError,
    ConflictError,
    NotFoundError,
    OursError,
)
from ours_experiments.models import Experiment, Variant
from ours_experiments.specs.changes import Action, Change, Subject
from ours_experiments.specs.fields import build_patch, new_experiment
from ours_experiments.specs.parts import VariantSpec, given
from ours_experiments.specs.planner import Account
from ours_experiments.specs.spec import ExperimentSpec
from ours_experiments.specs.variants import (
    match_variants,
    new_variant,
    paired,
    variant_patch,
)


@attrs.define
class Steps:
    """Sends the changes of one plan."""

    session: Session
    specs: Mapping[Subject, ExperimentSpec]
    """What each experiment is to be like."""
    account: Account
    """What there was when the plan was made."""
    settings: Mapping[str, str]
    """The settings of new experiments, by key."""
    journal: Journal | None
    created: dict[str, Experiment] = attrs.field(factory=dict[str, Experiment])
    """The experiments that were created, by key."""

    def id_of(self, change: Change) -> str:
        """Return the id of the experiment that a change is about."""
        return change.experiment_id or self.created[change.key].id

    async def send(self, change: Change, call: Call) -> OutcomeStatus:
        """Send one change until its outcome is known."""
        if change.action is Action.PUBLISH:
            # It is staged already, and the version ships it.
            return OutcomeStatus.APPLIED
        steps = {
            Action.CREATE: self.create,
            Action.UPDATE: self.update,
            Action.CREATE_VARIANT: self.create_variant,
            Action.UPDATE_VARIANT: self.update_variant,
            Action.DELETE_VARIANT: self.delete,
            Action.DELETE: self.delete,
        }
        step = steps.get(change.action, self.transition)
        return await step(change, call) or OutcomeStatus.APPLIED

    async def create(self, change: Change, call: Call) -> None:
        """Create an experiment, to be found by its key if the reply is lost."""
        spec = self.specs[change.subject]
        draft = new_experiment(spec, self.settings[change.key])
        experiment = await creation.create_experiment(self.session, draft, call)
        if experiment.key != spec.key:
            raise OursError(
                f"created {experiment.id} for the key {spec.key!r}, and the service "
                f"gave it the key {experiment.key!r}: put that key into the file"
            )
        self.created[spec.key] = experiment

    async def update(self, change: Change, call: Call) -> None:
        """Patch the fields of an experiment that differ."""
        experiment = self.account.by_id[self.id_of(change)]
        patch = build_patch(self.specs[change.subject], experiment, change.fields)
        await self.session.request(
            "PATCH",
            "experiments",
            experiment.id,
            read=to_json,
            json=encode(patch),
            call=call,
        )

    async def update_variant(self, change: Change, call: Call) -> None:
        """Patch a variant, or the control of an experiment that was just created."""
        if change.variant_id is None:
            variant_id = control_of(self.created[change.key]).id
            patch = VariantPatch(name=str(change.fields[0].new))
        else:
            variant_id = change.variant_id
            experiment = self.account.by_id[self.id_of(change)]
            variants = self.account.variants_of(experiment)
            match = match_variants(self.specs[change.subject], variants)
            pairs = match.lowered + match.raised
            patch = variant_patch(next(p for p in pairs if p.variant.id == variant_id))
        await self.session.request(
            "PATCH",
            "experiment-variants",
            variant_id,
            read=to_json,
            json=encode(patch),
            call=call,
        )

    async def create_variant(self, change: Change, call: Call) -> None:
        """Create a treatment, once also where an earlier run was cut off."""
        experiment_id = self.id_of(change)
        variants = given(self.specs[change.subject].variants, ())
        # No other treatment without an id has the name.
        spec = next(v for v in variants if v.id is UNSET and v.name == change.variant)
        write = variant_write(spec, experiment_id)
        journal, identifier = self.journal, f"{experiment_id} variant {spec.name}"
        if journal is None:
            await reconcile(self.session, write, call)
            return
        variant: Variant | None = None
        if journal.status_of(identifier) is OutcomeStatus.UNKNOWN:
            await call.pacing.deadlines.sleep(max(LIST_DELAY - journal.age, 0.0))
            evidence = await write.find(self.session, call)
            if evidence.candidates:
                raise write.unknown_error(
                    call, OursError("an earlier run was cut off"), evidence.candidates
                )
            variant = evidence.effect
        if variant is None:
            journal.begin(identifier)
            await reconcile(self.session, write, call)
        journal.record(
            Outcome(experiment_id, change.action, OutcomeStatus.APPLIED), identifier
        )

    async def delete(self, change: Change, call: Call) -> OutcomeStatus | None:
        """Delete an experiment or a variant; one that is gone is ALREADY."""
        segments = ("experiments", change.experiment_id or "")
        if change.action is Action.DELETE_VARIANT:
            segments = ("experiment-variants", change.variant_id or "")
        try:
            await self.session.request("DELETE", *segments, read=to_json, call=call)
        except NotFoundError:
            return OutcomeStatus.ALREADY
        return None

    async def transition(self, change: Change, call: Call) -> OutcomeStatus | None:
        """Send a lifecycle call; one whose effect is there already is no failure."""
        experiment_id = self.id_of(change)
        wanted = lifecycle_change(change)
        try:
            await reconcile(self.session, wanted.of(experiment_id), call)
        except (BadRequestError, ConflictError) as refused:
            # A service that follows its document answers 400 where others answer 409.
            try:
                found = await lifecycle.read_experiment(
                    self.session, experiment_id, call
                )
            except OursError:
                raise refused from None
            if not wanted.is_reached(found):
                raise
            return OutcomeStatus.ALREADY
        return None


def lifecycle_change(change: Change) -> lifecycle.Change:
    """Return the lifecycle call of a change; nothing but a stop publishes itself."""
    ids = {
        field.path: None if field.new is None else str(field.new)
        for field in change.fields
    }
    winner, rollout = ids.get("winner"), ids.get("rollout")
    stop = lifecycle.stop(winner_variant_id=winner, rollout_variant_id=rollout)
    calls = {
        Action.START: lifecycle.start(publish=False),
        Action.PAUSE: lifecycle.pause(publish=False),
        Action.RESUME: lifecycle.resume(publish=False),
        Action.STOP: stop,
        Action.ROLLOUT: lifecycle.rollout(variant_id=rollout or ""),
        Action.WINNER: lifecycle.winner(winner_variant_id=winner),
        Action.END_ROLLOUT: lifecycle.end_rollout(),
    }
    return calls[change.action]


def control_of(experiment: Experiment) -> Variant:
    """Return the control that an experiment was created with."""
    for variant in experiment.variants or ():
        if variant.is_control:
            return variant
    raise OursError(f"{experiment.key}: the service shows no control variant")


def variant_write(spec: VariantSpec, experiment_id: str) -> Write[Variant]:
    """Describe the creation of a treatment.

    No other variant of the experiment has its name, so that one with the same name,
    weight and payload is the one that was asked for. A service may spell names in its
    own way: then the outcome is unknown.
    """
    write = creation.variant(new_variant(spec, experiment_id))

    async def find(session: Session, call: Call) -> Evidence[Variant]:
        params = {"experimentId": experiment_id}
        source = Source(session, ("experiment-variants",), params, Variant, call)
        listing = Listing(source, None, prefetch=False)
        name = str(spec.name)
        similar = [found async for found in listing if is_form_of(found.name, name)]
        equal = [found for found in similar if not paired(spec, found).fields]
        if len(equal) == 1:
            return Evidence(equal[0])
        return Evidence(candidates=tuple(similar))

    return write._replace(find=find, absence_is_proof=True)
