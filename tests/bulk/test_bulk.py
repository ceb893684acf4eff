"""Bulk calls: one outcome for each id, whatever became of it."""

import asyncio
from typing import Any

import pytest

from ours_experiments import (
    APIConnectionError,
    Client,
    ConfigurationError,
    ConflictError,
    NotFoundError,
    OutcomeStatus,
    OutcomeUnknownError,
    RetryPolicy,
)
from ours_experiments.emulator import Emulator
from tests.support.bulk_calls import own_tasks, states, statuses, writes


ACTIONS = [
    ("start", "draft", "running"),
    ("pause", "running", "paused"),
    ("resume", "paused", "running"),
    ("stop", "running", "completed"),
]
NOT_REPEATED = RetryPolicy(attempts=1)


@pytest.mark.parametrize(("action", "before", "after"), ACTIONS)
async def test_every_experiment_gets_there(
    client: Client, emulator: Emulator, action: str, before: str, after: str
) -> None:
    """Each action reaches each id, with one request, its answer and its time."""
    ids = emulator.seed_experiments(5, status=before)
    report = await getattr(client.bulk, action)(ids)
    assert [outcome.experiment_id for outcome in report.outcomes] == ids
    assert statuses(report) == [OutcomeStatus.APPLIED] * 5
    assert states(emulator, ids) == {after}
    for outcome in report.outcomes:
        assert outcome.action == action
        assert outcome.attempts == 1
        assert 0 < outcome.seconds < 10
        assert outcome.transition.experiment.status == after
    assert len(writes(emulator)) == 5


async def test_deleting(client: Client, emulator: Emulator) -> None:
    """Deleting takes experiments in any state; what is gone already is ALREADY."""
    ids = emulator.seed_experiments(2) + emulator.seed_experiments(1, status="running")
    report = await client.bulk.delete([*ids, "exp_gone"])
    assert statuses(report) == [OutcomeStatus.APPLIED] * 3 + [OutcomeStatus.ALREADY]
    assert emulator.state.size == 0
    assert report.outcomes[0].transition is None


async def test_a_delete_that_is_refused(client: Client, emulator: Emulator) -> None:
    """A deletion that the service does not allow is FAILED."""
    [experiment_id] = emulator.seed_experiments(1)
    emulator.faults.add("status", code=403, route="experiments.delete")
    report = await client.bulk.delete([experiment_id])
    assert statuses(report) == [OutcomeStatus.FAILED]
    assert emulator.state.size == 1


async def test_each_outcome_is_its_own(client: Client, emulator: Emulator) -> None:
    """What fails, and what is there already, does not touch the rest."""
    [ready] = emulator.seed_experiments(1)
    [running] = emulator.seed_experiments(1, status="running")
    [unready] = emulator.seed_experiments(1, variants=1)
    report = await client.bulk.start([unready, running, "exp_missing", ready])
    failed, already, missing, applied = report.outcomes
    assert failed.status is OutcomeStatus.FAILED
    assert isinstance(failed.error, ConflictError)
    assert already.status is OutcomeStatus.ALREADY
    assert already.error is None
    assert already.transition is not None
    assert already.transition.publish_status is None
    assert isinstance(missing.error, NotFoundError)
    assert applied.status is OutcomeStatus.APPLIED


async def test_repetitions(client: Client, emulator: Emulator) -> None:
    """An id that comes twice, as text or as an experiment, is sent once."""
    ids = emulator.seed_experiments(2)
    experiment = await client.experiments.retrieve(ids[0])
    report = await client.bulk.start([ids[1], experiment, ids[0], ids[1]])
    assert [outcome.experiment_id for outcome in report.outcomes] == [ids[1], ids[0]]
    assert len(writes(emulator)) == 2


@pytest.mark.parametrize(
    "bad",
    ["", "..", "a\nb", "\ud800", "x" * 1025, None, 5, b"exp_1", ["exp_1"]],
    ids=repr,
)
async def test_a_bad_id_costs_only_its_own_outcome(
    client: Client, emulator: Emulator, bad: object
) -> None:
    """What cannot be an id is FAILED, and nothing is sent for it."""
    ids = emulator.seed_experiments(2)
    mixed: list[Any] = [ids[0], bad, ids[1]]
    report = await client.bulk.start(mixed)
    first, refused, last = report.outcomes
    assert isinstance(refused.error, ConfigurationError)
    assert refused.attempts == 0
    assert first.status is last.status is OutcomeStatus.APPLIED
    assert len(writes(emulator)) == 2


