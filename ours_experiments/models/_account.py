"""What the experiments of an account share: settings and versions."""

from collections.abc import Mapping
from datetime import datetime
from itertools import chain

import attrs


@attrs.frozen(kw_only=True)
class Settings:
    """The settings that experiments of an account share."""

    id: str
    """The settings' identifier."""
    account_id: str
    """The identifier of the account."""
    name: str
    """The display name."""
    pixel: str
    """The token with which the script on the page is loaded."""
    cookie_name: str | None = None
    """The name of the cookie that stores a visitor's variant; None: the default."""
    whitelist_domains: tuple[str, ...] | None = None
    """The hosts on which experiments run, without scheme and path; None: not set.

    A host in an experiment's `url_patterns` must be listed here, else the experiment
    never runs, even after it has started.
    """
    created_at: datetime
    """The time of creation, in UTC."""
    updated_at: datetime | None = None
    """The time of the last change, in UTC; None: never changed."""
    created_by_user_id: str | None = None
    """The identifier of the user who created the settings."""
    updated_by_user_id: str | None = None
    """The identifier of the user who last changed the settings."""


@attrs.frozen(kw_only=True)
class Version:
    """A published version of the account's configuration."""

    id: str
    """The version's identifier."""
    name: str | None = None
    """The display name."""
    version_number: int
    """The version's number, counted within the account."""
    is_published: bool
    """Whether this is the version that is live."""
    notes: str | None = None
    """Notes, as free text."""
    created_at: datetime
    """The time of creation, in UTC."""
    published_at: datetime | None = None
    """The time of the last publish, in UTC; kept when another version goes live."""
    published_by_user_id: str | None = None
    """The identifier of the user who last published the version."""
    published_by_user_name: str | None = None
    """The name of the user who last published the version."""


@attrs.frozen(kw_only=True)
class VersionSnapshot:
    """All entities of a version, as they were when it was published."""

    id: str
    """The version's identifier."""
    version_number: int
    """The version's number, counted within the account."""
    json_content: Mapping[str, object] | None = attrs.field(default=None, hash=False)
    """The entities as JSON arrays by collection, secrets left out; None: pruned."""


@attrs.frozen(kw_only=True)
class ChangedEntity:
    """An entity in one of two compared versions."""

    id: str
    """The entity's identifier."""
    name: str | None = None
    """The display name."""
    type: str | None = None
    """The entity's type; None where its collection has no types."""
    summary: str | None = None
    """The kind of change, such as `Reordered`; None for most changes."""
    tag_manager_id: str | None = None
    """The identifier of the tag manager it belongs to; None: no tag manager."""


@attrs.frozen
class ModifiedEntity:
    """An entity before and after a change."""

    old: ChangedEntity
    """The entity in the baseline: the live version, unless another is asked for."""
    new: ChangedEntity
    """The entity in the compared version or the draft."""


@attrs.frozen
class CollectionChanges:
    """The changes of one collection of entities."""

    added: tuple[ChangedEntity, ...] = ()
    """The entities that the baseline does not have."""
    removed: tuple[ChangedEntity, ...] = ()
    """The entities that only the baseline has."""
    modified: tuple[ModifiedEntity, ...] = ()
    """The entities that differ from the baseline."""

    @property
    def ids(self) -> frozenset[str]:
        """Return the identifiers of all changed entities."""
        new = (entity.new for entity in self.modified)
        return frozenset(entity.id for entity in chain(self.added, self.removed, new))


@attrs.frozen
class DraftChanges:
    """The changes between two versions, or between the live version and the draft."""

    count: int
    """The number of changed entities in all collections."""
    differences: Mapping[str, CollectionChanges] = attrs.field(hash=False)
    """The changes by the API's name of the collection, such as `experiments`."""
