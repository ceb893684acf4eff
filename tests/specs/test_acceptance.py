"""What plans change, with the requests that it takes."""

from pathlib import Path

import pytest

from ours_experiments import (
    Client,
    ExperimentPatch,
    ExperimentSpec,
    Limits,
    NewExperiment,
    OutcomeStatus,
    PlanConflictsError,
    TargetingSpec,
    UnsafePlanError,
    VariantSpec,
    load_specs,
)
from ours_experiments.emulator import Emulator
from ours_experiments.specs import Action
from tests.specs.account import (
    Writes,
    create,
    new_spec,
    statuses,
    variants,
    weights,
    writes_in,
)
from tests.specs.examples import PRICING


APPLIED, ALREADY = OutcomeStatus.APPLIED, OutcomeStatus.ALREADY


def write(directory: Path, text: str) -> Path:
    """Write one file of specs."""
    (directory / "pricing.yaml").write_text(text, encoding="utf-8")
    return directory


async def test_a_new_draft(shop: Emulator, client: Client, tmp_path: Path) -> None:
    """A draft is created with its variants; afterwards nothing is left to do."""
    text = PRICING.replace("state: running", "state: draft")
    specs = load_specs(write(tmp_path, text))
    plan = await client.plan(specs)
    actions = [change.action for change in plan.changes]
    assert actions == [Action.CREATE, Action.CREATE_VARIANT, Action.CREATE_VARIANT]
    assert not plan.live
    assert writes_in(shop) == 0
    report = await plan.apply()
    assert statuses(report) == [APPLIED] * 3
    assert shop.log.received("experiments.create") == 1
    assert shop.log.received("variants.create") == 2
    assert shop.log.received("versions.publish") == 0
    found = await weights(client, "pricing-headline")
    assert sorted(found.values()) == [20, 30, 50]
    shop.log.clear()
    again = await client.plan(specs)
    assert again.is_empty
    assert (await again.apply()).outcomes == ()
    assert writes_in(shop) == 0


async def test_a_new_running_experiment(
    shop: Emulator, watched: Client, writes: Writes, tmp_path: Path
) -> None:
    """A start is staged, and one version ships it."""
    specs = load_specs(write(tmp_path, PRICING))
    report = await (await watched.plan(specs)).apply()
    assert statuses(report) == [APPLIED] * 4
    assert report.version is not None
    assert report.publish_error is None
    assert shop.log.received("experiments.create") == 1
    assert shop.log.received("variants.create") == 2
    starts = [body for _, path, body in writes if path.endswith("/start")]
    assert starts == [{"publishAfterStart": False}]
    assert shop.log.received("versions.publish") == 1
    found = await watched.experiments.find_by_key("pricing-headline")
    assert found is not None
    assert found.status == "running"
    assert (await watched.versions.draft_changes()).count == 0


async def test_two_hundred_starts(shop: Emulator, client: Client) -> None:
    """200 drafts start with one version, and with few reads."""
    ids = shop.seed_experiments(200)
    found = [row async for row in client.experiments.list()]
    specs = [ExperimentSpec(row.key, id=row.id, state="running") for row in found]
    assert len(ids) == len(specs) == 200
    shop.log.clear()
    plan = await client.plan(specs)
    assert shop.log.received("experiments.list") == 2
    assert shop.log.received("versions.draft_changes") == 1
    assert shop.log.received() == 3
    shop.log.clear()
    report = await plan.apply(concurrency=8)
    assert statuses(report) == [APPLIED] * 200
    assert shop.log.received("experiments.list") == 2
    assert shop.log.received("versions.draft_changes") <= 2
    assert shop.log.received("experiments.start") == 200
    assert shop.log.received("versions.publish") == 1
    assert shop.log.received() <= 205


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"traffic_allocation": 50}, {"trafficAllocation": 50}),
        (
            {"traffic_allocation": 50, "description": None},
            {"trafficAllocation": 50, "description": None},
        ),
    ],
    ids=["omitted", "null"],
)
async def test_what_is_left_out_is_not_sent(
    shop: Emulator,
    watched: Client,
    writes: Writes,
    fields: dict[str, object],
    body: dict[str, object],
) -> None:
    """A patch has the managed fields that differ; null clears one."""
    before = new_spec("a", traffic_allocation=100, description="why", state="running")
    await create(watched, before)
    writes.clear()
    shop.log.clear()
    report = await (await watched.plan([new_spec("a", **fields)])).apply()
    assert statuses(report) == [APPLIED]
    patches = [sent for method, _, sent in writes if method == "PATCH"]
    assert patches == [body]
    assert shop.log.received("experiments.update") == 1
    assert shop.log.received("versions.publish") == 1
    found = await watched.experiments.find_by_key("a")
    assert found is not None
    assert found.description == (None if "description" in fields else "why")


async def test_variants_of_a_running_experiment_are_locked(
    shop: Emulator, client: Client
) -> None:
    """A locked variant stops the whole plan, unless conflicts are skipped."""
    await create(client, new_spec("a", state="running"))
    shop.log.clear()
    changed = new_spec(
        "a",
        description="new",
        variants=[
            VariantSpec(name="Left", weight=30),
            VariantSpec(name="Right", weight=30),
        ],
    )
    plan = await client.plan([changed])
    with pytest.raises(PlanConflictsError) as refused:
        await plan.apply()
    assert writes_in(shop) == 0
    (conflict,) = plan.conflicts
    for text in ("Right", "20 -> 30", "draft"):
        assert text in conflict.message
        assert text in str(refused.value)
    report = await plan.apply(skip_conflicts=True)
    assert statuses(report) == [APPLIED]
    assert shop.log.received("experiments.update") == 1