async def test_a_number_does_not_take_the_place_of_an_id(client: Client) -> None:
    """The number 5 and the id "5" are two."""
    mixed: list[Any] = [5, "5"]
    report = await client.bulk.start(mixed)
    number, text = report.outcomes
    assert isinstance(number.error, ConfigurationError)
    assert isinstance(text.error, NotFoundError)


@pytest.mark.parametrize(
    ("action", "ids", "options"),
    [
        pytest.param("start", "exp_1", {}, id="one text"),
        pytest.param("start", b"exp_1", {}, id="bytes"),
        pytest.param("start", 5, {}, id="no iterable"),
        pytest.param("start", {"exp_1": None}, {}, id="mapping"),
        pytest.param("rollout", ["exp_1"], {}, id="action"),
        pytest.param("start", ["exp_1"], {"publish": "twice"}, id="publish"),
        pytest.param("stop", ["exp_1"], {"publish": "once"}, id="stop once"),
        pytest.param("stop", ["exp_1"], {"publish": "none"}, id="stop none"),
        pytest.param("delete", ["exp_1"], {"publish": "once"}, id="delete once"),
        pytest.param("start", ["exp_1"], {"concurrency": 0}, id="concurrency"),
        pytest.param("start", ["exp_1"], {"concurrency": True}, id="no number"),
        pytest.param("start", ["exp_1"], {"on_progress": 5}, id="no function"),
        pytest.param(
            "start", ["exp_1"], {"on_progress": asyncio.sleep}, id="async function"
        ),
    ],
)
async def test_arguments_are_refused_before_anything_is_sent(
    client: Client,
    emulator: Emulator,
    action: Any,
    ids: Any,
    options: dict[str, Any],
) -> None:
    """What cannot be used is refused at once."""
    with pytest.raises(ConfigurationError):
        client.bulk.stream(action, ids, **options)
    assert emulator.log.received() == 0


async def test_one_experiment_is_not_several(
    client: Client, emulator: Emulator
) -> None:
    """A single experiment in place of several is refused."""
    [experiment_id] = emulator.seed_experiments(1)
    experiment: Any = await client.experiments.retrieve(experiment_id)
    with pytest.raises(ConfigurationError, match="several"):
        await client.bulk.start(experiment)


async def test_stopping_with_winners(client: Client, emulator: Emulator) -> None:
    """A mapping names the winner of each experiment, or none."""
    ids = emulator.seed_experiments(3, status="running")
    winner = str(emulator.state.get(ids[0]).variants[1].id)
    report = await client.bulk.stop({ids[0]: winner, ids[1]: None, ids[2]: "var_no"})
    assert [outcome.status for outcome in report.outcomes] == [
        OutcomeStatus.APPLIED,
        OutcomeStatus.APPLIED,
        OutcomeStatus.FAILED,
    ]
    assert emulator.state.get(ids[0]).winner_variant_id == winner
    assert emulator.state.get(ids[1]).winner_variant_id is None


async def test_a_stopped_one_with_another_winner_is_no_success(
    client: Client, emulator: Emulator
) -> None:
    """ALREADY asks for the winner too."""
    [experiment_id] = emulator.seed_experiments(1, status="completed")
    winner = str(emulator.state.get(experiment_id).variants[1].id)
    report = await client.bulk.stop({experiment_id: winner})
    assert statuses(report) == [OutcomeStatus.FAILED]
    report = await client.bulk.stop([experiment_id])
    assert statuses(report) == [OutcomeStatus.ALREADY]


async def test_a_winner_that_is_no_text(client: Client, emulator: Emulator) -> None:
    """A winner of another type costs its own outcome."""
    ids = emulator.seed_experiments(2, status="running")
    winners: dict[str, Any] = {ids[0]: 5, ids[1]: None}
    report = await client.bulk.stop(winners)
    assert statuses(report) == [OutcomeStatus.FAILED, OutcomeStatus.APPLIED]
    assert isinstance(report.outcomes[0].error, ConfigurationError)


async def test_staging(client: Client, emulator: Emulator) -> None:
    """`publish="none"` leaves everything STAGED and makes no version."""
    ids = emulator.seed_experiments(3)
    report = await client.bulk.start(ids, publish="none")
    assert statuses(report) == [OutcomeStatus.STAGED] * 3
    assert states(emulator, ids) == {"running"}
    assert emulator.state.versions() == []


