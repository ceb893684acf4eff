"""Commands on the settings that experiments share."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

import ours_experiments as ours
from ours_experiments.cli.context import Flag, InContext
from ours_experiments.cli.output.formats import write_one, writing
from ours_experiments.cli.output.records import fields_of, record_of
from ours_experiments.cli.runtime import complete
from ours_experiments.models import Settings


COLUMNS = ("id", "name", "cookie_name", "whitelist_domains", "pixel", "created_at")

FromFile = Annotated[Path | None, Parameter(name="--from")]
Domains = Annotated[list[str] | None, Parameter(name="--domain", consume_multiple=True)]


async def list_settings(*, context: InContext) -> int:
    """List all settings of the account."""
    async with context.client() as client:
        with writing(context, COLUMNS, fields_of(Settings)) as writer:
            for settings in await client.settings.list():
                writer.write(record_of(settings))
    return 0


async def get(id: str, *, context: InContext) -> int:
    """Show one settings record.

    Args:
        id: The settings.
    """
    async with context.client() as client:
        write_one(context, record_of(await client.settings.retrieve(id)))
    return 0


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
        name: The name for people.
        cookie_name: The cookie that remembers a visitor's variant.
        domains: The only domains to run on.
        from_file: A file of fields.
    """
    from ours_experiments.cli import input_files as _drafts  # noqa: PLC0415 - not for help

    kind = ours.NewSettings
    merged = _drafts.fields_from(context, from_file, kind, Settings)
    merged |= _drafts.given(
        name=name, cookie_name=cookie_name, whitelist_domains=domains
    )
    draft = _drafts.build(kind, merged)
    async with context.client() as client:
        write_one(context, record_of(await client.settings.create(draft)))
    return 0


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
        id: The settings.
        name: The name for people.
        cookie_name: The cookie that remembers a visitor's variant.
        domains: The only domains to run on; replaces the former ones.
        clear: Fields to empty.
        from_file: A file of fields.
    """
    from ours_experiments.cli import input_files as _drafts  # noqa: PLC0415 - not for help

    kind = ours.SettingsPatch
    cleared = {"cookie-name": "cookie_name", "domain": "whitelist_domains"}
    merged = _drafts.fields_from(context, from_file, kind, Settings)
    merged |= {cleared[field]: None for field in clear}
    merged |= _drafts.given(
        name=name, cookie_name=cookie_name, whitelist_domains=domains
    )
    patch = _drafts.build(kind, merged)
    async with context.client() as client:
        write_one(context, record_of(await client.settings.update(id, patch)))
    return 0


def delete(id: str, *, yes: Flag = False, context: InContext) -> int:
    """Delete settings with every experiment and variant that belongs to them.

    Args:
        id: The settings.
        yes: Do not ask.
    """
    context.confirm(
        f"delete the settings {id}, and with them all their experiments and variants?",
        yes=yes,
    )

    async def work() -> None:
        async with context.client() as client:
            await client.settings.delete(id, with_experiments=True)

    complete(work())
    write_one(context, {"id": id, "deleted": True})
    return 0
