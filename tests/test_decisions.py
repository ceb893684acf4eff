"""Results that are analyzed, waited for, and acted upon, against the emulator."""

import asyncio
import json
import logging
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from aiohttp import web

from ours_experiments import (
    Client,
    ConfigurationError,
    ExperimentPatch,
    ExperimentStatus,
    NotFoundError,
    OursError,
    RetryPolicy,
    to_dict,
)
from ours_experiments._watching import Reading
from ours_experiments.analysis import (
    Analysis,
    ReasonCode,
    Rules,
    UntrustworthyResultsError,
    Verdict,
    analyze,
    decided,
)
from ours_experiments.emulator import Emulator
from ours_experiments.emulator.faults.rules import parse
from tests.analysis.made import make_case, make_experiment


PLAN = Rules(planned_sample=14_751)
BETTER = (0.10, 0.14)
WORSE = (0.14, 0.10)
EQUAL = (0.10, 0.10)


def variants_of(emulator: Emulator, experiment_id: str) -> list[str]:
    """Return the ids of an experiment's variants, control first."""
    return [variant.id for variant in emulator.state.get(experiment_id).variants]


def visit(
    emulator: Emulator,
    experiment_id: str,
    rates: tuple[float, ...],
    *,
    days: int = 28,
    loses: float = 0.0,
) -> None:
    """Let 3 000 visitors come on each day, at these rates of conversion."""
    ids = variants_of(emulator, experiment_id)
    emulator.simulate(
        experiment_id,
        days=days,
        visitors_per_day=3_000,
        conversion_rates=dict(zip(ids, rates, strict=True)),
        loses={ids[-1]: loses},
        seed=1,
    )


@pytest.fixture
def running(emulator: Emulator) -> str:
    """A running experiment whose treatment is better."""
    [experiment_id] = emulator.seed_experiments(1, status="running")
    visit(emulator, experiment_id, BETTER)
    return experiment_id


def writes(emulator: Emulator) -> list[str | None]:
    """Return the routes of the requests that are no GET."""
    return [entry.route for entry in emulator.log.entries if entry.method != "GET"]


async def test_three_requests_at_once(
    client: Client, emulator: Emulator, running: str
) -> None:
    """An analysis sends its requests together, and counts the days to yesterday."""
    emulator.faults.add("latency", seconds=0.2)
    analysis = await client.experiments.analyze(running, rules=PLAN)
    assert emulator.log.peak_in_flight() == 3
    assert Counter(entry.route for entry in emulator.log.entries) == {
        "experiments.retrieve": 1,
        "experiments.results": 1,
        "experiments.results_time_series": 1,
    }
    assert analysis.verdict is Verdict.SHIP
    assert analysis.variant_id == variants_of(emulator, running)[1]
    assert analysis.rules == PLAN
    assert analysis.as_of == datetime.now(UTC).date() - timedelta(days=1)
    assert analysis.days == 27


async def test_two_more_requests_for_a_guardrail(
    client: Client, emulator: Emulator, running: str
) -> None:
    """The results of other events are read with their names."""
    events = ("checkout", "refund")
    asked: Counter[str | None] = Counter()

    def record(request: web.Request) -> bool:
        asked[request.query.get("eventName")] += 1
        return False

    emulator.faults.add("latency", seconds=0.0, when=record)
    analysis = await client.experiments.analyze(running, guardrails=[*events, "refund"])
    assert set(analysis.guardrails) == set(events)
    assert asked == {None: 3, "checkout": 2, "refund": 2}


async def test_defaults(client: Client, running: str) -> None:
    """Without rules the default ones apply."""
    assert (await client.experiments.analyze(running)).rules == Rules()


