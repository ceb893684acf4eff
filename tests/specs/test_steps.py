"""Steps of an apply that meet what somebody else has done meanwhile."""

from collections.abc import Callable

import pytest

from ours_experiments import Client, OursError, OutcomeStatus
from ours_experiments.emulator import Emulator
from ours_experiments.emulator.log import LogEntry
from ours_experiments.specs import Action, ControlSpec, VariantSpec
from ours_experiments.specs.steps import control_of
from tests.specs import examples
from tests.specs.account import create, new_spec, statuses, variants


APPLIED, ALREADY = OutcomeStatus.APPLIED, OutcomeStatus.ALREADY
OnProgress = Callable[[int, int | None], object]


def after(done: int, work: Callable[[], object]) -> OnProgress:
    """Do some work after so many changes of an apply."""
    return lambda count, _total: work() if count == done else None


async def id_of(client: Client, key: str) -> str:
    """Return the id of an experiment."""
    found = await client.experiments.find_by_key(key)
    assert found is not None
    return found.id


@pytest.mark.parametrize(
    ("states", "action", "status"),
    [
        # What is staged counts as applied once it is published.
        pytest.param(("draft", "running"), Action.START, APPLIED, id="start"),
        pytest.param(("running", "completed"), Action.STOP, ALREADY, id="stop"),
    ],
)
async def test_what_somebody_else_has_done(
    shop: Emulator,
    client: Client,
    states: tuple[str, str],
    action: Action,
    status: OutcomeStatus,
) -> None:
    """A lifecycle call that is refused, since it has happened, is no failure."""
    old, new = states
    await create(client, new_spec("a", state=old), new_spec("b"))
    experiment_id = await id_of(client, "a")

    def do() -> None:
        shop.state.transition(experiment_id, action.value, {}, publish=True)

    plan = await client.plan([new_spec("b", name="B"), new_spec("a", state=new)])
    report = await plan.apply(on_progress=after(1, do))
    assert [done.change.action for done in report.outcomes] == [Action.UPDATE, action]
    assert statuses(report) == [APPLIED, status]
    assert shop.log.received(f"experiments.{action}") == 1


@pytest.mark.parametrize("readable", [True, False])
async def test_a_start_that_is_refused(
    shop: Emulator, client: Client, *, readable: bool
) -> None:
    """A refused start has failed with the refusal, whether or not it can be read."""
    await create(client, new_spec("a"))
    plan = await client.plan([new_spec("a", state="running")])
    shop.faults.add("status", code=409, route="experiments.start", times=1)
    if not readable:
        shop.faults.add("status", code=403, route="experiments.retrieve", times=1)
    report = await plan.apply()
    assert statuses(report) == [OutcomeStatus.FAILED]
    assert "409" in str(report.outcomes[0].error)


async def test_a_variant_that_somebody_else_has_deleted(
    shop: Emulator, client: Client
) -> None:
    """A delete of what is gone is ALREADY."""
    await create(client, new_spec("a"))
    wanted = [VariantSpec(name="Right", weight=19)]
    left = next(v for v in await variants(client, "a") if v.name == "Left")
    plan = await client.plan([new_spec("a", variants=wanted)])
    assert [change.action for change in plan.changes] == [
        Action.UPDATE_VARIANT,
        Action.DELETE_VARIANT,
    ]
    report = await plan.apply(
        on_progress=after(1, lambda: shop.state.delete_variant(left.id))
    )
    assert statuses(report) == [APPLIED, ALREADY]


async def test_the_control_of_a_new_experiment_is_named(
    shop: Emulator, client: Client
) -> None:
    """The control that a new experiment comes with gets its name."""
    specs = [new_spec("a", control=ControlSpec(name="Baseline"))]
    await create(client, *specs)
    assert {v.name for v in await variants(client, "a")} == {
        "Baseline",
        "Left",
        "Right",
    }
    assert shop.log.received("variants.update") == 1


def test_a_control_that_the_service_hides() -> None:
    """An experiment that was created without a control is named in the error."""
    with pytest.raises(OursError, match=r"pricing-headline: .* no control"):
        control_of(examples.experiment(variants=(examples.BOLD,)))


async def test_a_publish_that_somebody_else_has_made(
    shop: Emulator, client: Client
) -> None:
    """Where a publish is refused since nothing is left, what was staged is live."""
    await create(client, new_spec("a", state="running"))
    plan = await client.plan([new_spec("a", traffic_allocation=50)])
    shop.faults.add("status", code=409, route="versions.publish", times=1, applied=True)
    report = await plan.apply()
    assert statuses(report) == [APPLIED]
    assert report.publish_error is None


async def test_a_publish_of_which_nothing_is_known(
    shop: Emulator, client: Client
) -> None:
    """Where a publish is refused, and the draft cannot be read, all stays staged."""
    await create(client, new_spec("a", state="running"))
    plan = await client.plan([new_spec("a", traffic_allocation=50)])
    shop.faults.add("status", code=409, route="versions.publish", times=1)

    def hide(exchange: LogEntry) -> None:
        if exchange.route == "versions.publish":
            shop.faults.add("status", code=403, route="versions.draft_changes", times=1)

    shop.log.watcher = hide
    report = await plan.apply()
    assert statuses(report) == [OutcomeStatus.STAGED]
    assert "409" in str(report.publish_error)
