"""Dry runs: what a bulk call would do."""

from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from ours_experiments import (
    Client,
    ConfigurationError,
    Experiment,
    ExperimentPatch,
    Metric,
    Metrics,
    NewExperiment,
    OutcomeStatus,
    SettingsPatch,
    TargetingRules,
    Variant,
)
from ours_experiments.bulk.options import Action
from ours_experiments.bulk.preview import refusal_reason
from ours_experiments.emulator import Emulator
from tests.support.bulk_calls import statuses, writes


WOULD_BE_APPLIED = OutcomeStatus.NOT_ATTEMPTED


@pytest.mark.parametrize(
    ("action", "status", "expected"),
    [
        ("start", "draft", WOULD_BE_APPLIED),
        ("start", "running", OutcomeStatus.ALREADY),
        ("start", "paused", OutcomeStatus.FAILED),
        ("pause", "running", WOULD_BE_APPLIED),
        ("pause", "paused", OutcomeStatus.ALREADY),
        ("pause", "draft", OutcomeStatus.FAILED),
        ("resume", "paused", WOULD_BE_APPLIED),
        ("resume", "completed", OutcomeStatus.FAILED),
        ("stop", "running", WOULD_BE_APPLIED),
        ("stop", "paused", WOULD_BE_APPLIED),
        ("stop", "completed", OutcomeStatus.ALREADY),
        ("stop", "draft", OutcomeStatus.FAILED),
        ("delete", "running", WOULD_BE_APPLIED),
    ],
)
async def test_a_dry_run_foretells(
    client: Client,
    emulator: Emulator,
    action: Action,
    status: str,
    expected: OutcomeStatus,
) -> None:
    """A dry run sends no write, and says what the real run then does."""
    ids = emulator.seed_experiments(1, status=status)
    run = client.bulk.stream(action, ids, dry_run=True)
    foretold = [outcome async for outcome in run]
    assert [outcome.status for outcome in foretold] == [expected]
    assert foretold[0].attempts == 0
    assert (foretold[0].transition is None) is (expected is OutcomeStatus.FAILED)
    assert writes(emulator) == []
    real = [outcome async for outcome in client.bulk.stream(action, ids)]
    applied = expected is WOULD_BE_APPLIED
    assert real[0].status is (OutcomeStatus.APPLIED if applied else expected)


async def test_reasons(client: Client, emulator: Emulator) -> None:
    """What would fail says why: the state, the metric, the variants."""
    [paused] = emulator.seed_experiments(1, status="paused")
    [alone] = emulator.seed_experiments(1, variants=1)
    settings_id = str(emulator.state.settings()[0]["id"])
    unmeasured = await client.experiments.create(NewExperiment(settings_id, "Blind"))
    report = await client.bulk.start([paused, unmeasured, alone, "no"], dry_run=True)
    reasons = [str(outcome.error) for outcome in report.outcomes]
    assert "it is paused" in reasons[0]
    assert "no primary metric" in reasons[1]
    assert "1 variants" in reasons[2]
    assert "404" in reasons[3]
    assert report.dry_run
    assert "4 would fail" in str(report)


async def test_a_personalization_needs_no_second_variant(
    client: Client, emulator: Emulator
) -> None:
    """The rule on variants is not for personalizations."""
    [experiment_id] = emulator.seed_experiments(1, variants=1)
    emulator.state.get(experiment_id).type = "personalization"
    report = await client.bulk.start([experiment_id], dry_run=True)
    assert statuses(report) == [WOULD_BE_APPLIED]


