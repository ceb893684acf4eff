"""Applying survives lost replies and `kill -9`: the same end state, nothing twice."""

from collections import Counter
from pathlib import Path

import pytest

from ours_experiments import Client, OutcomeStatus
from ours_experiments._writes import reconcile
from ours_experiments.emulator import Emulator
from ours_experiments.specs import Action
from tests.specs.account import create, new_spec, statuses, variants
from tests.specs.killing import COUNT, check_end_state, kill_at, new_specs


APPLIED = OutcomeStatus.APPLIED
KINDS = {
    "experiments.create": Action.CREATE,
    "variants.create": Action.CREATE_VARIANT,
    "experiments.update": Action.UPDATE,
    "experiments.start": Action.START,
    "versions.publish": None,
    "experiments.stop": Action.STOP,
}


def wait_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read back sooner than a slow service would need."""
    monkeypatch.setattr(reconcile, "READ_BACK_DELAYS", (0.01, 0.02, 0.05))
    monkeypatch.setattr(reconcile, "LISTED_DELAYS", (0.01, 0.02, 0.05))


@pytest.mark.parametrize("route", KINDS)
async def test_a_lost_reply(
    shop: Emulator, client: Client, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    """A write whose reply is lost is found, and is done once."""
    wait_less(monkeypatch)
    await create(client, new_spec("old", state="running"))
    await create(client, new_spec("done", state="running"))
    shop.log.clear()
    wanted = [
        new_spec("new", state="running"),
        new_spec("old", traffic_allocation=50),
        new_spec("done", state="completed", winner="Left"),
    ]
    plan = await client.plan(wanted)
    lost = shop.faults.add("reset", applied=True, route=route, times=1)
    report = await plan.apply(concurrency=1)
    assert lost.hits == 1
    assert set(statuses(report)) == {APPLIED}
    for outcome in report.outcomes:
        # A patch is sent again, since that changes nothing more.
        again = route == "experiments.update" == f"experiments.{outcome.change.action}"
        assert outcome.attempts == (2 if again else 1)
    assert shop.log.applied("experiments.create") == 1
    assert shop.log.applied("variants.create") == 2
    assert shop.log.applied("experiments.start") == 1
    assert shop.log.applied("versions.publish") == 1
    assert shop.log.applied("experiments.stop") == 1
    assert (await client.plan(wanted)).is_empty


async def test_a_variant_that_was_not_created_is_sent_again(
    shop: Emulator, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variant that the delayed lists do not show is sent once more."""
    wait_less(monkeypatch)
    plan = await client.plan([new_spec("new")])
    shop.faults.add("reset", applied=False, route="variants.create", times=1)
    report = await plan.apply()
    assert statuses(report) == [APPLIED] * 3
    assert sorted(done.attempts for done in report.outcomes) == [1, 1, 2]
    names = Counter(v.name for v in await variants(client, "new"))
    assert names == {"Control": 1, "Left": 1, "Right": 1}


async def test_a_variant_whose_name_the_service_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where a lost variant has another spelling, it is unknown, and not sent twice."""
    wait_less(monkeypatch)
    async with (
        Emulator(normalize_names=("casefold",)) as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        emulator.seed_experiments(1)
        plan = await client.plan([new_spec("new", name="new")])
        emulator.faults.add("reset", applied=True, route="variants.create", times=1)
        report = await plan.apply()
        assert OutcomeStatus.UNKNOWN in statuses(report)
        assert emulator.log.applied("variants.create") == 1


async def test_a_step_that_fails_ends_its_experiment_only(
    shop: Emulator, watched: Client
) -> None:
    """The later steps of one experiment are not attempted; the others go on."""
    plan = await watched.plan(
        [new_spec("a", state="running"), new_spec("b", state="running")]
    )
    shop.faults.add("status", code=400, route="variants.create", times=1)
    report = await plan.apply(concurrency=1)
    assert statuses(report) == [
        APPLIED,
        OutcomeStatus.FAILED,
        OutcomeStatus.NOT_ATTEMPTED,
        OutcomeStatus.NOT_ATTEMPTED,
        *[APPLIED] * 4,
    ]
    assert len(report.failed) == 1
    assert not report.is_complete
    assert report.counts[APPLIED] == 5
    again = await watched.plan([new_spec("a", state="running")])
    assert statuses(await again.apply()) == [APPLIED] * 3


async def test_a_service_that_changes_keys(tmp_path: Path) -> None:
    """An experiment that gets another key than asked for has failed, named so."""
    async with (
        Emulator(normalize_keys=("casefold",)) as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        emulator.seed_experiments(1)
        report = await (await client.plan([new_spec("Big")])).apply(
            journal=tmp_path / "journal"
        )
    assert statuses(report)[0] is OutcomeStatus.FAILED
    assert set(statuses(report)[1:]) == {OutcomeStatus.NOT_ATTEMPTED}
    assert "'Big'" in str(report.outcomes[0].error)
    assert "'big'" in str(report.outcomes[0].error)


async def test_a_service_without_versions() -> None:
    """A service that publishes at once needs no publish, and variants are read."""
    async with (
        Emulator(api="initial") as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        emulator.seed_experiments(1)
        specs = [new_spec("a", state="running")]
        report = await (await client.plan(specs)).apply()
        assert set(statuses(report)) == {APPLIED}
        assert (await client.plan(specs)).is_empty


@pytest.mark.parametrize(
    ("write", "before"),
    [(5, True), (20, False), (33, False), (40, True), (70, False), (81, False)],
)
async def test_killed_and_applied_again(
    shop: Emulator, client: Client, tmp_path: Path, write: int, *, before: bool
) -> None:
    """After `kill -9` at a write, the same call ends with everything once."""
    journal = tmp_path / "journal"
    await kill_at(shop, journal, write, before=before)
    sent = shop.log.received()
    report = await (await client.plan(new_specs())).apply(journal=journal)
    await check_end_state(shop, client, report)
    assert sent
    assert COUNT == 20


async def test_a_journal_of_other_specs_is_refused(
    shop: Emulator, client: Client, tmp_path: Path
) -> None:
    """A journal belongs to the specs that it was begun with."""
    journal = tmp_path / "journal"
    await (await client.plan([new_spec("a")])).apply(journal=journal)
    plan = await client.plan([new_spec("b")])
    shop.log.clear()
    with pytest.raises(ValueError, match="journal"):
        await plan.apply(journal=journal)
    assert shop.log.received() == 0
