"""Publish the draft, or an earlier version again, each exactly once."""

from collections.abc import Mapping
from uuid import uuid4

from ours_experiments._http.call import Call
from ours_experiments._http.decoding import decoder
from ours_experiments._http.session import Session
from ours_experiments._pagination import Source
from ours_experiments._writes.service_time import moment_before, read_with_date
from ours_experiments._writes.write import Evidence, Write
from ours_experiments.models import Version


def publish(body: Mapping[str, object]) -> Write[Version]:
    """Describe a publish of the draft; a marker in its notes identifies it."""
    marker = f"[ours-experiments {uuid4()}]"
    notes = body.get("notes")

    async def find(session: Session, call: Call) -> Evidence[Version]:
        for version in await list_versions(session, call, notesContains=marker):
            # A service may ignore the filter, and answer other people's versions.
            if marker in (version.notes or ""):
                return Evidence(version)
        return Evidence()

    return Write(
        "publish",
        ("versions",),
        {**body, "notes": f"{notes}\n{marker}" if notes else marker},
        decoder(Version),
        find,
        subject="the publish",
        advice=f"list the versions whose notes contain {marker!r} before you publish "
        "again",
        is_listed=True,
        publishes=True,
    )


def republish(version_id: str) -> Write[Version]:
    """Describe a publish of an earlier version; it is live once that is done."""

    async def find(session: Session, call: Call) -> Evidence[Version]:
        version, now = await read_with_date(
            session, call, "versions", version_id, read=decoder(Version)
        )
        if version.is_published:
            return Evidence(version)
        before = moment_before(call, now)
        if before is None:
            return Evidence(candidates=(version,))
        published_at = version.published_at
        # The first publish of a version made it; any later one is a republish.
        if published_at is not None and published_at > max(before, version.created_at):
            return Evidence(version)
        live = await list_versions(session, call, isPublished=True)
        if all(row.published_at is None or row.published_at < before for row in live):
            return Evidence()
        return Evidence(candidates=(version,))

    return Write(
        "republish",
        ("versions", version_id, "publish"),
        None,
        decoder(Version),
        find,
        subject=f"the publish of version {version_id}",
        advice="retrieve the version before you publish it again",
        publishes=True,
    )


async def list_versions(
    session: Session, call: Call, **params: object
) -> tuple[Version, ...]:
    """Return the first page of a list of versions."""
    source = Source(session, ("versions",), params, Version, call)
    return tuple((await source.page(None)).entities)
