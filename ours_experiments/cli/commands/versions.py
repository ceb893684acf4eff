"""Commands on what is live and what is staged."""

from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.types import PositiveInt

from ours_experiments.cli.context import Flag, InContext
from ours_experiments.cli.output.formats import (
    page_size,
    write_listing,
    write_one,
    writing,
)
from ours_experiments.cli.output.records import record_of
from ours_experiments.models import Version


COLUMNS = ("id", "version_number", "is_published", "published_at", "name", "notes")
CHANGE_COLUMNS = ("collection", "change", "id", "name", "summary")
SHOWN = 20

Ids = Annotated[list[str] | None, Parameter(consume_multiple=True)]


async def list_versions(
    *,
    published: Annotated[bool | None, Parameter(negative="--not-published")] = None,
    name_contains: str | None = None,
    notes_contains: str | None = None,
    limit: PositiveInt = SHOWN,
    all: Flag = False,
    context: InContext,
) -> int:
    """List versions, newest first.

    Args:
        published: Only the version that is live, or only the others.
        name_contains: Only versions with this text in their name.
        notes_contains: Only versions with this text in their notes.
        limit: How many at most.
        all: Everything.
    """
    cut = None if all else limit
    async with context.client() as client:
        listing = client.versions.list(
            is_published=published,
            name_contains=name_contains,
            notes_contains=notes_contains,
            prefetch=all,
            limit=page_size(cut),
        )
        await write_listing(context, listing, Version, COLUMNS, cut)
    return 0


async def get(id: str, *, context: InContext) -> int:
    """Show one version.

    Args:
        id: The version.
    """
    async with context.client() as client:
        write_one(context, record_of(await client.versions.retrieve(id)))
    return 0


async def publish(
    *,
    name: str | None = None,
    notes: str | None = None,
    experiment: Ids = None,
    variant: Ids = None,
    settings: Ids = None,
    context: InContext,
) -> int:
    """Make what is staged live as a new version.

    Without ids everything that is staged goes live, other people's changes included;
    `versions changes` shows it.

    Args:
        name: A name for the version.
        notes: Notes on the version.
        experiment: Ship only these of the staged experiments.
        variant: Ship only these of the staged variants.
        settings: Ship only these of the changed settings.
    """
    async with context.client() as client:
        version = await client.versions.publish(
            name=name,
            notes=notes,
            include_experiments=experiment,
            include_experiment_variants=variant,
            include_experiment_settings=settings,
        )
        write_one(context, record_of(version))
    return 0


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
        id: The version.
        name: The new name.
        notes: The new notes.
        clear: Fields to empty.
    """
    given = {"name": name, "notes": notes}
    changed: dict[str, str | None] = dict.fromkeys(clear)
    changed |= {field: told for field, told in given.items() if told is not None}
    async with context.client() as client:
        write_one(context, record_of(await client.versions.update(id, **changed)))
    return 0


async def republish(id: str, *, context: InContext) -> int:
    """Make an earlier version live again.

    Args:
        id: The version.
    """
    async with context.client() as client:
        write_one(context, record_of(await client.versions.republish(id)))
    return 0


async def changes(*, context: InContext) -> int:
    """Show what a publish would ship."""
    async with context.client() as client:
        staged = await client.versions.draft_changes()
    if context.format == "json":
        write_one(context, record_of(staged))
        return 0
    if context.format == "table" and not staged.count:
        context.note("nothing is staged")
        return 0
    with writing(context, CHANGE_COLUMNS, CHANGE_COLUMNS) as writer:
        for collection, touched in staged.differences.items():
            entities = [("added", each) for each in touched.added]
            entities += [("removed", each) for each in touched.removed]
            entities += [("modified", each.new) for each in touched.modified]
            for change, entity in entities:
                record = {"collection": collection, "change": change}
                writer.write(record | record_of(entity))
    if context.format == "table":
        context.note(f"unpublished changes: {staged.count:,}")
    return 0
