"""What the experiments of an account share: settings and published versions."""

from collections.abc import Mapping
from datetime import datetime
from itertools import chain

import attrs


@attrs.frozen(kw_only=True)
class Settings:
    """The configuration that experiments of an account share."""

    id: str
    """The identifier, which new experiments name."""
    account_id: str
    """The account that it belongs to."""
    name: str
    """The name for people."""
    pixel: str
    """The token that the page's script loads with."""
    cookie_name: str | None = None
    """The cookie that remembers a visitor's variant."""
    whitelist_domains: tuple[str, ...] | None = None
    """The only domains that experiments run on; None: not limited."""
    created_at: datetime
    """When it was created, UTC."""
    updated_at: datetime | None = None
    """When it was last changed, UTC; None until the first change."""
    created_by_user_id: str | None = None
    """Who created it."""
    updated_by_user_id: str | None = None
    """Who changed it last."""


@attrs.frozen(kw_only=True)
class Version:
    """A published state of the account."""

    id: str
    """The version's identifier."""
    name: str | None = None
    """The name for people."""
    version_number: int
    """The running number within the account."""
    is_published: bool
    """Whether this is the version that visitors are served now."""
    notes: str | None = None
    """Free text."""
    created_at: datetime
    """When it was created, UTC."""
    published_at: datetime | None = None
    """When it was last published, UTC; stays when another one takes over."""
    published_by_user_id: str | None = None
    """Who published it last."""
    published_by_user_name: str | None = None
    """The name of who published it last."""


@attrs.frozen(kw_only=True)
class ChangedEntity:
    """One entity as it is in one of two compared states."""

    id: str
    """The entity's identifier."""
    name: str | None = None
    """The name for people."""
    type: str | None = None
    """The subtype, where the collection has one."""
    summary: str | None = None
    """A word on the kind of change, where there is one."""
    tag_manager_id: str | None = None
    """The tag manager that it belongs to, where it belongs to one."""


@attrs.frozen
class ModifiedEntity:
    """One entity before and after its change."""

    old: ChangedEntity
    """As it is live."""
    new: ChangedEntity
    """As it is in the draft."""


@attrs.frozen
class CollectionChanges:
    """The unpublished changes of one kind of entity."""

    added: tuple[ChangedEntity, ...] = ()
    """What is not live yet."""
    removed: tuple[ChangedEntity, ...] = ()
    """What is live still."""
    modified: tuple[ModifiedEntity, ...] = ()
    """What is live in another form."""

    @property
    def ids(self) -> frozenset[str]:
        """Collect the identifiers of everything that is touched."""
        touched = chain(self.added, self.removed, (each.new for each in self.modified))
        return frozenset(each.id for each in touched)


@attrs.frozen
class DraftChanges:
    """The changes of an account that are not published."""

    count: int
    """How many there are in all, 0 or more."""
    differences: Mapping[str, CollectionChanges] = attrs.field(hash=False)
    """The changes by collection, under the service's own name for it."""
