"""Endpoints below `/rest/v1/versions`."""

from collections.abc import Iterable, Mapping

import attrs

from ours_experiments._codec.converter import decode
from ours_experiments._http.session import Session
from ours_experiments._pagination import Listing, Source
from ours_experiments._unset import UNSET, Unset
from ours_experiments._validation import check_filled_text, clamp_limit, to_filled_texts
from ours_experiments._writes import publication as _publication
from ours_experiments._writes.reconcile import reconcile
from ours_experiments.errors import ConfigurationError
from ours_experiments.models import DraftChanges, Page, Version


MAX_PAGE_SIZE = 100


@attrs.frozen
class Versions:
    """What is live, what was, and what is staged; reached as `client.versions`.

    Beside the errors named at each method, every call can raise those that
    `Experiments` names for all of its own.
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
        """Walk over all versions, newest first; `GET /versions`.

        Args:
            is_published: Only the live version (True), or only the others (False).
            name_contains: Only versions with this text in their name, in any case.
            notes_contains: Only versions with this text in their notes, in any case.
            limit: Versions a request, 1 to 100.
            cursor: Where to resume: a `Listing.cursor` of before.
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
        """Get one page with one request; the arguments are those of `list`."""
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
        """Get one version; `GET /versions/{id}`."""
        return decode(Version, await self._session.request("GET", "versions", id))

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
        """Make the staged changes live as a new version; `POST /versions`.

        Without an include list a collection's changes are shipped all, other people's
        among them. A marker is added to the notes, by which a publish whose reply was
        lost is found again: there is one version for each call. While another publish
        is in flight, the call waits for its turn.

        Args:
            name: A name for the version.
            notes: Notes on the version.
            include_experiments: Ship only these of the staged experiments.
            include_experiment_variants: Ship only these of the staged variants.
            include_experiment_settings: Ship only these of the changed settings.
            include: The same for other collections, by the names that
                `DraftChanges.differences` has: `{"destinations": [id, …]}`.

        Raises:
            ConflictError: There is nothing to publish.
            OutcomeUnknownError: The text tells the marker to look for.
        """
        lists = {
            "experiments": include_experiments,
            "experimentVariants": include_experiment_variants,
            "experimentSettings": include_experiment_settings,
            **(include or {}),
        }
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
        """Rename a version or change its notes; `PATCH /versions/{id}`.

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
        payload = await self._session.request("PATCH", "versions", id, json=patch)
        return decode(Version, payload)

    async def republish(self, id: str) -> Version:
        """Make an earlier version live again; `POST /versions/{id}/publish`.

        Raises:
            ConflictError: It is live already, or older than 45 days.
        """
        return await reconcile(self._session, _publication.republish(id))

    async def draft_changes(self) -> DraftChanges:
        """Get what a publish would ship; `GET /versions/draft/diff`.

        Experiments in state draft never appear.
        """
        payload = await self._session.request("GET", "versions", "draft", "diff")
        return decode(DraftChanges, payload)
