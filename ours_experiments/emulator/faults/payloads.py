"""Faults of the payload: wrong shapes, unknown fields, cursors that mislead."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from ours_experiments.emulator.faults.exchange import Exchange, at_least
from ours_experiments.emulator.faults.wire import Json, json_of, with_json


LOOP_CURSOR = re.compile(r"loop-(\d+)", re.ASCII)
EMPTY_CURSOR = re.compile(r"empty-(\d+)-(.*)", re.ASCII | re.DOTALL)
ENUM_FIELDS = frozenset(
    {"action", "operator", "publishStatus", "status", "type", "variantType"}
)


def objects(payload: Json) -> Iterator[dict[str, Json]]:
    """Walk through all JSON objects in the payload, the outermost first."""
    if isinstance(payload, dict):
        yield payload
    if isinstance(payload, dict | list):
        for value in payload.values() if isinstance(payload, dict) else payload:
            yield from objects(value)


def other_type(value: Json) -> Json:
    """Return a value of a type that the field never has."""
    if isinstance(value, dict):
        return [value]
    if isinstance(value, str):
        return {"unexpected": value}
    return {} if isinstance(value, list) else "unexpected"


@dataclass(frozen=True)
class WrongShape:
    """Change a field's type, drop it, or put null in its place.

    `field` names it, at whatever depth; without a `field` or a `change` it is drawn
    for each answer.
    """

    change: Literal["type", "drop", "null"] | None = None
    field: str | None = None

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Make the change and answer in the wrong shape."""
        response = await exchange.answer()
        payload = json_of(response)
        places = [
            (owner, name)
            for owner in objects(payload)
            for name in owner
            if self.field in {None, name}
        ]
        if not places:
            return response if self.field else with_json(response, other_type(payload))
        owner, name = exchange.random.choice(places)
        change = self.change or exchange.random.choice(("type", "drop", "null"))
        if change == "drop":
            del owner[name]
        elif change == "null" and owner[name] is not None:
            owner[name] = None
        else:
            owner[name] = other_type(owner[name])
        return with_json(response, payload)


@dataclass(frozen=True)
class UnknownFields:
    """Add a field that no version knows yet to each object."""

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Make the change and answer with additional fields."""
        response = await exchange.answer()
        payload = json_of(response)
        owners = list(objects(payload))
        name = f"future{exchange.random.randrange(1000)}"
        for owner in owners:
            owner[name] = {"since": 2, "values": [1, "two", None]}
        return with_json(response, payload) if owners else response


@dataclass(frozen=True)
class UnknownEnums:
    """Put values that no version knows yet into the enum fields."""

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Make the change and answer with new values."""
        response = await exchange.answer()
        payload = json_of(response)
        owners = list(objects(payload))
        value = f"future_{exchange.random.randrange(1000)}"
        for owner in owners:
            for name in ENUM_FIELDS.intersection(owner):
                if isinstance(owner[name], str):
                    owner[name] = value
        return with_json(response, payload) if owners else response


@dataclass(frozen=True)
class CursorLoop:
    """Answer that more follows for ever, with the same cursors again and again.

    `period` is the number of different cursors; all serve the first page.
    """

    period: int = 1

    def __post_init__(self) -> None:
        at_least(1, period=self.period)

    def claims(self, request: web.Request) -> bool:
        """Return whether the client follows one of these cursors."""
        return LOOP_CURSOR.fullmatch(cursor_of(request)) is not None

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Answer with the first page and the next cursor of the loop."""
        followed = LOOP_CURSOR.fullmatch(cursor_of(exchange.request))
        if followed is None:
            return paged(await exchange.answer(), "loop-0", has_more=True)
        following = (int(followed[1]) + 1) % self.period
        response = await exchange.answer(with_cursor(exchange.request, ""))
        return paged(response, f"loop-{following}", has_more=True)


@dataclass(frozen=True)
class MissingCursor:
    """Answer that more follows (`hasMore`), without a cursor."""

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Answer with the page, without its cursor."""
        return paged(await exchange.answer(), None, has_more=True)


@dataclass(frozen=True)
class SpareCursor:
    """Answer that no more follows, with a cursor nevertheless."""

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Answer with the page as if it were the last."""
        return paged(await exchange.answer(), "spare", has_more=False)


@dataclass(frozen=True)
class EmptyPages:
    """Serve so many empty `pages` before the page that was asked for."""

    pages: int = 1

    def __post_init__(self) -> None:
        at_least(1, pages=self.pages)

    def claims(self, request: web.Request) -> bool:
        """Return whether the client comes with the cursor of an empty page."""
        return EMPTY_CURSOR.fullmatch(cursor_of(request)) is not None

    async def apply(self, exchange: Exchange) -> web.StreamResponse:
        """Answer with an empty page, or with the real one after the last of them."""
        request, served, cursor = exchange.request, 0, cursor_of(exchange.request)
        followed = EMPTY_CURSOR.fullmatch(cursor)
        if followed is not None:
            served, cursor = int(followed[1]), followed[2]
            request = with_cursor(request, cursor)
        response = await exchange.answer(request)
        if served >= self.pages:
            return response
        return paged(response, f"empty-{served + 1}-{cursor}", has_more=True, keep=0)


def cursor_of(request: web.Request) -> str:
    """Return the cursor that was asked for; empty for the first page."""
    return request.query.get("cursor", "")


def with_cursor(request: web.Request, cursor: str) -> web.Request:
    """Ask for the page of another cursor; an empty one means the first page."""
    url = request.rel_url.without_query_params("cursor")
    if cursor:
        url = url.update_query(cursor=cursor)
    return request.clone(rel_url=url)


def paged(
    response: web.StreamResponse,
    cursor: str | None,
    *,
    has_more: bool,
    keep: int | None = None,
) -> web.StreamResponse:
    """Replace the pagination of a page; other answers stay as they are."""
    payload = json_of(response)
    if not isinstance(payload, dict) or "pagination" not in payload:
        return response
    pagination: dict[str, Json] = {"hasMore": has_more}
    if cursor is not None:
        pagination["nextCursor"] = cursor
    payload["pagination"] = pagination
    entities = payload.get("entities")
    if isinstance(entities, list):
        payload["entities"] = entities[:keep]
    return with_json(response, payload)
