"""The rules of what a variant does: its type, its redirect, its DOM changes."""

from typing import Any

import pytest

from tests.emulator.calls import Calls


SET_TEXT = {"selector": "h1", "action": "setText", "value": "Hello"}


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
