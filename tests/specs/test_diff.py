"""Comparing one spec with one experiment."""

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ours_experiments._codec.converter import encode
from ours_experiments.drafts import ExperimentPatch
from ours_experiments.models import (
    DomModification,
    Experiment,
    ExperimentStatus,
    Metric,
    Metrics,
    QueryParam,
    Style,
    TargetingRules,
    Variant,
)
from ours_experiments.specs import (
    Action,
    ControlSpec,
    ExperimentSpec,
    FieldChange,
    MetricSpec,
    MetricsSpec,
    SpecError,
    TargetingSpec,
    VariantSpec,
    diff,
)
from ours_experiments.specs.changes import Difference
from ours_experiments.specs.diff import compare
from ours_experiments.specs.export import export_specs
from ours_experiments.specs.fields import build_patch, field_changes, normal
from ours_experiments.specs.variants import (
    Match,
    match_variants,
    new_variant,
    variant_patch,
)
from tests.specs import examples
from tests.specs.examples import BENEFIT, BOLD, CONTROL, VARIANTS, experiment, spec


MANAGED = tuple(field.name for field in attrs.fields(ExperimentSpec))
RULES = TargetingRules(
    ("/a",),
    "aud_1",
    query_params=(QueryParam("q", "exists", additional_properties={"y": 2}),),
    additional_properties={"futureField": {"x": 1}},
)
STYLED = DomModification(
    "h1", "setStyle", '{"backgroundColor": "red", "opacity": 1}', styles=None
)


def change(
    wanted: ExperimentSpec, found: Experiment, *, staged: bool = False
) -> Difference:
    """Compare a spec with an experiment and its variants."""
    return compare(wanted, found, found.variants or (), staged=staged)


def patch_of(wanted: ExperimentSpec, found: Experiment) -> ExperimentPatch | None:
    """Build the patch of all fields that differ; None: there are none."""
    fields = tuple(field_changes(wanted, found))
    return build_patch(wanted, found, fields) if fields else None


def is_equal(match: Match) -> bool:
    """Return whether the variants are what the spec wants."""
    differing = match.lowered + match.raised
    return not (differing or match.new or match.extra or match.conflicts)


EQUAL = {
    "nothing is managed": ({}, {"name": "Another", "traffic_allocation": 7}),
    "description": ({"description": ""}, {"description": None}),
    "null description": ({"description": None}, {"description": ""}),
    "query string": ({"include_query_string": None}, {"include_query_string": False}),
    "no query string": ({"include_query_string": False}, {}),
    "type": ({"type": "ab"}, {"type": None}),
    "traffic": ({"traffic_allocation": 50}, {"traffic_allocation": 50.0}),
    "empty rules": ({"targeting_rules": None}, {"targeting_rules": TargetingRules()}),
    "no rules": ({"targeting_rules": TargetingSpec(url_patterns=())}, {}),
    "a managed part": (
        {"targeting_rules": TargetingSpec(audience_id="aud_1")},
        {"targeting_rules": RULES},
    ),
    "empty part": ({"targeting_rules": TargetingSpec()}, {"targeting_rules": RULES}),
    "an item with more keys": (
        {"targeting_rules": TargetingSpec(query_params=[QueryParam("q", "exists")])},
        {"targeting_rules": RULES},
    ),
    "empty metrics": (
        {"metrics": None},
        {"metrics": Metrics(primary=Metric(None, None))},
    ),
    "the event only": (
        {"metrics": MetricsSpec(primary=MetricSpec(event_name="e"))},
        {"metrics": Metrics(primary=Metric("e", "f"), secondary=(Metric("s"),))},
    ),
    "state": ({"state": "running"}, {"status": ExperimentStatus.RUNNING}),
}


@pytest.mark.parametrize(("fields", "found"), EQUAL.values(), ids=EQUAL.keys())
def test_what_means_the_same_is_equal(
    fields: dict[str, object], found: dict[str, object]
) -> None:
    """Spellings of one meaning, and what is not managed, make no difference."""
    difference = change(spec(**fields), experiment(**found))
    assert not difference.changes
    assert not difference.conflicts
    assert not difference.warnings


