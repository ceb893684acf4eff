"""Creating many experiments: outcomes by position, safe to repeat with keys."""

import asyncio
import os
from pathlib import Path
from typing import Any

import attrs
import pytest

from ours_experiments import (
    Client,
    ConfigurationError,
    Metric,
    Metrics,
    NewExperiment,
    NotFoundError,
    OutcomeStatus,
    OutcomeUnknownError,
    RetryPolicy,
    TargetingRules,
)
from ours_experiments.emulator import Emulator
from tests.support.bulk_calls import statuses, writes


@pytest.fixture
def settings_id(emulator: Emulator) -> str:
    """Have settings, and an experiment that is in nobody's way."""
    emulator.seed_experiments(1)
    return str(emulator.state.settings()[0]["id"])


def keyed(settings_id: str, count: int) -> list[NewExperiment]:
    """Draft experiments with keys."""
    return [
        NewExperiment(settings_id, f"Number {number}", key=f"key-{number}")
        for number in range(count)
    ]


async def test_outcomes_by_position(
    client: Client, emulator: Emulator, settings_id: str
) -> None:
    """The experiment made is in the outcome at its draft's position."""
    drafts = keyed(settings_id, 8)
    emulator.faults.add("latency", seconds=0.01, times=2)
    report = await client.bulk.create(drafts)
    assert statuses(report) == [OutcomeStatus.APPLIED] * 8
    for draft, outcome in zip(drafts, report.outcomes, strict=True):
        assert outcome.transition is not None
        assert outcome.transition.experiment.name == draft.name
        assert outcome.transition.experiment.id == outcome.experiment_id
        assert outcome.seconds > 0
    assert report.action == "create"


async def test_repeating(client: Client, emulator: Emulator, settings_id: str) -> None:
    """Drafts whose keys exist are ALREADY: nothing is created twice."""
    drafts = keyed(settings_id, 3)
    first = await client.bulk.create(drafts)
    emulator.log.clear()
    more = [*drafts, NewExperiment(settings_id, "New", key="new")]
    report = await client.bulk.create(more)
    assert statuses(report) == [OutcomeStatus.ALREADY] * 3 + [OutcomeStatus.APPLIED]
    assert [outcome.experiment_id for outcome in report.outcomes[:3]] == [
        outcome.experiment_id for outcome in first.outcomes
    ]
    assert writes(emulator) == ["experiments.create"]


async def test_without_keys_nothing_is_listed(
    client: Client, emulator: Emulator, settings_id: str
) -> None:
    """Drafts without keys are created as they are, each of them."""
    drafts = [NewExperiment(settings_id, "Twin")] * 2
    report = await client.bulk.create(drafts)
    assert statuses(report) == [OutcomeStatus.APPLIED] * 2
    assert len({outcome.experiment_id for outcome in report.outcomes}) == 2
    assert emulator.log.received("experiments.list") == 0


async def test_a_key_twice(
    client: Client, emulator: Emulator, settings_id: str
) -> None:
    """Of two drafts with one key the second is refused."""
    [draft] = keyed(settings_id, 1)
    report = await client.bulk.create([draft, draft])
    assert statuses(report) == [OutcomeStatus.APPLIED, OutcomeStatus.FAILED]
    assert isinstance(report.outcomes[1].error, ConfigurationError)
    assert "drafts[1]" in str(report.outcomes[1].error)
    assert report.failed_ids == ()
    assert len(writes(emulator)) == 1


async def test_failures(client: Client, emulator: Emulator, settings_id: str) -> None:
    """What the service refuses is FAILED, what nobody knows is UNKNOWN."""
    drafts = [NewExperiment("none", "Lost"), NewExperiment(settings_id, "Unsure")]
    emulator.faults.add("reset", applied=True, route="experiments.create", after=1)
    hurried = client.with_options(timeout=0.3, retry=RetryPolicy(attempts=1))
    report = await hurried.bulk.create(drafts, concurrency=1)
    assert statuses(report) == [OutcomeStatus.FAILED, OutcomeStatus.UNKNOWN]
    assert isinstance(report.outcomes[0].error, NotFoundError)
    assert isinstance(report.outcomes[1].error, OutcomeUnknownError)
    assert report.outcomes[0].error.__traceback__ is None


async def test_progress(client: Client, settings_id: str) -> None:
    """The callback hears of each outcome, of those found already too."""
    drafts = keyed(settings_id, 3)
    await client.bulk.create(drafts[:1])
    heard: list[tuple[int, int | None]] = []
    await client.bulk.create(drafts, on_progress=lambda *given: heard.append(given))
    assert heard == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("drafts", "options"),
    [
        pytest.param("draft", {}, id="text"),
        pytest.param([{"name": "a dict"}], {}, id="dict"),
        pytest.param([], {"concurrency": 0}, id="concurrency"),
        pytest.param([], {"on_progress": "print"}, id="callback"),
        pytest.param(NewExperiment("set_1", "One"), {}, id="one draft"),
        pytest.param(5, {}, id="no iterable"),
    ],
)
async def test_arguments_are_refused(
    client: Client, emulator: Emulator, drafts: Any, options: dict[str, Any]
) -> None:
    """What is no draft is refused before anything is sent."""
    with pytest.raises(ConfigurationError):
        await client.bulk.create(drafts, **options)
    assert emulator.log.received() == 0


