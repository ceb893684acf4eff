"""Publish the draft, or an earlier version again, each exactly once."""

from collections.abc import Mapping
from datetime import datetime
from uuid import uuid4

import attrs

from ours_experiments._codec.converter import decode
from ours_experiments._http.call import Call
from ours_experiments._http.session import Session
from ours_experiments._pagination import Source
from ours_experiments._writes.reconcile import reconcile
from ours_experiments._writes.write import Evidence, Write
from ours_experiments.errors import AuthenticationError, NotFoundError, OursError
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
        to_version,
        find,
        subject="the publish",
        advice=f"list the versions whose notes contain {marker!r} before you publish "
        "again",
        is_listed=True,
        publishes=True,
    )


@attrs.frozen
class Live:
    """What was live before a version was published again."""

    published_at: datetime | None
    """When the version was published last."""
    ids: frozenset[str]
    """The version that was live."""


async def republish(session: Session, version_id: str) -> Version:
    """Publish an earlier version again.

    Reading what is live first makes the outcome of a lost reply a matter of comparing
    two answers, in place of two clocks.

    Raises:
        OutcomeUnknownError: The reply was lost, and somebody else has published since.
    """
    call = session.call()
    before: Live | None = None
    try:
        version = await read_version(session, call, version_id)
        before = Live(version.published_at, await live_ids(session, call))
    except (AuthenticationError, NotFoundError):
        raise
    except OursError:
        # A key may be allowed to publish and not to read; then nothing can be proved.
        pass
    return await reconcile(session, republication(version_id, before), call)


def republication(version_id: str, before: Live | None) -> Write[Version]:
    """Describe a publish of an earlier version; it is live once that is done."""

    async def find(session: Session, call: Call) -> Evidence[Version]:
        version = await read_version(session, call, version_id)
        if version.is_published:
            return Evidence(version)
        if before is not None and version.published_at != before.published_at:
            # It was live meanwhile, and somebody has replaced it.
            return Evidence(version)
        if before is not None and await live_ids(session, call) == before.ids:
            return Evidence()
        return Evidence(candidates=(version,))

    return Write(
        "republish",
        ("versions", version_id, "publish"),
        None,
        to_version,
        find,
        subject=f"the publish of version {version_id}",
        advice="retrieve the version before you publish it again",
        publishes=True,
    )


async def read_version(session: Session, call: Call, version_id: str) -> Version:
    """Retrieve a version within the time of a call."""
    return to_version(
        await session.request("GET", "versions", version_id, call=call.child())
    )


async def live_ids(session: Session, call: Call) -> frozenset[str]:
    """Return the ids of what is live, which is one version or none."""
    versions = await list_versions(session, call, isPublished=True)
    return frozenset(version.id for version in versions if version.is_published)


async def list_versions(
    session: Session, call: Call, **params: object
) -> tuple[Version, ...]:
    """Return the first page of a list of versions."""
    source = Source(session, ("versions",), params, Version, call)
    return tuple((await source.page(None)).entities)


def to_version(payload: object) -> Version:
    """Convert the JSON of a version."""
    return decode(Version, payload)