FIELDS = {
    "name": ({"name": "New"}, {}, [("name", "Pricing headline", "New")]),
    "clear description": (
        {"description": None},
        {"description": "old"},
        [("description", "old", None)],
    ),
    "no traffic": ({"traffic_allocation": 0}, {}, [("traffic_allocation", 50, 0)]),
    "traffic that JSON has as 50.0": (
        {"traffic_allocation": 40},
        {"traffic_allocation": 50.0},
        [("traffic_allocation", 50, 40)],
    ),
    "query string": (
        {"include_query_string": True},
        {},
        [("include_query_string", False, True)],
    ),
    "clear rules": (
        {"targeting_rules": None},
        {"targeting_rules": TargetingRules(("/a",))},
        [("targeting_rules", {"url_patterns": ["/a"]}, None)],
    ),
    "one pattern more": (
        {"targeting_rules": TargetingSpec(url_patterns=["/a", "/b"])},
        {"targeting_rules": RULES},
        [("targeting_rules.url_patterns", ["/a"], ["/a", "/b"])],
    ),
    "clear the audience": (
        {"targeting_rules": TargetingSpec(audience_id=None)},
        {"targeting_rules": RULES},
        [("targeting_rules.audience_id", "aud_1", None)],
    ),
    "order of a list": (
        {"metrics": MetricsSpec(secondary=[Metric("b"), Metric("a")])},
        {"metrics": Metrics(secondary=(Metric("a"), Metric("b")))},
        [
            (
                "metrics.secondary",
                [
                    {"event_name": "a", "funnel_id": None},
                    {"event_name": "b", "funnel_id": None},
                ],
                [
                    {"event_name": "b", "funnel_id": None},
                    {"event_name": "a", "funnel_id": None},
                ],
            )
        ],
    ),
    "rename by id": (
        {"id": "e1", "key": "new-key"},
        {},
        [("key", "pricing-headline", "new-key")],
    ),
}


@pytest.mark.parametrize(
    ("fields", "found", "expected"), FIELDS.values(), ids=FIELDS.keys()
)
def test_fields_that_differ(
    fields: dict[str, object],
    found: dict[str, object],
    expected: list[tuple[str, object, object]],
) -> None:
    """A managed field that differs is a change of a draft, which is not live."""
    difference = change(spec(**fields), experiment(**found))
    (update,) = difference.changes
    assert update.action is Action.UPDATE
    assert not update.live
    assert update.fields == tuple(FieldChange(*field) for field in expected)


def test_a_patch_keeps_what_is_not_managed() -> None:
    """A nested object is sent whole: with the service's values and unknown keys."""
    wanted = spec(
        targeting_rules=TargetingSpec(
            url_patterns=["/a", "/b"],
            query_params=[QueryParam("q", "exists"), QueryParam("r", "exists")],
        )
    )
    patch = patch_of(wanted, experiment(targeting_rules=RULES))
    assert patch is not None
    assert patch.targeting_rules == attrs.evolve(
        RULES,
        url_patterns=("/a", "/b"),
        query_params=(RULES.query_params[0], QueryParam("r", "exists")),
    )
    sent = patch.targeting_rules
    assert isinstance(sent, TargetingRules)
    assert sent.query_params[0].additional_properties == {"y": 2}


def test_a_patch_has_only_what_differs() -> None:
    """Equal fields are not sent; the metrics' funnel is kept under a new event."""
    wanted = spec(
        traffic_allocation=40,
        description="",
        metrics=MetricsSpec(primary=MetricSpec(event_name="new")),
    )
    found = experiment(metrics=Metrics(primary=Metric("old", "funnel")))
    patch = patch_of(wanted, found)
    assert patch is not None
    assert encode(patch) == {
        "trafficAllocation": 40,
        "metrics": {
            "primary": {"eventName": "new", "funnelId": "funnel"},
            "secondary": [],
        },
    }
    assert patch_of(spec(name="Pricing headline"), found) is None


