"""Commands on versions, and on changes that are not published."""

from typing import Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.types import PositiveInt

from ours_experiments.cli.context import Flag, InContext
from ours_experiments.cli.event_loop import call_client
from ours_experiments.cli.output.records import record_of
from ours_experiments.cli.output.writers import (
    open_writer,
    page_size,
    write_listing,
    write_record,
)
from ours_experiments.cli.parser import command_group, examples
from ours_experiments.models import Version


COLUMNS = ("id", "version_number", "is_published", "published_at", "name", "notes")
CHANGE_COLUMNS = ("collection", "change", "id", "name", "summary")
DEFAULT_LIMIT = 20

Ids = Annotated[list[str] | None, Parameter(consume_multiple=True)]

group: App = command_group("versions", "Versions, and changes that are not published.")


@group.command(
    name="list",
    help_epilogue=examples("versions list", "versions list --published"),
)
async def list_versions(
    *,
    published: Annotated[bool | None, Parameter(negative="--not-published")] = None,
    name_contains: str | None = None,
    notes_contains: str | None = None,
    limit: PositiveInt = DEFAULT_LIMIT,
    all: Flag = False,
    context: InContext,
) -> int:
    """List versions, newest first.

    Args:
        published: Only the version that is live, or only the others.
        name_contains: Only versions with this text in their name.
        notes_contains: Only versions with this text in their notes.
        limit: Versions at most.
        all: List all versions.
    """
    maximum = None if all else limit
    async with context.client() as client:
        listing = client.versions.list(
            is_published=published,
            name_contains=name_contains,
            notes_contains=notes_contains,
            prefetch=all,
            limit=page_size(maximum),
        )
        await write_listing(context, listing, Version, COLUMNS, maximum)
    return 0


@group.command(help_epilogue=examples("versions get ver_1"))
async def get(id: str, *, context: InContext) -> int:
    """Show one version.

    Args:
        id: Id of the version.
    """
    async with context.client() as client:
        write_record(context, record_of(await client.versions.retrieve(id)))
    return 0


@group.command(
    help_epilogue=examples(
        "versions publish --name 'Week 32'",
        "versions publish --experiment exp_123 exp_456",
    )
)
def publish(
    *,
    name: str | None = None,
    notes: str | None = None,
    experiment: Ids = None,
    variant: Ids = None,
    settings: Ids = None,
    yes: Flag = False,
    context: InContext,
) -> int:
    """Publish staged changes as a new version.

    Without ids it publishes everything that is staged, other people's changes too;
    `versions changes` shows them.

    Args:
        name: Name of the version.
        notes: Notes about the version.
        experiment: Publish only these experiments.
        variant: Publish only these variants.
        settings: Publish only these settings.
        yes: Do not ask.
    """
    named = [*(experiment or ()), *(variant or ()), *(settings or ())]
    subject = f"only {', '.join(named)}" if named else "everything that is staged"
    context.confirm(f"publish {subject}?", yes=yes)
    version = call_client(
        context,
        lambda client: client.versions.publish(
            name=name,
            notes=notes,
            include_experiments=experiment,
            include_experiment_variants=variant,
            include_experiment_settings=settings,
        ),
    )
    write_record(context, record_of(version))
    return 0


@group.command(
    help_epilogue=examples(
        "versions update ver_1 --name 'Week 32'",
        "versions update ver_1 --clear notes",
    )
)
async def update(
    id: str,
    *,
    name: str | None = None,
    notes: str | None = None,
    clear: Annotated[
        tuple[Literal["name", "notes"], ...],
        Parameter(consume_multiple=True, show_default=False),
    ] = (),
    context: InContext,
) -> int:
    """Rename a version or change its notes.

    Args:
        id: Id of the version.
        name: The new name.
        notes: The new notes.
        clear: Fields to empty.
    """
    given = {"name": name, "notes": notes}
    changed: dict[str, str | None] = dict.fromkeys(clear)
    changed |= {field: text for field, text in given.items() if text is not None}
    async with context.client() as client:
        write_record(context, record_of(await client.versions.update(id, **changed)))
    return 0


@group.command(help_epilogue=examples("versions republish ver_1 --yes"))
def republish(id: str, *, yes: Flag = False, context: InContext) -> int:
    """Publish an earlier version again.

    Args:
        id: Id of the version.
        yes: Do not ask.
    """
    context.confirm(f"publish the version {id} again, for everybody?", yes=yes)
    version = call_client(context, lambda client: client.versions.republish(id))
    write_record(context, record_of(version))
    return 0


@group.command(help_epilogue=examples("versions changes"))
async def changes(*, context: InContext) -> int:
    """List the changes that are not published."""
    async with context.client() as client:
        staged = await client.versions.draft_changes()
    if context.format == "json":
        write_record(context, record_of(staged))
        return 0
    if context.format == "table" and not staged.count:
        context.note("nothing is staged")
        return 0
    with open_writer(context, CHANGE_COLUMNS, CHANGE_COLUMNS) as writer:
        for collection, changed in staged.differences.items():
            entities = [("added", entity) for entity in changed.added]
            entities += [("removed", entity) for entity in changed.removed]
            entities += [("modified", entity.new) for entity in changed.modified]
            for change, entity in entities:
                record = {"collection": collection, "change": change}
                writer.write(record | record_of(entity))
    if context.format == "table":
        context.note(f"unpublished changes: {staged.count:,}")
    return 0
