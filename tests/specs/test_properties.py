"""For specs of every shape: a plan after apply is empty, and so is one of an export."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from ours_experiments import (
    UNSET,
    Client,
    ExperimentSpec,
    NewSettings,
    OutcomeStatus,
    dump_specs,
    load_specs,
)
from ours_experiments.emulator import Emulator
from ours_experiments.models import ExperimentType
from tests.specs.examples import specs


def can_be_created(spec: ExperimentSpec, name: str, state: object) -> ExperimentSpec:
    """Give a spec what it needs to be created, with weights that add up."""
    variants = spec.variants
    if isinstance(variants, tuple):
        variants = tuple(attrs.evolve(v, weight=9) for v in variants if v.id is UNSET)
    return attrs.evolve(
        spec,
        id=UNSET,
        name=name,
        type=ExperimentType.PERSONALIZATION,
        settings=UNSET,
        variants=variants,
        state=state,
        winner=UNSET,
        rollout=UNSET,
        metrics=UNSET,
    )


async def check(drawn: list[ExperimentSpec]) -> None:
    """Create, change and export experiments; each plan afterwards is empty."""
    wanted = [
        can_be_created(spec, f"Name {number}", "draft")
        for number, spec in enumerate(drawn)
    ]
    half = len(wanted) // 2
    # The second half of the specs is what the first half becomes.
    changed = [
        attrs.evolve(after, key=before.key)
        for before, after in zip(wanted[:half], wanted[half:], strict=False)
    ]
    async with (
        Emulator() as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        await client.settings.create(NewSettings(name="Shop"))
        await client.versions.publish()
        for now in (wanted, changed):
            plan = await client.plan(now)
            assert not plan.conflicts
            report = await plan.apply()
            assert {done.status for done in report.outcomes} <= {OutcomeStatus.APPLIED}
            assert (await client.plan(now)).is_empty
        with TemporaryDirectory() as folder:
            first, second = Path(folder, "first"), Path(folder, "second")
            files = dump_specs(await client.export(), first)
            assert (await client.plan(load_specs(first))).is_empty
            dump_specs(await client.export(), second)
            for file in files:
                assert file.read_bytes() == (second / file.name).read_bytes()


@settings(max_examples=25)
@given(
    st.lists(specs(), min_size=2, max_size=4, unique_by=lambda spec: spec.key.strip())
)
def test_nothing_is_left_to_do(drawn: list[ExperimentSpec]) -> None:
    """Apply leaves nothing to do, an export neither, and exports are the same."""
    asyncio.run(check(drawn))