def test_a_new_name_of_a_draft_carries_the_key() -> None:
    """A draft's patch of the name has the key, which a running one does not need."""
    patch = patch_of(spec(name="New"), experiment())
    assert patch is not None
    assert patch.key == "pricing-headline"
    running = patch_of(spec(name="New"), experiment(status=ExperimentStatus.RUNNING))
    assert running is not None
    assert running.key != "pricing-headline"


STEPS = {
    ("draft", "running"): (Action.START, True, False),
    ("running", "paused"): (Action.PAUSE, True, False),
    ("paused", "running"): (Action.RESUME, True, False),
    ("running", "completed"): (Action.STOP, True, True),
    ("paused", "completed"): (Action.STOP, True, True),
}
IMPOSSIBLE = {
    ("draft", "paused"): "was never started",
    ("draft", "completed"): "was never started",
    ("running", "draft"): "cannot go back",
    ("paused", "draft"): "cannot go back",
    ("completed", "draft"): "cannot go back",
    ("completed", "running"): "cannot go back",
    ("completed", "paused"): "cannot go back",
    ("archived", "running"): "archived is not known",
}


@pytest.mark.parametrize(("pair", "expected"), STEPS.items())
def test_steps_of_life(
    pair: tuple[str, str], expected: tuple[Action, bool, bool]
) -> None:
    """A state that can be reached by one call is a change."""
    old, new = pair
    difference = change(spec(state=new), experiment(status=ExperimentStatus(old)))
    (step,) = difference.changes
    assert (step.action, step.live, step.publishes) == expected
    assert step.fields == (FieldChange("state", old, new),)


@pytest.mark.parametrize(("pair", "reason"), IMPOSSIBLE.items())
def test_steps_that_cannot_be(pair: tuple[str, str], reason: str) -> None:
    """A state that cannot be reached is a conflict that says why."""
    old, new = pair
    difference = change(spec(state=new), experiment(status=old))
    assert not difference.changes
    assert [c.message for c in difference.conflicts] == [
        f"state {old} -> {new}: {reason}"
    ]


def test_running_changes_are_live() -> None:
    """A change of a running experiment is live, and has warnings where it hurts."""
    wanted = spec(
        traffic_allocation=10,
        metrics=MetricsSpec(primary=MetricSpec(event_name="other")),
    )
    difference = change(wanted, experiment(status=ExperimentStatus.RUNNING))
    assert [c.live for c in difference.changes] == [True]
    assert [w.message for w in difference.warnings] == [
        "traffic is lowered, 50 -> 10",
        "the results so far were of another event",
    ]


def test_completed_is_locked() -> None:
    """Of a completed experiment nothing but winner and rollout changes."""
    difference = change(spec(name="New"), experiment(status=ExperimentStatus.COMPLETED))
    assert not difference.changes
    assert [c.message for c in difference.conflicts] == [
        "name Pricing headline -> New: locked: completed"
    ]


def test_the_type_cannot_change() -> None:
    """Another type is a conflict, and keeps the experiment from being started."""
    difference = change(spec(type="multivariate", state="running"), experiment())
    assert not difference.changes
    assert [c.message for c in difference.conflicts] == [
        "type cannot be changed: ab -> multivariate"
    ]


BLOCKED = {
    "no event": (
        {"metrics": None},
        "cannot start: metrics.primary.event_name is missing",
    ),
    "no treatment": ({"variants": []}, "cannot start: it has no treatment"),
    "a variant conflict": (
        {"variants": [VariantSpec(name="New")]},
        "variant New: is new and needs a weight",
    ),
}


@pytest.mark.parametrize(("fields", "message"), BLOCKED.values(), ids=BLOCKED.keys())
def test_what_keeps_from_starting(fields: dict[str, object], message: str) -> None:
    """An experiment that the service would not start is a conflict of the plan."""
    values = {"state": "running"} | fields
    if "metrics" in fields:
        found = experiment(metrics=None)
        values.pop("metrics")
    else:
        found = experiment()
    difference = change(spec(**values), found)
    assert Action.START not in [c.action for c in difference.changes]
    assert message in [c.message for c in difference.conflicts]


