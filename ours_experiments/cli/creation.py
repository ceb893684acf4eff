"""Create an experiment from a file: whole, and no second one with its key."""

from collections.abc import Mapping, Sequence

import attrs

from ours_experiments import Client, Experiment, NewVariant, VariantPatch
from ours_experiments.cli.context import Context
from ours_experiments.cli.errors import DuplicateKeyError


async def refuse_duplicate(client: Client, key: str) -> None:
    """Check that no experiment has a key.

    Raises:
        DuplicateKeyError: One has.
    """
    # A help against mistakes only: the API does not keep keys unique.
    present = await client.experiments.find_by_key(key)
    if present is not None:
        raise DuplicateKeyError(
            f"the key {key!r} belongs to the experiment {present.id}, {present.name!r}"
        )


async def create_variants(
    context: Context,
    client: Client,
    experiment: Experiment,
    control: Mapping[str, object] | None,
    treatments: Sequence[NewVariant],
) -> None:
    """Create the variants of a file, and name the control as it is there.

    Args:
        context: For a note about what exists if a variant is refused.
        client: The client.
        experiment: The experiment that was created, with a control of its own.
        control: Fields of the control.
        treatments: The other variants, of no experiment yet.
    """
    created = 1
    try:
        for treatment in treatments:
            draft = attrs.evolve(treatment, experiment_id=experiment.id)
            await client.variants.create(draft)
            created += 1
        # The service names the control itself; a copy has the name of the file.
        name = (control or {}).get("name")
        async for variant in client.variants.list(experiment.id):
            if variant.is_control and isinstance(name, str) and name != variant.name:
                await client.variants.update(variant.id, VariantPatch(name=name))
    except BaseException:
        context.note(
            f"created the experiment {experiment.id} with {created} of "
            f"{len(treatments) + 1} variants"
        )
        raise
