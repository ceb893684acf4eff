"""The rules of results: simulated traffic, probabilities, days, replays."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ours_experiments.emulator import Clock, Emulator
from ours_experiments.emulator.account.probability import probabilities_to_be_best
from tests.emulator.calls import Calls


async def simulated(call: Calls, **options: Any) -> str:
    """Start an experiment and let visitors have come to it."""
    id_: str = (await call.running(**options.pop("fields", {})))["id"]
    call.emulator.simulate(id_, **options)
    return id_


async def days_of(call: Calls, id_: str, **query: str) -> list[Any]:
    """Return the days of a time series."""
    path = f"experiments/{id_}/results-time-series"
    days: list[Any] = (await call("GET", path, query=query))["days"]
    return days


def today(call: Calls) -> date:
    """Return the emulator's present day."""
    return call.emulator.clock.now().date()


async def test_reports_zeros_for_a_draft(call: Calls) -> None:
    """A draft has rows of zeros and no days."""
    experiment = await call.draft()
    path = f"experiments/{experiment['id']}"
    rows = (await call("GET", f"{path}/results"))["variants"]
    assert rows == [
        {
            "id": variant["id"],
            "name": variant["name"],
            "isControl": variant["isControl"],
            "impressions": 0,
            "conversions": 0,
            "conversionRate": 0.0,
            "probabilityToBeBest": 0.0,
        }
        for variant in experiment["variants"]
    ]
    assert await days_of(call, experiment["id"]) == []


async def test_reports_a_run_without_visitors(call: Calls) -> None:
    """A run nobody has seen yet leaves the question of the best one open."""
    id_ = (await call.running())["id"]
    rows = (await call("GET", f"experiments/{id_}/results"))["variants"]
    assert [row["impressions"] for row in rows] == [0, 0]
    assert sum(row["probabilityToBeBest"] for row in rows) == 1
    assert await days_of(call, id_) == []


async def test_follows_the_rates_it_is_given(call: Calls) -> None:
    """Impressions follow the split, conversions the rates, the best one wins."""
    experiment = await call.draft(treatments=0)
    treatment = await call.treatment(experiment["id"], weight=25)
    await call("POST", f"experiments/{experiment['id']}/start")
    rates = {experiment["variants"][0]["id"]: 0.05, treatment["id"]: 0.2}
    call.emulator.simulate(
        experiment["id"], days=20, visitors_per_day=4000, conversion_rates=rates
    )
    path = f"experiments/{experiment['id']}/results"
    control, other = (await call("GET", path))["variants"]
    assert control["impressions"] == pytest.approx(60_000, rel=0.02)
    assert other["impressions"] == pytest.approx(20_000, rel=0.02)
    assert control["conversionRate"] == pytest.approx(0.05, rel=0.1)
    assert other["conversionRate"] == pytest.approx(0.2, rel=0.1)
    assert other["conversions"] / other["impressions"] == other["conversionRate"]
    assert (control["probabilityToBeBest"], other["probabilityToBeBest"]) == (0, 1)


async def test_enrols_by_the_traffic_allocation(call: Calls) -> None:
    """Only the allocated share of the visitors is counted."""
    id_ = await simulated(call, fields={"trafficAllocation": 10})
    rows = (await call("GET", f"experiments/{id_}/results"))["variants"]
    assert sum(row["impressions"] for row in rows) == pytest.approx(1400, rel=0.2)


async def test_draws_the_same_traffic_for_the_same_seed() -> None:
    """Traffic is reproducible from the emulator's seed, ids included."""
    ids, runs = [], []
    for seed in (7, 7, 8):
        async with Emulator(seed=seed) as emulator, Calls(emulator) as call:
            id_ = await simulated(call)
            ids.append(id_)
            rows = (await call("GET", f"experiments/{id_}/results"))["variants"]
            runs.append([(row["impressions"], row["conversions"]) for row in rows])
    assert ids[0] == ids[1] != ids[2]
    assert runs[0] == runs[1] != runs[2]


async def test_draws_other_traffic_for_a_seed_of_its_own(call: Calls) -> None:
    """A call may have a seed of its own, and replaces earlier traffic."""
    id_ = await simulated(call, seed=1)
    path = f"experiments/{id_}/results"
    first = await call("GET", path)
    call.emulator.simulate(id_, seed=2)
    assert await call("GET", path) != first
    call.emulator.simulate(id_, seed=1)
    assert await call("GET", path) == first


async def test_backdates_the_run(call: Calls) -> None:
    """The run begins early enough for the days that are simulated."""
    id_ = await simulated(call, days=3)
    experiment = await call("GET", f"experiments/{id_}")
    began = f"{today(call) - timedelta(days=2)}T00:00:00.000Z"
    assert (experiment["startedAt"], experiment["createdAt"]) == (began, began)


