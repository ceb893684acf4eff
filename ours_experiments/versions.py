"""Endpoints below `/rest/v1/versions`."""

from collections.abc import Iterable, Mapping

import attrs

from ours_experiments._http.decoding import decoder
from ours_experiments._http.session import Session
from ours_experiments._pagination import Listing, Source
from ours_experiments._unset import UNSET, Unset
from ours_experiments._validation import check_filled_text, clamp_limit, to_filled_texts
from ours_experiments._writes import publication as _publication
from ours_experiments._writes.reconcile import reconcile
from ours_experiments.errors import ConfigurationError
from ours_experiments.models import DraftChanges, Page, Version, VersionSnapshot


__all__ = ["Versions"]

MAX_PAGE_SIZE = 100
COLLECTIONS = (
    "allowedEvents", "consentSettings", "dataGovernanceEvents", "dataGovernanceRules",
    "destinations", "experimentSettings", "experimentVariants", "experiments",
    "externalAllowedEventData", "globalDispatchCenters", "mappings", "replaySettings",
    "sources", "tagManagerTags", "tagManagerTriggers", "tagManagerVariables",
)  # fmt: skip
"""Collections of which a publish can include a part: all but `tagManagers`."""


@attrs.frozen
class Versions:
    """Published versions and staged changes; reached as `client.versions`.

    The API's revert and abandon are not offered here. They do not apply to experiments
    and variants, and discard what other people have changed in the account.

    Every call can raise the errors that `Experiments` names for all of its calls. The
    methods name further errors.
    """

    _session: Session

    def list(
        self,
        *,
        is_published: bool | None = None,
        name_contains: str | None = None,
        notes_contains: str | None = None,
        limit: int = MAX_PAGE_SIZE,
        cursor: str | None = None,
        prefetch: bool = True,
    ) -> Listing[Version]:
        """List versions, newest first; `GET /versions`.

        Args:
            is_published: Only the live version (True), or only the others (False).
            name_contains: Only versions with this text in their name, in any case.
            notes_contains: Only versions with this text in their notes, in any case.
            limit: Versions per request, 1 to 100; a larger limit counts as 100.
            cursor: The cursor to resume at, from `Listing.cursor`.
            prefetch: Whether the next page is requested while one is consumed.
        """
        source = self._source(is_published, name_contains, notes_contains, limit)
        return Listing(source, cursor, prefetch=prefetch)

    async def list_page(
        self,
        *,
        is_published: bool | None = None,
        name_contains: str | None = None,
        notes_contains: str | None = None,
        limit: int = MAX_PAGE_SIZE,
        cursor: str | None = None,
    ) -> Page[Version]:
        """Return one page; the arguments are those of `list`."""
        source = self._source(is_published, name_contains, notes_contains, limit)
        return await source.page(cursor)

    def _source(
        self,
        is_published: bool | None,  # noqa: FBT001 - passed on by name above
        name_contains: str | None,
        notes_contains: str | None,
        limit: int,
    ) -> Source[Version]:
        params = {
            "isPublished": is_published,
            "nameContains": name_contains,
            "notesContains": notes_contains,
            "limit": clamp_limit(limit, MAX_PAGE_SIZE),
        }
        return Source(self._session, ("versions",), params, Version)

    async def retrieve(self, id: str) -> Version:
        """Return one version; `GET /versions/{id}`."""
        return await self._session.request("GET", "versions", id, read=decoder(Version))

    async def publish(
        self,
        *,
        name: str | None = None,
        notes: str | None = None,
        include_experiments: Iterable[str] | None = None,
        include_experiment_variants: Iterable[str] | None = None,
        include_experiment_settings: Iterable[str] | None = None,
        include: Mapping[str, Iterable[str]] | None = None,
    ) -> Version:
        """Publish the staged changes as a new version; `POST /versions`.

        Without ids for a collection all of its changes are published, those of other
        people included. A marker is added to the notes, by which the version is found
        after a lost reply. While another publish is in flight, the call waits.

        Args:
            name: A name for the version.
            notes: Notes on the version.
            include_experiments: The ids of the staged experiments to publish.
            include_experiment_variants: The ids of the staged variants to publish.
            include_experiment_settings: The ids of the changed settings to publish.
            include: The ids to publish of other collections, by the names that
                `DraftChanges.differences` has: `{"destinations": [id, …]}`.

        Raises:
            ConflictError: There is nothing to publish.
            OutcomeUnknownError: The text names the marker to look for in the notes.
        """
        lists = {
            "experiments": include_experiments,
            "experimentVariants": include_experiment_variants,
            "experimentSettings": include_experiment_settings,
            **(include or {}),
        }
        if unknown := sorted(map(repr, lists.keys() - COLLECTIONS)):
            raise ConfigurationError(
                f"include must name collections out of {', '.join(COLLECTIONS)}, not "
                f"{', '.join(unknown)}: the service would ignore that"
            )
        body: dict[str, object] = {"name": name, "notes": notes}
        for collection, ids in lists.items():
            if ids is not None:
                wire_name = f"include{collection[:1].upper()}{collection[1:]}"
                body[wire_name] = to_filled_texts(wire_name, ids)
        given = {key: value for key, value in body.items() if value is not None}
        return await reconcile(self._session, _publication.publish(given))

    async def update(
        self,
        id: str,
        *,
        name: str | Unset | None = UNSET,
        notes: str | Unset | None = UNSET,
    ) -> Version:
        """Change the name or the notes of a version; `PATCH /versions/{id}`.

        Args:
            id: The version.
            name: The new name; None clears it.
            notes: The new notes; None clears them.
        """
        given = {"name": name, "notes": notes}
        patch = {key: value for key, value in given.items() if value is not UNSET}
        if not patch:
            raise ConfigurationError("name or notes must be given: the patch is empty")
        for key, value in patch.items():
            if value is not None:
                check_filled_text(key, value)
        return await self._session.request(
            "PATCH", "versions", id, read=decoder(Version), json=patch
        )

    async def republish(self, id: str) -> Version:
        """Publish an earlier version again; `POST /versions/{id}/publish`.

        Raises:
            ConflictError: The version is live, or older than 45 days.
        """
        return await reconcile(self._session, _publication.republish(id))

    async def draft_changes(self) -> DraftChanges:
        """Return the changes that a publish would ship; `GET /versions/draft/diff`.

        Experiments in state draft never appear.
        """
        return await self.changes("draft")

    async def changes(self, id: str, *, against: str | None = None) -> DraftChanges:
        """Return the changes between two versions; `GET /versions/{id}/diff`.

        Args:
            id: The version; `draft` for the unpublished state.
            against: The version that it is compared with; None: the live one.
        """
        if against is not None:
            check_filled_text("against", against)
        return await self._session.request(
            "GET",
            "versions",
            id,
            "diff",
            read=decoder(DraftChanges),
            params={"against": against},
        )

    async def snapshot(self, id: str) -> VersionSnapshot:
        """Return all entities of a version; `GET /versions/{id}/snapshot`."""
        return await self._session.request(
            "GET", "versions", id, "snapshot", read=decoder(VersionSnapshot)
        )
