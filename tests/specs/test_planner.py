"""Comparing all specs with an account, and the plan that comes of it."""

import json
from collections.abc import Sequence
from datetime import timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ours_experiments.errors import ConfigurationError
from ours_experiments.models import (
    ChangedEntity,
    CollectionChanges,
    DomModification,
    DraftChanges,
    Experiment,
    ExperimentStatus,
    Settings,
    TargetingRules,
)
from ours_experiments.specs import (
    Action,
    ControlSpec,
    ExperimentSpec,
    Limits,
    MetricSpec,
    MetricsSpec,
    PlanConflictsError,
    SpecError,
    StalePlanError,
    TargetingSpec,
    UnpublishedChangesError,
    UnsafePlanError,
    VariantSpec,
    planner,
)
from ours_experiments.specs.checks import refuse_repeated
from ours_experiments.specs.export import export_specs
from ours_experiments.specs.plan import (
    Plan,
    refuse_conflicts,
    refuse_others,
    refuse_unsafe,
)
from ours_experiments.specs.plan_json import digest
from ours_experiments.specs.planner import (
    Account,
    needs_draft_changes,
    needs_settings,
    pair_up,
    refuse_stale,
)
from ours_experiments.specs.text import format_markdown, format_plan
from tests.specs import examples
from tests.specs.examples import BOLD, CONTROL, NEW_YEAR, experiment, spec


SHOP = Settings(id="s1", account_id="a", name="Shop", pixel="p", created_at=NEW_YEAR)
EVENT = MetricsSpec(primary=MetricSpec(event_name="e"))
RUNNING = ExperimentStatus.RUNNING


def account(*experiments: Experiment, **fields: object) -> Account:
    """Build an account of these experiments and the settings Shop."""
    values: dict[str, object] = {"experiments": experiments, "settings": (SHOP,)}
    return Account(**(values | fields))  # type: ignore[arg-type]


def make_plan(
    specs: Sequence[ExperimentSpec], found: Account, **fields: object
) -> Plan:
    """Plan specs for an account."""
    return planner.make_plan(Plan(specs=tuple(specs), **fields), found)  # type: ignore[arg-type]


def unpublished(*ids: str, collection: str = "experiments") -> DraftChanges:
    """Build unpublished changes of these entities."""
    added = tuple(ChangedEntity(id=entity, name=f"Entity {entity}") for entity in ids)
    return DraftChanges(len(ids), {collection: CollectionChanges(added=added)})


def many(count: int, **fields: object) -> tuple[Experiment, ...]:
    """Build running experiments."""
    return tuple(
        experiment(id=f"e{n}", key=f"k{n}", status=RUNNING, **fields)
        for n in range(count)
    )


def test_a_new_experiment_is_created_and_started() -> None:
    """What is absent is created, with its variants, and started."""
    wanted = ExperimentSpec(
        "new",
        name="New",
        metrics=EVENT,
        control=ControlSpec(name="Original"),
        variants=[VariantSpec(name="A", weight=50, redirect_url="/a")],
        state="running",
    )
    plan = make_plan([wanted], account())
    assert [(c.action, c.live, c.publishes) for c in plan.changes] == [
        (Action.CREATE, False, False),
        (Action.UPDATE_VARIANT, False, False),
        (Action.CREATE_VARIANT, False, False),
        (Action.START, True, False),
    ]
    assert (plan.versions, plan.existing, plan.is_empty) == (1, 0, False)
    assert [(t.key, t.experiment_id, t.settings_id) for t in plan.targets] == [
        ("new", None, "s1")
    ]


ABSENT = {
    "paused": ({"state": "paused", "name": "N"}, "cannot be created paused"),
    "completed": ({"state": "completed", "name": "N"}, "cannot be created completed"),
    "no name": ({}, "needs a name to be created"),
    "no weight": (
        {"name": "N", "variants": [VariantSpec(name="A")]},
        "variant A: is new and needs a weight",
    ),
    "an id": ({"id": "gone", "name": "N"}, "no experiment has the id gone"),
    "settings": ({"name": "N", "settings": "Other"}, "the settings to create it with"),
    "no event": (
        {
            "name": "N",
            "state": "running",
            "variants": [VariantSpec(name="A", weight=1)],
        },
        "cannot start: metrics.primary.event_name is missing",
    ),
}


