"""The first eleven endpoints, in the order of the API's table.

Each is called with the documented example bodies, and on the emulator of the current
API and of the initial one: no variants in list items, no rollout, no staging.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import date
from typing import Any

import attrs
import orjson
import pytest
from aioresponses import aioresponses
from yarl import URL

from ours_experiments import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    Client,
    ConflictError,
    ExperimentPatch,
    ExperimentStatus,
    ExperimentType,
    InternalServerError,
    NewExperiment,
    NewSettings,
    NotFoundError,
    Page,
    PermissionDeniedError,
    PublishStatus,
    RetryPolicy,
)
from ours_experiments.emulator import Clock, Emulator
from tests.support.documented import (
    BARE,
    BY_DAY,
    EXPERIMENTS,
    FULL,
    ID,
    MEASURED,
    MOVED,
    PAGE,
    REFUSAL,
    RESULTS,
    SETTINGS_ID,
    TIME_SERIES,
    TRANSITION,
    VARIANT_ID,
    WITH_VARIANTS,
    WITHOUT_VARIANTS,
)


@pytest.fixture(params=["current", "initial"])
async def emulator(request: pytest.FixtureRequest) -> AsyncIterator[Emulator]:
    """Serve an empty account, of the current and of the initial API."""
    async with Emulator(api=request.param, clock=Clock(frozen=True)) as running:
        yield running


async def test_01_list(client: Client, emulator: Emulator) -> None:
    """All experiments are listed, the latest first."""
    ids = emulator.seed_experiments(3)
    assert [found.id async for found in client.experiments.list(limit=2)] == ids[::-1]


async def test_02_create(client: Client) -> None:
    """A new experiment is a draft; the service fills in what is not given."""
    settings = await client.settings.create(NewSettings())
    created = await client.experiments.create(NewExperiment(settings.id, "Hero Test"))
    assert (created.name, created.key) == ("Hero Test", "hero-test")
    assert (created.type, created.status) == (ExperimentType.AB, ExperimentStatus.DRAFT)
    assert created.updated_at is None
    [control] = created.variants or ()
    assert (control.is_control, control.weight) == (True, 100)


async def test_03_retrieve(client: Client, emulator: Emulator) -> None:
    """An experiment is retrieved by its id, with its variants."""
    [draft] = emulator.seed_experiments(1, variants=3)
    found = await client.experiments.retrieve(draft)
    assert found.id == draft
    assert [variant.is_control for variant in found.variants or ()] == [
        True,
        False,
        False,
    ]


async def test_04_update(client: Client, emulator: Emulator) -> None:
    """A patch changes the field that it names, and no other."""
    [draft] = emulator.seed_experiments(1)
    before = await client.experiments.retrieve(draft)
    after = await client.experiments.update(draft, ExperimentPatch(description="Why"))
    assert (after.description, after.name) == ("Why", before.name)


@pytest.mark.parametrize("status", list(ExperimentStatus))
async def test_05_delete(
    client: Client, emulator: Emulator, status: ExperimentStatus
) -> None:
    """An experiment of any status can be deleted once, and is not found afterwards."""
    [deleted] = emulator.seed_experiments(1, status=status)
    await client.experiments.delete(deleted)
    assert emulator.state.size == 0
    with pytest.raises(NotFoundError):
        await client.experiments.retrieve(deleted)
    with pytest.raises(NotFoundError):
        await client.experiments.delete(deleted)


async def test_06_to_09_lifecycle(client: Client, emulator: Emulator) -> None:
    """Start, pause, resume and stop each publish, and return the new status."""
    [draft] = emulator.seed_experiments(1)
    experiments = client.experiments
    _, treatment = (await experiments.retrieve(draft)).variants or ()
    transitions = [
        await experiments.start(draft),
        await experiments.pause(draft),
        await experiments.resume(draft),
        await experiments.stop(draft, winner_variant_id=treatment.id),
    ]
    after = [transition.experiment for transition in transitions]
    statuses = ["running", "paused", "running", "completed"]
    assert [experiment.status for experiment in after] == statuses
    assert {transition.publish_status for transition in transitions} == {
        PublishStatus.PUBLISHED
    }
    assert {(experiment.id, experiment.variants) for experiment in after} == {
        (draft, None)
    }
    assert after[-1].winner_variant_id == treatment.id
    assert (await experiments.retrieve(draft)).status is ExperimentStatus.COMPLETED


async def test_10_results(client: Client, emulator: Emulator) -> None:
    """Results have the counts and probabilities of every variant."""
    [running] = emulator.seed_experiments(1, status="running")
    emulator.simulate(running, days=3, visitors_per_day=1000)
    variants = (await client.experiments.results(running)).variants
    assert len(variants) == 2
    assert sum(variant.impressions for variant in variants) > 2000
    assert sum(variant.probability_to_be_best or 0 for variant in variants) == 1


async def test_11_results_time_series(client: Client, emulator: Emulator) -> None:
    """A time series has an entry for each day, the oldest first."""
    [running] = emulator.seed_experiments(1, status="running")
    emulator.simulate(running, days=3)
    series = await client.experiments.results_time_series(running)
    today = emulator.clock.now().date().toordinal()
    assert [day.date for day in series.days] == [
        date.fromordinal(today - ago) for ago in (2, 1, 0)
    ]


@pytest.mark.parametrize("emulator", ["initial"], indirect=True)
class TestInitialApi:
    """What the initial API does not send is None."""

    async def test_variants_of_list_items(
        self, client: Client, emulator: Emulator
    ) -> None:
        """The variants of a list item are None, not an empty tuple."""
        emulator.seed_experiments(1)
        [found] = (await client.experiments.list_page()).entities
        assert found.variants is None

    async def test_rollout(self, client: Client, emulator: Emulator) -> None:
        """The rolled out variant is None."""
        [completed] = emulator.seed_experiments(1, status="completed")
        assert (await client.experiments.retrieve(completed)).rollout_variant_id is None

    async def test_staging(self, client: Client, emulator: Emulator) -> None:
        """A service that cannot stage publishes, and the transition says so."""
        [draft] = emulator.seed_experiments(1)
        started = await client.experiments.start(draft, publish=False)
        assert started.publish_status is PublishStatus.PUBLISHED


@attrs.frozen
class Exchange:
    """A call, the request that the API documents for it, and the answer."""

    request: str
    """The method, and the rest of the URL below /experiments."""
    call: Callable[[Client], Awaitable[object]]
    answer: Any
    """The documented body of the response."""
    result: object = None
    """What the call returns."""
    body: object = None
    """The body of the request."""


EXCHANGES = (
    Exchange(
        "GET ?limit=25&status=completed",
        lambda client: client.experiments.list_page(limit=25, status="completed"),
        PAGE,
        Page((BARE,), "string", has_more=True),
    ),
    Exchange(
        "POST ",
        lambda client: client.experiments.create(
            NewExperiment(SETTINGS_ID, "Homepage Hero Headline Test")
        ),
        WITH_VARIANTS,
        FULL,
        {"experimentSettingsId": SETTINGS_ID, "name": "Homepage Hero Headline Test"},
    ),
    Exchange(
        f"GET /{ID}",
        lambda client: client.experiments.retrieve(ID),
        WITH_VARIANTS,
        FULL,
    ),
    Exchange(
        f"PATCH /{ID}",
        lambda client: client.experiments.update(
            ID, ExperimentPatch(targeting_rules=BARE.targeting_rules)
        ),
        WITHOUT_VARIANTS,
        BARE,
        {"targetingRules": WITHOUT_VARIANTS["targetingRules"]},
    ),
    Exchange(
        f"DELETE /{ID}", lambda client: client.experiments.delete(ID), answer=True
    ),
    Exchange(
        f"POST /{ID}/start",
        lambda client: client.experiments.start(ID),
        TRANSITION,
        MOVED,
        {},
    ),
    Exchange(
        f"POST /{ID}/stop",
        lambda client: client.experiments.stop(ID, winner_variant_id=VARIANT_ID),
        TRANSITION,
        MOVED,
        {"winnerVariantId": VARIANT_ID},
    ),
    Exchange(
        f"POST /{ID}/pause",
        lambda client: client.experiments.pause(ID),
        TRANSITION,
        MOVED,
        {},
    ),
    Exchange(
        f"POST /{ID}/resume",
        lambda client: client.experiments.resume(ID),
        TRANSITION,
        MOVED,
        {},
    ),
    Exchange(
        f"GET /{ID}/results",
        lambda client: client.experiments.results(ID),
        RESULTS,
        MEASURED,
    ),
    Exchange(
        f"GET /{ID}/results-time-series?endDate=2026-05-14&startDate=2026-04-30",
        lambda client: client.experiments.results_time_series(
            ID, start_date=date(2026, 4, 30), end_date=date(2026, 5, 14)
        ),
        TIME_SERIES,
        BY_DAY,
    ),
)
ERRORS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
}
exchanges = pytest.mark.parametrize(
    "exchange", EXCHANGES, ids=lambda exchange: exchange.request.partition("?")[0]
)


@pytest.fixture
def service() -> Iterator[aioresponses]:
    """Answer requests without a socket."""
    with aioresponses() as answers:
        yield answers


@pytest.fixture
async def canned() -> AsyncIterator[Client]:
    """Return a client of the service's own address, which aioresponses answers."""
    async with Client("test-key") as client:
        yield client


