"""Commands on the variants of an experiment."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

import ours_experiments as ours
from ours_experiments.cli.context import Flag, InContext
from ours_experiments.cli.event_loop import call_client
from ours_experiments.cli.output.records import fields_of, record_of
from ours_experiments.cli.output.writers import open_writer, write_record
from ours_experiments.cli.parser import command_group, examples
from ours_experiments.models import Variant


COLUMNS = ("id", "name", "weight", "is_control", "variant_type", "redirect_url")

FromFile = Annotated[Path | None, Parameter(name="--from")]

group: App = command_group("variants", "Variants of an experiment.")


@group.command(name="list", help_epilogue=examples("variants list exp_123"))
async def list_variants(experiment_id: str, *, context: InContext) -> int:
    """List the variants of an experiment.

    Args:
        experiment_id: Id of the experiment.
    """
    async with context.client() as client:
        with open_writer(context, COLUMNS, fields_of(Variant)) as writer:
            async for variant in client.variants.list(experiment_id):
                writer.write(record_of(variant))
    return 0


@group.command(help_epilogue=examples("variants get var_1"))
async def get(id: str, *, context: InContext) -> int:
    """Show one variant.

    Args:
        id: Id of the variant.
    """
    async with context.client() as client:
        write_record(context, record_of(await client.variants.retrieve(id)))
    return 0


@group.command(
    help_epilogue=examples(
        "variants create exp_1 Short --weight 50 --redirect-url /b",
        "variants create exp_1 Bold --weight 50 --from bold.json",
    )
)
async def create(
    experiment_id: str,
    name: str | None = None,
    *,
    weight: int | None = None,
    redirect_url: str | None = None,
    from_file: FromFile = None,
    context: InContext,
) -> int:
    """Add a variant to a draft.

    Args:
        experiment_id: Id of the experiment.
        name: Name in reports.
        weight: Percent of the traffic, 0 to 100; the control gets the rest.
        redirect_url: Where visitors are sent: a path of the site, or an https URL.
        from_file: File of fields, such as `dom_modifications`.
    """
    from ours_experiments.cli import input_files  # noqa: PLC0415 - not for help

    kind = ours.NewVariant
    fields = input_files.read_fields(context, from_file, kind, Variant)
    fields |= input_files.given(
        experiment_id=experiment_id,
        name=name,
        weight=weight,
        redirect_url=redirect_url,
    )
    draft = input_files.build_draft(kind, fields)
    async with context.client() as client:
        write_record(context, record_of(await client.variants.create(draft)))
    return 0


@group.command(help_epilogue=examples("variants update var_1 --weight 30"))
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
        id: Id of the variant.
        name: Name in reports.
        weight: Percent of the traffic, 0 to 100; not for a control.
        redirect_url: Where visitors are sent.
        from_file: File of fields, such as `dom_modifications`.
    """
    from ours_experiments.cli import input_files  # noqa: PLC0415 - not for help

    kind = ours.VariantPatch
    fields = input_files.read_fields(context, from_file, kind, Variant)
    fields |= input_files.given(name=name, weight=weight, redirect_url=redirect_url)
    patch = input_files.build_draft(kind, fields)
    async with context.client() as client:
        write_record(context, record_of(await client.variants.update(id, patch)))
    return 0


@group.command(help_epilogue=examples("variants delete var_1 --yes"))
def delete(id: str, *, yes: Flag = False, context: InContext) -> int:
    """Delete a variant of a draft.

    Args:
        id: Id of the variant.
        yes: Do not ask.
    """
    context.confirm(f"delete the variant {id}?", yes=yes)
    call_client(context, lambda client: client.variants.delete(id))
    write_record(context, {"id": id, "deleted": True})
    return 0
