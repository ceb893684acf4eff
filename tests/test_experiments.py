"""Experiments: create, read, change, delete, list, find."""

from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest
from aiohttp import web

from ours_experiments import (
    BadRequestError,
    Client,
    ConfigurationError,
    ConflictError,
    Experiment,
    ExperimentPatch,
    Metric,
    Metrics,
    NewExperiment,
    NotFoundError,
    QueryOperator,
    QueryParam,
    TargetingRules,
)
from ours_experiments.emulator import Emulator
from tests.support.server import serve


RULES = TargetingRules(
    ["/pricing*"],
    audience_id="aud_1",
    visitor_properties={"plan": ["pro"]},
    visitor_status="new",
    query_params=[QueryParam("utm", QueryOperator.EXISTS)],
)
RULES_ON_THE_WIRE = {
    "urlPatterns": ["/pricing*"],
    "audienceId": "aud_1",
    "visitorProperties": {"plan": ["pro"]},
    "visitorStatus": "new",
    "queryParams": [{"key": "utm", "operator": "exists", "value": None}],
}
METRICS = Metrics(Metric("signup"), [Metric("demo", "funnel_1")])
METRICS_ON_THE_WIRE = {
    "primary": {"eventName": "signup", "funnelId": None},
    "secondary": [{"eventName": "demo", "funnelId": "funnel_1"}],
}


@pytest.fixture
async def settings_id(client: Client) -> str:
    """Have settings, and nothing else."""
    await client.request("POST", "experiment-settings", json={})
    [settings] = await client.settings.list()
    return settings.id


async def test_create_with_everything(
    client: Client, emulator: Emulator, settings_id: str
) -> None:
    """Every field of a draft arrives."""
    created = await client.experiments.create(
        NewExperiment(
            settings_id,
            "Hero ✨",
            key="hero",
            description="Why",
            type="personalization",
            traffic_allocation=40,
            include_query_string=True,
            control_weight=30,
            targeting_rules=RULES,
            metrics=METRICS,
        )
    )
    kept = emulator.state.experiment(created.id)
    assert (kept["name"], kept["key"], kept["description"]) == (
        "Hero ✨",
        "hero",
        "Why",
    )
    assert (kept["type"], kept["trafficAllocation"]) == ("personalization", 40)
    assert kept["includeQueryString"] is True
    assert kept["targetingRules"] == RULES_ON_THE_WIRE
    assert kept["metrics"] == METRICS_ON_THE_WIRE
    assert [variant.weight for variant in created.variants or ()] == [30]


async def test_create_answers_what_is_kept(client: Client, settings_id: str) -> None:
    """What create answers is what is read afterwards."""
    draft = NewExperiment(settings_id, "A", targeting_rules=RULES, metrics=METRICS)
    created = await client.experiments.create(draft)
    assert await client.experiments.retrieve(created.id) == created
    assert (created.targeting_rules, created.metrics) == (RULES, METRICS)


async def test_create_with_unknown_settings(client: Client, emulator: Emulator) -> None:
    """Settings that the account does not have are a `NotFoundError`."""
    with pytest.raises(NotFoundError, match="experimentSettingsId"):
        await client.experiments.create(NewExperiment("settings_1", "A"))
    assert emulator.log.received("experiments.create") == 1


