"""Lifecycle calls: what each sends, and how its effect is recognised."""

from collections.abc import Callable, Coroutine, Mapping
from functools import cache

import attrs

from ours_experiments._codec.converter import decode
from ours_experiments._http.call import Call
from ours_experiments._http.session import Session
from ours_experiments._writes.reconcile import send_in_turn, settle
from ours_experiments.errors import OursError, OutcomeUnknownError
from ours_experiments.models import Experiment, ExperimentStatus, Transition


@attrs.frozen
class Intent:
    """One lifecycle write, and how its effect is recognised."""

    action: str
    path: str
    body: Mapping[str, object]
    publishes: bool
    reached: Callable[[Experiment], bool]
    """Whether an experiment is as this write would leave it."""


@cache
def start(*, publish: bool) -> Intent:
    """Draft to running."""
    body = {} if publish else {"publishAfterStart": False}
    return Intent("start", "start", body, publish, is_in(ExperimentStatus.RUNNING))


@cache
def pause(*, publish: bool) -> Intent:
    """Running to paused."""
    body = {} if publish else {"publishAfterPause": False}
    return Intent("pause", "pause", body, publish, is_in(ExperimentStatus.PAUSED))


@cache
def resume(*, publish: bool) -> Intent:
    """Paused to running."""
    body = {} if publish else {"publishAfterResume": False}
    return Intent("resume", "resume", body, publish, is_in(ExperimentStatus.RUNNING))


def stop(*, winner_variant_id: str | None, rollout_variant_id: str | None) -> Intent:
    """Running or paused to completed."""
    body: dict[str, object] = {}
    if winner_variant_id is not None:
        body["winnerVariantId"] = winner_variant_id
    if rollout_variant_id is not None:
        body["rolloutVariantId"] = rollout_variant_id

    def reached(experiment: Experiment) -> bool:
        return (
            experiment.status == ExperimentStatus.COMPLETED
            and winner_variant_id in {None, experiment.winner_variant_id}
            and rollout_variant_id in {None, experiment.rollout_variant_id}
        )

    return Intent("stop", "stop", body, publishes=True, reached=reached)


def rollout(*, variant_id: str) -> Intent:
    """Serve one variant of a completed experiment to everybody."""

    def reached(experiment: Experiment) -> bool:
        return experiment.rollout_variant_id == variant_id

    body = {"variantId": variant_id}
    return Intent("rollout", "rollout", body, publishes=True, reached=reached)


def end_rollout() -> Intent:
    """Serve the original experience again."""

    def reached(experiment: Experiment) -> bool:
        return experiment.rollout_variant_id is None

    return Intent("end_rollout", "end-rollout", {}, publishes=True, reached=reached)


def winner(*, winner_variant_id: str | None) -> Intent:
    """Declare, change or clear the winner of a completed experiment."""

    def reached(experiment: Experiment) -> bool:
        return experiment.winner_variant_id == winner_variant_id

    body = {} if winner_variant_id is None else {"winnerVariantId": winner_variant_id}
    return Intent("winner", "winner", body, publishes=False, reached=reached)


def is_in(status: ExperimentStatus) -> Callable[[Experiment], bool]:
    """Recognise an experiment by its status."""

    def reached(experiment: Experiment) -> bool:
        return experiment.status == status

    return reached


@attrs.define
class LifecycleWrite:
    """One lifecycle write on one experiment."""

    session: Session
    call: Call
    experiment_id: str
    intent: Intent
    recognisable: bool = True

    @property
    def name(self) -> str:
        """Name the action."""
        return self.intent.action

    def send(self) -> Coroutine[object, object, object]:
        """Send it once."""
        intent = self.intent
        return send_in_turn(
            self.session,
            self.call,
            ("experiments", self.experiment_id, intent.path),
            intent.body,
            publishes=intent.publishes,
        )

    def applied(self, payload: object) -> Transition:
        """Read the answer, which is an experiment alone for a winner."""
        if self.intent.action == "winner":
            return unverified(decode(Experiment, payload))
        return decode(Transition, payload)

    async def look(self) -> Transition | None:
        """Read the experiment back."""
        payload = await self.session.request(
            "GET", "experiments", self.experiment_id, call=self.call.child()
        )
        experiment = decode(Experiment, payload)
        return unverified(experiment) if self.intent.reached(experiment) else None

    def unknown(self, cause: OursError) -> OutcomeUnknownError:
        """Say what to do when nothing could be settled."""
        action, experiment_id = self.intent.action, self.experiment_id
        return OutcomeUnknownError(
            f"{action} of {experiment_id} may or may not have been applied ({cause}): "
            "retrieve the experiment before you send it again",
            action=action,
            experiment_id=experiment_id,
            sent_at=self.call.sent_at,
        )


def unverified(experiment: Experiment) -> Transition:
    """Wrap an experiment of which nobody has said whether it is published."""
    return Transition(experiment, publish_status=None, concurrent_version_changes=None)


def carry_out(
    session: Session, experiment_id: str, intent: Intent
) -> Coroutine[object, object, Transition]:
    """Send a lifecycle write until its outcome is known.

    After a lost reply the experiment is read back; the transition returned then has
    `publish_status` None, since nothing has told whether it was published.

    Raises:
        OutcomeUnknownError: The outcome could not be settled in time.
    """
    return settle(LifecycleWrite(session, session.call(), experiment_id, intent))
