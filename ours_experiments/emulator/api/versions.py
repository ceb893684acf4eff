"""Versions: list, publish, retrieve, update, republish, compare."""

from ours_experiments.emulator.account.versions import Version
from ours_experiments.emulator.api.pages import page_after
from ours_experiments.emulator.api.service import Call, Service
from ours_experiments.emulator.json_values import Values, array, string


async def list_page(service: Service, call: Call) -> object:
    """Return a page of versions, the newest first."""
    query = call.query
    limit = query.limit(default=25, maximum=100)
    published = query.one_of("isPublished", {"true", "false"})
    name = (query.text("nameContains") or "").casefold()
    notes = (query.text("notesContains") or "").casefold()
    listing = f"versions\0{published}\0{name}\0{notes}"
    cursor = query.text("cursor")
    position = None if cursor is None else service.cursors.read(listing, cursor)
    latest = service.state.now() - service.state.list_delay
    rows, following = page_after(
        [
            version
            for version in reversed(service.state.releases.versions)
            if version.created_at <= latest
            and published in (None, "true" if version.is_published else "false")
            and name in (version.name or "").casefold()
            and notes in (version.notes or "").casefold()
        ],
        lambda version: (version.number,),
        position,
        limit,
    )
    return service.page(listing, [version.wire() for version in rows], following)


async def publish(service: Service, call: Call) -> object:
    """Publish the draft as a new version."""
    releases = service.state.releases
    include = _included(call.body)
    if not releases.in_flight:
        releases.check_publishable(include)
    async with service.publishing():
        releases.check_publishable(include)
        version = releases.publish(
            service.state.now(),
            include=include,
            name=string(call.body.get("name")),
            notes=string(call.body.get("notes")),
        )
    return version.wire()


async def retrieve(service: Service, call: Call) -> object:
    """Return a version."""
    return service.state.releases.find(call.id).wire()


async def update(service: Service, call: Call) -> object:
    """Update the name or the notes of a version."""
    version = service.state.releases.find(call.id)
    _annotate(version, call.body)
    return version.wire()


async def republish(service: Service, call: Call) -> object:
    """Publish an older version again."""
    releases = service.state.releases
    version = releases.find(call.id)
    releases.check_republishable(version, service.state.now())
    async with service.publishing():
        releases.check_republishable(version, service.state.now())
        releases.republish(version, service.state.now())
    return version.wire()


async def draft_changes(service: Service, call: Call) -> object:
    """Return what a publish would change."""
    against = call.query.uuid("against")
    releases = service.state.releases
    return releases.draft_diff(None if against is None else releases.find(against))


async def changes(service: Service, call: Call) -> object:
    """Return how a version differs from another one."""
    releases = service.state.releases
    version = releases.find(call.id)
    if call.query.text("against") == "draft":
        return releases.version_diff(version, "draft")
    against = call.query.uuid("against")
    return releases.version_diff(
        version, None if against is None else releases.find(against)
    )


async def snapshot(service: Service, call: Call) -> object:
    """Return everything that a version holds."""
    version = service.state.releases.find(call.id)
    return {
        "id": version.id,
        "versionNumber": version.number,
        "jsonContent": service.state.releases.content(version),
    }


def _included(body: Values) -> dict[str, frozenset[str]]:
    chosen: dict[str, frozenset[str]] = {}
    for name, value in body.items():
        ids = array(value)
        if name.startswith("include") and ids:
            collection = name.removeprefix("include")
            chosen[collection[0].lower() + collection[1:]] = frozenset(map(str, ids))
    return chosen


def _annotate(version: Version, body: Values) -> None:
    if "name" in body:
        version.name = string(body["name"])
    if "notes" in body:
        version.notes = string(body["notes"])
