"""Commands on the settings that experiments share."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

import ours_experiments as ours
from ours_experiments.cli.context import Flag, InContext
from ours_experiments.cli.event_loop import call_client
from ours_experiments.cli.output.records import fields_of, record_of
from ours_experiments.cli.output.writers import open_writer, write_record
from ours_experiments.cli.parser import command_group, examples
from ours_experiments.models import Settings


COLUMNS = ("id", "name", "cookie_name", "whitelist_domains", "pixel", "created_at")
CLEARABLE = {"cookie-name": "cookie_name", "domain": "whitelist_domains"}

FromFile = Annotated[Path | None, Parameter(name="--from")]
Domains = Annotated[list[str] | None, Parameter(name="--domain", consume_multiple=True)]

group: App = command_group("settings", "Settings that experiments share.")


@group.command(name="list", help_epilogue=examples("settings list"))
async def list_settings(*, context: InContext) -> int:
    """List all settings of the account."""
    async with context.client() as client:
        with open_writer(context, COLUMNS, fields_of(Settings)) as writer:
            for settings in await client.settings.list():
                writer.write(record_of(settings))
    return 0


@group.command(help_epilogue=examples("settings get set_1"))
async def get(id: str, *, context: InContext) -> int:
    """Show one settings record.

    Args:
        id: Id of the settings.
    """
    async with context.client() as client:
        write_record(context, record_of(await client.settings.retrieve(id)))
    return 0


@group.command(
    help_epilogue=examples(
        "settings create Shop --domain shop.example www.shop.example"
    )
)
async def create(
    name: str | None = None,
    *,
    cookie_name: str | None = None,
    domains: Domains = None,
    from_file: FromFile = None,
    context: InContext,
) -> int:
    """Create settings.

    Args:
        name: Name for people.
        cookie_name: Cookie that stores a visitor's variant.
        domains: The only domains to run on.
        from_file: File of fields.
    """
    from ours_experiments.cli import input_files  # noqa: PLC0415 - not for help

    kind = ours.NewSettings
    fields = input_files.read_fields(context, from_file, kind, Settings)
    fields |= input_files.given(
        name=name, cookie_name=cookie_name, whitelist_domains=domains
    )
    draft = input_files.build_draft(kind, fields)
    async with context.client() as client:
        write_record(context, record_of(await client.settings.create(draft)))
    return 0


@group.command(
    help_epilogue=examples(
        "settings update set_1 --name Shop", "settings update set_1 --clear domain"
    )
)
async def update(
    id: str,
    *,
    name: str | None = None,
    cookie_name: str | None = None,
    domains: Domains = None,
    clear: Annotated[
        tuple[Literal["cookie-name", "domain"], ...],
        Parameter(consume_multiple=True, show_default=False),
    ] = (),
    from_file: FromFile = None,
    context: InContext,
) -> int:
    """Change settings.

    Args:
        id: Id of the settings.
        name: Name for people.
        cookie_name: Cookie that stores a visitor's variant.
        domains: The only domains to run on; replaces the present ones.
        clear: Fields to empty.
        from_file: File of fields.
    """
    from ours_experiments.cli import input_files  # noqa: PLC0415 - not for help

    kind = ours.SettingsPatch
    fields = input_files.read_fields(context, from_file, kind, Settings)
    fields |= {CLEARABLE[field]: None for field in clear}
    fields |= input_files.given(
        name=name, cookie_name=cookie_name, whitelist_domains=domains
    )
    patch = input_files.build_draft(kind, fields)
    async with context.client() as client:
        write_record(context, record_of(await client.settings.update(id, patch)))
    return 0


@group.command(help_epilogue=examples("settings delete set_1"))
def delete(id: str, *, yes: Flag = False, context: InContext) -> int:
    """Delete settings with all their experiments and variants.

    Args:
        id: Id of the settings.
        yes: Do not ask.
    """
    context.confirm(
        f"delete the settings {id}, and with them all their experiments and variants?",
        yes=yes,
    )
    call_client(
        context, lambda client: client.settings.delete(id, with_experiments=True)
    )
    write_record(context, {"id": id, "deleted": True})
    return 0