def test_a_personalization_needs_no_treatment() -> None:
    """A personalization starts with its control only."""
    found = experiment(type="personalization", variants=(CONTROL,))
    difference = change(spec(state="running"), found)
    assert [c.action for c in difference.changes] == [Action.START]


def test_endings_are_names_or_ids() -> None:
    """Winner and rollout are found by name or id, and stop carries both."""
    found = experiment(status=ExperimentStatus.RUNNING)
    wanted = spec(state="completed", winner="Original", rollout="v2")
    (step,) = change(wanted, found).changes
    assert step.fields[1:] == (
        FieldChange("winner", None, "v0"),
        FieldChange("rollout", None, "v2"),
    )


ENDINGS = {
    "winner": ({"winner": "Bold"}, [(Action.WINNER, "winner", None, "v2", False)]),
    "rollout": ({"rollout": "Bold"}, [(Action.ROLLOUT, "rollout", "v1", "v2", True)]),
    "same": ({"rollout": "Benefit first"}, []),
    "end": ({"rollout": None}, [(Action.END_ROLLOUT, "rollout", "v1", None, True)]),
    "no winner": ({"winner": None}, []),
}


@pytest.mark.parametrize(("fields", "expected"), ENDINGS.values(), ids=ENDINGS.keys())
def test_endings_of_completed(
    fields: dict[str, object],
    expected: list[tuple[Action, str, str | None, str | None, bool]],
) -> None:
    """Winner and rollout of a completed experiment are changes of their own."""
    found = experiment(status=ExperimentStatus.COMPLETED, rollout_variant_id="v1")
    difference = change(spec(**fields), found)
    assert [
        (c.action, c.fields[0].path, c.fields[0].old, c.fields[0].new, c.live)
        for c in difference.changes
    ] == expected


ENDING_CONFLICTS = {
    "unknown": ({"winner": "X"}, "winner X: no variant has the name or id"),
    "control": ({"rollout": "Original"}, "rollout Original: the control cannot be"),
    "twice": ({"rollout": "Twin"}, "rollout Twin: 2 variants have the name"),
}


@pytest.mark.parametrize(
    ("fields", "message"), ENDING_CONFLICTS.values(), ids=ENDING_CONFLICTS.keys()
)
def test_endings_that_cannot_be(fields: dict[str, object], message: str) -> None:
    """A winner or rollout that is not one variant is a conflict."""
    twins = [attrs.evolve(BOLD, id=f"t{number}", name="Twin") for number in (1, 2)]
    found = experiment(status=ExperimentStatus.COMPLETED, variants=(CONTROL, *twins))
    difference = change(spec(**fields), found)
    assert not difference.changes
    assert difference.conflicts[0].message.startswith(message)


def test_a_winner_needs_completion() -> None:
    """A winner of what is not completed is a conflict."""
    difference = change(spec(winner="Bold"), experiment())
    assert [c.message for c in difference.conflicts] == [
        "winner: the experiment is not completed"
    ]


def test_what_is_staged_is_published() -> None:
    """What equals its spec and is unpublished gets a publish, and nothing else does."""
    running = experiment(status=ExperimentStatus.RUNNING)
    (step,) = change(spec(state="running"), running, staged=True).changes
    assert (step.action, step.live) == (Action.PUBLISH, True)
    changed = change(spec(traffic_allocation=1), running, staged=True).changes
    assert [c.action for c in changed] == [Action.UPDATE]
    paused = change(spec(state="paused"), running, staged=True).changes
    assert [c.action for c in paused] == [Action.PAUSE]


def test_variants_in_the_order_of_weights() -> None:
    """Weights are lowered and variants deleted first, then raised and created."""
    others = [
        Variant(id="b", experiment_id="e1", name="B", is_control=False, weight=30),
        Variant(id="c", experiment_id="e1", name="C", is_control=False, weight=60),
        Variant(id="x", experiment_id="e1", name="X", is_control=False, weight=5),
    ]
    wanted = spec(
        variants=[
            VariantSpec(name="B", weight=60),
            VariantSpec(name="C", weight=30),
            VariantSpec(name="D", weight=9),
        ]
    )
    difference = change(wanted, experiment(variants=(CONTROL, *others)))
    assert [(c.action, c.variant, c.variant_id) for c in difference.changes] == [
        (Action.UPDATE_VARIANT, "C", "c"),
        (Action.DELETE_VARIANT, "X", "x"),
        (Action.UPDATE_VARIANT, "B", "b"),
        (Action.CREATE_VARIANT, "D", None),
    ]


