"""The rules of experiments: their fields, their changes, their deletion."""

import pytest

from ours_experiments.emulator import Emulator
from tests.emulator.calls import METRICS, Calls


TARGETING = {
    "urlPatterns": ["/pricing*"],
    "audienceId": "a1",
    "visitorProperties": {"plan": {"in": ["free", 1, None]}},
    "visitorStatus": "new",
    "queryParams": [{"key": "utm", "operator": "exists", "value": None}],
}


async def test_creates_a_draft_with_its_control(
    emulator: Emulator, call: Calls
) -> None:
    """A new experiment is a draft; its control takes all traffic."""
    settings_id = await call.settings_id()
    body = {"experimentSettingsId": settings_id, "name": "Hero"}
    created = await call("POST", "experiments", body)
    control = created.pop("variants")[0]
    now = emulator.clock.now().isoformat(timespec="milliseconds")
    assert created == {
        "id": created["id"],
        "key": "hero",
        "name": "Hero",
        "description": None,
        "type": "ab",
        "status": "draft",
        "createdAt": now.replace("+00:00", "Z"),
        "updatedAt": None,
        "startedAt": None,
        "stoppedAt": None,
        "trafficAllocation": 100,
        "includeQueryString": None,
        "winnerVariantId": None,
        "rolloutVariantId": None,
        "targetingRules": None,
        "metrics": None,
    }
    assert (control["isControl"], control["weight"]) == (True, 100)
    assert control["experimentId"] == created["id"]


async def test_keeps_what_it_was_given(call: Calls) -> None:
    """The fields of a creation come back as they were sent."""
    metrics = {
        "primary": {"eventName": "signup", "funnelId": "f1"},
        "secondary": [{"eventName": None, "funnelId": None}],
    }
    fields = {
        "key": "my-key",
        "description": "Why",
        "type": "personalization",
        "trafficAllocation": 0,
        "includeQueryString": False,
        "targetingRules": TARGETING,
        "metrics": metrics,
    }
    created = await call.draft(treatments=0, controlWeight=34, **fields)
    assert {name: created[name] for name in fields} == fields
    assert created["variants"][0]["weight"] == 34


async def test_refuses_unknown_settings(call: Calls) -> None:
    """An experiment of settings that do not exist is answered with 404."""
    body = {"experimentSettingsId": "x", "name": "Hero"}
    assert (await call.refusal("POST", "experiments", body))[0] == 404


@pytest.mark.parametrize(
    ("name", "key", "expected"),
    [
        ("Homepage Hero: Test 2!", None, "homepage-hero-test-2"),
        ("Über  uns", "", "uber-uns"),
        ("Hero", "  ", "hero"),
        ("日本", None, "experiment"),
        ("Hero", " As Given ", " As Given "),
    ],
)
async def test_slugs_the_name_for_a_blank_key(
    call: Calls, name: str, key: str | None, expected: str
) -> None:
    """A key that is omitted or blank becomes the slug of the name."""
    assert (await call.draft(name=name, key=key))["key"] == expected


async def test_lets_keys_repeat(call: Calls) -> None:
    """Keys need not be unique."""
    first = await call.draft(key="same")
    second = await call.draft(key="same")
    assert first["id"] != second["id"]


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"name": None}, "name"),
        ({"name": 1}, "name"),
        ({"experimentSettingsId": ""}, "experimentSettingsId"),
        ({"experimentSettingsId": None}, "experimentSettingsId"),
        ({"key": 1}, "key"),
        ({"type": "abc"}, "type"),
        ({"type": ["ab"]}, "type"),
        ({"description": []}, "description"),
        ({"trafficAllocation": 100.5}, "trafficAllocation"),
        ({"trafficAllocation": -1}, "trafficAllocation"),
        ({"trafficAllocation": True}, "trafficAllocation"),
        ({"trafficAllocation": "50"}, "trafficAllocation"),
        ({"includeQueryString": "yes"}, "includeQueryString"),
        ({"controlWeight": 0}, "controlWeight"),
        ({"controlWeight": 101}, "controlWeight"),
        ({"controlWeight": 1.5}, "controlWeight"),
        ({"targetingRules": []}, "targetingRules"),
        ({"targetingRules": {}}, "targetingRules.urlPatterns"),
        (
            {"targetingRules": {"urlPatterns": ["/"] * 201}},
            "targetingRules.urlPatterns",
        ),
        (
            {"targetingRules": {"urlPatterns": ["/", "x" * 2001]}},
            "targetingRules.urlPatterns[1]",
        ),
        (
            {"targetingRules": {**TARGETING, "visitorProperties": []}},
            "targetingRules.visitorProperties",
        ),
        (
            {"targetingRules": {**TARGETING, "queryParams": [{"key": "a"}]}},
            "targetingRules.queryParams[0].operator",
        ),
        (
            {
                "targetingRules": {
                    **TARGETING,
                    "queryParams": [{"key": "a", "operator": "like"}],
                }
            },
            "targetingRules.queryParams[0].operator",
        ),
        ({"metrics": {"primary": {}}}, "metrics.primary.eventName"),
        ({"metrics": {"primary": {"eventName": " "}}}, "metrics.primary.eventName"),
        ({"metrics": {"secondary": {}}}, "metrics.secondary"),
        ({"metrics": {"secondary": [None]}}, "metrics.secondary[0]"),
    ],
)
async def test_refuses_fields_that_do_not_fit(
    call: Calls, fields: dict[str, object], where: str
) -> None:
    """A field of the wrong type or range is answered with 400 and its name."""
    body = {
        "experimentSettingsId": await call.settings_id(),
        "name": "Hero",
        **fields,
    }
    status, error, details = await call.refusal("POST", "experiments", body)
    assert (status, error) == (400, "Bad Request")
    assert details is not None
    assert details.startswith(f"{where}: ")


