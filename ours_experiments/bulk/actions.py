"""What a bulk run does for one id."""

from collections.abc import Mapping

import attrs

from ours_experiments._http.call import Call
from ours_experiments._http.responses import to_json
from ours_experiments._http.session import Session
from ours_experiments._writes import lifecycle
from ours_experiments._writes.lifecycle import Change, read_experiment, unverified
from ours_experiments._writes.reconcile import reconcile
from ours_experiments._writes.write import Write
from ours_experiments.bulk.outcomes import OutcomeStatus, Result
from ours_experiments.bulk.preview import ALLOWED_FROM, StartWarnings, refusal_reason
from ours_experiments.bulk.staged import StagedChanges
from ours_experiments.errors import (
    BadRequestError,
    ConflictError,
    NotFoundError,
    OursError,
    OutcomeUnknownError,
)
from ours_experiments.models import Experiment, PublishStatus, Transition


PUBLISHABLE = {
    "start": lifecycle.start,
    "pause": lifecycle.pause,
    "resume": lifecycle.resume,
}
"""The changes that a call publishes or stages, by action."""
ALREADY = Result(OutcomeStatus.ALREADY)
APPLIED = Result(OutcomeStatus.APPLIED)


@attrs.frozen
class DeleteAction:
    """Deletes experiments."""

    session: Session

    async def apply(
        self, experiment_id: str, call: Call, sent_at: float | None
    ) -> Result:
        """Delete an experiment; one that does not exist is ALREADY."""
        if sent_at is not None:
            # A second DELETE is answered 404, which says nothing about the first.
            try:
                await read_experiment(self.session, experiment_id, call)
            except NotFoundError:
                return APPLIED
            except OursError as problem:
                raise OutcomeUnknownError(
                    f"delete of {experiment_id} may or may not have been applied "
                    f"({problem}): retrieve the experiment before you send it again",
                    action="delete",
                    experiment_id=experiment_id,
                ) from problem
        try:
            await self.session.request(
                "DELETE", "experiments", experiment_id, read=to_json, call=call
            )
        except NotFoundError:
            return ALREADY
        return APPLIED

    async def preview(
        self, experiment_id: str, call: Call, _sent_at: float | None
    ) -> Result:
        """Return what would happen, and write nothing."""
        try:
            experiment = await read_experiment(self.session, experiment_id, call)
        except NotFoundError:
            return ALREADY
        return Result(OutcomeStatus.NOT_ATTEMPTED, unverified(experiment))


@attrs.frozen
class TransitionAction:
    """Starts, pauses, resumes or stops experiments."""

    session: Session
    action: str
    publish: bool
    winners: Mapping[str, str]
    """The winner that a stop declares, by experiment id."""
    staged: StagedChanges
    warnings: StartWarnings

    def change_of(self, experiment_id: str) -> Change:
        """Return the lifecycle call for one experiment."""
        if self.action == "stop":
            winner = self.winners.get(experiment_id)
            return lifecycle.stop(winner_variant_id=winner, rollout_variant_id=None)
        return PUBLISHABLE[self.action](publish=self.publish)

    async def apply(
        self, experiment_id: str, call: Call, sent_at: float | None
    ) -> Result:
        """Send the lifecycle call, unless an earlier run may have had its effect."""
        change = self.change_of(experiment_id)
        write = change.of(experiment_id)
        if sent_at is not None:
            # What changed later than this proves nothing about the earlier request.
            call.timestamp = sent_at
            transition = await self.find_sent(change, write, call)
            if transition is not None:
                experiment = transition.experiment
                return await self.found(OutcomeStatus.APPLIED, experiment, call)
        try:
            transition = await reconcile(self.session, write, call)
        except (BadRequestError, ConflictError) as refused:
            # A service that follows its document answers 400 where others say 409.
            experiment = await self.retrieve_refused(experiment_id, call, refused)
            if change.is_reached(experiment):
                status = (
                    OutcomeStatus.ALREADY if sent_at is None else OutcomeStatus.APPLIED
                )
                return await self.found(status, experiment, call)
            if (
                sent_at is not None
                and experiment.status not in ALLOWED_FROM[self.action]
            ):
                # Applied by the earlier run, perhaps, and then changed by others.
                raise write.unknown_error(call, refused) from refused
            raise
        if transition.publish_status == PublishStatus.PUBLISHED:
            return Result(OutcomeStatus.APPLIED, transition)
        if transition.publish_status == PublishStatus.PENDING_PUBLISH:
            return Result(OutcomeStatus.STAGED, transition)
        status = await self.status_of(OutcomeStatus.APPLIED, experiment_id, call)
        return Result(status, transition)

    async def find_sent(
        self, change: Change, write: Write[Transition], call: Call
    ) -> Transition | None:
        """Return the effect of a call that an earlier run sent; None if it had none.

        Raises:
            OutcomeUnknownError: The experiment could not be read, or has changed since:
                somebody may have reversed the effect.
        """
        try:
            evidence = await write.find(self.session, call)
        except NotFoundError:
            raise
        except OursError as problem:
            raise write.unknown_error(call, problem) from problem
        effect, candidates = evidence.effect, evidence.candidates
        if effect and not call.timestamp and not change.is_reached(effect.experiment):
            # Without a time, a start that others made long ago looks like this call's.
            candidates = (effect.experiment,)
        if candidates:
            cause = OursError("the experiment may have changed since it was sent")
            raise write.unknown_error(call, cause, candidates) from cause
        return effect

    async def retrieve_refused(
        self, experiment_id: str, call: Call, refused: OursError
    ) -> Experiment:
        """Get an experiment whose change was refused, or raise the refusal."""
        try:
            return await read_experiment(self.session, experiment_id, call)
        except OursError:
            raise refused from None

    async def found(
        self, status: OutcomeStatus, experiment: Experiment, call: Call
    ) -> Result:
        """Return the result where an experiment is as asked for, live or not."""
        status = await self.status_of(status, experiment.id, call)
        return Result(status, unverified(experiment))

    async def status_of(
        self, status: OutcomeStatus, experiment_id: str, call: Call
    ) -> OutcomeStatus:
        """Return a status, or STAGED unless the service shows that all is live."""
        is_staged = await self.staged.include(experiment_id, call)
        return status if is_staged is False else OutcomeStatus.STAGED

    async def preview(
        self, experiment_id: str, call: Call, _sent_at: float | None
    ) -> Result:
        """Return what would happen to one experiment, and write nothing."""
        experiment = await read_experiment(self.session, experiment_id, call)
        if self.change_of(experiment_id).is_reached(experiment):
            return await self.found(OutcomeStatus.ALREADY, experiment, call)
        winner = self.winners.get(experiment_id)
        reason = refusal_reason(self.action, experiment, winner)
        if reason is not None:
            raise OursError(f"{self.action} of {experiment.id} would fail: {reason}")
        note = ""
        if self.action == "start":
            note = await self.warnings.for_experiment(experiment)
        return Result(OutcomeStatus.NOT_ATTEMPTED, unverified(experiment), note)