async def test_simulates_up_to_the_end_of_the_run(call: Calls) -> None:
    """Traffic of a completed experiment ends with the day it was stopped."""
    id_ = (await call.running())["id"]
    await call("POST", f"experiments/{id_}/stop")
    stopped = today(call)
    call.emulator.clock.advance(days=30)
    call.emulator.simulate(id_, days=2)
    days = [day["date"] for day in await days_of(call, id_)]
    assert days == [str(stopped - timedelta(days=1)), str(stopped)]


async def test_adds_the_days_up_to_the_results(call: Calls) -> None:
    """The series runs from the oldest day, and its sums are the results."""
    id_ = await simulated(call, days=5)
    days = await days_of(call, id_)
    assert [day["date"] for day in days] == [
        str(today(call) - timedelta(days=back)) for back in range(4, -1, -1)
    ]
    rows = (await call("GET", f"experiments/{id_}/results"))["variants"]
    for number, row in enumerate(rows):
        column = [day["variants"][number] for day in days]
        assert {cell["id"] for cell in column} == {row["id"]}
        for name in ("impressions", "conversions"):
            assert sum(cell[name] for cell in column) == row[name]
        for cell in column:
            assert cell["conversionRate"] == cell["conversions"] / cell["impressions"]


async def test_leaves_days_without_impressions_out(call: Calls) -> None:
    """Days that nobody came on are not in the series."""
    id_ = await simulated(call, visitors_per_day=0)
    assert await days_of(call, id_) == []
    rows = (await call("GET", f"experiments/{id_}/results"))["variants"]
    assert [row["conversionRate"] for row in rows] == [0, 0]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        pytest.param(None, None, [4, 3, 2, 1, 0], id="whole-run"),
        pytest.param(3, 1, [3, 2, 1], id="inclusive"),
        pytest.param(2, 2, [2], id="one-day"),
        pytest.param(100, 3, [4, 3], id="before-the-run"),
        pytest.param(1, -50, [1, 0], id="after-the-run"),
        pytest.param(1, None, [1, 0], id="from"),
        pytest.param(None, 3, [4, 3], id="until"),
        pytest.param(50, 20, [], id="outside"),
        pytest.param(None, 20, [], id="until-before"),
        pytest.param(-20, None, [], id="from-after"),
    ],
)
async def test_cuts_a_window(
    call: Calls, start: int | None, end: int | None, expected: list[int]
) -> None:
    """A window is inclusive, and days outside the run are clamped away."""
    id_ = await simulated(call, days=5)
    query = {
        name: str(today(call) - timedelta(days=back))
        for name, back in (("startDate", start), ("endDate", end))
        if back is not None
    }
    days = [day["date"] for day in await days_of(call, id_, **query)]
    assert days == [str(today(call) - timedelta(days=back)) for back in expected]


@pytest.mark.parametrize(
    ("start", "end", "status"),
    [
        pytest.param("2026-01-01", "2027-01-01", 200, id="366-days"),
        pytest.param("2026-01-01", "2027-01-02", 400, id="367-days"),
        pytest.param("2026-01-02", "2026-01-01", 400, id="backwards"),
        pytest.param("2026-02-30", "2026-03-01", 400, id="no-such-day"),
        pytest.param("2026-1-1", "2026-03-01", 400, id="short"),
        pytest.param("20260101", "2026-03-01", 400, id="compact"),
        pytest.param("2026-01-01T00:00:00Z", "2026-03-01", 400, id="moment"),
        pytest.param("", "2026-03-01", 400, id="empty"),
        pytest.param("٢٠٢٦-01-01", "2026-03-01", 400, id="digits"),
    ],
)
async def test_checks_the_window(
    call: Calls, start: str, end: str, status: int
) -> None:
    """A window over 366 days, an end before the start, or no day: 400."""
    id_ = (await call.running())["id"]
    path = f"experiments/{id_}/results-time-series"
    query = {"startDate": start, "endDate": end}
    await call("GET", path, query=query, expect=status)


async def test_checks_the_window_that_results() -> None:
    """One date and a run of over 366 days: 400; no date: the whole run."""
    clock = Clock(datetime(2026, 6, 1, tzinfo=UTC), frozen=True)
    async with Emulator(clock=clock) as emulator, Calls(emulator) as call:
        id_ = await simulated(call, days=400)
        assert len(await days_of(call, id_)) == 400
        path = f"experiments/{id_}/results-time-series"
        query = {"startDate": "2000-01-01"}
        await call("GET", path, query=query, expect=400)
        assert len(await days_of(call, id_, startDate="2025-06-01")) == 366


@pytest.mark.parametrize("report", ["results", "results-time-series"])
async def test_needs_an_event(call: Calls, report: str) -> None:
    """Without an event name anywhere a report is a 400."""
    id_ = (await call.draft(metrics=None))["id"]
    path = f"experiments/{id_}/{report}"
    assert (await call.refusal("GET", path, query={"eventName": " "}))[0] == 400
    await call("GET", path, query={"eventName": "signup"})