@pytest.mark.parametrize(("fields", "message"), ABSENT.values(), ids=ABSENT.keys())
def test_what_cannot_be_created(fields: dict[str, object], message: str) -> None:
    """What cannot be created, or not be started, is a conflict."""
    plan = make_plan([ExperimentSpec("new", **fields)], account())  # type: ignore[arg-type]
    (conflict,) = plan.conflicts
    assert message in conflict.message
    assert Action.START not in [change.action for change in plan.changes]


def test_settings_are_found_by_name_id_or_alone() -> None:
    """A spec's settings win over the default; the only ones need no name."""
    other = attrs.evolve(SHOP, id="s2", name="Blog")
    wanted = ExperimentSpec("new", name="N")
    both = account(settings=(SHOP, other))
    assert make_plan([wanted], both).conflicts
    assert make_plan([wanted], both, settings="Blog").targets[0].settings_id == "s2"
    own = attrs.evolve(wanted, settings="s1")
    assert make_plan([own], both, settings="Blog").targets[0].settings_id == "s1"


def test_a_key_that_two_have_is_a_conflict() -> None:
    """Two experiments with the key: both ids are named, and an id in the file helps."""
    twins = account(experiment(key="twin"), experiment(id="e2", key="twin"))
    (conflict,) = make_plan([ExperimentSpec("twin")], twins).conflicts
    assert conflict.experiment_ids == ("e1", "e2")
    assert "(e1, e2): put id: into the file" in conflict.message
    assert make_plan([ExperimentSpec("twin", id="e2")], twins).is_empty


def test_a_key_that_is_given_away_is_free() -> None:
    """A rename by id lets another spec create an experiment of the former key."""
    wanted = [ExperimentSpec("new", id="e1"), ExperimentSpec("old", name="Second")]
    plan = make_plan(wanted, account(experiment(key="old")))
    assert [(c.action, c.key) for c in plan.changes] == [
        (Action.UPDATE, "new"),
        (Action.CREATE, "old"),
    ]


def test_two_specs_of_one_experiment_are_refused() -> None:
    """Specs that are built in Python have one identity each, too."""
    with pytest.raises(SpecError, match="spec 2: the key 'k' is also at spec 1"):
        refuse_repeated([ExperimentSpec("k"), ExperimentSpec("k")])


def test_pruning() -> None:
    """What is owned and in no file is named, and deleted on request where it can be."""
    found = account(
        experiment(id="old", key="web-old"),
        experiment(id="done", key="web-done", status=ExperimentStatus.COMPLETED),
        experiment(id="run", key="web-run", status=RUNNING),
        experiment(id="other", key="other"),
    )
    plan = make_plan([], found, owns=("web-*",))
    assert [e.id for e in plan.unmanaged] == ["old", "done", "run"]
    assert plan.is_empty
    pruned = make_plan([], found, owns=("web-*",), prune=True)
    assert [(c.action, c.experiment_id, c.live) for c in pruned.changes] == [
        (Action.DELETE, "old", False),
        (Action.DELETE, "done", True),
    ]
    assert [c.experiment_ids for c in pruned.conflicts] == [("run",)]
    assert pruned.existing == 3


def test_unpublished_changes_of_others() -> None:
    """Changes of what no spec describes are others'; those of its variants are not."""
    found = account(
        experiment(status=RUNNING),
        experiment(id="e2", key="other", status=RUNNING),
        draft_changes=DraftChanges(
            3,
            {
                **unpublished("e1", "e2").differences,
                **unpublished("v2", collection="experimentVariants").differences,
            },
        ),
    )
    plan = make_plan([spec(state="running")], found)
    assert [(o.collection, o.id, o.name) for o in plan.others] == [
        ("experiments", "e2", "Entity e2")
    ]
    assert [c.action for c in plan.changes] == [Action.PUBLISH]
    with pytest.raises(UnpublishedChangesError, match=r"Entity e2.*--ship-others"):
        refuse_others(plan)
    refuse_others(make_plan([spec(winner="Bold")], found))