@pytest.mark.parametrize("metric", [True, False])
async def test_a_draft(client: Client, emulator: Emulator, *, metric: bool) -> None:
    """A draft is NOT_APPLICABLE, even before it has a metric to have results of."""
    [draft] = emulator.seed_experiments(1)
    if not metric:
        emulator.state.get(draft).metrics = None
    analysis = await client.experiments.analyze(draft)
    assert analysis.verdict is Verdict.NOT_APPLICABLE
    assert [reason.code for reason in analysis.reasons] == [ReasonCode.DRAFT]


async def test_an_unknown_experiment(client: Client) -> None:
    """Of several requests that fail, one error is raised, and not a group."""
    with pytest.raises(NotFoundError):
        await client.experiments.analyze("exp_unknown")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        pytest.param({"rules": {}}, "rules", id="rules"),
        pytest.param({"guardrails": "checkout"}, "guardrails", id="text"),
        pytest.param({"guardrails": 3}, "guardrails", id="number"),
        pytest.param({"guardrails": ["a", ""]}, r"guardrails\[1\]", id="blank"),
    ],
)
@pytest.mark.parametrize("call", ["analyze", "watch", "wait_for", "stop_when_decided"])
async def test_bad_questions(
    client: Client,
    emulator: Emulator,
    call: str,
    arguments: dict[str, object],
    name: str,
) -> None:
    """An argument that cannot be used is named before anything is sent."""
    more = [decided] if call == "wait_for" else []
    with pytest.raises(ConfigurationError, match=name):
        await getattr(client.experiments, call)("exp_1", *more, **arguments)
    assert emulator.log.received() == 0


@pytest.mark.parametrize("call", ["watch", "wait_for"])
@pytest.mark.parametrize("name", ["every", "timeout"])
async def test_bad_times(
    client: Client, emulator: Emulator, call: str, name: str
) -> None:
    """Times must be positive; nothing is sent."""
    more = [decided] if call == "wait_for" else []
    with pytest.raises(ConfigurationError, match=name):
        await getattr(client.experiments, call)("exp_1", *more, **{name: 0})
    assert emulator.log.received() == 0


async def test_a_predicate_that_would_have_to_be_awaited(
    client: Client, emulator: Emulator
) -> None:
    """A coroutine is always true, so that the wait would end at once."""

    async def predicate(_: Analysis) -> bool:
        return False

    with pytest.raises(ConfigurationError, match="predicate"):
        await client.experiments.wait_for("exp_1", predicate)  # type: ignore[arg-type]
    assert emulator.log.received() == 0


async def test_a_stream_of_changes(client: Client, emulator: Emulator) -> None:
    """A stream yields at once, then on a change, and ends with the experiment."""
    [experiment_id] = emulator.seed_experiments(1, status="running")
    visit(emulator, experiment_id, EQUAL, days=5)

    def change(_: web.Request) -> bool:
        if emulator.log.received() == 10:
            visit(emulator, experiment_id, BETTER)
        return False

    emulator.faults.add("latency", seconds=0.0, when=change)
    verdicts: list[Verdict] = []
    async for analysis in client.experiments.watch(
        experiment_id, every=0.01, timeout=30
    ):
        verdicts.append(analysis.verdict)
        if analysis.verdict is Verdict.SHIP:
            await client.experiments.stop(experiment_id)
    assert verdicts == [Verdict.KEEP_RUNNING, Verdict.SHIP]


