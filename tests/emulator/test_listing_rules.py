"""The rules of listings: order, filters, limits, cursors, walking while changing."""

from collections.abc import AsyncIterator

import pytest

from ours_experiments.emulator import Clock, Emulator
from tests.emulator.calls import Calls


@pytest.fixture(params=["keyset", "offset"])
async def paged(request: pytest.FixtureRequest) -> AsyncIterator[Calls]:
    """Call an emulator of each cursor kind."""
    kind = request.param
    async with (
        Emulator(cursor=kind, clock=Clock(frozen=True)) as emulator,
        Calls(emulator) as call,
    ):
        yield call


async def test_lists_the_latest_update_first(emulator: Emulator, call: Calls) -> None:
    """An update moves an experiment to the front, a creation puts it there."""
    first, second, third = emulator.seed_experiments(3)
    emulator.clock.advance(seconds=1)
    await call("PATCH", f"experiments/{second}", {"name": "New"})
    emulator.clock.advance(seconds=1)
    (fourth,) = emulator.seed_experiments(1)
    assert await call.ids("experiments") == [fourth, second, third, first]


async def test_breaks_ties_by_creation(emulator: Emulator, call: Calls) -> None:
    """Of two that changed in the same instant the one created later is first."""
    first, second = emulator.seed_experiments(2)
    emulator.clock.advance(seconds=1)
    for id_ in (second, first):
        await call("PATCH", f"experiments/{id_}", {})
    assert await call.ids("experiments") == [second, first]


async def test_does_not_move_for_variants(emulator: Emulator, call: Calls) -> None:
    """A change of variants shows in the listing but does not reorder it."""
    first, second = emulator.seed_experiments(2)
    emulator.clock.advance(seconds=1)
    await call.treatment(first, name="Late")
    rows = (await call("GET", "experiments"))["entities"]
    assert [row["id"] for row in rows] == [second, first]
    assert [variant["name"] for variant in rows[1]["variants"]][-1] == "Late"
    assert rows[1]["updatedAt"] is None


@pytest.mark.parametrize("limit", ["1", "3", "100"])
async def test_pages_each_row_once(paged: Calls, limit: str) -> None:
    """Any page size walks through the same rows, each exactly once."""
    ids = paged.emulator.seed_experiments(10)
    assert await paged.ids("experiments", limit=limit) == ids[::-1]


@pytest.mark.parametrize(
    ("limit", "size"),
    [
        (None, 25),
        ("0", 1),
        ("-5", 1),
        ("-99999999999999999999", 1),
        ("7", 7),
        ("007", 7),
        ("101", 100),
        ("99999999999999999999", 100),
    ],
)
async def test_clamps_the_limit(
    emulator: Emulator, call: Calls, limit: str | None, size: int
) -> None:
    """The limit is clamped to 1 and 100, and is 25 when not given."""
    emulator.seed_experiments(101)
    query = {} if limit is None else {"limit": limit}
    assert len((await call("GET", "experiments", query=query))["entities"]) == size


@pytest.mark.parametrize("limit", ["", "ten", "1.0", "1e2", " 5", "٣", "1_0", "null"])
@pytest.mark.parametrize(
    "path",
    ["experiments", "versions", "experiment-variants", "experiments/x/session-replays"],
)
async def test_refuses_limits_that_are_no_integer(
    call: Calls, path: str, limit: str
) -> None:
    """A limit that is no integer is answered with 400, on every listing."""
    query = {"limit": limit, "experimentId": "x"}
    refusal = await call.refusal("GET", path, query=query)
    assert refusal == (400, "Bad Request", "limit: must be an integer")


async def test_filters_by_status_type_and_text_together(
    emulator: Emulator, call: Calls
) -> None:
    """Filters are joined by AND."""
    emulator.seed_experiments(2)
    wanted = await call.running(name="Pricing HERO", type="multivariate")
    await call.draft(name="Pricing hero", type="multivariate")
    await call.running(name="Pricing hero", type="ab")
    await call.running(name="Footer", type="multivariate")
    query = {"status": "running", "type": "multivariate", "search": "hero"}
    assert await call.ids("experiments", **query) == [wanted["id"]]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        pytest.param("BIG change", True, id="description"),
        pytest.param("eadlin", True, id="name"),
        pytest.param("the-key", False, id="key"),
        pytest.param("", True, id="nothing"),
    ],
)
async def test_searches_name_and_description(
    call: Calls,
    search: str,
    found: bool,  # noqa: FBT001 (the expectation)
) -> None:
    """The search looks into name and description without case, not into the key."""
    await call.draft(key="the-key", description="A big Change of colour")
    assert bool(await call.ids("experiments", search=search)) == found