async def test_no_drafts(client: Client, emulator: Emulator) -> None:
    """No drafts, no requests."""
    report = await client.bulk.create(iter(()))
    assert report.outcomes == ()
    assert emulator.log.received() == 0


async def test_a_key_with_other_contents(
    client: Client, emulator: Emulator, settings_id: str
) -> None:
    """An experiment that has a draft's key and differs from it makes it FAILED."""
    [draft] = keyed(settings_id, 1)
    await client.bulk.create([draft])
    metrics = Metrics(primary=Metric(event_name="Signed Up"))
    other = attrs.evolve(draft, name="Another", description="Note", metrics=metrics)
    report = await client.bulk.create([other])
    assert statuses(report) == [OutcomeStatus.FAILED]
    assert "differs in name, description, metrics" in str(report.outcomes[0].error)
    assert emulator.log.received("experiments.create") == 1


async def test_a_key_with_the_same_contents(client: Client, settings_id: str) -> None:
    """What the service adds to a draft, or leaves out, is no difference."""
    draft = NewExperiment(
        settings_id,
        "  Whole  ",
        key="whole",
        description="",
        include_query_string=False,
        traffic_allocation=50,
        targeting_rules=TargetingRules(url_patterns=["**"]),
        metrics=Metrics(primary=Metric(event_name="Signed Up")),
    )
    await client.bulk.create([draft])
    sparse = NewExperiment(settings_id, "Whole", key="whole")
    for again in (draft, sparse):
        report = await client.bulk.create([again])
        assert statuses(report) == [OutcomeStatus.ALREADY]


@pytest.mark.parametrize("key", ["", "  "], ids=repr)
async def test_a_blank_key_is_no_key(
    client: Client, emulator: Emulator, settings_id: str, key: str
) -> None:
    """Drafts with blank keys are twins as drafts without are, and nothing is listed."""
    drafts = [NewExperiment(settings_id, "Twin", key=key)] * 2
    report = await client.bulk.create(drafts)
    assert statuses(report) == [OutcomeStatus.APPLIED] * 2
    assert emulator.log.received("experiments.list") == 0


async def test_a_dry_run(client: Client, emulator: Emulator, settings_id: str) -> None:
    """A dry run tells what exists, what differs and what would be created."""
    drafts = keyed(settings_id, 3)
    await client.bulk.create(drafts[:2])
    emulator.log.clear()
    drafts[1] = attrs.evolve(drafts[1], name="Another")
    report = await client.bulk.create(drafts, dry_run=True)
    assert report.dry_run
    assert statuses(report) == [
        OutcomeStatus.ALREADY,
        OutcomeStatus.FAILED,
        OutcomeStatus.NOT_ATTEMPTED,
    ]
    assert writes(emulator) == []


async def test_a_journal_keeps_twins_apart(
    client: Client, emulator: Emulator, settings_id: str, tmp_path: Path
) -> None:
    """Drafts without keys are created once each, over two runs."""
    journal = tmp_path / "journal"
    drafts = [NewExperiment(settings_id, "Twin")] * 3
    first = await client.bulk.create(drafts[:2], journal=journal)
    report = await client.bulk.create(drafts, journal=journal)
    assert statuses(report) == [OutcomeStatus.APPLIED] * 3
    assert [outcome.experiment_id for outcome in report.outcomes[:2]] == [
        outcome.experiment_id for outcome in first.outcomes
    ]
    assert len({outcome.experiment_id for outcome in report.outcomes}) == 3
    assert emulator.log.received("experiments.create") == 3


@pytest.mark.parametrize("applied", [False, True], ids=["not applied", "applied"])
@pytest.mark.parametrize("key", ["key", None], ids=["key", "no key"])
async def test_a_create_that_was_cut_off(
    client: Client,
    emulator: Emulator,
    settings_id: str,
    tmp_path: Path,
    key: str | None,
    *,
    applied: bool,
) -> None:
    """A draft with a key is found or created; one without is UNKNOWN, not repeated."""
    journal = tmp_path / "journal"
    draft = NewExperiment(settings_id, "Cut off", key=key)
    fault = emulator.faults.add("hang", applied=applied, route="experiments.create")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await client.bulk.create([draft], journal=journal)
    fault.remove()
    await emulator.faults.settle()
    os.utime(journal, (0, 0))
    sent = emulator.log.received("experiments.create")
    report = await client.bulk.create([draft], journal=journal)
    [outcome] = report.outcomes
    if key is None:
        assert outcome.status is OutcomeStatus.UNKNOWN
        assert isinstance(outcome.error, OutcomeUnknownError)
        assert len(outcome.error.candidates) == applied
    else:
        assert outcome.status is OutcomeStatus.APPLIED
    again = sent + (key is not None and not applied)
    assert emulator.log.received("experiments.create") == again


async def test_a_journal_of_creates_is_no_journal_of_starts(
    client: Client, tmp_path: Path
) -> None:
    """The journal of another action is refused."""
    journal = tmp_path / "journal"
    await client.bulk.create([], journal=journal)
    with pytest.raises(ConfigurationError, match="another action"):
        await client.bulk.start([], journal=journal)
