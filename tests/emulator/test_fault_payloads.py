"""Faults of the payload, and of a page's position."""

from collections import Counter

import orjson
import pytest

from ours_experiments.emulator.faults.payloads import objects
from ours_experiments.emulator.faults.wire import Json
from tests.emulator.fault_service import EXPERIMENT, Service


START = "/experiments/start"
LIST = "/experiments/list"


def outline(payload: Json) -> Json:
    """Reduce a payload to the types in it."""
    if isinstance(payload, dict):
        return {name: outline(value) for name, value in payload.items()}
    if isinstance(payload, list):
        return [outline(value) for value in payload]
    return type(payload).__name__


async def walk(service: Service, most: int = 10) -> tuple[list[Json], list[str]]:
    """Follow the cursors, and return the entities and the cursors."""
    entities: list[Json] = []
    cursors: list[str] = []
    path = LIST
    for _ in range(most):
        payload = await service.payload(path)
        assert isinstance(payload, dict)
        assert isinstance(payload["entities"], list)
        assert isinstance(payload["pagination"], dict)
        entities += payload["entities"]
        cursor = payload["pagination"].get("nextCursor")
        if cursor is None or not payload["pagination"]["hasMore"]:
            break
        cursors.append(str(cursor))
        path = f"{LIST}?cursor={cursor}"
    return entities, cursors


async def test_wrong_shape_changes_the_type() -> None:
    """The named field has another type, whatever it is."""
    for name in EXPERIMENT.keys() - {"id"}:
        value = EXPERIMENT[name]
        async with Service() as service:
            service.faults.add("wrong_shape", change="type", field=name)
            payload = await service.payload(START)
            assert isinstance(payload, dict)
            assert outline(payload[name]) != outline(value)
            assert {**payload, name: value} == EXPERIMENT


async def test_wrong_shape_finds_fields_at_depth() -> None:
    """A field inside others is found by its name."""
    async with Service() as service:
        service.faults.add("wrong_shape", change="type", field="isControl")
        payload = await service.payload(START)
        assert isinstance(payload, dict)
        assert payload["variants"] == [
            {"id": "v1", "isControl": "unexpected", "variantType": None}
        ]


async def test_wrong_shape_drops_a_field() -> None:
    """The named field is missing."""
    async with Service() as service:
        service.faults.add("wrong_shape", change="drop", field="status")
        payload = await service.payload(START)
        assert payload == {k: v for k, v in EXPERIMENT.items() if k != "status"}


async def test_wrong_shape_puts_null_in_place() -> None:
    """The named field is null."""
    async with Service() as service:
        service.faults.add("wrong_shape", change="null", field="status")
        assert await service.payload(START) == {**EXPERIMENT, "status": None}


async def test_wrong_shape_of_what_is_null_already() -> None:
    """A field that is null gets a type that it never has."""
    async with Service() as service:
        service.faults.add("wrong_shape", change="null", field="variantType")
        _, body = await service.seen("GET", START)
        assert b'"variantType":"unexpected"' in body


async def test_wrong_shape_picks_by_itself() -> None:
    """Without a field each answer is wrong in another place."""
    async with Service() as service:
        service.faults.add("wrong_shape")
        seen = [await service.seen("GET", START) for _ in range(30)]
        assert all(orjson.loads(body) != EXPERIMENT for _, body in seen)
        assert len({body for _, body in seen}) > 5


async def test_wrong_shape_of_an_answer_without_fields() -> None:
    """An answer that is no object is replaced as a whole."""
    async with Service() as service:
        service.faults.add("wrong_shape")
        assert await service.seen("DELETE", START) == (200, b'"unexpected"')


async def test_wrong_shape_leaves_answers_without_the_field() -> None:
    """An answer that lacks the named field passes unchanged."""
    async with Service() as service:
        service.faults.add("wrong_shape", field="elsewhere")
        assert await service.payload(START) == EXPERIMENT


async def test_unknown_fields_come_with_every_object() -> None:
    """Each object has one field more, and all known ones."""
    async with Service() as service:
        service.faults.add("unknown_fields")
        payload = await service.payload(START)
        before = list(objects(EXPERIMENT))
        after = [found for found in objects(payload) if "since" not in found]
        assert len(after) == len(before)
        assert all(len(b) + 1 == len(a) for a, b in zip(after, before, strict=True))


