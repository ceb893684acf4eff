"""Lifecycle calls: what they send, and how their effect shows."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache, partial

import attrs

from ours_experiments._http.call import Call
from ours_experiments._http.decoding import decoder
from ours_experiments._http.responses import Reply
from ours_experiments._http.session import Session
from ours_experiments._writes.service_time import moment_before, read_with_date
from ours_experiments._writes.write import Evidence, Write
from ours_experiments.models import Experiment, ExperimentStatus, Transition


STARTED = frozenset(ExperimentStatus) - {ExperimentStatus.DRAFT}
"""A status that is not known may be that of an experiment which was never started."""

to_experiment = decoder(Experiment)
to_transition = decoder(Transition)


@attrs.frozen
class Change:
    """What a lifecycle call asks for, whichever experiment it is sent to."""

    action: str
    """The name of the method."""
    path: str
    """The last segment of the URL."""
    body: Mapping[str, object]
    """The JSON body."""
    publishes: bool
    """Whether the call publishes what it changes."""
    is_reached: Callable[[Experiment], bool]
    """Return whether an experiment is as the call would leave it."""
    read: Callable[[Reply], Transition] = to_transition
    """Reads the response."""

    def of(self, experiment_id: str) -> Write[Transition]:
        """Return the write that asks this of one experiment."""
        return Write(
            self.action,
            ("experiments", experiment_id, self.path),
            self.body,
            self.read,
            partial(self.find, experiment_id),
            subject=f"{self.action} of {experiment_id}",
            advice="retrieve the experiment before you send it again",
            publishes=self.publishes,
            experiment_id=experiment_id,
        )

    async def find(
        self, experiment_id: str, session: Session, call: Call
    ) -> Evidence[Transition]:
        """Read the experiment, and return what it shows of this change."""
        experiment, now = await read_with_date(
            session, call, "experiments", experiment_id, read=to_experiment
        )
        return self.judge(experiment, moment_before(call, now))

    def judge(
        self, experiment: Experiment, before: datetime | None
    ) -> Evidence[Transition]:
        """Return what an experiment shows of this change.

        Args:
            experiment: The experiment, read back after the reply was lost.
            before: A moment before the call started, by the service's clock; None when
                its answers have no `Date`.
        """
        if self.is_reached(experiment):
            return Evidence(unverified(experiment))
        if experiment.status == ExperimentStatus.DRAFT:
            # Nothing leads back to a draft.
            return Evidence()
        changed_at = experiment.updated_at or experiment.created_at
        if before is not None and changed_at < before:
            return Evidence()
        if (
            self.action == "start"
            and experiment.status in STARTED
            and not (
                before is not None
                and experiment.started_at is not None
                and experiment.started_at < before
            )
        ):
            # Only a start leads out of a draft, whatever was done next.
            return Evidence(unverified(experiment))
        return Evidence(candidates=(experiment,))


@cache
def start(*, publish: bool) -> Change:
    """Draft to running."""
    body = {} if publish else {"publishAfterStart": False}
    return Change("start", "start", body, publish, is_in(ExperimentStatus.RUNNING))


@cache
def pause(*, publish: bool) -> Change:
    """Running to paused."""
    body = {} if publish else {"publishAfterPause": False}
    return Change("pause", "pause", body, publish, is_in(ExperimentStatus.PAUSED))


@cache
def resume(*, publish: bool) -> Change:
    """Paused to running."""
    body = {} if publish else {"publishAfterResume": False}
    return Change("resume", "resume", body, publish, is_in(ExperimentStatus.RUNNING))


def stop(*, winner_variant_id: str | None, rollout_variant_id: str | None) -> Change:
    """Running or paused to completed."""
    body: dict[str, object] = {}
    if winner_variant_id is not None:
        body["winnerVariantId"] = winner_variant_id
    if rollout_variant_id is not None:
        body["rolloutVariantId"] = rollout_variant_id

    def is_reached(experiment: Experiment) -> bool:
        return (
            is_completed(experiment)
            and winner_variant_id in {None, experiment.winner_variant_id}
            and rollout_variant_id in {None, experiment.rollout_variant_id}
        )

    return Change("stop", "stop", body, publishes=True, is_reached=is_reached)


def rollout(*, variant_id: str) -> Change:
    """Serve one variant of a completed experiment to everybody."""

    def is_reached(experiment: Experiment) -> bool:
        return is_completed(experiment) and experiment.rollout_variant_id == variant_id

    body = {"variantId": variant_id}
    return Change("rollout", "rollout", body, publishes=True, is_reached=is_reached)


def end_rollout() -> Change:
    """Serve the original experience again."""

    def is_reached(experiment: Experiment) -> bool:
        return is_completed(experiment) and experiment.rollout_variant_id is None

    return Change(
        "end_rollout", "end-rollout", {}, publishes=True, is_reached=is_reached
    )


def winner(*, winner_variant_id: str | None) -> Change:
    """Declare, change or clear the winner of a completed experiment."""

    def is_reached(experiment: Experiment) -> bool:
        return (
            is_completed(experiment)
            and experiment.winner_variant_id == winner_variant_id
        )

    def read(reply: Reply) -> Transition:
        # This response is an experiment alone.
        return unverified(to_experiment(reply))

    body = {} if winner_variant_id is None else {"winnerVariantId": winner_variant_id}
    return Change("winner", "winner", body, False, is_reached, read)  # noqa: FBT003


async def read_experiment(
    session: Session, experiment_id: str, call: Call
) -> Experiment:
    """Return an experiment as it is now, in the time that a call has left."""
    return await session.request(
        "GET", "experiments", experiment_id, read=to_experiment, call=call.child()
    )


def is_completed(experiment: Experiment) -> bool:
    """Return whether an experiment has ended."""
    return experiment.status == ExperimentStatus.COMPLETED


def is_in(status: ExperimentStatus) -> Callable[[Experiment], bool]:
    """Return a check for a status."""

    def is_reached(experiment: Experiment) -> bool:
        return experiment.status == status

    return is_reached


def unverified(experiment: Experiment) -> Transition:
    """Wrap an experiment of which it is not known whether it is published."""
    return Transition(experiment, publish_status=None, concurrent_version_changes=None)