def test_variants_are_matched_by_id_name_and_former_name() -> None:
    """An id wins over names; a former name counts where nobody has the new one."""
    wanted = spec(
        control=ControlSpec(name="Baseline"),
        variants=[
            VariantSpec(name="Bolder", was="Bold"),
            VariantSpec(id="v1", name="Bold!"),
        ],
    )
    match = match_variants(wanted, VARIANTS)
    assert [(p.variant.id, p.fields) for p in match.pairs] == [
        ("v2", (FieldChange("name", "Bold", "Bolder"),)),
        ("v1", (FieldChange("name", "Benefit first", "Bold!"),)),
    ]
    assert match.control is not None
    assert match.control.fields == (FieldChange("name", "Original", "Baseline"),)
    assert not match.new
    kept = spec(variants=[VariantSpec(name="Benefit first", was="Bold")])
    assert [p.variant.id for p in match_variants(kept, VARIANTS).pairs] == ["v1"]
    assert [v.id for v in match_variants(kept, VARIANTS).extra] == ["v2"]


def test_a_former_name_yields_to_the_present_one() -> None:
    """A former name does not count where another variant has the new one."""
    wanted = spec(
        variants=[
            VariantSpec(id="v1"),
            VariantSpec(name="Benefit first", was="Bold", weight=1),
        ]
    )
    match = match_variants(wanted, VARIANTS)
    assert [pair.variant.id for pair in match.pairs] == ["v1"]
    assert [variant.name for variant in match.new] == ["Benefit first"]


def test_variants_that_cannot_be_told_apart() -> None:
    """A name that two have is a conflict, unless ids are given."""
    twins = (CONTROL, BOLD, attrs.evolve(BOLD, id="v3"))
    (message,) = match_variants(
        spec(variants=[VariantSpec(name="Bold", weight=20)]), twins
    ).conflicts
    assert message == "variant Bold: 2 have the name (v2, v3): put id: into the file"
    by_id = spec(variants=[VariantSpec(id="v2"), VariantSpec(id="v3", name="Bolder")])
    match = match_variants(by_id, twins)
    assert not match.conflicts
    assert [pair.variant.id for pair in match.raised + match.lowered] == ["v3"]
    gone = match_variants(spec(variants=[VariantSpec(id="v9")]), twins)
    assert gone.conflicts == ("no treatment of the experiment has the id v9",)


def test_weights_have_to_fit() -> None:
    """Weights that leave nothing to the control are a conflict."""
    wanted = spec(
        variants=[
            VariantSpec(name="Bold", weight=80),
            VariantSpec(name="Benefit first"),
        ]
    )
    difference = change(wanted, experiment())
    assert not difference.changes
    assert difference.conflicts[0].message.startswith("the weights add up to 110")


def test_variants_are_locked_after_the_draft() -> None:
    """Each difference of a variant that runs is a conflict with both values."""
    wanted = spec(
        description="new",
        variants=[VariantSpec(name="Bold", weight=30), VariantSpec(name="C", weight=1)],
    )
    difference = change(wanted, experiment(status=ExperimentStatus.RUNNING))
    assert [c.action for c in difference.changes] == [Action.UPDATE]
    assert [c.message for c in difference.conflicts] == [
        "variant Bold: weight 20 -> 30: locked, variants change only in draft",
        (
            "variant Benefit first: is not in the file: "
            "locked, variants change only in draft"
        ),
        "variant C: is new: locked, variants change only in draft",
    ]


