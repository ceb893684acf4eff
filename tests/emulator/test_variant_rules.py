"""The rules of variants: the split, the payload, the one control, the parent."""

from typing import Any

import pytest
from emulator_calls import Calls


SET_TEXT = {"selector": "h1", "action": "setText", "value": "Hello"}


async def weights(call: Calls, experiment_id: str) -> list[int]:
    """Give the weights of an experiment's variants, the control's first."""
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


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        pytest.param({"redirectUrl": "/b"}, "redirect", id="redirect"),
        pytest.param({"redirectUrl": "https://x.io/b"}, "redirect", id="absolute"),
        pytest.param({"domModifications": [SET_TEXT]}, "dom_modifications", id="dom"),
        pytest.param({"domModifications": []}, "dom_modifications", id="empty-dom"),
        pytest.param({"redirectUrl": None}, None, id="neither"),
        pytest.param(
            {"variantType": "redirect", "redirectUrl": "/b", "domModifications": []},
            "redirect",
            id="explicit",
        ),
    ],
)
async def test_infers_the_type_from_the_payload(
    call: Calls, fields: dict[str, object], kind: str | None
) -> None:
    """The type follows from the payload when it is omitted."""
    id_ = (await call.draft(treatments=0))["id"]
    body = {"experimentId": id_, "name": "B", "weight": 1, **fields}
    created = await call("POST", "experiment-variants", body)
    assert created["variantType"] == kind
    assert (created["redirectUrl"] is not None) == (kind == "redirect")
    assert (created["domModifications"] is not None) == (kind == "dom_modifications")


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"redirectUrl": "/b", "domModifications": [SET_TEXT]}, "variantType"),
        ({"variantType": "redirect"}, "redirectUrl"),
        ({"variantType": "redirect", "redirectUrl": None}, "redirectUrl"),
        ({"variantType": "dom_modifications"}, "domModifications"),
        (
            {
                "variantType": "redirect",
                "redirectUrl": "/b",
                "domModifications": [SET_TEXT],
            },
            "domModifications",
        ),
        (
            {
                "variantType": "dom_modifications",
                "redirectUrl": "/b",
                "domModifications": [SET_TEXT],
            },
            "redirectUrl",
        ),
        ({"variantType": "other"}, "variantType"),
        ({"redirectUrl": "http://x.io/"}, "redirectUrl"),
        ({"redirectUrl": "//x.io/"}, "redirectUrl"),
        ({"redirectUrl": "https://"}, "redirectUrl"),
        ({"redirectUrl": ""}, "redirectUrl"),
        ({"redirectUrl": 1}, "redirectUrl"),
        ({"domModifications": {}}, "domModifications"),
        ({"domModifications": [{}]}, "domModifications[0].selector"),
        (
            {"domModifications": [SET_TEXT, {**SET_TEXT, "action": "explode"}]},
            "domModifications[1].action",
        ),
        (
            {"domModifications": [{**SET_TEXT, "styles": [{"value": "red"}]}]},
            "domModifications[0].styles[0].property",
        ),
        (
            {
                "domModifications": [
                    {**SET_TEXT, "styles": [{"property": "", "value": "red"}]}
                ]
            },
            "domModifications[0].styles[0].property",
        ),
        (
            {"domModifications": [{**SET_TEXT, "attribute": "href"}]},
            "domModifications[0].attribute",
        ),
        ({"weight": None}, "weight"),
        ({"weight": 101}, "weight"),
        ({"weight": -1}, "weight"),
        ({"weight": 0.5}, "weight"),
        ({"name": None}, "name"),
        ({"isControl": "no"}, "isControl"),
        ({"experimentId": ""}, "experimentId"),
    ],
)
async def test_refuses_payloads_that_do_not_fit(
    call: Calls, fields: dict[str, object], where: str
) -> None:
    """A payload that contradicts its type, or is malformed, is a 400."""
    body = {"experimentId": "x", "name": "B", "weight": 1, **fields}
    status, error, details = await call.refusal("POST", "experiment-variants", body)
    assert (status, error) == (400, "Bad Request")
    assert details is not None
    assert details.startswith(f"{where}: ")


async def test_takes_a_whole_weight_in_any_spelling(call: Calls) -> None:
    """A weight of 10.0 is the integer 10."""
    id_ = (await call.draft(treatments=0))["id"]
    treatment = await call.treatment(id_, weight=10.0)
    assert repr(treatment["weight"]) == "10"