@exchanges
async def test_documented_bodies(
    service: aioresponses, canned: Client, exchange: Exchange
) -> None:
    """The documented request is sent, and the documented answer is decoded."""
    method, _, rest = exchange.request.partition(" ")
    service.add(EXPERIMENTS + rest, method, payload=exchange.answer)
    # A time series also reads the names of the variants.
    service.get(f"{EXPERIMENTS}/{ID}", payload=WITH_VARIANTS)
    assert await exchange.call(canned) == exchange.result
    [request] = service.requests.pop((method, URL(EXPERIMENTS + rest)))
    body = request.kwargs["data"]
    assert (None if body is None else orjson.loads(body.decode())) == exchange.body
    reads_names = "results-time-series" in rest
    assert list(service.requests) == [("GET", URL(f"{EXPERIMENTS}/{ID}"))] * reads_names


async def test_documented_cursor(service: aioresponses, canned: Client) -> None:
    """The cursor of the documented page leads to the next page."""
    last = {**PAGE, "pagination": {"hasMore": False}}
    service.get(f"{EXPERIMENTS}?limit=100", payload=PAGE)
    service.get(f"{EXPERIMENTS}?limit=100&cursor=string", payload=last)
    assert [found async for found in canned.experiments.list()] == [BARE, BARE]


@exchanges
async def test_documented_errors(
    service: aioresponses, canned: Client, exchange: Exchange
) -> None:
    """The documented error body becomes the error of its status."""
    method, _, rest = exchange.request.partition(" ")
    for status, expected in ERRORS.items():
        service.add(EXPERIMENTS + rest, method, status=status, payload=REFUSAL)
        with pytest.raises(expected) as caught:
            await exchange.call(canned)
        assert (caught.value.error, caught.value.details) == ("string", "string")


async def test_documented_error_of_the_service(service: aioresponses) -> None:
    """The documented body with status 500 becomes an `InternalServerError`."""
    service.get(f"{EXPERIMENTS}/{ID}", status=500, payload=REFUSAL)
    async with Client("test-key", retry=RetryPolicy(attempts=1)) as client:
        with pytest.raises(InternalServerError):
            await client.experiments.retrieve(ID)
