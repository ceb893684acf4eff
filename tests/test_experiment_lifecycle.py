"""Experiments: from draft to completed, and what is served afterwards."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ours_experiments import (
    Client,
    ConflictError,
    Experiment,
    ExperimentPatch,
    ExperimentStatus,
    Metric,
    Metrics,
    NewExperiment,
    NewSettings,
    NotFoundError,
    PublishStatus,
    Transition,
    Variant,
)
from ours_experiments.emulator import Clock, Emulator


Act = Callable[[Client, Experiment], Awaitable[Transition | Experiment]]

ACTIONS: dict[str, Act] = {
    "start": lambda c, e: c.experiments.start(e.id),
    "pause": lambda c, e: c.experiments.pause(e.id),
    "resume": lambda c, e: c.experiments.resume(e.id),
    "stop": lambda c, e: c.experiments.stop(e.id),
    "rollout": lambda c, e: c.experiments.rollout(e.id, variant_id=treatment(e).id),
    "end_rollout": lambda c, e: c.experiments.end_rollout(e.id),
    "winner": lambda c, e: c.experiments.winner(
        e.id, winner_variant_id=treatment(e).id
    ),
}
ALLOWED = [
    ("start", "draft", "running"),
    ("pause", "running", "paused"),
    ("resume", "paused", "running"),
    ("stop", "running", "completed"),
    ("stop", "paused", "completed"),
    ("rollout", "completed", "completed"),
    ("winner", "completed", "completed"),
]
REFUSED = [
    (action, status)
    for action in ACTIONS
    for status in ExperimentStatus
    if (action, status) not in {(a, s) for a, s, _ in ALLOWED}
]


def treatment(experiment: Experiment) -> Variant:
    """Give the first variant that is not the control."""
    return next(
        variant for variant in experiment.variants or () if not variant.is_control
    )


def control(experiment: Experiment) -> Variant:
    """Give the control."""
    return next(variant for variant in experiment.variants or () if variant.is_control)


async def seeded(client: Client, emulator: Emulator, status: str) -> Experiment:
    """Have one experiment in a state."""
    [id] = emulator.seed_experiments(1, status=status)  # noqa: A001
    return await client.experiments.retrieve(id)


@pytest.mark.parametrize(("action", "status", "expected"), ALLOWED)
async def test_allowed(
    client: Client, emulator: Emulator, action: str, status: str, expected: str
) -> None:
    """An action that the state allows is one request, and answers the new state."""
    before = await seeded(client, emulator, status)
    answer = await ACTIONS[action](client, before)
    after = answer.experiment if isinstance(answer, Transition) else answer
    assert after.id == before.id
    assert after.status == expected
    assert after.status == emulator.state.experiment(before.id)["status"]
    assert emulator.log.received(f"experiments.{action}") == 1


@pytest.mark.parametrize(("action", "status"), REFUSED)
async def test_refused(
    client: Client, emulator: Emulator, action: str, status: str
) -> None:
    """An action that the state does not allow is a `ConflictError` after one try."""
    experiment = await seeded(client, emulator, status)
    before = emulator.state.experiment(experiment.id)
    with pytest.raises(ConflictError):
        await ACTIONS[action](client, experiment)
    assert emulator.log.received(f"experiments.{action}") == 1
    assert emulator.log.received() == 2
    assert emulator.state.experiment(experiment.id) == before


async def test_times() -> None:
    """The experiment of a transition tells when it happened, in UTC."""
    clock = Clock(frozen=True)
    async with (
        Emulator(clock=clock) as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        [draft] = emulator.seed_experiments(1)
        now = clock.now().replace(microsecond=clock.now().microsecond // 1000 * 1000)
        started = (await client.experiments.start(draft)).experiment
        clock.advance(days=1)
        stopped = (await client.experiments.stop(draft)).experiment
    assert (started.started_at, started.stopped_at) == (now, None)
    assert stopped.stopped_at is not None
    assert (stopped.stopped_at - now).days == 1


@pytest.mark.parametrize(
    ("kind", "metrics", "reason"),
    [
        pytest.param("ab", Metrics(Metric("signup")), "two variants", id="alone"),
        pytest.param("ab", None, "primary metric", id="no-metrics"),
        pytest.param(
            "personalization", None, "primary metric", id="personal-no-metrics"
        ),
    ],
)
async def test_start_that_is_not_ready(
    client: Client, kind: str, metrics: Metrics | None, reason: str
) -> None:
    """A draft that lacks something is a `ConflictError` that says what."""
    settings = await client.settings.create(NewSettings())
    draft = await client.experiments.create(
        NewExperiment(settings.id, "A", type=kind, metrics=metrics)
    )
    with pytest.raises(ConflictError, match=reason):
        await client.experiments.start(draft.id)


async def test_start_of_a_personalization(client: Client) -> None:
    """A personalization needs no second variant."""
    settings = await client.settings.create(NewSettings())
    draft = NewExperiment(
        settings.id, "A", type="personalization", metrics=Metrics(Metric("signup"))
    )
    created = await client.experiments.create(draft)
    started = await client.experiments.start(created.id)
    assert started.experiment.status is ExperimentStatus.RUNNING


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        pytest.param(
            "draft", lambda c, e: c.experiments.start(e.id, publish=False), id="start"
        ),
        pytest.param(
            "running", lambda c, e: c.experiments.pause(e.id, publish=False), id="pause"
        ),
        pytest.param(
            "paused",
            lambda c, e: c.experiments.resume(e.id, publish=False),
            id="resume",
        ),
    ],
)
async def test_staging(
    client: Client,
    emulator: Emulator,
    status: str,
    stage: Callable[[Client, Experiment], Awaitable[Transition]],
) -> None:
    """A change that is not published waits for `versions.publish`."""
    experiment = await seeded(client, emulator, status)
    staged = await stage(client, experiment)
    assert staged.publish_status is PublishStatus.PENDING_PUBLISH
    assert emulator.state.versions() == []
    changes = await client.versions.draft_changes()
    assert changes.differences["experiments"].ids == {experiment.id}
    version = await client.versions.publish()
    assert version.is_published
    assert (await client.versions.draft_changes()).count == 0


async def test_changes_of_others(client: Client, emulator: Emulator) -> None:
    """A transition counts the account's unpublished changes, and ships them all."""
    mine, other, third = emulator.seed_experiments(3, status="running")
    await client.experiments.update(other, ExperimentPatch(name="B"))
    staged = await client.experiments.pause(third, publish=False)
    assert staged.concurrent_version_changes == 2
    published = await client.experiments.pause(mine)
    assert published.publish_status is PublishStatus.PUBLISHED
    assert published.concurrent_version_changes == 3
    assert (await client.versions.draft_changes()).count == 0