def test_variants_that_cannot_be_read() -> None:
    """An empty list of variants is not taken for their absence."""
    difference = change(
        spec(variants=[VariantSpec(name="A", weight=1)], state="running"),
        experiment(variants=()),
    )
    assert not difference.changes
    assert "experiment:find" in difference.conflicts[0].message


SAME_PAYLOADS = {
    "kebab case": (
        DomModification("h1", "setStyle", styles=[Style("background-color", "red")]),
        DomModification("h1", "setStyle", '{"backgroundColor": "red"}'),
    ),
    "number": (
        DomModification("h1", "setStyle", styles=[Style("opacity", "1")]),
        DomModification("h1", "setStyle", '{"opacity": 1}', [Style("opacity", "1")]),
    ),
    "attribute": (
        DomModification("a", "setAttribute", attribute={"href": "/x", "n": [1]}),
        DomModification("a", "setAttribute", '{"n": [1], "href": "/x"}'),
    ),
    "remove": (
        DomModification("a", "remove"),
        DomModification("a", "remove", ""),
    ),
    "nothing": (DomModification("a", "later"), DomModification("a", "later", "")),
}


@pytest.mark.parametrize(
    ("wanted", "found"), SAME_PAYLOADS.values(), ids=SAME_PAYLOADS.keys()
)
def test_payloads_that_mean_the_same(
    wanted: DomModification, found: DomModification
) -> None:
    """A change to the page equals the service's spelling of it."""
    match = match_variants(
        spec(variants=[VariantSpec(name="Bold", dom_modifications=[wanted])]),
        (CONTROL, attrs.evolve(BOLD, dom_modifications=(found,))),
    )
    assert is_equal(match)


def test_custom_properties_keep_their_case() -> None:
    """Custom properties that differ in case are two properties."""
    wanted = DomModification("a", "setStyle", styles=[Style("--mainColor", "red")])
    found = DomModification("a", "setStyle", styles=[Style("--main-color", "red")])
    assert normal(wanted) != normal(found)


def test_a_payload_that_is_no_json_is_text() -> None:
    """What the service has and cannot be parsed is compared as it stands."""
    for action, text in (("setStyle", "color: red"), ("setAttribute", "[]")):
        found = normal(DomModification("a", action, text))
        assert found == {"selector": "a", "action": action, "value": text}


def test_styles_keep_their_order() -> None:
    """The order of declarations matters, and so does the case of a page's own."""
    for new in (
        [Style("opacity", "1"), Style("background-color", "red")],
        [Style("background-color", "red"), Style("--Opacity", "1")],
    ):
        changed = DomModification("h1", "setStyle", styles=new)
        match = match_variants(
            spec(variants=[VariantSpec(name="Bold", dom_modifications=[changed])]),
            (CONTROL, attrs.evolve(BOLD, dom_modifications=(STYLED,))),
        )
        assert not is_equal(match)


def test_another_kind_of_payload() -> None:
    """A payload of another kind replaces the old one, and names the type."""
    wanted = spec(
        variants=[
            VariantSpec(name="Bold", redirect_url="/b"),
            VariantSpec(
                name="Benefit first",
                dom_modifications=[DomModification("a", "remove")],
            ),
        ]
    )
    redirect, modified = (
        variant_patch(pair) for pair in match_variants(wanted, VARIANTS).pairs
    )
    assert (redirect.variant_type, redirect.redirect_url) == ("redirect", "/b")
    assert redirect.dom_modifications is None
    assert modified.variant_type == "dom_modifications"
    assert modified.redirect_url is None


def test_changed_modifications_have_one_payload() -> None:
    """An equal item keeps its unknown keys; a new one is sent without its echo."""
    known = attrs.evolve(STYLED, additional_properties={"future": 1})
    echo = DomModification("p", "setStyle", "{}", [Style("color", "red")])
    wanted = spec(
        variants=[
            VariantSpec(
                name="Bold",
                weight=20,
                dom_modifications=[
                    DomModification(
                        "h1",
                        "setStyle",
                        styles=[
                            Style("background-color", "red"),
                            Style("opacity", "1"),
                        ],
                    ),
                    echo,
                ],
            )
        ]
    )
    variants = (CONTROL, attrs.evolve(BOLD, dom_modifications=(known,)))
    (pair,) = match_variants(wanted, variants).pairs
    sent = variant_patch(pair).dom_modifications
    assert isinstance(sent, tuple)
    assert sent[0].additional_properties == {"future": 1}
    assert sent[1] == attrs.evolve(echo, value=None)
    created = new_variant(pair.spec, "e9").dom_modifications
    assert created is not None
    assert [modification.value for modification in created] == [None, None]


