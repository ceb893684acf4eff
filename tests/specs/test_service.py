"""The comparison against what a service really answers."""

import pytest

from ours_experiments import Client, NewExperiment, NewSettings
from ours_experiments.emulator import Emulator
from ours_experiments.models import (
    DomAction,
    DomModification,
    QueryParam,
    Style,
    TargetingRules,
)
from ours_experiments.specs import ExperimentSpec, TargetingSpec, VariantSpec
from ours_experiments.specs.diff import compare
from ours_experiments.specs.fields import build_patch, field_changes
from ours_experiments.specs.variants import match_variants, new_variant, variant_patch


def every_action() -> list[DomModification]:
    """Build a change to the page of each action."""
    objects = (DomAction.SET_STYLE, DomAction.SET_ATTRIBUTE)
    changes = [DomModification(".a", a, "<b>") for a in DomAction if a not in objects]
    changes += [
        DomModification(".b", "setStyle", styles=[Style("backgroundColor", "red")]),
        DomModification(".c", "setStyle", '{"opacity": 1, "margin-top": "2px"}'),
        DomModification(".d", "setAttribute", attribute={"href": "/x", "n": 1}),
        DomModification(".e", "setAttribute", '{"href": "/x"}'),
        DomModification(".f", "remove"),
    ]
    return changes


async def test_what_was_sent_is_equal(client: Client) -> None:
    """A variant with every action equals its spec after the service has kept it."""
    settings = await client.settings.create(NewSettings())
    wanted = ExperimentSpec(
        "all",
        name="All",
        description="",
        include_query_string=None,
        targeting_rules=TargetingSpec(
            url_patterns=["/a"],
            audience_id=None,
            query_params=[QueryParam("q", "exists")],
        ),
        variants=[
            VariantSpec(name="A", weight=10, dom_modifications=every_action()),
            VariantSpec(name="B", weight=20, redirect_url="/b"),
        ],
    )
    assert isinstance(wanted.variants, tuple)
    created = await client.experiments.create(
        NewExperiment(
            settings.id,
            "All",
            key="all",
            targeting_rules=TargetingRules(("/a",), None, None, None, ()),
        )
    )
    patch = build_patch(wanted, created, field_changes(wanted, created))
    await client.experiments.update(created.id, patch)
    for variant in wanted.variants:
        await client.variants.create(new_variant(variant, created.id))
    found = await client.experiments.retrieve(created.id)
    difference = compare(wanted, found, found.variants or ())
    assert not difference.changes
    assert not difference.conflicts


async def test_payloads_can_be_exchanged(client: Client, emulator: Emulator) -> None:
    """Patches that exchange the kinds of payload are accepted, and nothing is left."""
    (id_of,) = emulator.seed_experiments(1, variants=3)
    wanted = ExperimentSpec(
        "k",
        id=id_of,
        variants=[
            VariantSpec(name="Variant 1", weight=5, dom_modifications=every_action()),
            VariantSpec(name="Variant 2", weight=6, redirect_url="https://a.example/b"),
        ],
    )
    back = ExperimentSpec(
        "k",
        id=id_of,
        variants=[
            VariantSpec(name="Variant 1", weight=5, redirect_url="/x"),
            VariantSpec(name="Variant 2", weight=6, dom_modifications=every_action()),
        ],
    )
    for spec in (wanted, back):
        found = await client.experiments.retrieve(id_of)
        match = match_variants(spec, found.variants or ())
        for pair in match.lowered + match.raised:
            await client.variants.update(pair.variant.id, variant_patch(pair))
        found = await client.experiments.retrieve(id_of)
        again = match_variants(spec, found.variants or ())
        assert again.lowered + again.raised == ()
        assert again.new + again.extra + again.conflicts == ()


async def test_an_export_leaves_out_what_a_spec_cannot_hold(
    client: Client, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """A key that no file can have costs one experiment of an export, not all."""
    blank, spaced, fine = emulator.seed_experiments(3)
    emulator.state.get(blank).key = ""
    emulator.state.get(spaced).key = " k"
    left_out: list[tuple[str, str]] = []
    specs = await client.export(
        on_left_out=lambda experiment, reason: left_out.append((experiment.id, reason))
    )
    assert [spec.key for spec in specs] == [emulator.state.get(fine).key]
    assert left_out == [
        (spaced, "key: has white space around it"),
        (blank, "key: must not be blank"),
    ]
    assert not caplog.records
    assert await client.export() == specs
    assert [record.getMessage() for record in caplog.records] == [
        f"left out of the export: {experiment_id}: {reason}"
        for experiment_id, reason in left_out
    ]