async def test_searches_the_id(emulator: Emulator, call: Calls) -> None:
    """The search finds an experiment by a part of its id."""
    wanted, _ = emulator.seed_experiments(2)
    assert await call.ids("experiments", search=wanted[5:].lower()) == [wanted]


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("experiments", "status", "started"),
        ("experiments", "status", ""),
        ("experiments", "status", "Draft"),
        ("experiments", "type", "abc"),
        ("versions", "isPublished", "yes"),
        ("experiments", "cursor", ""),
        ("experiments", "cursor", "abc"),
        ("experiments", "cursor", "ä"),
        ("experiments", "cursor", "!!!!"),
        ("versions", "cursor", "x" * 5000),
        ("experiment-variants", "cursor", ""),
        ("experiments/x/session-replays", "cursor", "abc"),
    ],
)
async def test_refuses_unknown_values(
    call: Calls, path: str, name: str, value: str
) -> None:
    """An unknown word or a cursor nobody gave out is answered with 400."""
    query = {name: value, "experimentId": "x"}
    status, error, details = await call.refusal("GET", path, query=query)
    assert (status, error) == (400, "Bad Request")
    assert details is not None
    assert details.startswith(f"{name}: ")


async def test_refuses_altered_cursors(paged: Calls) -> None:
    """A cursor with any single character changed is answered with 400."""
    paged.emulator.seed_experiments(2)
    page = await paged("GET", "experiments", query={"limit": "1"})
    cursor = page["pagination"]["nextCursor"]
    for position, letter in enumerate(cursor):
        other = "A" if letter != "A" else "B"
        altered = cursor[:position] + other + cursor[position + 1 :]
        query = {"cursor": altered}
        assert (await paged.refusal("GET", "experiments", query=query))[0] == 400
    for altered in (cursor[:-1], cursor + "A", cursor + "=", cursor[::-1]):
        query = {"cursor": altered}
        assert (await paged.refusal("GET", "experiments", query=query))[0] == 400


async def test_refuses_every_other_spelling_of_a_cursor(paged: Calls) -> None:
    """The last character's unused bits are no way to alter a cursor."""
    paged.emulator.seed_experiments(30)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    page = await paged("GET", "experiments", query={"limit": "11"})
    cursor = page["pagination"]["nextCursor"]
    accepted = 0
    for letter in letters:
        async with paged.http.get(
            "/rest/v1/experiments", params={"cursor": cursor[:-1] + letter}
        ) as response:
            accepted += response.status == 200
    assert accepted == 1


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("experiments", {"status": "draft"}),
        ("experiments", {"type": "ab"}),
        ("experiments", {"search": "e"}),
        ("versions", {}),
        ("experiment-variants", {"experimentId": "x"}),
    ],
)
async def test_refuses_cursors_of_other_listings(
    emulator: Emulator, call: Calls, path: str, query: dict[str, str]
) -> None:
    """A cursor continues the listing with the filters it was made for, no other."""
    emulator.seed_experiments(2)
    page = await call("GET", "experiments", query={"limit": "1"})
    query = {**query, "cursor": page["pagination"]["nextCursor"]}
    assert (await call.refusal("GET", path, query=query))[0] == 400


async def test_refuses_cursors_of_another_emulator(call: Calls) -> None:
    """A cursor is of no use at an emulator with another seed."""
    call.emulator.seed_experiments(2)
    async with Emulator(seed=1) as other, Calls(other) as elsewhere:
        other.seed_experiments(2)
        page = await elsewhere("GET", "experiments", query={"limit": "1"})
    query = {"cursor": page["pagination"]["nextCursor"]}
    assert (await call.refusal("GET", "experiments", query=query))[0] == 400