async def test_unknown_enum_values_come_where_enums_stand() -> None:
    """Enum fields have a new word, everything else is as before."""
    async with Service() as service:
        service.faults.add("unknown_enums")
        payload = await service.payload(START)
        assert isinstance(payload, dict)
        assert str(payload["status"]).startswith("future_")
        assert {**payload, "status": "draft"} == EXPERIMENT


@pytest.mark.parametrize("kind", ["unknown_fields", "unknown_enums"])
async def test_payload_faults_leave_other_answers(kind: str) -> None:
    """An answer without a JSON object passes unchanged."""
    async with Service() as service:
        service.faults.add(kind)
        assert await service.seen("DELETE", START) == (200, b"true")
        assert (await service.http.post(START, data=b"x" * 2000)).status == 413


@pytest.mark.parametrize("period", [1, 3])
async def test_cursor_loop_never_ends(period: int) -> None:
    """The same cursors come for ever, each with the first page."""
    async with Service() as service:
        service.faults.add("cursor_loop", period=period, times=1)
        entities, cursors = await walk(service, most=12)
        assert entities == ["a"] * 12
        assert len(Counter(cursors)) == period


async def test_missing_cursor_promises_more() -> None:
    """A page promises more and gives no cursor to it."""
    async with Service() as service:
        service.faults.add("missing_cursor")
        payload = await service.payload(LIST)
        assert payload == {"entities": ["a"], "pagination": {"hasMore": True}}


async def test_spare_cursor_comes_with_the_end() -> None:
    """A page says it is the last and gives a cursor nevertheless."""
    async with Service() as service:
        service.faults.add("spare_cursor", after=2)
        entities, cursors = await walk(service)
        assert (entities, cursors) == (["a", "b", "c"], ["1", "2"])
        payload = await service.payload(f"{LIST}?cursor=2")
        assert payload == {
            "entities": ["c"],
            "pagination": {"hasMore": False, "nextCursor": "spare"},
        }


@pytest.mark.parametrize(
    ("times", "pages"),
    [pytest.param(1, 3, id="three-once"), pytest.param(None, 2, id="two-each-time")],
)
async def test_empty_pages_lose_nothing(times: int | None, pages: int) -> None:
    """Empty pages come before the real one, which is served after all."""
    async with Service() as service:
        fault = service.faults.add("empty_pages", pages=pages, times=times)
        entities, cursors = await walk(service, most=20)
        assert entities == ["a", "b", "c"]
        assert len(cursors) == 2 + pages * fault.hits
        assert len(set(cursors)) == len(cursors)


@pytest.mark.parametrize(
    "kind", ["cursor_loop", "missing_cursor", "spare_cursor", "empty_pages"]
)
async def test_paging_faults_leave_other_answers(kind: str) -> None:
    """An answer that is no page passes unchanged."""
    async with Service() as service:
        service.faults.add(kind)
        assert await service.payload(START) == EXPERIMENT


async def test_page_without_entities_gets_its_cursor() -> None:
    """A page's position is replaced, whatever else the page holds."""
    async with Service() as service:
        service.faults.add("missing_cursor")
        payload = await service.payload("/pagination-only")
        assert payload == {"pagination": {"hasMore": True}}


@pytest.mark.parametrize("cursor", ["loop-x", "empty-1", "empty-x-1"])
async def test_cursors_that_only_look_alike_do_no_harm(cursor: str) -> None:
    """A cursor that a client made up is served, or refused by the service."""
    async with Service() as service:
        service.faults.add("cursor_loop", times=1, after=100)
        service.faults.add("empty_pages", times=1, after=100)
        answer = await service.seen("GET", f"{LIST}?cursor={cursor}")
        assert answer == (400, b'{"error": "Bad Request"}')


async def test_made_up_count_of_empty_pages_ends_them() -> None:
    """A count beyond the last empty page leads to the real page."""
    async with Service() as service:
        service.faults.add("empty_pages", times=1, after=100)
        payload = await service.payload(f"{LIST}?cursor=empty-9-1")
        assert payload == await service.payload(f"{LIST}?cursor=1")