async def test_weights_are_lowered_first(
    shop: Emulator, watched: Client, writes: Writes
) -> None:
    """Weights are exchanged without a step that exceeds 99."""
    b, c = (
        VariantSpec(name=name, weight=weight, redirect_url=f"/{name}")
        for name, weight in (("B", 30), ("C", 60))
    )
    await create(watched, new_spec("a", variants=[b, c]))
    ids = {v.name: v.id for v in await variants(watched, "a")}
    writes.clear()
    wanted = [
        VariantSpec(name="B", weight=60),
        VariantSpec(name="C", weight=30),
        VariantSpec(name="D", weight=9, redirect_url="/D"),
    ]
    await create(watched, new_spec("a", variants=wanted))
    sent = [(method, path.rpartition("/")[2]) for method, path, _ in writes]
    assert sent == [
        ("PATCH", ids["C"]),
        ("PATCH", ids["B"]),
        ("POST", "experiment-variants"),
    ]
    assert 400 not in {entry.status for entry in shop.log.entries}
    assert (await weights(watched, "a")) == {"Control": 1, "B": 60, "C": 30, "D": 9}


async def test_two_experiments_with_one_key(shop: Emulator, client: Client) -> None:
    """A key that is not unique is a conflict; an id settles it."""
    (settings,) = await client.settings.list()
    first, second = [
        await client.experiments.create(NewExperiment(settings.id, name, key="twin"))
        for name in ("First", "Second")
    ]
    shop.log.clear()
    plan = await client.plan([ExperimentSpec("twin", name="Other")])
    (conflict,) = plan.conflicts
    assert {first.id, second.id} == set(conflict.experiment_ids)
    assert first.id in conflict.message
    assert second.id in conflict.message
    same = ExperimentSpec("twin", id=first.id, name="First")
    assert (await client.plan([same])).is_empty
    other = ExperimentSpec("twin", id=second.id, name="Other")
    (change,) = (await client.plan([other])).changes
    assert change.experiment_id == second.id
    assert writes_in(shop) == 0


async def test_unknown_targeting_is_kept(
    shop: Emulator, watched: Client, writes: Writes
) -> None:
    """A patch of one rule sends the others too; null clears one."""
    await create(watched, new_spec("a"))
    found = await watched.experiments.find_by_key("a")
    assert found is not None
    shop.state.get(found.id).targeting_rules = {
        "urlPatterns": ["/a"],
        "audienceId": "aud_1",
        "futureField": {"x": 1},
    }
    await watched.experiments.update(found.id, ExperimentPatch(traffic_allocation=9))
    writes.clear()
    spec = new_spec("a", targeting_rules=TargetingSpec(url_patterns=["/a", "/b"]))
    plan = await watched.plan([spec])
    (change,) = plan.changes
    assert len(change.fields) == 1
    await plan.apply()
    (sent,) = [
        body["targetingRules"] for method, _, body in writes if method == "PATCH"
    ]
    assert isinstance(sent, dict)
    assert sent["urlPatterns"] == ["/a", "/b"]
    assert sent["audienceId"] == "aud_1"
    assert sent["futureField"] == {"x": 1}
    cleared = new_spec("a", targeting_rules=TargetingSpec(audience_id=None))
    await create(watched, cleared)
    found = await watched.experiments.find_by_key("a")
    assert found is not None
    assert found.targeting_rules is not None
    assert found.targeting_rules.audience_id is None
    assert found.targeting_rules.url_patterns == ("/a", "/b")


@pytest.mark.parametrize(
    ("managed", "changed", "refused"),
    [(12, 4, True), (12, 3, False), (9, 4, False)],
)
async def test_the_safety_limit(
    shop: Emulator, client: Client, managed: int, changed: int, *, refused: bool
) -> None:
    """More than 30 % of 10 or more are not changed without being forced."""
    shop.seed_experiments(managed, status="running")
    rows = [row async for row in client.experiments.list()]
    specs = [
        ExperimentSpec(
            row.key, id=row.id, traffic_allocation=50 if number < changed else 100
        )
        for number, row in enumerate(rows)
    ]
    shop.log.clear()
    plan = await client.plan(specs)
    if refused:
        with pytest.raises(UnsafePlanError, match=r"4 of 12 \(33 %, limit 30 %\)"):
            await plan.apply()
        assert writes_in(shop) == 0
        wider = await client.plan(specs, limits=Limits(changed=0.5))
        assert not wider.conflicts
    report = await plan.apply(force=refused)
    assert statuses(report) == [APPLIED] * changed


async def test_a_patch_by_somebody_else_is_kept(shop: Emulator, client: Client) -> None:
    """What a spec leaves out is neither drift nor overwritten."""
    await create(client, new_spec("a", state="running"))
    found = await client.experiments.find_by_key("a")
    assert found is not None
    patch = ExperimentPatch(traffic_allocation=7)
    await client.experiments.update(found.id, patch)
    await client.versions.publish()
    shop.log.clear()
    assert (await client.plan([new_spec("a", state="running")])).is_empty