async def test_lets_the_limit_change_between_pages(paged: Calls) -> None:
    """The limit is no part of what a cursor is bound to."""
    ids = paged.emulator.seed_experiments(5)
    page = await paged("GET", "experiments", query={"limit": "1"})
    query = {"cursor": page["pagination"]["nextCursor"], "limit": "3"}
    page = await paged("GET", "experiments", query=query)
    assert [row["id"] for row in page["entities"]] == ids[3:0:-1]


async def test_is_not_disturbed_by_new_rows(paged: Calls) -> None:
    """Rows created while a listing runs neither show nor shift the others."""
    ids = paged.emulator.seed_experiments(6)
    seen = []
    async for page in paged.pages("experiments", limit="2"):
        seen += [row["id"] for row in page]
        if len(seen) > len(ids):
            break
        paged.emulator.seed_experiments(3)
    assert seen == ids[::-1]


async def test_loses_rows_that_leave_an_offset_listing() -> None:
    """With offset cursors, changing what a filter lists skips rows: the trap."""
    async with Emulator(cursor="offset") as emulator, Calls(emulator) as call:
        emulator.seed_experiments(6)
        seen = []
        async for page in call.pages("experiments", limit="2", status="draft"):
            seen += [row["id"] for row in page]
            for row in page:
                await call("POST", f"experiments/{row['id']}/start")
    assert len(seen) == 4


async def test_keeps_rows_that_leave_a_keyset_listing(call: Calls) -> None:
    """With keyset cursors, rows that leave the list do not shift the others."""
    call.emulator.seed_experiments(6)
    seen = []
    async for page in call.pages("experiments", limit="2", status="draft"):
        seen += [row["id"] for row in page]
        for row in page:
            await call("POST", f"experiments/{row['id']}/start")
    assert len(seen) == 6


async def test_misses_rows_that_move_to_the_front(call: Calls) -> None:
    """A row not yet listed that is changed moves to the front, and is missed."""
    first, second, third = call.emulator.seed_experiments(3)
    page = await call("GET", "experiments", query={"limit": "1"})
    call.emulator.clock.advance(seconds=1)
    await call("PATCH", f"experiments/{first}", {"name": "Moved"})
    query = {"cursor": page["pagination"]["nextCursor"]}
    rest = await call("GET", "experiments", query=query)
    assert [page["entities"][0]["id"]] == [third]
    assert [row["id"] for row in rest["entities"]] == [second]


async def test_includes_variants_for_keys_that_may_find() -> None:
    """List items carry variants; a key without experiment:find gets none."""
    keys = {"reader": "read-only", "lister": "list-only"}
    async with Emulator(keys) as emulator:
        emulator.seed_experiments(1)
        async with Calls(emulator, "reader") as reader:
            listed = await reader("GET", "experiments")
        async with Calls(emulator, "lister") as lister:
            bare = await lister("GET", "experiments")
    assert len(listed["entities"][0]["variants"]) == 2
    assert bare["entities"][0]["variants"] == []


async def test_lets_listings_lag_behind() -> None:
    """With a delay, listings show creations, changes and deletions later."""
    clock = Clock(frozen=True)
    async with (
        Emulator(list_delay=2.0, clock=clock) as emulator,
        Calls(emulator) as call,
    ):
        first, second = emulator.seed_experiments(2)
        assert await call.ids("experiments") == []
        clock.advance(seconds=2)
        assert await call.ids("experiments") == [second, first]
        await call("PATCH", f"experiments/{first}", {"name": "New"})
        await call("DELETE", f"experiments/{second}")
        listed = (await call("GET", "experiments"))["entities"]
        assert [row["name"] for row in listed] == ["Experiment 2", "Experiment 1"]
        clock.advance(seconds=2)
        listed = (await call("GET", "experiments"))["entities"]
        assert [row["name"] for row in listed] == ["New"]


async def test_lets_listings_of_versions_lag_behind() -> None:
    """With a delay, a new version is listed later, and found at once."""
    clock = Clock(frozen=True)
    async with (
        Emulator(list_delay=2.0, clock=clock) as emulator,
        Calls(emulator) as call,
    ):
        await call.settings_id()
        version = await call("POST", "versions", {})
        assert await call.ids("versions") == []
        await call("GET", f"versions/{version['id']}")
        clock.advance(seconds=2)
        assert await call.ids("versions") == [version["id"]]