def test_what_is_news() -> None:
    """A new day is, and another verdict; other figures of the same day are not."""
    case = make_case([[(100, 1_000), (100, 1_000)]] * 5)
    other = make_case([[(100, 1_000), (101, 1_000)]] * 5)
    experiment = make_experiment()
    reading = Reading(experiment, case.analyze())
    assert reading.is_news_after(None)
    assert not Reading(experiment, other.analyze()).is_news_after(reading)
    day_before = case.analyze(as_of=case.series.days[-2].date)
    assert Reading(experiment, day_before).is_news_after(reading)
    ships = attrs.evolve(case.analyze(), verdict=Verdict.SHIP)
    assert Reading(experiment, ships).is_news_after(reading)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("status:code=503,", id="unavailable"),
        pytest.param("status:code=429,retry_after=0,", id="too-many"),
        pytest.param("reset:", id="no-answer"),
    ],
)
@pytest.mark.parametrize("after", [0, 3], ids=["first", "later"])
async def test_passing_failures_are_survived(
    emulator: Emulator,
    running: str,
    caplog: pytest.LogCaptureFixture,
    fault: str,
    after: int,
) -> None:
    """A failed reading is logged, and the next one counts."""
    visit(emulator, running, EQUAL, days=5)
    emulator.faults.install(parse(f"{fault}times=6,after={after}"))
    readings: list[Analysis] = []

    def is_third(analysis: Analysis) -> bool:
        readings.append(analysis)
        return len(readings) == 3

    retry = RetryPolicy(attempts=1)
    async with Client(emulator.api_key, base_url=emulator.url, retry=retry) as client:
        with caplog.at_level(logging.WARNING, "ours_experiments"):
            await client.experiments.wait_for(running, is_third, every=0.01, timeout=30)
    assert "cannot be read" in caplog.text
    assert emulator.log.received() >= 3 * 3


async def test_other_failures_are_raised(
    client: Client, emulator: Emulator, running: str
) -> None:
    """An experiment that is deleted meanwhile ends the wait."""
    async for _ in client.experiments.watch(running, every=0.01, timeout=30):
        emulator.state.delete(running)
        break
    with pytest.raises(NotFoundError):
        await client.experiments.wait_for(running, decided, timeout=30)


async def test_the_deadline(client: Client, emulator: Emulator, running: str) -> None:
    """A wait ends with its time, in the middle of a pause or of a request."""
    visit(emulator, running, EQUAL, days=5)
    with pytest.raises(TimeoutError, match=f"the wait for {running} has taken 0.3 s"):
        await client.experiments.wait_for(running, decided, timeout=0.3)
    emulator.faults.add("hang")
    with pytest.raises(TimeoutError):
        async for _ in client.experiments.watch(running, timeout=0.3):
            pass


async def test_the_deadline_names_the_last_failure(
    emulator: Emulator, running: str
) -> None:
    """Who waits for a service that is away learns why."""
    emulator.faults.add("status", code=503)
    retry = RetryPolicy(attempts=1)
    async with Client(emulator.api_key, base_url=emulator.url, retry=retry) as client:
        with pytest.raises(TimeoutError) as caught:
            await client.experiments.wait_for(running, decided, every=0.05, timeout=0.5)
    assert "503" in str(caught.value.__cause__)


async def test_a_pause_as_long_as_the_service_asks(
    emulator: Emulator, running: str
) -> None:
    """After a 429 the wait is that of Retry-After, also where readings are frequent."""
    emulator.faults.add("status", code=429, retry_after=2, times=1)
    retry = RetryPolicy(attempts=1)
    loop = asyncio.get_running_loop()
    started_at = loop.time()
    async with Client(emulator.api_key, base_url=emulator.url, retry=retry) as client:
        await client.experiments.wait_for(running, decided, every=0.01, timeout=30)
    assert loop.time() - started_at >= 2


async def test_a_closed_client_ends_a_wait(emulator: Emulator, running: str) -> None:
    """A wait between two readings does not outlive its client."""
    visit(emulator, running, EQUAL, days=5)
    async with Client(emulator.api_key, base_url=emulator.url) as client:
        waiting = asyncio.create_task(
            client.experiments.wait_for(running, decided, timeout=60)
        )
        async for _ in client.experiments.watch(running):
            await asyncio.sleep(0.3)
            break
    with pytest.raises(ConfigurationError, match="closed"):
        await waiting


async def test_waiting_for_a_decision(client: Client, running: str) -> None:
    """What is decided is returned at once."""
    analysis = await client.experiments.wait_for(running, decided, rules=PLAN)
    assert analysis.verdict is Verdict.SHIP


