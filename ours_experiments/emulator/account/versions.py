"""Versions: what is live, what is staged, and every publish."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from ours_experiments.emulator.clock import timestamp
from ours_experiments.emulator.json_values import Json, parse
from ours_experiments.emulator.problems import conflict, not_found


# Only these texts distinguish the conflicts of a publish for a client.
NOTHING_TO_PUBLISH = "There are no draft changes to publish"
IN_FLIGHT = "Another publish is already in flight"
MAX_AGE = 45 * 24 * 60 * 60 * 1000
# Of these 17 only tagManagers has no `include` field in the body of a publish.
_COLLECTIONS = (
    "destinations",
    "sources",
    "allowedEvents",
    "externalAllowedEventData",
    "mappings",
    "consentSettings",
    "globalDispatchCenters",
    "replaySettings",
    "tagManagers",
    "tagManagerTags",
    "tagManagerTriggers",
    "tagManagerVariables",
    "dataGovernanceRules",
    "dataGovernanceEvents",
    "experimentSettings",
    "experiments",
    "experimentVariants",
)


class Key(NamedTuple):
    """The key of an entity; `owner` groups what counts as a single change."""

    collection: str
    id: str
    owner: str


class Snapshot(NamedTuple):
    """An entity as a version holds it; equal content means no change."""

    name: str
    type: str | None
    content: bytes


Config: TypeAlias = dict[Key, Snapshot]
"""All entities of a version, or of the draft."""
Changes: TypeAlias = Mapping[Key, Snapshot | None]
"""New snapshots, None for an entity that is gone."""


@dataclass(slots=True)
class Version:
    """A publish: what it changed, and the version before it."""

    id: str
    number: int
    name: str | None
    notes: str | None
    created_at: int
    published_at: int
    changes: Changes
    previous: "Version | None"
    is_published: bool = True

    def wire(self) -> dict[str, Json]:
        """Return the version as the API spells it."""
        return {
            "id": self.id,
            "name": self.name,
            "versionNumber": self.number,
            "isPublished": self.is_published,
            "notes": self.notes,
            "createdAt": timestamp(self.created_at),
            "publishedAt": timestamp(self.published_at),
            "publishedByUserId": "user_emulator",
            "publishedByUserName": "Emulator",
        }


@dataclass(slots=True)
class Releases:
    """The versions of the account, and its changes since the live one."""

    new_id: Callable[[], str]
    versions: list[Version] = field(default_factory=list[Version])
    pending: dict[Key, Snapshot | None] = field(
        default_factory=dict[Key, Snapshot | None]
    )
    in_flight: bool = False
    _current: Version | None = None
    _live: dict[Key, Snapshot] = field(default_factory=dict[Key, Snapshot])
    _seeded: dict[Key, Snapshot | None] = field(
        default_factory=dict[Key, Snapshot | None]
    )
    _owners: Counter[str] = field(default_factory=Counter[str])

    def track(self, key: Key, snapshot: Snapshot | None) -> None:
        """Stage the present state of an entity, unless it equals what is live."""
        # A change that is taken back leaves nothing to publish.
        if key in self.pending:
            self._unstage(key)
        if self._live.get(key) != snapshot:
            self.pending[key] = snapshot
            self._owners[key.owner] += 1

    def seed(self, key: Key, snapshot: Snapshot) -> None:
        """Make an entity live without a publish."""
        self._live[key] = self._seeded[key] = snapshot

    def others(self, owner: str) -> int:
        """Count the unpublished changes beside those of `owner`."""
        # An experiment and its variants have one owner, and are one change.
        return len(self._owners) - (owner in self._owners)

    def begin(self) -> None:
        """Begin a publish; only one may be in flight."""
        if self.in_flight:
            raise conflict(IN_FLIGHT)
        self.in_flight = True

    def end(self) -> None:
        """End the publish that is in flight."""
        self.in_flight = False

    def publish(
        self,
        now: int,
        *,
        include: Mapping[str, frozenset[str]] | None = None,
        name: str | None = None,
        notes: str | None = None,
    ) -> Version:
        """Publish the staged changes; of a collection in `include` only those ids."""
        wanted = include or {}
        changes = {
            key: snapshot
            for key, snapshot in self.pending.items()
            if key.collection not in wanted or key.id in wanted[key.collection]
        }
        for key, snapshot in changes.items():
            self._unstage(key)
            if snapshot is None:
                del self._live[key]
            else:
                self._live[key] = snapshot
        version = Version(
            id=self.new_id(),
            number=len(self.versions) + 1,
            name=name,
            notes=notes,
            created_at=now,
            published_at=now,
            changes=changes,
            previous=self._current,
        )
        self.versions.append(version)
        self._go_live(version, now)
        return version

    def check_publishable(self, include: Mapping[str, frozenset[str]]) -> None:
        """Raise ProblemError if a publish would change nothing."""
        for key in self.pending:
            if key.collection not in include or key.id in include[key.collection]:
                return
        raise conflict(NOTHING_TO_PUBLISH)

    def check_republishable(self, version: Version, now: int) -> None:
        """Raise ProblemError for a version that is live or too old."""
        if version.is_published:
            raise conflict("This version is already published")
        if now - version.created_at > MAX_AGE:
            raise conflict("This version is older than 45 days")

    def republish(self, version: Version, now: int) -> None:
        """Make an older version live; what differs from it is staged again."""
        # A republish replaces what is live, not the draft, which now differs from it.
        draft: dict[Key, Snapshot | None] = {**self._live, **self.pending}
        self._live = self._config(version)
        self.pending.clear()
        self._owners.clear()
        for key in self._live:
            draft.setdefault(key, None)
        for key, snapshot in draft.items():
            self.track(key, snapshot)
        self._go_live(version, now)

    def find(self, id: str) -> Version:
        """Find a version."""
        for version in self.versions:
            if version.id == id:
                return version
        raise not_found("version")

    def draft_diff(self, against: Version | None = None) -> dict[str, Json]:
        """Return how the draft differs from a version, by default the live one."""
        if against is None:
            return _diff(self._live, self.pending)
        return _compare(self._config(against), self._draft())

    def version_diff(
        self, version: Version, against: Version | Literal["draft"] | None = None
    ) -> dict[str, Json]:
        """Return how a version differs from another one, by default the live one."""
        baseline = self._live
        if against == "draft":
            baseline = self._draft()
        elif against is not None:
            baseline = self._config(against)
        return _compare(baseline, self._config(version))

    def content(self, version: Version) -> dict[str, list[Json]]:
        """Return every entity of a version by its collection."""
        collections: dict[str, list[Json]] = {name: [] for name in _COLLECTIONS}
        for key, snapshot in self._config(version).items():
            collections[key.collection].append(parse(snapshot.content))
        return collections

    def _draft(self) -> Config:
        draft = dict(self._live)
        _apply(draft, self.pending)
        return draft

    def _unstage(self, key: Key) -> None:
        del self.pending[key]
        self._owners[key.owner] -= 1
        if not self._owners[key.owner]:
            del self._owners[key.owner]

    def _go_live(self, version: Version, now: int) -> None:
        if self._current is not None:
            self._current.is_published = False
        version.is_published = True
        version.published_at = now
        self._current = version

    def _config(self, version: Version) -> Config:
        # Versions keep their changes alone: copies of 100 000 entities would not fit.
        layers: list[Changes] = []
        layer: Version | None = version
        while layer is not None:
            layers.append(layer.changes)
            layer = layer.previous
        layers.append(self._seeded)
        config: Config = {}
        for changes in reversed(layers):
            _apply(config, changes)
        return config


def _apply(config: Config, changes: Changes) -> None:
    for key, snapshot in changes.items():
        if snapshot is None:
            config.pop(key, None)
        else:
            config[key] = snapshot


def _compare(old: Config, new: Config) -> dict[str, Json]:
    changed = {
        key: new.get(key) for key in {**old, **new} if old.get(key) != new.get(key)
    }
    return _diff(old, changed)


def _diff(baseline: Config, changed: Changes) -> dict[str, Json]:
    differences: dict[str, dict[str, list[Json]]] = {
        name: {"added": [], "removed": [], "modified": []} for name in _COLLECTIONS
    }
    for key, snapshot in changed.items():
        changes = differences[key.collection]
        live = baseline.get(key)
        old = None if live is None else _item(key, live)
        new = None if snapshot is None else _item(key, snapshot)
        if old and new:
            changes["modified"].append({"old": old, "new": new})
        else:
            changes["added" if new else "removed"].append(new or old)
    return {"count": len(changed), "differences": differences}


def _item(key: Key, snapshot: Snapshot) -> dict[str, Json]:
    return {
        "id": key.id,
        "name": snapshot.name,
        "type": snapshot.type,
        "summary": None,
        "tagManagerId": None,
    }