async def test_reports_other_events(call: Calls) -> None:
    """A secondary event converts less often, one that is no metric never."""
    metrics = {"primary": {"eventName": "a"}, "secondary": [{"eventName": "b"}]}
    id_ = await simulated(call, fields={"metrics": metrics})
    conversions = []
    path = f"experiments/{id_}/results"
    for event in ("a", "b", "c"):
        query = {"eventName": event}
        row = (await call("GET", path, query=query))["variants"][0]
        conversions.append(row["conversions"])
    assert conversions[0] > conversions[1] > conversions[2] == 0
    default = (await call("GET", path))["variants"][0]
    assert default["conversions"] == conversions[0]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 40])
def test_sums_the_probabilities_to_one(count: int) -> None:
    """However many variants there are, the probabilities sum to exactly one."""
    counts = tuple((100 + n, n % 9) for n in range(count))
    assert sum(probabilities_to_be_best(counts, 0)) == 1


def test_is_even_between_equals() -> None:
    """Two variants with the same counts are about as likely to be the best."""
    first, second = probabilities_to_be_best(((1000, 100), (1000, 100)), 0)
    assert first == pytest.approx(second, abs=0.1)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"days": 0}, "days"),
        ({"days": 4000}, "days"),
        ({"visitors_per_day": -1}, "visitors_per_day"),
        ({"visitors_per_day": 10**9}, "visitors_per_day"),
        ({"conversion_rates": {"x": 0.1}}, "no variant has the id x"),
    ],
)
async def test_refuses_traffic_that_cannot_be(
    call: Calls, options: dict[str, Any], match: str
) -> None:
    """A simulation with values out of range is a ValueError."""
    id_ = (await call.running())["id"]
    with pytest.raises(ValueError, match=match):
        call.emulator.simulate(id_, **options)


async def test_refuses_rates_that_cannot_be(call: Calls) -> None:
    """A conversion rate lies between 0 and 1."""
    experiment = await call.running()
    rates = {experiment["variants"][0]["id"]: 1.1}
    with pytest.raises(ValueError, match="conversion_rates: 0 to 1"):
        call.emulator.simulate(experiment["id"], conversion_rates=rates)


async def test_refuses_traffic_for_a_draft(call: Calls) -> None:
    """What was never started has no traffic."""
    id_ = (await call.draft())["id"]
    with pytest.raises(ValueError, match="started"):
        call.emulator.simulate(id_)


async def test_forgets_the_traffic_of_what_is_deleted(call: Calls) -> None:
    """Deleting an experiment leaves nothing of its visitors."""
    id_ = await simulated(call)
    await call("DELETE", f"experiments/{id_}")
    assert call.emulator.state.traffic.replays(id_, None) == []


async def test_pages_replays_from_the_newest(call: Calls) -> None:
    """Replays are listed newest first, each once, all within the run."""
    id_ = await simulated(call, days=10)
    path = f"experiments/{id_}/session-replays"
    rows = [row async for page in call.pages(path, limit="7") for row in page]
    started = [row["startTime"] for row in rows]
    assert len({row["sessionId"] for row in rows}) == len(rows) == 120
    assert started == sorted(started, reverse=True)
    experiment = await call("GET", f"experiments/{id_}")
    assert experiment["startedAt"] <= started[-1]
    row = rows[0]
    assert row["replayUrl"].endswith(
        f"?sessionId={row['sessionId']}&visitorId={row['visitorId']}"
        f"&date={row['startTime'][:10]}"
    )


async def test_filters_replays_by_variant(call: Calls) -> None:
    """Replays of one variant are asked for with its id, in snake case."""
    id_ = await simulated(call, days=1)
    variant = (await call("GET", f"experiments/{id_}"))["variants"][1]
    path = f"experiments/{id_}/session-replays"
    page = await call("GET", path, query={"variant_id": variant["id"]})
    assert [row["variantName"] for row in page["entities"]] == [variant["name"]] * 6
    assert (await call("GET", path, query={"variant_id": "x"}))["entities"] == []


async def test_has_no_replays_before_there_are_visitors(call: Calls) -> None:
    """An experiment without visitors has no replays; an unknown one is a 404."""
    id_ = (await call.running())["id"]
    page = await call("GET", f"experiments/{id_}/session-replays")
    assert page == {
        "entities": [],
        "pagination": {"nextCursor": None, "hasMore": False},
    }
    await call("GET", "experiments/x/session-replays", expect=404)


async def test_binds_replay_cursors_to_their_listing(call: Calls) -> None:
    """A replay cursor is of no use for another experiment or variant."""
    one, other = await simulated(call), await simulated(call)
    path = f"experiments/{one}/session-replays"
    page = await call("GET", path, query={"limit": "1"})
    query = {"cursor": page["pagination"]["nextCursor"]}
    await call("GET", path, query=query)
    await call("GET", path, query={**query, "variant_id": "x"}, expect=400)
    path = f"experiments/{other}/session-replays"
    await call("GET", path, query=query, expect=400)