async def test_waiting_for_what_cannot_come(client: Client, emulator: Emulator) -> None:
    """A completed experiment does not change: waiting for it is an error."""
    [completed] = emulator.seed_experiments(1, status="completed")
    visit(emulator, completed, EQUAL, days=5)
    with pytest.raises(OursError, match="will not change any more"):
        await client.experiments.wait_for(completed, decided)


@pytest.mark.parametrize(
    ("rates", "verdict"),
    [
        pytest.param(BETTER, Verdict.SHIP, id="ship"),
        pytest.param(WORSE, Verdict.ROLL_BACK, id="roll-back"),
        pytest.param(EQUAL, Verdict.INCONCLUSIVE, id="inconclusive"),
    ],
)
@pytest.mark.parametrize("rollout", [False, True])
async def test_a_decision_stops(
    client: Client,
    emulator: Emulator,
    rates: tuple[float, ...],
    verdict: Verdict,
    *,
    rollout: bool,
) -> None:
    """Only SHIP names a winner, which is rolled out on request."""
    [experiment_id] = emulator.seed_experiments(1, status="running")
    visit(emulator, experiment_id, rates)
    decision = await client.experiments.stop_when_decided(
        experiment_id, rules=PLAN, rollout=rollout
    )
    assert decision is not None
    assert decision.analysis.verdict is verdict
    winner = (
        variants_of(emulator, experiment_id)[1] if verdict is Verdict.SHIP else None
    )
    stopped = decision.transition.experiment
    assert stopped.status == ExperimentStatus.COMPLETED
    assert stopped.winner_variant_id == winner
    assert stopped.rollout_variant_id == (winner if rollout else None)
    assert writes(emulator) == ["experiments.stop"]
    assert emulator.log.received() == 8


async def test_a_paused_experiment_is_stopped(client: Client, running: str) -> None:
    """A decision may stop what is paused."""
    await client.experiments.pause(running)
    assert await client.experiments.stop_when_decided(running) is not None


async def test_nothing_is_decided(client: Client, emulator: Emulator) -> None:
    """KEEP_RUNNING returns None, after one reading, and sends nothing."""
    [experiment_id] = emulator.seed_experiments(1, status="running")
    visit(emulator, experiment_id, EQUAL, days=5)
    assert await client.experiments.stop_when_decided(experiment_id) is None
    assert emulator.log.received() == 3


async def test_results_that_must_not_be_trusted(
    client: Client, emulator: Emulator
) -> None:
    """A lossy arm is an error that holds the analysis; nothing is sent."""
    [experiment_id] = emulator.seed_experiments(1, status="running")
    visit(emulator, experiment_id, BETTER, loses=0.1)
    with pytest.raises(UntrustworthyResultsError) as caught:
        await client.experiments.stop_when_decided(experiment_id)
    assert caught.value.analysis.verdict is Verdict.DO_NOT_TRUST
    assert not writes(emulator)


@pytest.mark.parametrize("status", ["draft", "completed"])
async def test_a_status_that_cannot_be_stopped(
    client: Client, emulator: Emulator, status: str
) -> None:
    """Only what runs or is paused can be stopped."""
    [experiment_id] = emulator.seed_experiments(1, status=status)
    with pytest.raises(OursError, match=f"{experiment_id} is {status}"):
        await client.experiments.stop_when_decided(experiment_id)
    assert not writes(emulator)


async def test_nothing_to_compare(client: Client, emulator: Emulator) -> None:
    """A personalization has no decision."""
    [experiment_id] = emulator.seed_experiments(1, status="running")
    emulator.state.get(experiment_id).type = "personalization"
    with pytest.raises(OursError, match="personalization"):
        await client.experiments.stop_when_decided(experiment_id)
    assert not writes(emulator)


