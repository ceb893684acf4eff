"""The operations: from checked input to the state, and back to JSON values."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Literal

import orjson

from ours_experiments.emulator.account import traffic as _traffic
from ours_experiments.emulator.account.index import Filter
from ours_experiments.emulator.account.records import Experiment
from ours_experiments.emulator.account.state import State
from ours_experiments.emulator.account.versions import Version
from ours_experiments.emulator.api.bodies import STATUSES, TYPES
from ours_experiments.emulator.api.pages import Cursors, Place, page_after
from ours_experiments.emulator.api.query import Query
from ours_experiments.emulator.json_values import Json, Values, array, string
from ours_experiments.emulator.problems import bad_request


CursorKind = Literal["keyset", "offset"]
_LONGEST_WINDOW = 366


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose path, key and body have been checked."""

    id: str
    """The id in the path, "" when the path has none."""
    body: Values
    query: Query
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Handlers:
    """One coroutine method for each operation of the API."""

    state: State
    cursors: Cursors
    cursor_kind: CursorKind = "keyset"
    publish_seconds: float = 0.0
    is_initial: bool = False

    async def list_experiments(self, call: Call) -> object:
        """Cut a page of the experiments, the most recently updated first."""
        query = call.query
        limit = query.limit(default=25, most=100)
        wanted = Filter(
            status=query.one_of("status", STATUSES),
            type=query.one_of("type", TYPES),
            search=query.text("search") or "",
        )
        listing = f"experiments\0{wanted.status}\0{wanted.type}\0{wanted.search}"
        cursor = query.text("cursor")
        place = None if cursor is None else self.cursors.read(listing, cursor)
        following: Place | None = None
        if self.cursor_kind == "keyset":
            order = None if place is None else (place[0], place[1], place[2])
            rows, following = self.state.index.after(order, wanted, limit)
        else:
            count, newest = (0, self.state.created) if place is None else place[:2]
            rows, more = self.state.index.skipping(count, newest, wanted, limit)
            following = (count + len(rows), newest) if more else None
        entities = [self._list_item(row, call) for row in rows]
        return self._page(listing, entities, following)

    async def create_experiment(self, call: Call) -> object:
        """Create an experiment."""
        return self._full(self.state.create(call.body), call)

    async def retrieve_experiment(self, call: Call) -> object:
        """Read an experiment."""
        return self._full(self.state.get(call.id), call)

    async def update_experiment(self, call: Call) -> object:
        """Change an experiment."""
        return self._full(self.state.patch(call.id, call.body), call)

    async def delete_experiment(self, call: Call) -> object:
        """Delete an experiment."""
        self.state.delete(call.id)
        return True

    async def start(self, call: Call) -> object:
        """Start an experiment."""
        return await self._transition("start", call, "publishAfterStart")

    async def pause(self, call: Call) -> object:
        """Pause an experiment."""
        return await self._transition("pause", call, "publishAfterPause")

    async def resume(self, call: Call) -> object:
        """Resume an experiment."""
        return await self._transition("resume", call, "publishAfterResume")

    async def stop(self, call: Call) -> object:
        """Stop an experiment for good."""
        return await self._transition("stop", call)

    async def rollout(self, call: Call) -> object:
        """Serve one variant of a completed experiment to everybody."""
        return await self._transition("rollout", call)

    async def end_rollout(self, call: Call) -> object:
        """Serve the original again."""
        return await self._transition("end_rollout", call)

    async def winner(self, call: Call) -> object:
        """Record or clear the winner of a completed experiment."""
        experiment, _ = self.state.transition(
            call.id, "winner", call.body, publish=False
        )
        return self._bare(experiment)

    async def results(self, call: Call) -> object:
        """Report how the variants did over the whole run."""
        experiment = self.state.get(call.id)
        event = _event(experiment, call.query)
        return {"variants": self.state.traffic.results(experiment, event)}

    async def results_time_series(self, call: Call) -> object:
        """Report how the variants did day by day."""
        start, end = call.query.day("startDate"), call.query.day("endDate")
        if start is not None and end is not None:
            _check_window(start, end)
        experiment = self.state.get(call.id)
        event = _event(experiment, call.query)
        run = _traffic.run_of(experiment, self.state.now())
        if run is None:
            return {"days": []}
        first, last = run
        first = first if start is None else max(first, start)
        last = last if end is None else min(last, end)
        if (start is not None or end is not None) and first <= last:
            _check_window(first, last)
        return {"days": self.state.traffic.series(experiment, event, first, last)}

    async def session_replays(self, call: Call) -> object:
        """Cut a page of the recorded sessions, the newest first."""
        query = call.query
        limit = query.limit(default=25, most=100)
        variant_id = query.text("variant_id")
        listing = f"replays\0{call.id}\0{variant_id}"
        cursor = query.text("cursor")
        place = None if cursor is None else self.cursors.read(listing, cursor)
        experiment = self.state.get(call.id)
        replays, following = page_after(
            self.state.traffic.replays(call.id, variant_id),
            lambda replay: (replay.started_at, replay.number),
            place,
            limit,
        )
        names = {variant.id: variant.name for variant in experiment.variants}
        entities = [replay.wire(names[replay.variant_id]) for replay in replays]
        return self._page(listing, entities, following)

    async def list_variants(self, call: Call) -> object:
        """Cut a page of an experiment's variants, the control first."""
        query = call.query
        limit = query.limit(default=200, most=200)
        experiment_id = query.text("experimentId")
        if not experiment_id:
            raise bad_request("experimentId: is required")
        listing = f"variants\0{experiment_id}"
        cursor = query.text("cursor")
        place = None if cursor is None else self.cursors.read(listing, cursor)
        variants, following = page_after(
            self.state.variants_of(experiment_id),
            lambda variant: (-variant.number,),
            place,
            limit,
        )
        return self._page(listing, [v.wire() for v in variants], following)

    async def create_variant(self, call: Call) -> object:
        """Add a variant."""
        return self.state.create_variant(call.body).wire()

    async def retrieve_variant(self, call: Call) -> object:
        """Read a variant."""
        return self.state.variant(call.id).wire()

    async def update_variant(self, call: Call) -> object:
        """Change a variant."""
        return self.state.patch_variant(call.id, call.body).wire()

    async def delete_variant(self, call: Call) -> object:
        """Delete a variant."""
        return self.state.delete_variant(call.id).wire()

    async def list_settings(self, _call: Call) -> object:
        """List the settings of the account."""
        return {"entities": self.state.settings()}

    async def create_settings(self, call: Call) -> object:
        """Create the settings of the account."""
        return self.state.create_settings(call.body).wire()

    async def retrieve_settings(self, call: Call) -> object:
        """Read settings."""
        return self.state.find_settings(call.id).wire()

    async def update_settings(self, call: Call) -> object:
        """Change settings."""
        return self.state.patch_settings(call.id, call.body).wire()

    async def delete_settings(self, call: Call) -> object:
        """Delete settings with all that they own."""
        return self.state.delete_settings(call.id).wire()

    async def list_versions(self, call: Call) -> object:
        """Cut a page of the versions, the newest first."""
        query = call.query
        limit = query.limit(default=25, most=100)
        published = query.one_of("isPublished", {"true", "false"})
        name = (query.text("nameContains") or "").casefold()
        notes = (query.text("notesContains") or "").casefold()
        listing = f"versions\0{published}\0{name}\0{notes}"
        cursor = query.text("cursor")
        place = None if cursor is None else self.cursors.read(listing, cursor)
        latest = self.state.now() - self.state.list_delay
        rows, following = page_after(
            [
                version
                for version in reversed(self.state.releases.versions)
                if version.created_at <= latest
                and published in (None, "true" if version.is_published else "false")
                and name in (version.name or "").casefold()
                and notes in (version.notes or "").casefold()
            ],
            lambda version: (version.number,),
            place,
            limit,
        )
        return self._page(listing, [version.wire() for version in rows], following)

    async def publish(self, call: Call) -> object:
        """Ship the unpublished changes as a new version."""
        releases = self.state.releases
        include = _included(call.body)
        if not releases.in_flight:
            releases.check_publishable(include)
        async with self._publishing():
            releases.check_publishable(include)
            version = releases.publish(
                self.state.now(),
                include=include,
                name=string(call.body.get("name")),
                notes=string(call.body.get("notes")),
            )
        return version.wire()

    async def retrieve_version(self, call: Call) -> object:
        """Read a version."""
        return self.state.releases.find(call.id).wire()

    async def update_version(self, call: Call) -> object:
        """Change the name or the notes of a version."""
        version = self.state.releases.find(call.id)
        _annotate(version, call.body)
        return version.wire()

    async def republish(self, call: Call) -> object:
        """Make an older version live again."""
        releases = self.state.releases
        version = releases.find(call.id)
        releases.check_republishable(version, self.state.now())
        async with self._publishing():
            releases.check_republishable(version, self.state.now())
            releases.republish(version, self.state.now())
        return version.wire()

    async def draft_changes(self, call: Call) -> object:
        """Show what a publish would change."""
        against = call.query.uuid("against")
        releases = self.state.releases
        return releases.draft_diff(None if against is None else releases.find(against))

    async def version_changes(self, call: Call) -> object:
        """Show how a version differs from another one."""
        releases = self.state.releases
        version = releases.find(call.id)
        if call.query.text("against") == "draft":
            return releases.version_diff(version, "draft")
        against = call.query.uuid("against")
        return releases.version_diff(
            version, None if against is None else releases.find(against)
        )

    async def version_snapshot(self, call: Call) -> object:
        """Show everything that a version holds."""
        version = self.state.releases.find(call.id)
        return {
            "id": version.id,
            "versionNumber": version.number,
            "jsonContent": self.state.releases.content(version),
        }

    async def _transition(
        self, action: str, call: Call, switch: str | None = None
    ) -> object:
        body = call.body
        publish = switch is None or body.get(switch, True) is True
        self.state.check_transition(call.id, action, body)
        if publish:
            async with self._publishing():
                experiment, changes = self.state.transition(
                    call.id, action, body, publish=True
                )
        else:
            experiment, changes = self.state.transition(
                call.id, action, body, publish=False
            )
        return {
            "publishStatus": "published" if publish else "pending_publish",
            "concurrentVersionChanges": changes,
            "experiment": self._bare(experiment),
        }

    @asynccontextmanager
    async def _publishing(self) -> AsyncGenerator[None, None]:
        """Hold the one place for a publish, for as long as publishing takes."""
        self.state.releases.begin()
        try:
            if self.publish_seconds:
                await asyncio.sleep(self.publish_seconds)
            yield
        finally:
            self.state.releases.end()

    def _page(
        self,
        listing: str,
        entities: Sequence[object],
        following: Place | None,
    ) -> object:
        cursor = None if following is None else self.cursors.write(listing, following)
        return {
            "entities": entities,
            "pagination": {"nextCursor": cursor, "hasMore": cursor is not None},
        }

    def _list_item(self, experiment: Experiment, call: Call) -> object:
        if self.is_initial:
            return self._bare(experiment)
        return self._full(experiment, call)

    def _full(self, experiment: Experiment, call: Call) -> object:
        if self.is_initial:
            return _without_rollout(experiment.full())
        if "experiment:find" not in call.scopes:
            return {**experiment.bare(), "variants": []}
        return orjson.Fragment(experiment.full_bytes())

    def _bare(self, experiment: Experiment) -> object:
        if self.is_initial:
            return _without_rollout(experiment.bare())
        return experiment.bare()


def _without_rollout(written: dict[str, Json]) -> dict[str, Json]:
    del written["rolloutVariantId"]
    return written


def _event(experiment: Experiment, query: Query) -> str:
    event = (query.text("eventName") or "").strip() or experiment.primary_event()
    if event is None:
        raise bad_request("eventName: none is given, and the experiment has none")
    return event


def _check_window(first: date, last: date) -> None:
    if last < first:
        raise bad_request("endDate: lies before startDate")
    if (last - first).days >= _LONGEST_WINDOW:
        raise bad_request(f"startDate: the window is over {_LONGEST_WINDOW} days")


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