def test_what_a_plan_has_to_read() -> None:
    """Settings are needed to create, unpublished changes for what is not a draft."""
    draft, running = experiment(), experiment(status=RUNNING)
    assert needs_settings(pair_up([ExperimentSpec("new")], [draft]))
    assert not needs_settings(pair_up([spec()], [draft]))
    assert not needs_draft_changes(pair_up([spec()], [draft]), prune=False)
    assert needs_draft_changes(pair_up([spec()], [running]), prune=False)
    assert needs_draft_changes(pair_up([spec(state="running")], [draft]), prune=False)
    assert needs_draft_changes(pair_up([spec()], [draft]), prune=True)


@pytest.mark.parametrize(
    ("existing", "changed", "safe"),
    [(12, 4, False), (12, 3, True), (9, 4, True), (10, 3, True), (10, 4, False)],
)
def test_the_safety_limit(existing: int, changed: int, safe: bool) -> None:  # noqa: FBT001
    """More than 30 % of 10 or more experiments are refused, with the way past."""
    wanted = [
        ExperimentSpec(f"k{n}", traffic_allocation=40 if n < changed else 50)
        for n in range(existing)
    ]
    plan = make_plan(wanted, account(*many(existing)))
    if safe:
        refuse_unsafe(plan)
        return
    share = f"{changed} of {existing} ({round(100 * changed / existing)} %, limit 30 %)"
    with pytest.raises(UnsafePlanError) as caught:
        refuse_unsafe(plan)
    assert share in str(caught.value)
    assert "--force" in str(caught.value)
    refuse_unsafe(attrs.evolve(plan, limits=Limits(changed=1.0)))


def test_starting_is_safe() -> None:
    """Creating, starting and resuming do not count towards the limit."""
    drafts = [experiment(id=f"e{n}", key=f"k{n}") for n in range(12)]
    wanted = [ExperimentSpec(f"k{n}", state="running") for n in range(12)]
    refuse_unsafe(make_plan(wanted, account(*drafts)))


def test_conflicts_are_refused() -> None:
    """A plan with conflicts says how many there are, and the first of them."""
    plan = make_plan([spec(type="multivariate")], account(experiment()))
    with pytest.raises(PlanConflictsError, match=r"1 conflict.*type cannot be changed"):
        refuse_conflicts(plan)
    refuse_conflicts(make_plan([spec()], account(experiment())))


def test_a_stale_plan_is_refused() -> None:
    """Whatever changed since the plan was made is named."""
    before = account(experiment(), draft_changes=unpublished())
    plan = make_plan([spec(name="New"), ExperimentSpec("n", name="N")], before)
    refuse_stale(plan, before)
    later = NEW_YEAR + timedelta(hours=1)
    for changed, reason in (
        (experiment(updated_at=later), "updated_at changed, none -> 2026-01-01 01:00"),
        (experiment(status=RUNNING), "status changed, draft -> running"),
        (experiment(variants=(CONTROL, BOLD)), "variants changed"),
        (experiment(id="e2"), "pricing-headline: e1 does not exist any more"),
    ):
        with pytest.raises(StalePlanError, match=reason):
            refuse_stale(plan, account(changed))
    with pytest.raises(StalePlanError, match="n: exists by now"):
        refuse_stale(plan, account(experiment(), experiment(id="e2", key="n")))
    with pytest.raises(StalePlanError, match="other changes are unpublished"):
        refuse_stale(plan, account(experiment(), draft_changes=unpublished("x")))


def test_what_is_not_touched_is_not_stale() -> None:
    """An experiment of which all is a conflict may change meanwhile."""
    plan = make_plan([spec(type="multivariate")], account(experiment()))
    assert [target.experiment_id for target in plan.targets] == ["e1"]
    refuse_stale(plan, account(experiment(status=RUNNING)))


