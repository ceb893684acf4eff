"""Endpoints below `/rest/v1/experiment-variants`."""

import attrs

from ours_experiments._codec.converter import encode
from ours_experiments._http.decoding import decoder
from ours_experiments._http.session import Session
from ours_experiments._pagination import Listing, Source
from ours_experiments._validation import check_draft, clamp_limit
from ours_experiments._writes import creation as _creation
from ours_experiments._writes.reconcile import reconcile
from ours_experiments.drafts import NewVariant, VariantPatch
from ours_experiments.models import Page, Variant


__all__ = ["Variants"]

MAX_PAGE_SIZE = 200


@attrs.frozen
class Variants:
    """The variants of an experiment; reached as `client.variants`.

    They can be changed only while their experiment is a draft. The control is created
    with the experiment; its weight is what the others leave of 100, at least 1.

    Every call can raise the errors that `Experiments` names for all of its calls. The
    methods name further errors.
    """

    _session: Session

    def list(
        self,
        experiment_id: str,
        *,
        limit: int = MAX_PAGE_SIZE,
        cursor: str | None = None,
        prefetch: bool = True,
    ) -> Listing[Variant]:
        """List the variants of an experiment; `GET /experiment-variants`.

        The list of an unknown experiment is empty.

        Args:
            experiment_id: The experiment's identifier.
            limit: Variants per request, 1 to 200; an experiment has at most 200.
            cursor: The cursor to resume at, from `Listing.cursor`.
            prefetch: Whether the next page is requested while one is consumed.
        """
        source = self._source(experiment_id, limit)
        return Listing(source, cursor, prefetch=prefetch)

    async def list_page(
        self,
        experiment_id: str,
        *,
        limit: int = MAX_PAGE_SIZE,
        cursor: str | None = None,
    ) -> Page[Variant]:
        """Return one page; the arguments are those of `list`."""
        return await self._source(experiment_id, limit).page(cursor)

    def _source(self, experiment_id: str, limit: int) -> Source[Variant]:
        params = {
            "experimentId": experiment_id,
            "limit": clamp_limit(limit, MAX_PAGE_SIZE),
        }
        return Source(self._session, ("experiment-variants",), params, Variant)

    async def create(self, draft: NewVariant) -> Variant:
        """Create a variant of a draft experiment; `POST /experiment-variants`.

        Raises:
            ConflictError: Not a draft, a second control, or more than 200 variants.
            BadRequestError: The weights of all treatments would exceed 99.
            NotFoundError: The draft's `experiment_id` is unknown.
            OutcomeUnknownError: The variant may exist; see `candidates`.
        """
        check_draft(draft, NewVariant)
        return await reconcile(self._session, _creation.variant(draft))

    async def retrieve(self, id: str) -> Variant:
        """Return one variant; `GET /experiment-variants/{id}`."""
        return await self._session.request(
            "GET", "experiment-variants", id, read=decoder(Variant)
        )

    async def update(self, id: str, patch: VariantPatch) -> Variant:
        """Change a variant of a draft; `PATCH /experiment-variants/{id}`.

        Raises:
            ConflictError: The experiment is not a draft, or would lose its control.
            BadRequestError: The weights do not add up.
        """
        check_draft(patch, VariantPatch)
        return await self._session.request(
            "PATCH",
            "experiment-variants",
            id,
            read=decoder(Variant),
            json=encode(patch),
        )

    async def delete(self, id: str) -> Variant | None:
        """Delete a variant of a draft experiment and return it.

        `DELETE /experiment-variants/{id}`. None when the reply was lost and the
        variant is gone.

        Raises:
            ConflictError: The variant is the control, or the experiment not a draft.
        """
        return await self._session.request(
            "DELETE", "experiment-variants", id, read=decoder(Variant)
        )