def test_a_weight_of_zero_is_a_value() -> None:
    """A weight of zero differs from another weight."""
    zero = attrs.evolve(BENEFIT, weight=0)
    wanted = spec(variants=[VariantSpec(name="Benefit first", weight=0)])
    assert is_equal(match_variants(wanted, (CONTROL, zero)))
    (pair,) = match_variants(wanted, (CONTROL, BENEFIT)).pairs
    assert pair.fields == (FieldChange("weight", 30, 0),)


def test_field_changes_are_pure() -> None:
    """Comparing changes neither the spec nor the experiment."""
    wanted, found = spec(name="New"), experiment(targeting_rules=RULES)
    before = (repr(wanted), repr(found))
    first, second = (tuple(field_changes(wanted, found)) for _ in range(2))
    assert first == second
    assert (repr(wanted), repr(found)) == before


@settings(max_examples=50)
@given(
    found=examples.experiments(), other=examples.specs(), name=st.sampled_from(MANAGED)
)
def test_what_is_equal_needs_no_change(
    found: Experiment, other: ExperimentSpec, name: str
) -> None:
    """An experiment that is taken for equal has no difference; an export often is."""
    (exported,) = export_specs([found])
    variants = found.variants or ()
    for wanted in (exported, other, mixed(exported, other, name)):
        difference = compare(wanted, found, variants)
        if diff.is_equal(wanted, found, variants):
            assert difference.changes + difference.conflicts == []


def mixed(first: ExperimentSpec, second: ExperimentSpec, name: str) -> ExperimentSpec:
    """Take one field of a spec from another, where the result is accepted."""
    try:
        return attrs.evolve(first, **{name: getattr(second, name)})
    except SpecError:
        return first


UNEQUAL = {
    "other metrics": {"metrics": None},
    "another event": {"metrics": MetricsSpec(primary=MetricSpec(event_name="x"))},
    "another rule": {"targeting_rules": TargetingSpec(audience_id="x")},
    "no rules": {"targeting_rules": None},
    "control": {"control": ControlSpec(name="x")},
    "fewer variants": {"variants": [VariantSpec(name="Bold")]},
    "a weight": {
        "variants": [VariantSpec(name="Benefit first", weight=1), VariantSpec(name="B")]
    },
    "the order": {
        "variants": [VariantSpec(name="Bold"), VariantSpec(name="Benefit first")]
    },
    "state": {"state": "running"},
    "winner": {"winner": None},
    "key": {"id": "e1", "key": "x"},
}


@pytest.mark.parametrize("fields", UNEQUAL.values(), ids=UNEQUAL.keys())
def test_what_has_to_be_compared(fields: dict[str, object]) -> None:
    """What differs, or is in another order, is not taken for equal."""
    found = experiment(targeting_rules=RULES)
    assert diff.is_equal(spec(name="Pricing headline"), found, VARIANTS)
    assert not diff.is_equal(spec(**fields), found, VARIANTS)


def test_a_variant_with_both_payloads_is_not_equal() -> None:
    """A payload that the spec leaves out is to go, where the other one is given."""
    both = attrs.evolve(BENEFIT, dom_modifications=BOLD.dom_modifications)
    wanted = spec(variants=[VariantSpec(name=both.name, redirect_url="/pricing-b")])
    assert diff.is_equal(wanted, experiment(), (CONTROL, BENEFIT))
    assert not diff.is_equal(wanted, experiment(), (CONTROL, both))
    (update,) = compare(wanted, experiment(), (CONTROL, both)).changes
    assert [field.path for field in update.fields] == ["dom_modifications"]
