"""Experiments: results, time series, session replays."""

import asyncio
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from ours_experiments import (
    BadRequestError,
    Client,
    ConfigurationError,
    ExperimentPatch,
    Metric,
    Metrics,
    TimeSeries,
)
from ours_experiments._codec.converter import decode
from ours_experiments.emulator import Clock, Emulator
from tests.support.clock import run_fast
from tests.support.server import serve_json


ONE_DAY = timedelta(days=1)
ROUTE = "experiments.results_time_series"


@pytest.fixture
def today(emulator: Emulator) -> date:
    """Tell the day of the emulator's clock, which stands still."""
    emulator.clock.freeze()
    return emulator.clock.now().date()


@pytest.fixture
def running(emulator: Emulator) -> str:
    """Have one experiment that runs."""
    return emulator.seed_experiments(1, status="running")[0]


@pytest.fixture
def long_run(emulator: Emulator, running: str) -> str:
    """Have one experiment that has run for 800 days, with visitors on each."""
    emulator.clock.freeze()
    emulator.simulate(running, days=800, visitors_per_day=200)
    return running


async def test_best_and_control(
    client: Client, emulator: Emulator, running: str
) -> None:
    """The best of the results is the variant that converts best."""
    control, treatment = (await client.experiments.retrieve(running)).variants or ()
    emulator.simulate(running, conversion_rates={control.id: 0.1, treatment.id: 0.2})
    results = await client.experiments.results(running)
    assert results.control is not None
    assert results.best is not None
    assert (results.control.id, results.best.id) == (control.id, treatment.id)
    assert results.best.conversion_rate == pytest.approx(0.2, abs=0.02)
    assert (results.best.probability_to_be_best or 0) > 0.99


async def test_results_of_a_draft(client: Client, emulator: Emulator) -> None:
    """A draft has results of nothing, and no days."""
    [draft] = emulator.seed_experiments(1)
    results = await client.experiments.results(draft)
    assert {variant.impressions for variant in results.variants} == {0}
    assert (await client.experiments.results_time_series(draft)).days == ()


async def test_event_name(client: Client, emulator: Emulator, running: str) -> None:
    """Another event than the primary metric's has figures of its own."""
    emulator.simulate(running)
    await client.experiments.update(
        running,
        ExperimentPatch(metrics=Metrics(Metric("signup"), [Metric("demo & more")])),
    )
    primary = await client.experiments.results(running)
    named = await client.experiments.results(running, event_name="signup")
    secondary = await client.experiments.results(running, event_name="demo & more")
    assert named == primary
    assert 0 < secondary.variants[0].conversions < primary.variants[0].conversions


async def test_event_name_of_a_series(
    client: Client, emulator: Emulator, running: str
) -> None:
    """A time series takes an event, too: one that nobody sent has no conversions."""
    emulator.simulate(running)
    series = await client.experiments.results_time_series(running, event_name="other")
    assert {variant.conversions for variant in series.totals()} == {0}
    assert all(variant.impressions for variant in series.totals())


async def test_no_event(client: Client, running: str) -> None:
    """Without a primary metric an event has to be named."""
    await client.experiments.update(running, ExperimentPatch(metrics=None))
    with pytest.raises(BadRequestError, match="eventName"):
        await client.experiments.results(running)
    with pytest.raises(BadRequestError, match="eventName"):
        await client.experiments.results_time_series(running)


async def test_totals(client: Client, emulator: Emulator, running: str) -> None:
    """The totals of a series are the results of the whole run."""
    emulator.simulate(running, days=5)
    totals = (await client.experiments.results_time_series(running)).totals()
    results = await client.experiments.results(running)
    assert [
        (variant.id, variant.impressions, variant.conversions, variant.conversion_rate)
        for variant in totals
    ] == [
        (variant.id, variant.impressions, variant.conversions, variant.conversion_rate)
        for variant in results.variants
    ]


async def test_series_of_the_whole_run(
    client: Client, emulator: Emulator, long_run: str, today: date
) -> None:
    """Without dates the whole run is one request."""
    series = await client.experiments.results_time_series(long_run)
    assert [day.date for day in series.days] == [
        today - ONE_DAY * ago for ago in reversed(range(800))
    ]
    assert emulator.log.received(ROUTE) == 1


@pytest.mark.parametrize("until_today", [True, False], ids=["end", "no-end"])
async def test_series_in_several_requests(
    client: Client, emulator: Emulator, long_run: str, today: date, *, until_today: bool
) -> None:
    """A span over 366 days is asked for in parts: no day twice, none left out."""
    series = await client.experiments.results_time_series(
        long_run,
        start_date=today - ONE_DAY * 799,
        end_date=today if until_today else None,
    )
    assert emulator.log.received(ROUTE) == 3
    assert series == await client.experiments.results_time_series(long_run)