async def test_publishing_by_turns() -> None:
    """Starts that meet another publish wait for their turn, and none is lost."""
    async with (
        Emulator(publish_seconds=0.01) as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        drafts = emulator.seed_experiments(5)
        started = await asyncio.gather(*map(client.experiments.start, drafts))
    assert {transition.publish_status for transition in started} == {
        PublishStatus.PUBLISHED
    }
    assert len(emulator.state.versions()) == 5


async def test_staging_beside_a_publish() -> None:
    """A start that publishes nothing does not wait for a publish in flight."""
    async with (
        Emulator(publish_seconds=0.1) as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        first, second = emulator.seed_experiments(2)
        publishing = asyncio.create_task(client.experiments.start(first))
        await asyncio.sleep(0.03)
        staged = await client.experiments.start(second, publish=False)
        assert not publishing.done()
        await publishing
    assert staged.publish_status is PublishStatus.PENDING_PUBLISH


async def test_stop_with_winner_and_rollout(client: Client, emulator: Emulator) -> None:
    """A stop records the winner and serves the rollout."""
    running = await seeded(client, emulator, "running")
    stopped = await client.experiments.stop(
        running.id,
        winner_variant_id=control(running).id,
        rollout_variant_id=treatment(running).id,
    )
    assert stopped.experiment.winner_variant_id == control(running).id
    assert stopped.experiment.rollout_variant_id == treatment(running).id


@pytest.mark.parametrize(
    ("status", "call"),
    [
        pytest.param(
            "running",
            lambda c, id_: c.experiments.stop(id_, winner_variant_id="var_1"),
            id="stop-winner",
        ),
        pytest.param(
            "running",
            lambda c, id_: c.experiments.stop(id_, rollout_variant_id="var_1"),
            id="stop-rollout",
        ),
        pytest.param(
            "completed",
            lambda c, id_: c.experiments.rollout(id_, variant_id="var_1"),
            id="rollout",
        ),
        pytest.param(
            "completed",
            lambda c, id_: c.experiments.winner(id_, winner_variant_id="var_1"),
            id="winner",
        ),
    ],
)
async def test_variant_of_another_experiment(
    client: Client,
    emulator: Emulator,
    status: str,
    call: Callable[[Client, str], Awaitable[object]],
) -> None:
    """A variant that the experiment does not have is a `NotFoundError`."""
    experiment = await seeded(client, emulator, status)
    with pytest.raises(NotFoundError, match="not a variant of this experiment"):
        await call(client, experiment.id)
    assert emulator.state.experiment(experiment.id)["status"] == status


async def test_rollout_of_the_control(client: Client, emulator: Emulator) -> None:
    """The control cannot be rolled out, at the stop or later."""
    running = await seeded(client, emulator, "running")
    base = control(running).id
    with pytest.raises(ConflictError, match="control"):
        await client.experiments.stop(running.id, rollout_variant_id=base)
    await client.experiments.stop(running.id)
    with pytest.raises(ConflictError, match="control"):
        await client.experiments.rollout(running.id, variant_id=base)


async def test_rollout_and_its_end(client: Client, emulator: Emulator) -> None:
    """A rollout serves a variant until it is ended; both are published."""
    completed = await seeded(client, emulator, "completed")
    chosen = treatment(completed).id
    begun = await client.experiments.rollout(completed.id, variant_id=chosen)
    ended = await client.experiments.end_rollout(completed.id)
    assert begun.experiment.rollout_variant_id == chosen
    assert ended.experiment.rollout_variant_id is None
    assert {begun.publish_status, ended.publish_status} == {PublishStatus.PUBLISHED}
    assert len(emulator.state.versions()) == 2


async def test_winner(client: Client, emulator: Emulator) -> None:
    """A winner is declared, changed and cleared, without being published."""
    completed = await seeded(client, emulator, "completed")
    declared = [
        (await client.experiments.winner(completed.id, winner_variant_id=chosen))
        for chosen in (treatment(completed).id, control(completed).id, None)
    ]
    assert [experiment.winner_variant_id for experiment in declared] == [
        treatment(completed).id,
        control(completed).id,
        None,
    ]
    assert emulator.state.versions() == []
