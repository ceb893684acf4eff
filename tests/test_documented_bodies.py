"""The first eleven endpoints against the documented example bodies."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, date, datetime

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
    Day,
    DayVariant,
    DomModification,
    Experiment,
    ExperimentPatch,
    ExperimentStatus,
    ExperimentType,
    InternalServerError,
    Metric,
    Metrics,
    NewExperiment,
    NotFoundError,
    PermissionDeniedError,
    PublishStatus,
    QueryOperator,
    QueryParam,
    Results,
    RetryPolicy,
    Style,
    TargetingRules,
    TimeSeries,
    Transition,
    Variant,
    VariantResult,
)


EXPERIMENTS = "https://app.oursprivacy.com/rest/v1/experiments"
ID = "exp_01HZX8TK6TSN91C5XWZP3N1M4E"
VARIANT_ID = "var_01HZX8YJH3Z3W1R2Q4M5N6P7Q8"
SETTINGS_ID = "settings_01HZX9BB73EY2Q37VGK5A0VW7A"

WITHOUT_VARIANTS = {
    "id": ID,
    "key": "homepage-hero-headline-test",
    "name": "Homepage Hero Headline Test",
    "description": "Test whether benefit-led copy increases demo requests.",
    "type": "ab",
    "status": "completed",
    "createdAt": "2026-04-30T18:42:11.219Z",
    "updatedAt": "2026-05-14T09:00:00.000Z",
    "startedAt": "2026-05-01T08:00:00.000Z",
    "stoppedAt": "2026-05-14T09:00:00.000Z",
    "trafficAllocation": 100,
    "includeQueryString": False,
    "winnerVariantId": VARIANT_ID,
    "targetingRules": {
        "urlPatterns": ["/pricing*", "/enterprise"],
        "audienceId": "string",
        "visitorProperties": {},
        "visitorStatus": "string",
        "queryParams": [
            {"key": "utm_campaign", "operator": "contains", "value": "spring-launch"}
        ],
    },
    "metrics": {
        "primary": {},
        "secondary": [{"eventName": "demo_requested", "funnelId": "string"}],
    },
}
VARIANT = {
    "id": VARIANT_ID,
    "experimentId": ID,
    "name": "Headline Variant B",
    "isControl": False,
    "weight": 50,
    "variantType": "string",
    "redirectUrl": "https://www.example.com/pricing-v2",
    "domModifications": [
        {
            "selector": "h1.hero-title",
            "action": "customCss",
            "value": "Start your free trial",
            "styles": [{"property": "background-color", "value": "#10B981"}],
            "attribute": {},
        }
    ],
}
WITH_VARIANTS = {**WITHOUT_VARIANTS, "variants": [VARIANT]}
PAGE = {
    "entities": [WITHOUT_VARIANTS],
    "pagination": {"nextCursor": "string", "hasMore": True},
}
TRANSITION = {
    "publishStatus": "pending_publish",
    "concurrentVersionChanges": 1,
    "experiment": WITHOUT_VARIANTS,
}
RESULTS = {
    "variants": [
        {
            "id": "string",
            "name": "Treatment",
            "isControl": False,
            "impressions": 1842,
            "conversions": 213,
            "conversionRate": 0.1156,
            "probabilityToBeBest": 0.87,
        }
    ]
}
TIME_SERIES = {
    "days": [
        {
            "date": "2026-04-30",
            "variants": [
                {
                    "id": "string",
                    "impressions": 0,
                    "conversions": 0,
                    "conversionRate": 0,
                }
            ],
        }
    ]
}
REFUSAL = {"error": "string", "details": "string"}

BARE = Experiment(
    id=ID,
    key="homepage-hero-headline-test",
    name="Homepage Hero Headline Test",
    description="Test whether benefit-led copy increases demo requests.",
    type=ExperimentType.AB,
    status=ExperimentStatus.COMPLETED,
    created_at=datetime(2026, 4, 30, 18, 42, 11, 219000, tzinfo=UTC),
    updated_at=datetime(2026, 5, 14, 9, tzinfo=UTC),
    started_at=datetime(2026, 5, 1, 8, tzinfo=UTC),
    stopped_at=datetime(2026, 5, 14, 9, tzinfo=UTC),
    traffic_allocation=100,
    include_query_string=False,
    winner_variant_id=VARIANT_ID,
    rollout_variant_id=None,
    targeting_rules=TargetingRules(
        ["/pricing*", "/enterprise"],
        audience_id="string",
        visitor_properties={},
        visitor_status="string",
        query_params=[
            QueryParam("utm_campaign", QueryOperator.CONTAINS, "spring-launch")
        ],
    ),
    metrics=Metrics(Metric(), [Metric("demo_requested", "string")]),
    variants=None,
)
FULL = attrs.evolve(
    BARE,
    variants=(
        Variant(
            id=VARIANT_ID,
            experiment_id=ID,
            name="Headline Variant B",
            is_control=False,
            weight=50,
            variant_type="string",
            redirect_url="https://www.example.com/pricing-v2",
            dom_modifications=(
                DomModification(
                    "h1.hero-title",
                    "customCss",
                    "Start your free trial",
                    styles=[Style("background-color", "#10B981")],
                    attribute={},
                ),
            ),
        ),
    ),
)
MOVED = Transition(BARE, PublishStatus.PENDING_PUBLISH, 1)


@pytest.fixture
def service() -> Iterator[aioresponses]:
    """Answer requests without a socket."""
    with aioresponses() as answers:
        yield answers


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """Speak to the service's own address."""
    async with Client("test-key") as speaking:
        yield speaking