@pytest.mark.parametrize(
    ("days", "requests"),
    [
        pytest.param(1, 1, id="one-day"),
        pytest.param(366, 1, id="longest-window"),
        pytest.param(367, 2, id="one-more"),
        pytest.param(732, 2, id="two-windows"),
        pytest.param(733, 3, id="one-more-than-two"),
    ],
)
async def test_windows(
    client: Client, emulator: Emulator, long_run: str, days: int, requests: int
) -> None:
    """A span is asked for in as few windows as the service allows."""
    last = emulator.clock.now().date() - ONE_DAY * 10
    first = last - ONE_DAY * (days - 1)
    series = await client.experiments.results_time_series(
        long_run, start_date=first, end_date=last
    )
    assert [day.date for day in series.days] == [
        first + ONE_DAY * number for number in range(days)
    ]
    assert emulator.log.received(ROUTE) == requests


async def test_days_outside_the_run(
    client: Client, emulator: Emulator, running: str, today: date
) -> None:
    """Days before and after the run are left out."""
    emulator.simulate(running, days=3)
    series = await client.experiments.results_time_series(
        running, start_date=today - ONE_DAY * 900, end_date=today + ONE_DAY * 400
    )
    assert [day.date for day in series.days] == [
        today - ONE_DAY * ago for ago in (2, 1, 0)
    ]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param(date.min, None, id="from-the-first-day"),
        pytest.param(date(2020, 1, 1), date.max, id="to-the-last-day"),
    ],
)
async def test_days_of_all_time(
    client: Client, emulator: Emulator, running: str, start: date, end: date | None
) -> None:
    """The calendar's ends may be given where the run's are not known."""
    emulator.simulate(running, days=3)
    series = await client.experiments.results_time_series(
        running, start_date=start, end_date=end
    )
    assert len(series.days) == 3


@pytest.mark.parametrize(
    ("first", "last"),
    [
        pytest.param(None, 10, id="end-only"),
        pytest.param(900, 100, id="several-windows"),
        pytest.param(900, 890, id="one-window"),
    ],
)
async def test_days_before_the_run(
    client: Client, emulator: Emulator, running: str, first: int | None, last: int
) -> None:
    """A span that ends before the run begins has no days."""
    emulator.simulate(running, days=3)
    today = emulator.clock.now().date()
    series = await client.experiments.results_time_series(
        running,
        start_date=None if first is None else today - ONE_DAY * first,
        end_date=today - ONE_DAY * last,
    )
    assert series.days == ()


@pytest.mark.parametrize("length", [1, 900], ids=["one-window", "several-windows"])
async def test_days_after_the_run(
    client: Client, emulator: Emulator, today: date, length: int
) -> None:
    """A span that begins after the run has ended has no days."""
    [completed] = emulator.seed_experiments(1, status="completed")
    emulator.simulate(completed, days=3)
    series = await client.experiments.results_time_series(
        completed,
        start_date=today + ONE_DAY,
        end_date=today + ONE_DAY * length,
    )
    assert series.days == ()


async def test_end_of_a_long_run(client: Client, long_run: str, today: date) -> None:
    """An end alone asks for all days up to it, however many these are."""
    series = await client.experiments.results_time_series(
        long_run, end_date=today - ONE_DAY
    )
    assert len(series.days) == 799