async def test_a_service_that_does_not_stage() -> None:
    """What the service publishes nevertheless is APPLIED."""
    async with (
        Emulator(api="initial") as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        ids = emulator.seed_experiments(2)
        report = await client.bulk.start(ids, publish="none")
        assert statuses(report) == [OutcomeStatus.APPLIED] * 2


async def test_a_publish_status_of_tomorrow(client: Client, emulator: Emulator) -> None:
    """An unknown word for the publish is no claim that what was staged is live."""
    [experiment_id] = emulator.seed_experiments(1)
    emulator.faults.add("unknown_enums", route="experiments.start")
    report = await client.bulk.start([experiment_id], publish="none")
    assert statuses(report) == [OutcomeStatus.STAGED]


async def test_a_lost_reply(client: Client, emulator: Emulator) -> None:
    """What is found applied after a lost reply is APPLIED, published or not unsaid."""
    [experiment_id] = emulator.seed_experiments(1)
    emulator.faults.add("reset", applied=True, route="experiments.start", times=1)
    report = await client.bulk.start([experiment_id])
    [outcome] = report.outcomes
    assert outcome.status is OutcomeStatus.APPLIED
    assert outcome.transition is not None
    assert outcome.transition.publish_status is None
    assert emulator.log.applied("experiments.start") == 1


async def test_an_outcome_that_nobody_knows(emulator: Emulator) -> None:
    """What may have been applied is UNKNOWN."""
    [experiment_id] = emulator.seed_experiments(1)
    emulator.faults.add("reset", applied=True, route="experiments.start")
    emulator.faults.add("status", code=500, route="experiments.retrieve")
    async with Client(
        emulator.api_key, base_url=emulator.url, timeout=0.6, retry=NOT_REPEATED
    ) as client:
        report = await client.bulk.start([experiment_id])
    assert statuses(report) == [OutcomeStatus.UNKNOWN]
    assert isinstance(report.outcomes[0].error, OutcomeUnknownError)


async def test_a_conflict_that_cannot_be_looked_into(
    client: Client, emulator: Emulator
) -> None:
    """Where reading fails too, the refusal stands as it was."""
    [experiment_id] = emulator.seed_experiments(1, status="running")
    emulator.faults.add("html", code=200, route="experiments.retrieve")
    report = await client.bulk.start([experiment_id])
    assert statuses(report) == [OutcomeStatus.FAILED]
    assert isinstance(report.outcomes[0].error, ConflictError)


async def test_a_service_that_is_not_there() -> None:
    """What never left is FAILED, not UNKNOWN."""
    async with Client("key", base_url="http://127.0.0.1:1", retry=NOT_REPEATED) as away:
        report = await away.bulk.start(["exp_1"])
    assert statuses(report) == [OutcomeStatus.FAILED]
    assert isinstance(report.outcomes[0].error, APIConnectionError)


@pytest.mark.parametrize("concurrency", [1, 5])
async def test_concurrency(
    client: Client, emulator: Emulator, concurrency: int
) -> None:
    """As many calls as allowed are under way, and no more."""
    ids = emulator.seed_experiments(15)
    emulator.faults.add("latency", seconds=0.005)
    await client.bulk.start(ids, concurrency=concurrency)
    assert emulator.log.peak_in_flight("experiments.start") == concurrency


async def test_nothing_to_do(client: Client, emulator: Emulator) -> None:
    """No ids, no requests, an empty report."""
    report = await client.bulk.start([])
    assert report.outcomes == ()
    assert emulator.log.received() == 0


async def test_results(client: Client, emulator: Emulator) -> None:
    """Results come with their ids, each distinct id once."""
    ids = emulator.seed_experiments(3, status="running")
    pairs = {
        experiment_id: results
        async for experiment_id, results in client.bulk.results([*ids, ids[0]])
    }
    assert pairs.keys() == set(ids)
    assert len(pairs[ids[0]].variants) == 2
    assert emulator.log.received("experiments.results") == 3


async def test_results_that_cannot_be_read(client: Client, emulator: Emulator) -> None:
    """The others come first; then one group tells of every failure."""
    ids = emulator.seed_experiments(2, status="running")
    pairs = client.bulk.results(["..", "exp_no", *ids])
    came = {(await anext(pairs))[0], (await anext(pairs))[0]}
    with pytest.raises(ExceptionGroup) as caught:
        await anext(pairs)
    assert came == set(ids)
    kinds = {type(error) for error in caught.value.exceptions}
    assert kinds == {ConfigurationError, NotFoundError}


async def test_leaving_results_early(client: Client, emulator: Emulator) -> None:
    """Closing the generator cancels what is under way."""
    ids = emulator.seed_experiments(9, status="running")
    emulator.faults.add("hang", route="experiments.results", after=1)
    pairs = client.bulk.results(ids)
    await anext(pairs)
    await pairs.aclose()
    assert not own_tasks()
