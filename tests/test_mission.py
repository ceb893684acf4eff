"""The first eleven endpoints, in the order of the API's table.

Each is called on the service of today and on one that knows only these: no variants
in list items, no rollout, no staging.
"""

from collections.abc import AsyncIterator
from datetime import date

import pytest

from ours_experiments import (
    Client,
    ExperimentPatch,
    ExperimentStatus,
    NewExperiment,
    NewSettings,
    NotFoundError,
    PublishStatus,
)
from ours_experiments.emulator import Clock, Emulator


@pytest.fixture(params=["current", "initial"])
async def emulator(request: pytest.FixtureRequest) -> AsyncIterator[Emulator]:
    """Serve an empty account, of the current and of the initial API."""
    async with Emulator(api=request.param, clock=Clock(frozen=True)) as one:
        yield one


async def test_01_list(client: Client, emulator: Emulator) -> None:
    """All experiments are listed, the latest first."""
    ids = emulator.seed_experiments(3)
    assert [found.id async for found in client.experiments.list(limit=2)] == ids[::-1]


async def test_02_create(client: Client) -> None:
    """A new experiment is a draft with what its draft said."""
    settings = await client.settings.create(NewSettings())
    created = await client.experiments.create(NewExperiment(settings.id, "Hero Test"))
    assert (created.name, created.key, created.status) == (
        "Hero Test",
        "hero-test",
        ExperimentStatus.DRAFT,
    )


async def test_03_retrieve(client: Client, emulator: Emulator) -> None:
    """An experiment is found by its id, with its variants."""
    [draft] = emulator.seed_experiments(1, variants=3)
    found = await client.experiments.retrieve(draft)
    assert found.id == draft
    assert [variant.is_control for variant in found.variants or ()] == [
        True,
        False,
        False,
    ]


async def test_04_update(client: Client, emulator: Emulator) -> None:
    """A patch changes what it names, and nothing else."""
    [draft] = emulator.seed_experiments(1)
    before = await client.experiments.retrieve(draft)
    after = await client.experiments.update(draft, ExperimentPatch(description="Why"))
    assert (after.description, after.name) == ("Why", before.name)


async def test_05_delete(client: Client, emulator: Emulator) -> None:
    """A deleted experiment is gone."""
    [draft] = emulator.seed_experiments(1)
    await client.experiments.delete(draft)
    with pytest.raises(NotFoundError):
        await client.experiments.retrieve(draft)


async def test_06_start(client: Client, emulator: Emulator) -> None:
    """A draft that is started runs, and is live."""
    [draft] = emulator.seed_experiments(1)
    started = await client.experiments.start(draft)
    assert started.experiment.status is ExperimentStatus.RUNNING
    assert started.publish_status is PublishStatus.PUBLISHED


async def test_07_stop(client: Client, emulator: Emulator) -> None:
    """A running experiment that is stopped is completed, with its winner."""
    [running] = emulator.seed_experiments(1, status="running")
    _, treatment = (await client.experiments.retrieve(running)).variants or ()
    stopped = await client.experiments.stop(running, winner_variant_id=treatment.id)
    assert stopped.experiment.status is ExperimentStatus.COMPLETED
    assert stopped.experiment.winner_variant_id == treatment.id


async def test_08_pause(client: Client, emulator: Emulator) -> None:
    """A running experiment that is paused is paused."""
    [running] = emulator.seed_experiments(1, status="running")
    paused = await client.experiments.pause(running)
    assert paused.experiment.status is ExperimentStatus.PAUSED


async def test_09_resume(client: Client, emulator: Emulator) -> None:
    """A paused experiment that is resumed runs again."""
    [paused] = emulator.seed_experiments(1, status="paused")
    resumed = await client.experiments.resume(paused)
    assert resumed.experiment.status is ExperimentStatus.RUNNING


async def test_10_results(client: Client, emulator: Emulator) -> None:
    """Results have the figures of every variant."""
    [running] = emulator.seed_experiments(1, status="running")
    emulator.simulate(running, days=3, visitors_per_day=1000)
    results = await client.experiments.results(running)
    assert len(results.variants) == 2
    assert sum(each.impressions for each in results.variants) > 2000
    assert sum(each.probability_to_be_best or 0 for each in results.variants) == 1


async def test_11_results_time_series(client: Client, emulator: Emulator) -> None:
    """A time series has one entry for each day, oldest first."""
    [running] = emulator.seed_experiments(1, status="running")
    emulator.simulate(running, days=3)
    series = await client.experiments.results_time_series(running)
    today = emulator.clock.now().date().toordinal()
    assert [day.date for day in series.days] == [
        date.fromordinal(today - ago) for ago in (2, 1, 0)
    ]


async def test_whole_run(client: Client, emulator: Emulator) -> None:
    """An experiment goes from draft to completed, each call answering its state."""
    [draft] = emulator.seed_experiments(1)
    experiments = client.experiments
    transitions = [
        await experiments.start(draft),
        await experiments.pause(draft),
        await experiments.resume(draft),
        await experiments.stop(draft),
    ]
    states = ["running", "paused", "running", "completed"]
    assert [one.experiment.status for one in transitions] == states
    assert {one.publish_status for one in transitions} == {PublishStatus.PUBLISHED}
    assert (await experiments.retrieve(draft)).status == "completed"


@pytest.mark.parametrize("emulator", ["initial"], indirect=True)
class TestWhatTheBeginningLacks:
    """What the first answers did not carry reads as None."""

    async def test_variants_of_list_items(
        self, client: Client, emulator: Emulator
    ) -> None:
        """A list item without variants has None, not none at all."""
        emulator.seed_experiments(1)
        [found] = (await client.experiments.list_page()).entities
        assert found.variants is None

    async def test_rollout(self, client: Client, emulator: Emulator) -> None:
        """An experiment without a rollout has none."""
        [completed] = emulator.seed_experiments(1, status="completed")
        assert (await client.experiments.retrieve(completed)).rollout_variant_id is None

    async def test_staging(self, client: Client, emulator: Emulator) -> None:
        """A service that cannot stage publishes, and the transition says so."""
        [draft] = emulator.seed_experiments(1)
        started = await client.experiments.start(draft, publish=False)
        assert started.publish_status is PublishStatus.PUBLISHED