async def test_refuses_properties_nested_too_deeply(call: Calls) -> None:
    """Free JSON is kept up to a depth that can be written again."""
    nested: dict[str, object] = {}
    for _ in range(100):
        nested = {"in": [nested]}
    rules = {"urlPatterns": [], "visitorProperties": nested}
    body = {"experimentSettingsId": "x", "name": "x", "targetingRules": rules}
    details = (await call.refusal("POST", "experiments", body))[2]
    assert details == (
        "targetingRules.visitorProperties: must not be nested over 100 levels"
    )


async def test_requires_name_and_settings(call: Calls) -> None:
    """A creation without its required fields is answered with 400."""
    refusal = await call.refusal("POST", "experiments", {"name": "Hero"})
    assert refusal == (400, "Bad Request", "experimentSettingsId: is required")


async def test_keeps_the_whole_part_of_an_allocation(call: Calls) -> None:
    """The document takes any number as allocation, and answers with an integer."""
    assert (await call.draft(trafficAllocation=50.9))["trafficAllocation"] == 50


async def test_changes_only_the_fields_it_is_sent(
    emulator: Emulator, call: Calls
) -> None:
    """A patch leaves the other fields as they are, and sets updatedAt."""
    before = await call.draft(description="Why", targetingRules=TARGETING)
    emulator.clock.advance(seconds=1)
    after = await call("PATCH", f"experiments/{before['id']}", {"name": "New"})
    assert after["updatedAt"] > before["createdAt"]
    assert after == {**before, "name": "New", "updatedAt": after["updatedAt"]}


async def test_replaces_nested_objects(call: Calls) -> None:
    """A nested object is replaced whole, never merged."""
    before = await call.draft(targetingRules=TARGETING)
    rules: dict[str, object] = {"urlPatterns": []}
    body = {"targetingRules": rules}
    after = await call("PATCH", f"experiments/{before['id']}", body)
    assert after["targetingRules"] == {
        "urlPatterns": [],
        "audienceId": None,
        "visitorProperties": None,
        "visitorStatus": None,
        "queryParams": None,
    }


@pytest.mark.parametrize(
    "field", ["description", "includeQueryString", "targetingRules", "metrics"]
)
async def test_clears_with_null(call: Calls, field: str) -> None:
    """Null clears the fields that may be empty."""
    before = await call.draft(
        description="Why", includeQueryString=True, targetingRules=TARGETING
    )
    after = await call("PATCH", f"experiments/{before['id']}", {field: None})
    assert before[field] is not None
    assert after[field] is None


@pytest.mark.parametrize("field", ["name", "trafficAllocation"])
async def test_leaves_unchanged_with_null(call: Calls, field: str) -> None:
    """Null means unchanged where a value has to be."""
    before = await call.draft(trafficAllocation=7)
    after = await call("PATCH", f"experiments/{before['id']}", {field: None})
    assert after[field] == before[field]


@pytest.mark.parametrize("key", ["", None, " "])
async def test_falls_back_to_the_slug_of_the_name(call: Calls, key: str | None) -> None:
    """A blank key in a patch becomes the slug of the present name."""
    before = await call.draft(key="mine")
    body = {"name": "New Name", "key": key}
    after = await call("PATCH", f"experiments/{before['id']}", body)
    assert after["key"] == "new-name"


async def test_keeps_the_key_when_renamed(call: Calls) -> None:
    """A new name alone leaves the key."""
    before = await call.draft(name="Old")
    after = await call("PATCH", f"experiments/{before['id']}", {"name": "New"})
    assert after["key"] == "old"


async def test_takes_back_the_metrics_it_gave(call: Calls) -> None:
    """The metrics and the rules that were read can be sent back as they are."""
    before = await call.draft(targetingRules=TARGETING)
    body = {name: before[name] for name in ("metrics", "targetingRules")}
    after = await call("PATCH", f"experiments/{before['id']}", body)
    assert {name: after[name] for name in body} == body


async def test_is_edited_until_completed(call: Calls) -> None:
    """Running and paused experiments are edited, completed ones are not."""
    path = f"experiments/{(await call.running())['id']}"
    await call("PATCH", path, {"name": "Running"})
    await call("POST", f"{path}/pause")
    await call("PATCH", path, {"name": "Paused"})
    await call("POST", f"{path}/stop")
    refusal = await call.refusal("PATCH", path, {"name": "Completed"})
    assert refusal == (409, "A completed experiment can no longer be edited", None)


@pytest.mark.parametrize("status", ["draft", "running", "paused", "completed"])
async def test_deletes_in_any_state(
    emulator: Emulator, call: Calls, status: str
) -> None:
    """Any experiment may be deleted, and its variants go with it."""
    (id_,) = emulator.seed_experiments(1, status=status)
    variant = (await call("GET", f"experiments/{id_}"))["variants"][1]["id"]
    assert await call("DELETE", f"experiments/{id_}") is True
    await call("GET", f"experiments/{id_}", expect=404)
    await call("GET", f"experiment-variants/{variant}", expect=404)
    await call("DELETE", f"experiments/{id_}", expect=404)
    assert await call.ids("experiments") == []


async def test_creates_twice_when_sent_twice(call: Calls) -> None:
    """There is no idempotency: the same creation makes another experiment."""
    body = {
        "experimentSettingsId": await call.settings_id(),
        "name": "Hero",
        "metrics": METRICS,
    }
    first = await call("POST", "experiments", body)
    second = await call("POST", "experiments", body)
    assert first["id"] != second["id"]
