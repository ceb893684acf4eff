"""What keeps a plan from doing harm: exports, stale plans, others' changes, pruning."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from ours_experiments import (
    Client,
    ConfigurationError,
    DomModification,
    ExperimentPatch,
    NewExperiment,
    NewVariant,
    OutcomeStatus,
    PlanConflictsError,
    QueryParam,
    SettingsPatch,
    StalePlanError,
    Style,
    TargetingRules,
    UnpublishedChangesError,
    dump_specs,
    load_specs,
)
from ours_experiments.emulator import Emulator
from ours_experiments.emulator.log import LogEntry
from ours_experiments.specs import Action, spec_schema
from tests.specs.account import create, new_spec, statuses, writes_in
from tests.specs.test_service import every_action


APPLIED, STAGED = OutcomeStatus.APPLIED, OutcomeStatus.STAGED
NOT_ATTEMPTED = OutcomeStatus.NOT_ATTEMPTED


async def seed_everything(emulator: Emulator, client: Client) -> None:
    """Make 300 experiments in all states, some with all that they can hold."""
    for status in ("draft", "running", "paused", "completed"):
        emulator.seed_experiments(74, status=status, variants=3)
    (settings,) = await client.settings.list()
    for number in range(4):
        rules = TargetingRules(
            url_patterns=["/a*", "b.example/*"],
            audience_id="aud_1" if number else None,
            visitor_properties={"plan": ["pro", None], "n": 1.5},
            visitor_status="returning",
            query_params=[QueryParam("q", "exists"), QueryParam("r", "equals", "x")],
            additional_properties={"futureField": {"x": number}},
        )
        made = await client.experiments.create(
            NewExperiment(
                settings.id,
                f"Number {number}: No",
                key="twin" if number < 2 else f"full {number}",
                description="" if number % 2 else "Two\nlines, and a \u0085.",
                traffic_allocation=33,
                targeting_rules=rules,
            )
        )
        modifications = [*every_action(), styled()]
        await client.variants.create(
            NewVariant(made.id, "Treatment", 40, dom_modifications=modifications)
        )


def styled() -> DomModification:
    """Build a change of styles in camel and kebab case."""
    styles = [Style("backgroundColor", "red"), Style("--own", "1")]
    return DomModification("#x", "setStyle", styles=styles)


async def test_an_export_is_the_account(
    shop: Emulator, client: Client, tmp_path: Path
) -> None:
    """A plan of an export is empty, its files fit the schema, a second is the same."""
    await seed_everything(shop, client)
    shop.log.clear()
    paths = dump_specs(await client.export(), tmp_path / "first")
    plan = await client.plan(load_specs(tmp_path / "first"))
    assert len(paths) == 300
    assert plan.is_empty
    validator = jsonschema.Draft202012Validator(spec_schema())
    for path in paths:
        validator.validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    dump_specs(await client.export(), tmp_path / "second")
    for path in paths:
        second = tmp_path / "second" / path.name
        assert path.read_bytes() == second.read_bytes()
    assert writes_in(shop) == 0


async def test_an_export_can_be_limited(shop: Emulator, client: Client) -> None:
    """Only the experiments of a state, or of patterns of keys, are exported."""
    shop.seed_experiments(2, status="running")
    await create(client, new_spec("web-a"), new_spec("app-b"))
    drafts = await client.export(status="draft")
    assert {spec.key for spec in drafts} == {"web-a", "app-b"}
    assert [spec.key for spec in await client.export(keys=["web-*"])] == ["web-a"]
    with pytest.raises(ConfigurationError, match="keys"):
        await client.export(keys="web-*")


async def test_a_stale_plan_writes_nothing(shop: Emulator, client: Client) -> None:
    """A saved plan is refused once somebody has changed an experiment of it."""
    await create(client, new_spec("a"), new_spec("b"))
    wanted = [new_spec("a", description="x"), new_spec("b", description="y")]
    text = (await client.plan(wanted)).to_json()
    found = await client.experiments.find_by_key("b")
    assert found is not None
    await client.experiments.update(found.id, ExperimentPatch(name="Changed"))
    shop.log.clear()
    plan = client.plan_from(text)
    with pytest.raises(StalePlanError, match=r"b: updated_at"):
        await plan.apply()
    assert writes_in(shop) == 0


async def test_a_saved_plan_is_applied(shop: Emulator, client: Client) -> None:
    """A plan that was saved does what the plan itself does."""
    text = (await client.plan([new_spec("a", state="running")])).to_json()
    plan = client.plan_from(text)
    assert statuses(await plan.apply()) == [APPLIED] * 4
    assert plan.to_json() == text
    assert shop.log.received("versions.publish") == 1


@pytest.mark.usefixtures("shop")
async def test_a_plan_of_another_account_is_refused(client: Client) -> None:
    """A saved plan is bound to the address and key it was made with."""
    text = (await client.plan([new_spec("a")])).to_json()
    with pytest.raises(ConfigurationError, match="edited"):
        client.plan_from(text.replace("Left", "Right"))
    with pytest.raises(ConfigurationError, match="not JSON"):
        client.plan_from("{")
    async with (
        Emulator(("other-key",)) as other,
        Client("other-key", base_url=other.url) as stranger,
    ):
        with pytest.raises(ConfigurationError, match="another API key"):
            stranger.plan_from(text)


async def test_changes_of_others_are_not_shipped(
    shop: Emulator, client: Client
) -> None:
    """A plan that publishes is refused while others have unpublished changes."""
    await create(client, new_spec("new"), new_spec("old", state="running"))
    (settings,) = await client.settings.list()
    await client.settings.update(settings.id, SettingsPatch(name="Theirs"))
    shop.log.clear()
    wanted = [
        new_spec("new", state="running"),
        new_spec("old", state="completed", winner="Left", rollout="Right"),
    ]
    plan = await client.plan(wanted)
    with pytest.raises(UnpublishedChangesError, match="Theirs"):
        await plan.apply()
    assert writes_in(shop) == 0
    report = await plan.apply(ship_others=True)
    assert statuses(report) == [APPLIED, APPLIED]
    routes = [e.route for e in shop.log.entries if e.method == "POST"]
    assert routes == ["experiments.start", "versions.publish", "experiments.stop"]
    old = await client.experiments.find_by_key("old")
    assert old is not None
    names = {variant.id: variant.name for variant in old.variants or ()}
    assert names[old.winner_variant_id or ""] == "Left"
    assert names[old.rollout_variant_id or ""] == "Right"
    assert (await client.plan(wanted)).is_empty


async def test_a_publish_that_fails_holds_the_rest_back(
    shop: Emulator, client: Client
) -> None:
    """What is staged stays staged, stops are not sent; the next apply goes on."""
    await create(client, new_spec("new"), new_spec("old", state="running"))
    wanted = [new_spec("new", state="running"), new_spec("old", state="completed")]
    fault = shop.faults.add("status", code=409, route="versions.publish", times=1)
    shop.log.clear()
    report = await (await client.plan(wanted)).apply()
    assert statuses(report) == [STAGED, NOT_ATTEMPTED]
    assert report.publish_error is not None
    assert shop.log.received("experiments.stop") == 0
    assert fault.hits == 1
    plan = await client.plan(wanted)
    assert [change.action for change in plan.changes] == [Action.PUBLISH, Action.STOP]
    assert statuses(await plan.apply()) == [APPLIED, APPLIED]
    assert (await client.plan(wanted)).is_empty


async def test_changes_that_come_meanwhile_hold_the_publish_back(
    shop: Emulator, client: Client
) -> None:
    """Somebody's change between the starts and the publish is not shipped."""
    await create(client, new_spec("new"))
    plan = await client.plan([new_spec("new", state="running")])
    (settings,) = await client.settings.list()

    def change(exchange: LogEntry) -> None:
        if exchange.route == "experiments.start":
            shop.state.patch_settings(settings.id, {"name": "Theirs"})

    shop.log.watcher = change
    report = await plan.apply()
    assert statuses(report) == [STAGED]
    assert isinstance(report.publish_error, UnpublishedChangesError)
    assert shop.log.received("versions.publish") == 0


