"""The vendor's Python SDK for ingestion, with experiment models written for it.

The vendor publishes no Python SDK for experiments. This one has the same generated
base client as theirs would: its requests, retries, pages and models.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any, Generic, TypeVar

import attrs
import orjson

from benchmarks.peers import KEY, PAGE, Open
from benchmarks.peers.translated import Decode, stainless_models


Entity = TypeVar("Entity")


@attrs.frozen
class Stainless:
    """The vendor's client with the two endpoints that are measured."""

    client: Any
    page: Any
    experiment: Any
    transition: Any

    async def start(self, experiment_id: str) -> str:
        """Start an experiment as a generated resource method does."""
        transition = await self.client.post(
            f"/rest/v1/experiments/{experiment_id}/start",
            body={},
            cast_to=self.transition,
        )
        return str(transition.publish_status)

    def experiments(self) -> AsyncIterator[object]:
        """Iterate as the SDK's own listings do."""
        pages = self.client.get_api_list(
            "/rest/v1/experiments",
            page=self.page[self.experiment],
            options={"params": {"limit": PAGE}},
            model=self.experiment,
        )
        return aiter(pages)


def page_class() -> Any:
    """Return a page class with this API's cursors."""
    vendor: Any = import_module("ours_privacy._base_client")
    models: Any = import_module("ours_privacy._models")

    class Pagination(models.BaseModel):  # type: ignore[misc]
        hasMore: bool  # noqa: N815 - the wire's own name
        nextCursor: str | None = None  # noqa: N815

    class CursorPage(vendor.BaseAsyncPage[Entity], Generic[Entity]):  # type: ignore[misc]
        entities: list[Entity]
        pagination: Pagination

        def _get_page_items(self) -> list[Entity]:
            return self.entities

        def next_page_info(self) -> Any:
            if not self.pagination.hasMore:
                return None
            return vendor.PageInfo(params={"cursor": self.pagination.nextCursor})

    return CursorPage


def opener(*, over_aiohttp: bool) -> Open:
    """Return a function that connects, with httpx or over aiohttp."""
    vendor: Any = import_module("ours_privacy")
    experiment, transition = stainless_models()
    page = page_class()

    @asynccontextmanager
    async def connect(url: str) -> AsyncIterator[Stainless]:
        http = vendor.DefaultAioHttpClient() if over_aiohttp else None
        async with vendor.AsyncOursPrivacy(
            base_url=url,
            http_client=http,
            default_headers={"Authorization": f"Bearer {KEY}"},
        ) as client:
            yield Stainless(client, page, experiment, transition)

    return connect


def decoder() -> Decode:
    """Return the SDK's function from bytes to objects."""
    experiment, _ = stainless_models()

    def decode(page: bytes) -> object:
        payload: Mapping[str, list[dict[str, object]]] = orjson.loads(page)
        return [experiment.construct(**entity) for entity in payload["entities"]]

    return decode