def sent(service: aioresponses, method: str, url: str) -> object:
    """Give the decoded body of the only request that was sent."""
    [(key, [request])] = service.requests.items()
    assert key == (method, URL(url))
    body = request.kwargs["data"]
    return None if body is None else orjson.loads(body.decode())


async def test_01_list(service: aioresponses, client: Client) -> None:
    """GET /experiments: a page of experiments that carry no variants."""
    service.get(f"{EXPERIMENTS}?limit=25&status=completed", payload=PAGE)
    page = await client.experiments.list_page(limit=25, status="completed")
    assert (page.entities, page.next_cursor, page.has_more) == ((BARE,), "string", True)


async def test_01_walk(service: aioresponses, client: Client) -> None:
    """GET /experiments: the cursor of a page leads to the next one."""
    last = {**PAGE, "pagination": {"hasMore": False}}
    service.get(f"{EXPERIMENTS}?limit=100", payload=PAGE)
    service.get(f"{EXPERIMENTS}?limit=100&cursor=string", payload=last)
    assert [found async for found in client.experiments.list()] == [BARE, BARE]


async def test_02_create(service: aioresponses, client: Client) -> None:
    """POST /experiments: what is required is sent, and nothing else."""
    service.post(EXPERIMENTS, payload=WITH_VARIANTS)
    draft = NewExperiment(SETTINGS_ID, "Homepage Hero Headline Test")
    assert await client.experiments.create(draft) == FULL
    assert sent(service, "POST", EXPERIMENTS) == {
        "experimentSettingsId": SETTINGS_ID,
        "name": "Homepage Hero Headline Test",
    }


async def test_03_retrieve(service: aioresponses, client: Client) -> None:
    """GET /experiments/{id}: the experiment with its variants."""
    service.get(f"{EXPERIMENTS}/{ID}", payload=WITH_VARIANTS)
    assert await client.experiments.retrieve(ID) == FULL


async def test_04_update(service: aioresponses, client: Client) -> None:
    """PATCH /experiments/{id}: what was read is written back as it was."""
    service.patch(f"{EXPERIMENTS}/{ID}", payload=WITHOUT_VARIANTS)
    patch = ExperimentPatch(targeting_rules=BARE.targeting_rules)
    assert await client.experiments.update(ID, patch) == BARE
    assert sent(service, "PATCH", f"{EXPERIMENTS}/{ID}") == {
        "targetingRules": WITHOUT_VARIANTS["targetingRules"]
    }


async def test_05_delete(service: aioresponses, client: Client) -> None:
    """DELETE /experiments/{id}: the answer `true` is success."""
    service.delete(f"{EXPERIMENTS}/{ID}", payload=True)
    await client.experiments.delete(ID)
    assert sent(service, "DELETE", f"{EXPERIMENTS}/{ID}") is None


async def test_06_start(service: aioresponses, client: Client) -> None:
    """POST /experiments/{id}/start: an empty object is sent."""
    service.post(f"{EXPERIMENTS}/{ID}/start", payload=TRANSITION)
    assert await client.experiments.start(ID) == MOVED
    assert sent(service, "POST", f"{EXPERIMENTS}/{ID}/start") == {}


async def test_07_stop(service: aioresponses, client: Client) -> None:
    """POST /experiments/{id}/stop: the winner is sent along."""
    service.post(f"{EXPERIMENTS}/{ID}/stop", payload=TRANSITION)
    assert await client.experiments.stop(ID, winner_variant_id=VARIANT_ID) == MOVED
    assert sent(service, "POST", f"{EXPERIMENTS}/{ID}/stop") == {
        "winnerVariantId": VARIANT_ID
    }