async def test_create_with_a_key_in_use() -> None:
    """A service that wants keys to be unique is asked once, and refuses."""
    async with (
        Emulator(unique_keys=True) as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        emulator.seed_experiments(1)
        draft = NewExperiment(
            str(emulator.state.settings()[0]["id"]), "A", key="experiment-1"
        )
        with pytest.raises(ConflictError, match="experiment-1 already exists"):
            await client.experiments.create(draft)
    assert emulator.log.received("experiments.create") == 1


@pytest.mark.parametrize(
    ("patch", "field", "expected"),
    [
        pytest.param(ExperimentPatch(name="B"), "name", "B", id="name"),
        pytest.param(ExperimentPatch(key="b"), "key", "b", id="key"),
        pytest.param(
            ExperimentPatch(key=" "), "key", "experiment-1", id="key-from-the-name"
        ),
        pytest.param(
            ExperimentPatch(description="Why"), "description", "Why", id="description"
        ),
        pytest.param(
            ExperimentPatch(description=None), "description", None, id="no-description"
        ),
        pytest.param(
            ExperimentPatch(traffic_allocation=0), "trafficAllocation", 0, id="traffic"
        ),
        pytest.param(
            ExperimentPatch(include_query_string=False),
            "includeQueryString",
            False,
            id="query-string",
        ),
        pytest.param(
            ExperimentPatch(include_query_string=None),
            "includeQueryString",
            None,
            id="no-query-string",
        ),
        pytest.param(
            ExperimentPatch(targeting_rules=RULES),
            "targetingRules",
            RULES_ON_THE_WIRE,
            id="rules",
        ),
        pytest.param(
            ExperimentPatch(targeting_rules=None), "targetingRules", None, id="no-rules"
        ),
        pytest.param(
            ExperimentPatch(metrics=METRICS),
            "metrics",
            METRICS_ON_THE_WIRE,
            id="metrics",
        ),
        pytest.param(ExperimentPatch(metrics=None), "metrics", None, id="no-metrics"),
    ],
)
async def test_update(
    client: Client,
    emulator: Emulator,
    patch: ExperimentPatch,
    field: str,
    expected: object,
) -> None:
    """A patch changes its field, where None clears it, and no other."""
    [id] = emulator.seed_experiments(1)  # noqa: A001
    await client.experiments.update(id, ExperimentPatch(description="Before"))
    before = emulator.state.experiment(id)
    updated = await client.experiments.update(id, patch)
    after = emulator.state.experiment(id)
    assert after == {**before, field: expected, "updatedAt": after["updatedAt"]}
    assert updated == await client.experiments.retrieve(id)


async def test_update_of_a_completed_experiment(
    client: Client, emulator: Emulator
) -> None:
    """A completed experiment is asked to change once, and refuses."""
    [id] = emulator.seed_experiments(1, status="completed")  # noqa: A001
    with pytest.raises(ConflictError, match="can no longer be edited"):
        await client.experiments.update(id, ExperimentPatch(name="B"))
    assert emulator.log.received("experiments.update") == 1


@pytest.fixture
async def newer_service() -> AsyncIterator[Client]:
    """Speak to a service that keeps one experiment, with keys of the future."""
    kept: dict[str, object] = {
        "id": "exp_1",
        "key": "a",
        "name": "A",
        "status": "draft",
        "createdAt": "2026-05-01T00:00:00Z",
        "trafficAllocation": 100,
        "future": {"kept": True},
        "targetingRules": {
            "urlPatterns": ["/a"],
            "audienceId": "aud_1",
            "visitorProperties": {"plan": {"in": ["pro"]}},
            "visitorStatus": "new",
            "queryParams": [
                {"key": "k", "operator": "like", "value": "v", "future": [1, None]}
            ],
            "future": {"since": 2},
        },
        "metrics": {
            "primary": {"eventName": "signup", "funnelId": "f_1", "future": "x"},
            "secondary": [],
            "future": None,
        },
    }

    async def answer(request: web.BaseRequest) -> web.Response:
        if request.method == "PATCH":
            kept.update(await request.json())
        return web.json_response(kept)

    async with serve(answer) as client:
        yield client


async def sent_by_the_service(client: Client) -> Any:
    """Return the JSON of the only experiment."""
    return await client.request("GET", "experiments", "exp_1")


async def test_unknown_keys_survive(newer_service: Client) -> None:
    """Read, change, write: keys that this version does not know are kept."""
    experiments = newer_service.experiments
    raw = await sent_by_the_service(newer_service)
    read = await experiments.retrieve("exp_1")
    rules = attrs.evolve(present(read), url_patterns=["/b"])
    patch = ExperimentPatch(targeting_rules=rules, metrics=read.metrics)
    await experiments.update("exp_1", patch)
    raw["targetingRules"]["urlPatterns"] = ["/b"]
    assert await sent_by_the_service(newer_service) == raw


def present(experiment: Experiment) -> TargetingRules:
    """Give the rules of an experiment that has some."""
    assert experiment.targeting_rules is not None
    return experiment.targeting_rules


async def test_limits_of_quantity_are_the_services(
    client: Client, settings_id: str, emulator: Emulator
) -> None:
    """How many patterns there may be is not counted here, but by the service."""
    rules = TargetingRules([f"/{number}" for number in range(201)])
    draft = NewExperiment(settings_id, "Many", targeting_rules=rules)
    with pytest.raises(BadRequestError, match="urlPatterns"):
        await client.experiments.create(draft)
    assert emulator.log.received("experiments.create") == 1


@pytest.mark.parametrize(
    "value",
    [
        [],
        ["pro", {"n": [1, None]}],
        {"plan": {"in": ["pro"]}},
        "text",
        1.5,
        False,
        None,
    ],
    ids=["empty", "array", "object", "text", "number", "switch", "null"],
)
async def test_free_form_json_loses_no_page(value: object) -> None:
    """What the API leaves free is read as it comes, also in a page, of any type."""
    modification = {"selector": "a", "action": "setAttribute", "attribute": value}
    variant = {
        "id": "var_1",
        "experimentId": "exp_1",
        "name": "B",
        "isControl": False,
        "weight": 50,
        "variantType": "dom_modifications",
        "domModifications": [modification],
    }
    experiment = {
        "id": "exp_1",
        "key": "k",
        "name": "n",
        "status": "draft",
        "createdAt": "2026-05-01T00:00:00Z",
        "trafficAllocation": 100,
        "targetingRules": {"urlPatterns": [], "visitorProperties": value},
        "variants": [variant],
    }
    page = {"entities": [experiment], "pagination": {"hasMore": False}}

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.json_response(page)

    async with serve(answer) as client:
        [read] = (await client.experiments.list_page()).entities
    assert read.targeting_rules is not None
    assert read.targeting_rules.visitor_properties == value
    assert read.variants is not None
    assert read.variants[0].dom_modifications is not None
    assert read.variants[0].dom_modifications[0].attribute == value


async def test_free_form_json_is_read_exactly() -> None:
    """Numbers of any size are read as they are, and refused where they would change."""
    large = 123456789012345678901234567890
    experiment = {
        "id": "exp_1",
        "key": "k",
        "name": "n",
        "status": "draft",
        "createdAt": "2026-05-01T00:00:00Z",
        "trafficAllocation": 100,
        "targetingRules": {"urlPatterns": [], "visitorProperties": [{"n": large}, 1.5]},
    }
    sent: list[bytes] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        sent.append(await request.read())
        return web.json_response(experiment)

    async with serve(answer) as client:
        read = await client.experiments.retrieve("exp_1")
        assert read.targeting_rules is not None
        assert read.targeting_rules.visitor_properties == [{"n": large}, 1.5]
        with pytest.raises(
            ConfigurationError, match=r"visitor_properties\[0\]\.n must"
        ):
            ExperimentPatch(targeting_rules=read.targeting_rules)
    assert len(sent) == 1
