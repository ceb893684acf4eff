"""The rules of variants: the split, the one control, the parent."""

import pytest

from tests.emulator.calls import Calls


async def weights(call: Calls, experiment_id: str) -> list[int]:
    """Return the weights of an experiment's variants, the control's first."""
    experiment = await call("GET", f"experiments/{experiment_id}")
    return [variant["weight"] for variant in experiment["variants"]]


async def test_gives_the_control_what_is_left(call: Calls) -> None:
    """The control's weight is 100 less the treatments', after every change."""
    id_ = (await call.draft(treatments=0, controlWeight=34))["id"]
    assert await weights(call, id_) == [34]
    first = await call.treatment(id_, weight=30)
    second = await call.treatment(id_, weight=20)
    assert await weights(call, id_) == [50, 30, 20]
    await call("PATCH", f"experiment-variants/{first['id']}", {"weight": 79})
    assert await weights(call, id_) == [1, 79, 20]
    await call("DELETE", f"experiment-variants/{second['id']}")
    assert await weights(call, id_) == [21, 79]


async def test_leaves_the_control_at_least_one_percent(call: Calls) -> None:
    """Treatments above 99 in total are a 400, on create and on patch."""
    id_ = (await call.draft(treatments=0))["id"]
    first = await call.treatment(id_, weight=50)
    body = {"experimentId": id_, "name": "C", "weight": 50}
    refusal = (400, "Bad Request", "weight: the treatments take at most 99")
    assert await call.refusal("POST", "experiment-variants", body) == refusal
    path = f"experiment-variants/{first['id']}"
    assert await call.refusal("PATCH", path, {"weight": 100}) == refusal
    assert await weights(call, id_) == [50, 50]


async def test_refuses_a_weight_for_the_control(call: Calls) -> None:
    """The control's weight cannot be set."""
    control = (await call.draft())["variants"][0]
    path = f"experiment-variants/{control['id']}"
    assert (await call.refusal("PATCH", path, {"weight": 50}))[0] == 400


async def test_refuses_a_second_control(call: Calls) -> None:
    """A second control is a 409, created or promoted."""
    experiment = await call.draft()
    body = {"experimentId": experiment["id"], "name": "C", "weight": 100}
    reason = "The experiment already has a control variant"
    refusal = await call.refusal(
        "POST", "experiment-variants", {**body, "isControl": True}
    )
    assert refusal == (409, reason, None)
    path = f"experiment-variants/{experiment['variants'][1]['id']}"
    assert await call.refusal("PATCH", path, {"isControl": True}) == (409, reason, None)


async def test_keeps_the_control(call: Calls) -> None:
    """Demoting or deleting the control is a 409; confirming it is not."""
    control = (await call.draft())["variants"][0]
    path = f"experiment-variants/{control['id']}"
    await call("PATCH", path, {"isControl": False}, expect=409)
    await call("DELETE", path, expect=409)
    changed = await call("PATCH", path, {"isControl": True, "name": "Original"})
    assert changed == {**control, "name": "Original"}


async def test_lets_a_treatment_stay_one(call: Calls) -> None:
    """Saying that a treatment is no control changes nothing."""
    treatment = (await call.draft())["variants"][1]
    path = f"experiment-variants/{treatment['id']}"
    for value in (False, None):
        assert await call("PATCH", path, {"isControl": value}) == treatment


@pytest.mark.parametrize("status", ["running", "paused", "completed"])
async def test_changes_only_in_drafts(call: Calls, status: str) -> None:
    """Variants of an experiment that was started do not change."""
    (id_,) = call.emulator.seed_experiments(1, status=status)
    before = await call("GET", f"experiments/{id_}")
    path = f"experiment-variants/{before['variants'][1]['id']}"
    reason = "Variants change only while the experiment is a draft"
    body = {"experimentId": id_, "name": "C", "weight": 1}
    assert await call.refusal("POST", "experiment-variants", body) == (
        409,
        reason,
        None,
    )
    assert await call.refusal("PATCH", path, {"name": "C"}) == (409, reason, None)
    assert await call.refusal("DELETE", path) == (409, reason, None)
    assert await call("GET", f"experiments/{id_}") == before


async def test_holds_two_hundred_variants(call: Calls) -> None:
    """The variant after the two hundredth is a 409."""
    id_ = (await call.draft(treatments=0))["id"]
    for _ in range(199):
        await call.treatment(id_, weight=0)
    body = {"experimentId": id_, "name": "C", "weight": 0}
    assert (await call.refusal("POST", "experiment-variants", body))[0] == 409
    query = {"experimentId": id_}
    page = await call("GET", "experiment-variants", query=query)
    assert len(page["entities"]) == 200
    assert page["pagination"] == {"nextCursor": None, "hasMore": False}


async def test_pages_variants_with_the_control_first(call: Calls) -> None:
    """Variants are listed in the order of their creation, page by page."""
    experiment = await call.draft(treatments=5)
    expected = [variant["id"] for variant in experiment["variants"]]
    query = {"experimentId": experiment["id"], "limit": "2"}
    assert await call.ids("experiment-variants", **query) == expected
    assert experiment["variants"][0]["isControl"]


async def test_lists_nothing_for_an_unknown_parent(call: Calls) -> None:
    """The variants of an experiment that does not exist are an empty list."""
    page = await call("GET", "experiment-variants", query={"experimentId": "x"})
    assert page["entities"] == []


@pytest.mark.parametrize("query", [{}, {"experimentId": ""}])
async def test_needs_a_parent_to_list(call: Calls, query: dict[str, str]) -> None:
    """A listing of variants without an experiment is a 400."""
    refusal = await call.refusal("GET", "experiment-variants", query=query)
    assert refusal == (400, "Bad Request", "experimentId: is required")


async def test_refuses_an_unknown_parent(call: Calls) -> None:
    """A variant of an experiment that does not exist is a 404."""
    body = {"experimentId": "x", "name": "B", "weight": 1}
    assert (await call.refusal("POST", "experiment-variants", body))[0] == 404


async def test_answers_a_deletion_with_the_variant(call: Calls) -> None:
    """Deleting a variant answers with it, and it is gone."""
    variant = (await call.draft())["variants"][1]
    path = f"experiment-variants/{variant['id']}"
    assert await call("DELETE", path) == variant
    await call("GET", path, expect=404)
    await call("PATCH", path, {}, expect=404)
    await call("DELETE", path, expect=404)


async def test_finds_a_variant(call: Calls) -> None:
    """A variant is found by its id, as its experiment shows it."""
    variant = (await call.draft())["variants"][1]
    assert await call("GET", f"experiment-variants/{variant['id']}") == variant