async def test_service_of_tomorrow() -> None:
    """A service whose clock is a day ahead makes no window too long."""
    clock = Clock(datetime.now(UTC) + ONE_DAY, frozen=True)
    async with (
        Emulator(clock=clock) as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        [running] = emulator.seed_experiments(1, status="running")
        emulator.simulate(running, days=400, visitors_per_day=50)
        start = datetime.now(UTC).date() - ONE_DAY * 365
        series = await client.experiments.results_time_series(running, start_date=start)
    assert len(series.days) >= 366


async def test_aware_datetimes(
    client: Client, emulator: Emulator, running: str, today: date
) -> None:
    """An aware datetime means the day that it falls on in UTC."""
    emulator.simulate(running, days=3)
    noon = datetime.combine(today, datetime.min.time(), UTC).replace(hour=12)
    east = (noon - ONE_DAY).astimezone(timezone(timedelta(hours=14)))
    series = await client.experiments.results_time_series(
        running, start_date=east, end_date=noon
    )
    assert [day.date for day in series.days] == [today - ONE_DAY, today]


@pytest.mark.parametrize(
    ("dates", "message"),
    [
        pytest.param(
            {"start_date": "2026-05-01"},
            "start_date must be a date, not str",
            id="text",
        ),
        pytest.param(
            {"end_date": 20260501}, "end_date must be a date, not int", id="number"
        ),
        pytest.param(
            {"end_date": datetime(2026, 5, 1)},  # noqa: DTZ001 - that is the point
            "end_date must be aware",
            id="naive",
        ),
        pytest.param(
            {"start_date": date(2026, 5, 2), "end_date": date(2026, 5, 1)},
            "start_date 2026-05-02 is after end_date 2026-05-01",
            id="reversed",
        ),
    ],
)
async def test_bad_dates(
    client: Client, emulator: Emulator, dates: dict[str, Any], message: str
) -> None:
    """What is no span of days is refused before anything is sent."""
    with pytest.raises(ConfigurationError, match=f"^{message}"):
        await client.experiments.results_time_series("exp_1", **dates)
    assert emulator.log.received() == 0


async def test_replays(client: Client, emulator: Emulator, running: str) -> None:
    """All recorded sessions are walked, newest first, each once."""
    emulator.simulate(running, days=10)
    replays = [replay async for replay in client.experiments.session_replays(running)]
    assert len({replay.session_id for replay in replays}) == len(replays) == 120
    times = [replay.start_time for replay in replays]
    assert times == sorted(times, reverse=True)
    assert emulator.log.received("experiments.session_replays") == 2


async def test_replays_of_a_variant(
    client: Client, emulator: Emulator, running: str
) -> None:
    """Sessions can be narrowed down to those with replay variant."""
    emulator.simulate(running, days=10)
    _, treatment = (await client.experiments.retrieve(running)).variants or ()
    listing = client.experiments.session_replays(
        running, variant_id=treatment.id, limit=25
    )
    assert [replay.variant_name async for replay in listing] == [treatment.name] * 60
    assert emulator.log.received("experiments.session_replays") == 3


async def test_replays_from_a_cursor(
    client: Client, emulator: Emulator, running: str
) -> None:
    """A walk over sessions resumes where another one was."""
    emulator.simulate(running, days=10)
    listing = client.experiments.session_replays(running, limit=50)
    pages = [page async for page in listing.pages()]
    resumed = client.experiments.session_replays(
        running, limit=50, cursor=pages[0].next_cursor
    )
    assert [page.entities async for page in resumed.pages()] == [
        page.entities for page in pages[1:]
    ]


async def test_figures_that_are_not_known() -> None:
    """A rate or probability that is null is None on its row, and loses no other."""
    row = {"id": "v1", "name": "A", "isControl": True, "impressions": 10}
    counts = {"conversions": 1, "conversionRate": 0.1, "probabilityToBeBest": 0.4}
    unknown = {"conversions": 1, "conversionRate": None, "probabilityToBeBest": None}
    answer = {"variants": [row | unknown, row | counts | {"id": "v2"}]}
    async with serve_json(answer) as client:
        results = await client.experiments.results("exp_1")
    first, second = results.variants
    assert (first.conversion_rate, first.probability_to_be_best) == (None, None)
    assert (second.conversion_rate, second.probability_to_be_best) == (0.1, 0.4)
    assert results.best is second
    assert results.to_records()[0]["conversion_rate"] is None
    assert "<td>-</td><td>-</td>" in results._repr_html_()


def test_rates_of_days_that_are_not_known() -> None:
    """A day's rate that is null is None, and the sums are computed."""
    variant = {"id": "v1", "impressions": 10, "conversions": 2, "conversionRate": None}
    answer = {"days": [{"date": "2026-05-01", "variants": [variant]}]}
    series = decode(TimeSeries, answer)
    assert series.days[0].variants[0].conversion_rate is None
    assert series.totals()[0].conversion_rate == 0.2
    assert series.to_records()[0]["conversion_rate"] is None


async def test_no_best_without_impressions(client: Client, emulator: Emulator) -> None:
    """Where nothing is known, no variant is the best."""
    [running] = emulator.seed_experiments(1, status="running")
    results = await client.experiments.results(running)
    assert len(results.variants) == 2
    assert results.best is None


async def test_records_name_the_experiment(
    client: Client, emulator: Emulator, running: str
) -> None:
    """Records of results and series have the experiment's id and variants' names."""
    emulator.simulate(running, days=2, visitors_per_day=200)
    variants = (await client.experiments.retrieve(running)).variants or ()
    names = {variant.id: variant.name for variant in variants}
    results = await client.experiments.results(running)
    series = await client.experiments.results_time_series(running)
    records = [*results.to_records(), *series.to_records()]
    assert len(records) > len(variants)
    for record in records:
        assert record["experiment_id"] == running
        assert record["name"] == names[str(record["id"])]
    table = series._repr_html_()
    for variant_id, name in names.items():
        assert name in table
        assert variant_id not in table


async def test_series_without_the_right_to_read_experiments(
    client: Client, emulator: Emulator, running: str
) -> None:
    """A series has ids instead of names where the key may not read experiments."""
    emulator.simulate(running, days=1, visitors_per_day=200)
    emulator.faults.add("status", code=403, route="experiments.retrieve")
    series = await client.experiments.results_time_series(running)
    assert series.variant_names is None
    row = series.days[0].variants[0]
    assert series.name_of(row.id) == row.id
    assert row.id in series._repr_html_()


@pytest.mark.parametrize("fault", ["hang", "status"])
def test_names_are_requested_once(fault: str) -> None:
    """A service that does not answer for the names costs one quick request."""

    async def main() -> None:
        async with (
            Emulator() as emulator,
            Client(emulator.api_key, base_url=emulator.url) as client,
        ):
            [running] = emulator.seed_experiments(1, status="running")
            emulator.simulate(running, days=3)
            emulator.faults.add(fault, route="experiments.retrieve")
            called_at = asyncio.get_running_loop().time()
            series = await client.experiments.results_time_series(running)
            assert asyncio.get_running_loop().time() - called_at < 6
            assert len(series.days) == 3
            assert series.variant_names is None
            assert emulator.log.received("experiments.retrieve") == 1

    run_fast(main)