@pytest.mark.parametrize(
    ("modification", "value", "styles", "attribute"),
    [
        pytest.param(SET_TEXT, "Hello", None, None, id="text"),
        pytest.param({"action": "remove"}, "", None, None, id="no-value"),
        pytest.param(
            {"action": "setStyle", "styles": [{"property": "color", "value": "red"}]},
            '{"color":"red"}',
            [{"property": "color", "value": "red"}],
            None,
            id="styles",
        ),
        pytest.param(
            {"action": "setStyle", "value": '{"color": "red", "zoom": 2, "": "x"}'},
            '{"color": "red", "zoom": 2, "": "x"}',
            [
                {"property": "color", "value": "red"},
                {"property": "zoom", "value": "2"},
            ],
            None,
            id="style-value",
        ),
        pytest.param(
            {"action": "setStyle", "value": "color: red"},
            "color: red",
            None,
            None,
            id="style-no-json",
        ),
        pytest.param(
            {"action": "setAttribute", "attribute": {"href": "/x"}},
            '{"href":"/x"}',
            None,
            {"href": "/x"},
            id="attribute",
        ),
        pytest.param(
            {"action": "setAttribute", "value": '{"href": "/x"}'},
            '{"href": "/x"}',
            None,
            {"href": "/x"},
            id="attribute-value",
        ),
        pytest.param(
            {"action": "setAttribute", "value": "[1]"},
            "[1]",
            None,
            None,
            id="attribute-no-object",
        ),
        pytest.param(
            {
                "action": "setText",
                "value": "x",
                "styles": [{"property": "color", "value": "red"}],
                "attribute": {"href": "/x"},
            },
            "x",
            None,
            None,
            id="ignored",
        ),
    ],
)
async def test_writes_modifications_both_ways(
    call: Calls,
    modification: dict[str, object],
    value: str,
    styles: object,
    attribute: object,
) -> None:
    """A mutation is read back with its canonical and its structured payload."""
    id_ = (await call.draft(treatments=0))["id"]
    sent = {"selector": "h1", **modification}
    created = await call.treatment(id_, redirectUrl=None, domModifications=[sent])
    assert created["domModifications"] == [
        {
            "selector": "h1",
            "action": sent["action"],
            "value": value,
            "styles": styles,
            "attribute": attribute,
        }
    ]


async def test_takes_back_the_modifications_it_gave(call: Calls) -> None:
    """Modifications that were read can be sent back as they are."""
    id_ = (await call.draft(treatments=0))["id"]
    sent = [
        SET_TEXT,
        {"selector": "a", "action": "setAttribute", "attribute": {"href": "/x"}},
    ]
    before = await call.treatment(id_, redirectUrl=None, domModifications=sent)
    body = {"domModifications": before["domModifications"]}
    assert await call("PATCH", f"experiment-variants/{before['id']}", body) == before


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param({"name": "C"}, {"name": "C"}, id="name"),
        pytest.param({"name": None, "weight": None}, {}, id="null-is-unchanged"),
        pytest.param({"redirectUrl": "/c"}, {"redirectUrl": "/c"}, id="payload"),
        pytest.param({"variantType": None}, {}, id="null-type"),
        pytest.param({"domModifications": None}, {}, id="null-of-the-other"),
        pytest.param(
            {"variantType": "dom_modifications", "domModifications": []},
            {
                "variantType": "dom_modifications",
                "redirectUrl": None,
                "domModifications": [],
            },
            id="type",
        ),
    ],
)
async def test_patches_what_it_is_sent(
    call: Calls, body: dict[str, object], expected: dict[str, Any]
) -> None:
    """A patch changes the fields it is sent; another type takes its payload along."""
    before = (await call.draft())["variants"][1]
    after = await call("PATCH", f"experiment-variants/{before['id']}", body)
    assert after == {**before, **expected}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"variantType": "dom_modifications"}, id="type-alone"),
        pytest.param({"domModifications": [SET_TEXT]}, id="other-payload-alone"),
        pytest.param({"redirectUrl": None}, id="payload-cleared"),
    ],
)
async def test_refuses_patches_that_contradict(
    call: Calls, body: dict[str, object]
) -> None:
    """A type without its payload, or a payload without its type, is a 400."""
    variant = (await call.draft())["variants"][1]
    path = f"experiment-variants/{variant['id']}"
    assert (await call.refusal("PATCH", path, body))[0] == 400
    assert await call("GET", path) == variant


async def test_gives_the_control_a_payload(call: Calls) -> None:
    """A variant without a type takes that of the payload it is sent."""
    control = (await call.draft())["variants"][0]
    path = f"experiment-variants/{control['id']}"
    assert (await call("PATCH", path, {"redirectUrl": "/a"}))[
        "variantType"
    ] == "redirect"


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