async def test_an_answer_without_variants_is_no_obstacle() -> None:
    """Where the service does not tell the variants, nothing is held against them."""
    async with (
        Emulator(api="initial") as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        ids = emulator.seed_experiments(2)
        report = await client.bulk.start(ids, dry_run=True)
        assert statuses(report) == [WOULD_BE_APPLIED] * 2


async def test_winners(client: Client, emulator: Emulator) -> None:
    """A winner that is none of the variants would fail."""
    ids = emulator.seed_experiments(2, status="running")
    winner = str(emulator.state.get(ids[0]).variants[1].id)
    report = await client.bulk.stop(dict.fromkeys(ids, winner), dry_run=True)
    assert statuses(report) == [WOULD_BE_APPLIED, OutcomeStatus.FAILED]
    assert "none of its variants" in str(report.outcomes[1].error)


async def test_deleting_what_is_gone(client: Client) -> None:
    """What does not exist needs no deletion."""
    report = await client.bulk.delete(["exp_gone"], dry_run=True)
    assert statuses(report) == [OutcomeStatus.ALREADY]


async def test_the_journal_is_left_alone(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    """A dry run neither makes a journal nor reads one."""
    journal = tmp_path / "journal"
    await client.bulk.start(emulator.seed_experiments(1), journal=journal, dry_run=True)
    assert not journal.exists()


@pytest.mark.parametrize("ship_others", [False, True])
async def test_whom_one_publish_would_concern(
    client: Client, emulator: Emulator, *, ship_others: bool
) -> None:
    """The refusal to publish other people's changes is reported, not raised."""
    [unrelated, own] = emulator.seed_experiments(2)
    await client.experiments.start(unrelated, publish=False)
    report = await client.bulk.start(
        [own], dry_run=True, publish="once", ship_others=ship_others
    )
    assert statuses(report) == [WOULD_BE_APPLIED]
    assert (report.publish_error is None) is ship_others
    if not ship_others:
        assert isinstance(report.publish_error, ConfigurationError)
        assert unrelated in str(report)
    assert emulator.state.versions() == []


@pytest.mark.parametrize(
    ("pattern", "warned"),
    [
        ("https://shop.example.com/**", True),
        ("shop.example.com/pricing", True),
        ("SHOP.example.com", True),
        ("*.example.com/**", False),
        ("https://www.example.com/**", False),
        ("www.example.com:8080/x", False),
        ("WWW.Example.com/x", False),
        ("/pricing", False),
        ("**", False),
        ("**/index.html", False),
        ("*.org", True),
        ("https://shop.example.com?page=1", True),
        ("https://www.example.com?page=1", False),
        ("https://www.example.com#top", False),
        ("https://name@www.example.com:8080/x", False),
        ("https://www.example.com/?next=https://shop.example.com", False),
        ("www.example.com/?next=https://shop.example.com", False),
        ("https://shop.example.com/?next=https://www.example.com", True),
        (" https://www.example.com/ ", False),
    ],
)
async def test_a_host_that_is_not_whitelisted(
    client: Client, emulator: Emulator, pattern: str, *, warned: bool
) -> None:
    """A dry run of start warns of a host on which experiments do not run."""
    ids = emulator.seed_experiments(2)
    [settings] = emulator.state.settings()
    domains = ["www.example.com"]
    await client.settings.update(
        str(settings["id"]), SettingsPatch(whitelist_domains=domains)
    )
    rules = TargetingRules(url_patterns=[pattern])
    for experiment_id in ids:
        await client.experiments.update(
            experiment_id, ExperimentPatch(targeting_rules=rules)
        )
    emulator.log.clear()
    report = await client.bulk.start(ids, dry_run=True)
    assert statuses(report) == [WOULD_BE_APPLIED] * 2
    for outcome in report.outcomes:
        assert ("whitelist_domains" in outcome.note) is warned
        assert outcome.to_record()["note"] == outcome.note
    assert emulator.log.received("settings.list") <= 1
    assert writes(emulator) == []


async def test_a_host_where_nothing_is_whitelisted(
    client: Client, emulator: Emulator
) -> None:
    """Settings without domains allow every host, and so does an answer that fails."""
    [experiment_id] = emulator.seed_experiments(1)
    rules = TargetingRules(url_patterns=["shop.example.com/**"])
    patch = ExperimentPatch(targeting_rules=rules)
    await client.experiments.update(experiment_id, patch)
    report = await client.bulk.start([experiment_id], dry_run=True)
    assert report.outcomes[0].note == ""
    emulator.faults.add("status", code=403, route="settings.list")
    report = await client.bulk.start([experiment_id], dry_run=True)
    assert report.outcomes[0].note == ""


async def test_a_personalization_without_a_treatment(
    client: Client, emulator: Emulator
) -> None:
    """A dry run of start warns that visitors would see nothing."""
    alone, treated = (
        *emulator.seed_experiments(1, variants=1),
        *emulator.seed_experiments(1),
    )
    for experiment_id in (alone, treated):
        emulator.state.get(experiment_id).type = "personalization"
    report = await client.bulk.start([alone, treated], dry_run=True)
    notes = [outcome.note for outcome in report.outcomes]
    assert notes == ["a personalization without a treatment changes nothing", ""]


@pytest.mark.parametrize("variants", [None, ()], ids=["none", "empty"])
def test_variants_that_are_not_known(variants: tuple[Variant, ...] | None) -> None:
    """Variants that the answer leaves out, or the key may not see, prove nothing."""
    experiment = Experiment(
        id="exp_1",
        key="k",
        name="n",
        status="draft",
        created_at=datetime(2026, 5, 1, tzinfo=UTC),
        traffic_allocation=100,
        metrics=Metrics(Metric("bought")),
        variants=variants,
    )
    assert refusal_reason("start", experiment, None) is None
    running = attrs.evolve(experiment, status="running")
    assert refusal_reason("stop", running, "var_1") is None
