"""Another person acts while a reply is lost: neither undone nor mistaken for ours."""

from collections.abc import Callable
from typing import Any

import pytest

from ours_experiments import OutcomeUnknownError, Transition, Version
from ours_experiments.emulator import Emulator
from tests._writes.support import served, while_lost
from tests.support.aging import age
from tests.support.clock import run_fast
from tests.trials.guarantees import treatment_of


Act = Callable[[Emulator, str], None]


def transition(action: str, **values: object) -> Act:
    """Return a lifecycle call of another person's."""

    def act(emulator: Emulator, experiment_id: str) -> None:
        chosen: dict[str, Any] = {
            name: treatment_of(emulator, experiment_id)
            if value == "treatment"
            else value
            for name, value in values.items()
        }
        emulator.state.transition(experiment_id, action, chosen, publish=True)

    return act


def both(first: Act, second: Act) -> Act:
    """Return two acts, one after the other."""

    def act(emulator: Emulator, experiment_id: str) -> None:
        first(emulator, experiment_id)
        second(emulator, experiment_id)

    return act


PAUSE, RESUME, STOP = (transition(name) for name in ("pause", "resume", "stop"))
ROLLOUT = transition("rollout", variantId="treatment")
END = transition("end_rollout")
WINNER = transition("winner", winnerVariantId="treatment")


@pytest.mark.parametrize(
    ("status", "action", "applied", "act"),
    [
        pytest.param("running", "pause", True, RESUME, id="pause, resumed"),
        pytest.param("running", "pause", False, STOP, id="pause, stopped"),
        pytest.param("running", "pause", False, both(PAUSE, RESUME), id="both"),
        pytest.param("paused", "resume", True, PAUSE, id="resume, paused"),
        pytest.param("paused", "resume", False, STOP, id="resume, stopped"),
        pytest.param("running", "stop", False, PAUSE, id="stop, paused"),
        pytest.param("completed", "rollout", True, END, id="rollout, ended"),
        pytest.param("rolled out", "end_rollout", False, ROLLOUT, id="end, rolled out"),
        pytest.param("completed", "winner", False, WINNER, id="winner, another"),
    ],
)
def test_the_other_person_is_not_overruled(
    status: str, action: str, act: Act, *, applied: bool
) -> None:
    """What somebody decided after the call began stands, and the outcome is unknown."""

    async def main() -> None:
        seeded = "completed" if status == "rolled out" else status
        async with served(seeded) as (emulator, client, one):
            if status == "rolled out":
                ROLLOUT(emulator, one)
                age(emulator)
            arguments: dict[str, dict[str, Any]] = {
                "rollout": {"variant_id": treatment_of(emulator, one)},
                "winner": {"winner_variant_id": control_of(emulator, one)},
            }
            call = getattr(client.experiments, action)(one, **arguments.get(action, {}))
            wanted: list[object] = []

            def decide() -> None:
                act(emulator, one)
                wanted.append(emulator.state.experiment(one))

            route = f"experiments.{action}"
            outcome = await while_lost(emulator, route, call, decide, applied=applied)
            assert isinstance(outcome, OutcomeUnknownError)
            assert [emulator.state.experiment(one)] == wanted
            assert emulator.log.received(route) == 1

    run_fast(main)


def control_of(emulator: Emulator, experiment_id: str) -> str:
    """Return the control of an experiment."""
    experiment: dict[str, Any] = dict(emulator.state.experiment(experiment_id))
    return next(str(row["id"]) for row in experiment["variants"] if row["isControl"])


@pytest.mark.parametrize(
    "act", [pytest.param(PAUSE, id="paused"), pytest.param(STOP, id="stopped")]
)
def test_a_start_that_was_followed_up_was_applied(act: Act) -> None:
    """Only a start leads out of a draft, whatever somebody did next."""

    async def main() -> None:
        async with served() as (emulator, client, draft):
            outcome = await while_lost(
                emulator,
                "experiments.start",
                client.experiments.start(draft),
                lambda: act(emulator, draft),
                applied=True,
            )
            assert isinstance(outcome, Transition)
            assert outcome.experiment.status in {"paused", "completed"}
            assert outcome.publish_status is None

    run_fast(main)


def test_a_start_of_what_ended_long_ago_is_refused() -> None:
    """An experiment that did not change since the call was not started by it."""

    async def main() -> None:
        async with served("completed") as (emulator, client, completed):
            outcome = await while_lost(
                emulator,
                "experiments.start",
                client.experiments.start(completed),
                lambda: None,
                applied=False,
            )
            assert type(outcome).__name__ == "ConflictError"
            assert emulator.log.received("experiments.start") == 2

    run_fast(main)


@pytest.mark.parametrize(
    ("status", "action"),
    [("running", "pause"), ("paused", "resume"), ("running", "stop")],
)
@pytest.mark.parametrize("skew", [-5.0, 0.0, 5.0])
def test_what_nobody_changed_is_sent_again(
    status: str, action: str, skew: float
) -> None:
    """An experiment that is unchanged since before the call is changed now."""

    async def main() -> None:
        async with served(status, emulator={"clock_skew": skew}) as running:
            emulator, client, one = running
            route = f"experiments.{action}"
            emulator.faults.add("reset", route=route, applied=False, times=1)
            outcome = await getattr(client.experiments, action)(one)
            assert isinstance(outcome, Transition)
            assert emulator.log.received(route) == 2

    run_fast(main)


@pytest.mark.parametrize("skew", [-9.0, -5.0, 0.0, 5.0])
def test_clocks_that_differ_overrule_nobody(skew: float) -> None:
    """A service clock that runs behind `Date` hides nobody's decision."""

    async def main() -> None:
        async with served("running", emulator={"clock_skew": skew}) as running:
            emulator, client, one = running
            outcome = await while_lost(
                emulator,
                "experiments.pause",
                client.experiments.pause(one),
                lambda: both(PAUSE, RESUME)(emulator, one),
                applied=False,
            )
            assert isinstance(outcome, OutcomeUnknownError)
            assert emulator.log.received("experiments.pause") == 1

    run_fast(main)


async def two_versions(emulator: Emulator, client: Any) -> tuple[str, str]:
    """Publish twice; return the earlier version and the live one."""
    ids: list[str] = []
    for experiment_id in emulator.seed_experiments(2):
        await client.experiments.start(experiment_id, publish=False)
        ids.append((await client.versions.publish()).id)
    return ids[0], ids[1]


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("other", [True, False])
def test_a_republish_is_read_back(*, applied: bool, other: bool) -> None:
    """A version that was published since was applied; nobody's publish is replaced."""

    async def main() -> None:
        async with served() as (emulator, client, draft):
            first, _ = await two_versions(emulator, client)
            age(emulator)

            def act() -> None:
                if other:
                    emulator.state.transition(draft, "start", {}, publish=True)

            outcome = await while_lost(
                emulator,
                "versions.republish",
                client.versions.republish(first),
                act,
                applied=applied,
            )
            sent = emulator.log.received("versions.republish")
            live = [row for row in emulator.state.versions() if row["isPublished"]]
            if applied or not other:
                assert isinstance(outcome, Version)
                assert outcome.id == first
                assert outcome.is_published is not other
                assert sent == (1 if applied else 2)
            else:
                assert isinstance(outcome, OutcomeUnknownError)
                assert sent == 1
            assert (live[0]["id"] == first) is not other

    run_fast(main)