async def test_pruning(shop: Emulator, client: Client) -> None:
    """What is owned and in no file is deleted on request, while it is not live."""
    await create(
        client,
        new_spec("web-old"),
        new_spec("web-run", state="running"),
        new_spec("other"),
    )
    shop.log.clear()
    plan = await client.plan([], owns=["web-*"])
    assert {found.key for found in plan.unmanaged} == {"web-old", "web-run"}
    assert not plan.changes
    assert "not in these files: 2" in str(plan)
    assert (await plan.apply()).outcomes == ()
    assert writes_in(shop) == 0
    plan = await client.plan([], owns=["web-*"], prune=True)
    with pytest.raises(PlanConflictsError, match="web-run"):
        await plan.apply()
    assert writes_in(shop) == 0
    report = await plan.apply(skip_conflicts=True)
    assert statuses(report) == [APPLIED]
    assert shop.log.received("experiments.delete") == 1
    assert {row.key async for row in client.experiments.list()} == {"web-run", "other"}
    with pytest.raises(ConfigurationError, match="owns"):
        await client.plan([], prune=True)


async def test_a_completed_experiment_is_pruned(shop: Emulator, client: Client) -> None:
    """The deletion of a completed experiment is published."""
    await create(client, new_spec("web-done", state="running"))
    done = await client.experiments.find_by_key("web-done")
    assert done is not None
    await client.experiments.stop(done.id)
    shop.log.clear()
    plan = await client.plan([], owns=["web-*"], prune=True)
    assert statuses(await plan.apply()) == [APPLIED]
    assert shop.log.received("versions.publish") == 1
    assert (await client.versions.draft_changes()).count == 0