@pytest.mark.parametrize("ship_others", [False, True])
async def test_changes_of_others(
    client: Client, emulator: Emulator, running: str, *, ship_others: bool
) -> None:
    """A stop publishes all there is: it is refused unless that is allowed."""
    [other] = emulator.seed_experiments(1)
    await client.experiments.start(other, publish=False)
    emulator.log.clear()
    if ship_others:
        decision = await client.experiments.stop_when_decided(running, ship_others=True)
        assert decision is not None
        return
    with pytest.raises(OursError, match=f"experiments {other}.*ship_others=True"):
        await client.experiments.stop_when_decided(running)
    assert not writes(emulator)


async def test_own_changes_are_not_of_others(client: Client, running: str) -> None:
    """A change of the experiment itself may be published by its stop."""
    await client.experiments.pause(running, publish=False)
    patch = ExperimentPatch(description="more")
    await client.experiments.update(running, patch)
    assert await client.experiments.stop_when_decided(running) is not None


@pytest.mark.parametrize(
    ("rates", "days"), [(EQUAL, 5), (WORSE, 28)], ids=["undecided", "another"]
)
async def test_two_readings_that_differ(
    client: Client,
    emulator: Emulator,
    running: str,
    rates: tuple[float, ...],
    days: int,
) -> None:
    """What the second reading does not confirm is not done."""

    def change(_: web.Request) -> bool:
        visit(emulator, running, rates, days=days)
        return False

    emulator.faults.add(
        "latency", seconds=0.0, route="versions.draft_changes", when=change
    )
    assert await client.experiments.stop_when_decided(running) is None
    assert not writes(emulator)


async def test_a_second_reading_that_must_not_be_trusted(
    client: Client, emulator: Emulator, running: str
) -> None:
    """Doubts of the second reading are an error too, and nothing is sent."""

    def change(_: web.Request) -> bool:
        visit(emulator, running, BETTER, loses=0.1)
        return False

    emulator.faults.add(
        "latency", seconds=0.0, route="versions.draft_changes", when=change
    )
    with pytest.raises(UntrustworthyResultsError):
        await client.experiments.stop_when_decided(running)
    assert not writes(emulator)


async def test_a_lost_reply_of_the_stop(
    client: Client, emulator: Emulator, running: str
) -> None:
    """A stop whose reply is lost is read back, not sent again."""
    emulator.faults.add("reset", route="experiments.stop", applied=True, times=1)
    decision = await client.experiments.stop_when_decided(running)
    assert decision is not None
    assert decision.transition.experiment.status == ExperimentStatus.COMPLETED
    assert writes(emulator) == ["experiments.stop"]


async def test_a_decision_can_be_recomputed(client: Client, running: str) -> None:
    """The same answers give the same analysis, whenever it is made."""
    at_once = await client.experiments.analyze(running, rules=PLAN)
    experiment = await client.experiments.retrieve(running)
    results = await client.experiments.results(running)
    series = await client.experiments.results_time_series(running)
    again = analyze(experiment, results, series, rules=PLAN, as_of=at_once.as_of)
    assert again == at_once


async def test_a_decision_is_written_down(client: Client, running: str) -> None:
    """A decision becomes JSON, with what it stands on."""
    decision = await client.experiments.stop_when_decided(running)
    assert decision is not None
    written = json.loads(json.dumps(to_dict(decision)))
    assert written["analysis"]["verdict"] == "ship"
    assert written["analysis"]["as_of"] == str(decision.analysis.as_of)
    assert written["transition"]["experiment"]["status"] == "completed"


def test_a_missing_extra_is_named() -> None:
    """Without scipy an error names the extra, before anything is sent."""
    script = """
import asyncio, sys
sys.modules["scipy"] = None
from ours_experiments import Client, ConfigurationError

async def main():
    async with Client("key", base_url="http://127.0.0.1:9") as client:
        await client.experiments.analyze("exp_1")

try:
    asyncio.run(main())
except ConfigurationError as error:
    sys.exit("ours-experiments[analysis]" not in str(error))
sys.exit(2)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0  # noqa: S603 - our own script
