"""Commands on the variants of an experiment."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import ours_experiments as ours
from ours_experiments.cli.context import Flag, InContext
from ours_experiments.cli.output.formats import write_one, writing
from ours_experiments.cli.output.records import fields_of, record_of
from ours_experiments.cli.runtime import complete
from ours_experiments.models import Variant


COLUMNS = ("id", "name", "weight", "is_control", "variant_type", "redirect_url")

FromFile = Annotated[Path | None, Parameter(name="--from")]


async def list_variants(experiment_id: str, *, context: InContext) -> int:
    """List the variants of an experiment.

    Args:
        experiment_id: The experiment.
    """
    async with context.client() as client:
        with writing(context, COLUMNS, fields_of(Variant)) as writer:
            async for variant in client.variants.list(experiment_id):
                writer.write(record_of(variant))
    return 0


async def get(id: str, *, context: InContext) -> int:
    """Show one variant.

    Args:
        id: The variant.
    """
    async with context.client() as client:
        write_one(context, record_of(await client.variants.retrieve(id)))
    return 0


async def create(
    experiment_id: str,
    name: str | None = None,
    *,
    weight: int | None = None,
    redirect_url: str | None = None,
    from_file: FromFile = None,
    context: InContext,
) -> int:
    """Give a draft one more variant.

    Args:
        experiment_id: The experiment.
        name: The name shown in results.
        weight: Percent of the traffic, 0 to 100; the control has what is left.
        redirect_url: Where visitors are sent: a path of the site, or an https URL.
        from_file: A file of fields, such as `dom_modifications`.
    """
    from ours_experiments.cli import input_files as _drafts  # noqa: PLC0415 - not for help

    kind = ours.NewVariant
    merged = _drafts.fields_from(context, from_file, kind, Variant)
    merged |= _drafts.given(
        experiment_id=experiment_id,
        name=name,
        weight=weight,
        redirect_url=redirect_url,
    )
    draft = _drafts.build(kind, merged)
    async with context.client() as client:
        write_one(context, record_of(await client.variants.create(draft)))
    return 0


async def update(
    id: str,
    *,
    name: str | None = None,
    weight: int | None = None,
    redirect_url: str | None = None,
    from_file: FromFile = None,
    context: InContext,
) -> int:
    """Change a variant of a draft.

    Args:
        id: The variant.
        name: The name shown in results.
        weight: Percent of the traffic, 0 to 100; not for a control.
        redirect_url: Where visitors are sent.
        from_file: A file of fields, such as `dom_modifications`.
    """
    from ours_experiments.cli import input_files as _drafts  # noqa: PLC0415 - not for help

    kind = ours.VariantPatch
    merged = _drafts.fields_from(context, from_file, kind, Variant)
    merged |= _drafts.given(name=name, weight=weight, redirect_url=redirect_url)
    patch = _drafts.build(kind, merged)
    async with context.client() as client:
        write_one(context, record_of(await client.variants.update(id, patch)))
    return 0


def delete(id: str, *, yes: Flag = False, context: InContext) -> int:
    """Delete a variant of a draft.

    Args:
        id: The variant.
        yes: Do not ask.
    """
    context.confirm(f"delete the variant {id}?", yes=yes)

    async def work() -> None:
        async with context.client() as client:
            await client.variants.delete(id)

    complete(work())
    write_one(context, {"id": id, "deleted": True})
    return 0