def test_a_renamed_experiment_can_be_stale() -> None:
    """An experiment that a plan renames is found again by its id."""
    plan = make_plan([ExperimentSpec("new", id="e1")], account(experiment(key="old")))
    assert format_plan(plan).startswith("new                e1  draft\n")
    refuse_stale(plan, account(experiment(key="old")))
    with pytest.raises(StalePlanError, match="new: status changed"):
        refuse_stale(plan, account(experiment(key="old", status=RUNNING)))


def test_a_plan_survives_json() -> None:
    """A saved plan is the same plan, with its specs and its snapshot."""
    found = account(
        experiment(updated_at=NEW_YEAR, variants=examples.VARIANTS),
        experiment(id="e2", key="web-x"),
        draft_changes=unpublished("x"),
    )
    wanted = [
        spec(
            name="New",
            description=None,
            targeting_rules=TargetingSpec(url_patterns=["/a"]),
            variants=[VariantSpec(name="Bold", weight=10)],
        ),
        ExperimentSpec("new", state="paused"),
    ]
    plan = make_plan(wanted, found, owns=("web-*",), limits=Limits(0.5, 3), account="f")
    assert Plan.from_json(plan.to_json()) == plan
    assert json.loads(plan.to_json())["plan"] == 1


EDITED = {
    "no JSON": ("{", "not JSON"),
    "no plan": ('{"key": "k"}', "no field `plan`"),
    "a list": ("[]", "no field `plan`"),
    "format": ('{"plan": 9}', "format 1"),
    "no digest": ('{"plan": 1}', "edited"),
}


@pytest.mark.parametrize(("text", "reason"), EDITED.values(), ids=EDITED.keys())
def test_a_file_that_is_no_plan(text: str, reason: str) -> None:
    """What is no plan, or was edited, is refused with one clear error."""
    with pytest.raises(ConfigurationError, match=reason):
        Plan.from_json(text)


def test_an_edited_plan_is_refused() -> None:
    """A plan that was edited by hand is refused."""
    plan = make_plan([spec(name="New")], account(experiment()))
    with pytest.raises(ConfigurationError, match="edited"):
        Plan.from_json(plan.to_json().replace('"New"', '"Newer"'))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("changes", [{"action": "fly", "key": "k"}], id="action"),
        pytest.param("targets", [{}], id="missing"),
        pytest.param("specs", [{"nme": "k"}], id="spec"),
        pytest.param("limits", None, id="limits"),
    ],
)
def test_a_plan_of_another_shape_is_refused(field: str, value: object) -> None:
    """A plan that another program wrote is one clear error."""
    body = json.loads(make_plan([spec(name="New")], account(experiment())).to_json())
    body[field] = value
    content = {k: v for k, v in body.items() if k not in ("plan", "digest")}
    text = json.dumps({"plan": 1, "digest": digest(content), **content})
    with pytest.raises(ConfigurationError, match="another shape"):
        Plan.from_json(text)


@given(found=st.lists(examples.experiments(), max_size=4))
def test_an_export_needs_no_change(found: list[Experiment]) -> None:
    """A plan of what was just exported is empty."""
    listed = [attrs.evolve(e, id=f"e{n}") for n, e in enumerate(found)]
    plan = make_plan(export_specs(listed), account(*listed))
    assert plan.is_empty
    assert Plan.from_json(plan.to_json()) == plan


@given(specs=st.lists(examples.specs(), max_size=3, unique_by=lambda spec: spec.key))
def test_any_plan_can_be_shown_and_saved(specs: list[ExperimentSpec]) -> None:
    """Every plan has a text that a terminal can show, Markdown and JSON."""
    ids = [s.id for s in specs if isinstance(s.id, str)]
    if len(set(ids)) < len(ids):
        return
    found = account(*(experiment(id=f"e{n}", key=s.key) for n, s in enumerate(specs)))
    plan = make_plan(specs, found)
    for line in format_plan(plan).splitlines():
        assert line.isprintable()
        assert len(line) <= 80 or line.startswith("plan: ") or "  " not in line[4:]
    assert format_markdown(plan)
    assert Plan.from_json(plan.to_json()) == plan


