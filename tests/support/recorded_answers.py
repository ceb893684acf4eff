"""The emulator's own answers to every operation."""

from collections import defaultdict

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientSession

from ours_experiments import (
    Client,
    DomAction,
    DomModification,
    Experiment,
    ExperimentPatch,
    Metric,
    Metrics,
    NewExperiment,
    NewSettings,
    NewVariant,
    QueryParam,
    SettingsPatch,
    Style,
    TargetingRules,
    VariantPatch,
)
from ours_experiments.emulator import Emulator


RULES = TargetingRules(
    ["/pricing*", "/b"],
    audience_id="aud_1",
    visitor_properties={"plan": {"in": ["pro", None]}},
    visitor_status="new",
    query_params=[QueryParam("utm", "exists"), QueryParam("k", "equals", "v")],
)
METRICS = Metrics(Metric("signup", "funnel_1"), [Metric("demo"), Metric("call")])
CHANGES = [
    DomModification("h1", DomAction.SET_TEXT, "Hello"),
    DomModification("h2", DomAction.SET_STYLE, styles=[Style("color", "red")]),
    DomModification("a", DomAction.SET_ATTRIBUTE, attribute={"tabindex": 0}),
]


async def record() -> dict[str, list[bytes]]:
    """Make calls until every operation was answered, and give all good answers."""
    answers: dict[str, list[bytes]] = defaultdict(list)

    async def keep(request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
        response = await send(request)
        if response.ok:
            answers[emulator.log.entries[-1].route].append(await response.read())
        return response

    async with (
        Emulator() as emulator,
        ClientSession(middlewares=(keep,)) as session,
        Client(emulator.api_key, base_url=emulator.url, session=session) as client,
    ):
        experiment = await live(client, emulator)
        await account(client, experiment)
    return answers


async def live(client: Client, emulator: Emulator) -> Experiment:
    """Lead an experiment through its whole life."""
    settings = await client.settings.create(NewSettings(name="Settings"))
    calls = client.experiments
    made = await calls.create(
        NewExperiment(settings.id, "A", targeting_rules=RULES, metrics=METRICS)
    )
    variant = await client.variants.create(
        NewVariant(made.id, "B", 30, dom_modifications=CHANGES)
    )
    other = await client.variants.create(
        NewVariant(made.id, "C", 30, redirect_url="https://www.example.com/")
    )
    await client.variants.update(variant.id, VariantPatch(weight=40))
    await client.variants.retrieve(variant.id)
    await client.variants.list_page(made.id)
    await client.variants.delete(other.id)
    await calls.update(made.id, ExperimentPatch(description="Why"))
    await client.versions.draft_changes()
    await calls.start(made.id)
    await calls.pause(made.id)
    await calls.resume(made.id, publish=False)
    emulator.simulate(made.id, days=5)
    await calls.results(made.id)
    await calls.results_time_series(made.id)
    assert [one async for one in calls.session_replays(made.id, limit=20)]
    await calls.retrieve(made.id)
    await calls.list_page()
    await calls.stop(made.id, winner_variant_id=variant.id)
    await calls.rollout(made.id, variant_id=variant.id)
    await calls.end_rollout(made.id)
    await calls.winner(made.id, winner_variant_id=variant.id)
    await calls.list_page()
    return made


async def account(client: Client, experiment: Experiment) -> None:
    """Read, change and publish what belongs to the account, then delete it."""
    [settings] = await client.settings.list()
    await client.settings.retrieve(settings.id)
    await client.settings.update(settings.id, SettingsPatch(cookie_name="c"))
    await client.versions.draft_changes()
    version = await client.versions.publish(name="V", notes="notes")
    await client.versions.retrieve(version.id)
    await client.versions.update(version.id, name="W")
    page = await client.versions.list_page()
    await client.versions.changes(page.entities[-1].id)
    await client.versions.snapshot(version.id)
    await client.versions.republish(page.entities[-1].id)
    await client.experiments.delete(experiment.id)
    await client.settings.delete(settings.id, with_experiments=True)
