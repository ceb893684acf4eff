"""Endpoints below `/rest/v1/experiment-variants`."""

import attrs

from ours_experiments._codec.converter import decode, encode
from ours_experiments._http.session import Session
from ours_experiments._pagination import Listing, Source
from ours_experiments._validation import check_draft, clamp_limit
from ours_experiments._writes import creation as _creation
from ours_experiments._writes.reconcile import reconcile
from ours_experiments.drafts import NewVariant, VariantPatch
from ours_experiments.models import Page, Variant


MAX_PAGE_SIZE = 200


@attrs.frozen
class Variants:
    """The variants of an experiment; reached as `client.variants`.

    They change only while their experiment is a draft. The control comes with the
    experiment and holds what the other variants leave of the traffic, at least 1 %.

    Beside the errors named at each method, every call can raise those that
    `Experiments` names for all of its own.
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
        """Walk over the variants of one experiment; `GET /experiment-variants`.

        An unknown experiment has none.

        Args:
            experiment_id: The experiment.
            limit: Variants a request, 1 to 200; no experiment has more than 200.
            cursor: Where to resume: a `Listing.cursor` of before.
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
        """Get one page with one request; the arguments are those of `list`."""
        return await self._source(experiment_id, limit).page(cursor)

    def _source(self, experiment_id: str, limit: int) -> Source[Variant]:
        params = {
            "experimentId": experiment_id,
            "limit": clamp_limit(limit, MAX_PAGE_SIZE),
        }
        return Source(self._session, ("experiment-variants",), params, Variant)

    async def create(self, draft: NewVariant) -> Variant:
        """Give an experiment one more variant; `POST /experiment-variants`.

        Raises:
            ConflictError: Not a draft, a second control, or the 201st variant.
            BadRequestError: The weights of all treatments would exceed 99.
            NotFoundError: No experiment has the draft's `experiment_id`.
            OutcomeUnknownError: It may exist: `candidates` are those of its name.
        """
        check_draft(draft, NewVariant)
        return await reconcile(self._session, _creation.variant(draft))

    async def retrieve(self, id: str) -> Variant:
        """Get one variant; `GET /experiment-variants/{id}`."""
        payload = await self._session.request("GET", "experiment-variants", id)
        return decode(Variant, payload)

    async def update(self, id: str, patch: VariantPatch) -> Variant:
        """Change a variant of a draft; `PATCH /experiment-variants/{id}`.

        Raises:
            ConflictError: The experiment is not a draft, or would lose its control.
            BadRequestError: The weights do not add up.
        """
        check_draft(patch, VariantPatch)
        payload = await self._session.request(
            "PATCH", "experiment-variants", id, json=encode(patch)
        )
        return decode(Variant, payload)

    async def delete(self, id: str) -> Variant | None:
        """Delete a variant of a draft and return what it was.

        `DELETE /experiment-variants/{id}`. None when the reply was lost and the
        variant is found gone.

        Raises:
            ConflictError: It is the control, or the experiment is not a draft.
        """
        payload = await self._session.request("DELETE", "experiment-variants", id)
        return None if payload is None else decode(Variant, payload)