async def test_08_pause(service: aioresponses, client: Client) -> None:
    """POST /experiments/{id}/pause: an empty object is sent."""
    service.post(f"{EXPERIMENTS}/{ID}/pause", payload=TRANSITION)
    assert await client.experiments.pause(ID) == MOVED
    assert sent(service, "POST", f"{EXPERIMENTS}/{ID}/pause") == {}


async def test_09_resume(service: aioresponses, client: Client) -> None:
    """POST /experiments/{id}/resume: an empty object is sent."""
    service.post(f"{EXPERIMENTS}/{ID}/resume", payload=TRANSITION)
    assert await client.experiments.resume(ID) == MOVED
    assert sent(service, "POST", f"{EXPERIMENTS}/{ID}/resume") == {}


async def test_10_results(service: aioresponses, client: Client) -> None:
    """GET /experiments/{id}/results: one result for each variant."""
    service.get(f"{EXPERIMENTS}/{ID}/results", payload=RESULTS)
    expected = VariantResult(
        id="string",
        name="Treatment",
        is_control=False,
        impressions=1842,
        conversions=213,
        conversion_rate=0.1156,
        probability_to_be_best=0.87,
    )
    assert await client.experiments.results(ID) == Results((expected,))


async def test_11_results_time_series(service: aioresponses, client: Client) -> None:
    """GET /experiments/{id}/results-time-series: a rate may be a whole number."""
    url = f"{EXPERIMENTS}/{ID}/results-time-series"
    service.get(f"{url}?startDate=2026-04-30&endDate=2026-05-14", payload=TIME_SERIES)
    service.get(f"{EXPERIMENTS}/{ID}", payload=WITH_VARIANTS)
    series = await client.experiments.results_time_series(
        ID, start_date=date(2026, 4, 30), end_date=date(2026, 5, 14)
    )
    variant = DayVariant(id="string", impressions=0, conversions=0, conversion_rate=0)
    assert series == TimeSeries((Day(date(2026, 4, 30), (variant,)),))


Call = Callable[[Client], Awaitable[object]]
CALLS: list[tuple[str, Call]] = [
    ("GET ?limit=100", lambda c: c.experiments.list_page()),
    ("POST ", lambda c: c.experiments.create(NewExperiment(SETTINGS_ID, "A"))),
    (f"GET /{ID}", lambda c: c.experiments.retrieve(ID)),
    (f"PATCH /{ID}", lambda c: c.experiments.update(ID, ExperimentPatch(name="B"))),
    (f"DELETE /{ID}", lambda c: c.experiments.delete(ID)),
    (f"POST /{ID}/start", lambda c: c.experiments.start(ID)),
    (f"POST /{ID}/stop", lambda c: c.experiments.stop(ID)),
    (f"POST /{ID}/pause", lambda c: c.experiments.pause(ID)),
    (f"POST /{ID}/resume", lambda c: c.experiments.resume(ID)),
    (f"GET /{ID}/results", lambda c: c.experiments.results(ID)),
    (
        f"GET /{ID}/results-time-series",
        lambda c: c.experiments.results_time_series(ID),
    ),
]
ERRORS: list[tuple[int, type[APIStatusError]]] = [
    (400, BadRequestError),
    (401, AuthenticationError),
    (403, PermissionDeniedError),
    (404, NotFoundError),
    (409, ConflictError),
]


@pytest.mark.parametrize("answer", ERRORS, ids=lambda answer: str(answer[0]))
@pytest.mark.parametrize(("request_line", "call"), CALLS)
async def test_documented_error(
    service: aioresponses,
    client: Client,
    request_line: str,
    call: Call,
    answer: tuple[int, type[APIStatusError]],
) -> None:
    """The documented error body becomes the error of its status."""
    status, expected = answer
    method, _, rest = request_line.partition(" ")
    service.add(EXPERIMENTS + rest, method, status=status, payload=REFUSAL)
    with pytest.raises(expected) as caught:
        await call(client)
    assert (caught.value.error, caught.value.details) == ("string", "string")


async def test_documented_error_of_the_service(service: aioresponses) -> None:
    """The documented body with status 500 becomes an `InternalServerError`."""
    service.get(f"{EXPERIMENTS}/{ID}", status=500, payload=REFUSAL)
    async with Client("test-key", retry=RetryPolicy(attempts=1)) as client:
        with pytest.raises(InternalServerError):
            await client.experiments.retrieve(ID)