def test_the_heading_of_a_long_key_is_broken() -> None:
    """A key that leaves no space for id and status has a line of its own."""
    key = "k" * 78
    plan = make_plan([spec(key=key, name="New")], account(experiment(key=key)))
    first, second, *_ = format_plan(plan).splitlines()
    assert first == key
    assert second == f"    {experiment().id}  draft"


SHOWN = """\
pricing-headline   exp_01  running
  ~ traffic_allocation           50 -> 100                                  live
  ~ targeting_rules.url_patterns + /plans                                   live
  ! variant Bold: weight 20 -> 30: locked, variants change only in draft
hero-banner        new
  + experiment, settings Shop
  + variant Bold, weight 50, 2 modifications
  > start                                                                   live
spring-sale        exp_02  running
  > stop, winner Bold, rolled out                        live, publishes at once
plan: 1 created, 1 changed, 1 started, 1 stopped; 1 conflict; 2 versions; \
3 of 3 experiments live-changed
1 unpublished change of others would go live with it: --ship-others
not in these files: 2 experiments of web-*"""


def example_plan() -> Plan:
    """Make a plan of changes of several kinds."""
    rules = TargetingRules(("/pricing",))
    removal = DomModification("p", "remove")
    specs = [
        spec(
            traffic_allocation=100,
            targeting_rules=TargetingSpec(url_patterns=["/pricing", "/plans"]),
            variants=[
                VariantSpec(name="Benefit first"),
                VariantSpec(name="Bold", weight=30),
            ],
        ),
        ExperimentSpec(
            "hero-banner",
            name="Hero",
            metrics=EVENT,
            variants=[
                VariantSpec(name="Bold", weight=50, dom_modifications=[removal] * 2)
            ],
            state="running",
        ),
        ExperimentSpec("spring-sale", state="completed", winner="Bold", rollout="Bold"),
    ]
    found = account(
        experiment(id="exp_01", status=RUNNING, targeting_rules=rules),
        experiment(id="exp_02", key="spring-sale", status=RUNNING),
        experiment(id="e3", key="web-1"),
        experiment(id="e4", key="web-2"),
        draft_changes=unpublished("x"),
    )
    return make_plan(specs, found, owns=("web-*",))


def test_a_plan_as_text() -> None:
    """A plan is readable: changes by experiment, marks, conflicts and a summary."""
    assert format_plan(example_plan()) == SHOWN


def test_a_plan_as_markdown() -> None:
    """A plan as Markdown is a summary and a table, with its own signs escaped."""
    text = format_markdown(example_plan())
    assert text.startswith("**plan: 1 created, 1 changed")
    assert (
        "| `pricing-headline` (exp_01, running) | ~ traffic\\_allocation           "
        "50 -\\> 100 | live |" in text
    )
    assert "\n| `hero-banner` (new) | \\> start | live |\n" in text.replace(
        "| > start", "| \\> start"
    )


def test_an_empty_plan_as_text() -> None:
    """A plan without changes says so."""
    assert format_plan(make_plan([spec()], account(experiment()))) == "plan: no changes"


def test_long_texts_are_compared_by_line() -> None:
    """Of a long text only the lines that differ are shown."""
    html = "<b>\nOld\n</b>\n"
    change = DomModification("p", "setHtml", html)
    found = experiment(
        variants=(CONTROL, attrs.evolve(BOLD, dom_modifications=(change,)))
    )
    new = attrs.evolve(change, value=html.replace("Old", "New"))
    wanted = spec(variants=[VariantSpec(name="Bold", dom_modifications=[new])])
    lines = format_plan(make_plan([wanted], account(found))).splitlines()
    assert "      -Old" in lines
    assert "      +New" in lines
    assert '      -  "selector": "p"' not in lines
