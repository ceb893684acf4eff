"""The rules of the account's settings."""

import pytest

from ours_experiments.emulator import Emulator
from tests.emulator.calls import Calls


PATH = "experiment-settings"


async def test_creates_with_defaults(call: Calls) -> None:
    """Settings have a name and a cookie of their own when none are given."""
    created = await call("POST", PATH, {"name": None})
    assert created["name"] == "Experiment Settings"
    assert created["cookieName"] == "_cord_exp"
    assert created["whitelistDomains"] is None
    assert created["updatedAt"] is None
    assert await call("GET", f"{PATH}/{created['id']}") == created
    assert await call("GET", PATH) == {"entities": [created]}


async def test_keeps_what_it_was_given(call: Calls) -> None:
    """The fields of a creation come back as they were sent."""
    fields = {"name": "Web", "cookieName": "c", "whitelistDomains": ["a.io"]}
    created = await call("POST", PATH, fields)
    assert {name: created[name] for name in fields} == fields


async def test_has_one_record(call: Calls) -> None:
    """A second record is a 409."""
    await call("POST", PATH, {})
    reason = "Experiment settings already exist for this account"
    assert await call.refusal("POST", PATH, {}) == (409, reason, None)


async def test_changes_the_fields_it_is_sent(emulator: Emulator, call: Calls) -> None:
    """A patch changes its fields; null clears all but the name."""
    created = await call(
        "POST", PATH, {"cookieName": "c", "whitelistDomains": ["a.io"]}
    )
    emulator.clock.advance(seconds=1)
    path = f"{PATH}/{created['id']}"
    renamed = await call("PATCH", path, {"name": "Web"})
    assert (renamed["name"], renamed["cookieName"]) == ("Web", "c")
    assert renamed["updatedAt"] > created["createdAt"]
    assert renamed["updatedByUserId"] == created["createdByUserId"]
    body = {"name": None, "cookieName": None, "whitelistDomains": None}
    cleared = await call("PATCH", path, body)
    assert {name: cleared[name] for name in body} == {**body, "name": "Web"}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"name": 1}, "name"),
        ({"cookieName": []}, "cookieName"),
        ({"whitelistDomains": "a.io"}, "whitelistDomains"),
        ({"whitelistDomains": [1]}, "whitelistDomains[0]"),
    ],
)
async def test_refuses_fields_that_do_not_fit(
    call: Calls, body: dict[str, object], where: str
) -> None:
    """A field of the wrong type is a 400 with its name."""
    refusal = await call.refusal("POST", PATH, body)
    assert refusal[:2] == (400, "Bad Request")
    assert str(refusal[2]).startswith(f"{where}: ")


async def test_takes_the_children_along(call: Calls) -> None:
    """Deleting settings deletes their experiments and variants."""
    experiment = await call.running()
    draft = await call.draft()
    settings_id = await call.settings_id()
    deleted = await call("DELETE", f"{PATH}/{settings_id}")
    assert deleted["id"] == settings_id
    for row in (experiment, draft):
        await call("GET", f"experiments/{row['id']}", expect=404)
        variant = row["variants"][0]["id"]
        await call("GET", f"experiment-variants/{variant}", expect=404)
    assert await call.ids("experiments") == []
    await call("DELETE", f"{PATH}/{settings_id}", expect=404)
    await call("PATCH", f"{PATH}/{settings_id}", {}, expect=404)


async def test_is_created_again_after_a_deletion(call: Calls) -> None:
    """An account without settings may have new ones."""
    await call("DELETE", f"{PATH}/{await call.settings_id()}")
    await call("POST", PATH, {})
