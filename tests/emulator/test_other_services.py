"""The switches for services that differ from the emulator's default."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from ours_experiments.emulator import Clock, Emulator
from tests.emulator.calls import DEFERRED, METRICS, Calls


REFUSED: list[tuple[str, str, str, object]] = [
    ("running", "POST", "experiments/{id}/start", {}),
    ("draft", "POST", "experiments/{id}/pause", {}),
    ("running", "POST", "experiments/{id}/resume", {}),
    ("draft", "POST", "experiments/{id}/stop", {}),
    ("running", "POST", "experiments/{id}/winner", {}),
    ("running", "POST", "experiments/{id}/end-rollout", {}),
    ("completed", "PATCH", "experiments/{id}", {"name": "New"}),
    ("running", "PATCH", "experiment-variants/{variant}", {"name": "New"}),
    ("running", "DELETE", "experiment-variants/{variant}", None),
]
"""A status, and a call that this status refuses."""


@pytest.mark.parametrize(("status", "method", "path", "body"), REFUSED)
async def test_answers_400_where_no_409_is_documented(
    status: str, method: str, path: str, body: object
) -> None:
    """A refused change of an experiment is a 400 that gives the same reason."""
    answers: list[tuple[int, str, str | None]] = []
    for conflict_status in (409, 400):
        async with (
            Emulator(conflict_status=conflict_status) as emulator,
            Calls(emulator) as call,
        ):
            (id_,) = emulator.seed_experiments(1, status=status)
            variants: Any = emulator.state.experiment(id_)["variants"]
            url = path.format(id=id_, variant=variants[1]["id"])
            answers.append(await call.refusal(method, url, body))
    (first, reason, details), second = answers
    assert (first, details) == (409, None)
    assert second == (400, "Bad Request", reason)


async def test_answers_409_where_it_is_documented() -> None:
    """Publishing and a second settings record are refused with 409 all the same."""
    async with Emulator(conflict_status=400) as emulator, Calls(emulator) as call:
        await call.settings_id()
        assert (await call.refusal("POST", "experiment-settings", {}))[0] == 409
        version = await call("POST", "versions", {})
        assert (await call.refusal("POST", "versions", {}))[0] == 409
        path = f"versions/{version['id']}/publish"
        assert (await call.refusal("POST", path))[0] == 409


@pytest.mark.parametrize(
    ("rules", "sent", "kept"),
    [
        ((), " Hero  Test ", " Hero  Test "),
        (("trim",), " Hero  Test ", "Hero  Test"),
        (("casefold",), "Hero ß", "hero ss"),
        (("slug",), "Hero Test!", "hero-test"),
        (("cut:6",), "Hero Test", "Hero T"),
        (("trim", "casefold", "cut:4"), " Hero Test", "hero"),
    ],
)
async def test_normalizes_names_and_keys(
    rules: Sequence[str], sent: str, kept: str
) -> None:
    """Names and keys are kept as the rules leave them, on create and on change."""
    async with (
        Emulator(normalize_names=rules, normalize_keys=rules) as emulator,
        Calls(emulator) as call,
    ):
        created = await call.draft(name=sent, key=sent, treatments=0)
        assert (created["name"], created["key"]) == (kept, kept)
        other = await call.draft(name="other", key="other", treatments=0)
        path = f"experiments/{other['id']}"
        changed = await call("PATCH", path, {"name": sent, "key": sent})
        assert (changed["name"], changed["key"]) == (kept, kept)
        variant = await call.treatment(other["id"], name=sent)
        assert variant["name"] == kept


async def test_numbers_what_is_taken() -> None:
    """With the rule "suffix", a name and a key in use get -2, then -3."""
    rules = ("suffix",)
    async with (
        Emulator(normalize_names=rules, normalize_keys=rules) as emulator,
        Calls(emulator) as call,
    ):
        rows = [await call.draft(name="Hero", treatments=0) for _ in range(3)]
        assert [row["name"] for row in rows] == ["Hero", "Hero-2", "Hero-3"]
        assert [row["key"] for row in rows] == ["hero", "hero-2", "hero-3"]
        path = f"experiments/{rows[1]['id']}"
        same = await call("PATCH", path, {"name": "Hero-2", "key": "hero-2"})
        assert (same["name"], same["key"]) == ("Hero-2", "hero-2")
        await call("DELETE", f"experiments/{rows[0]['id']}")
        assert (await call.draft(name="Hero", treatments=0))["key"] == "hero"


@pytest.mark.parametrize("rules", [("upper",), ("cut:0",), ("cut:x",), ("cut",)])
@pytest.mark.parametrize("name", ["normalize_names", "normalize_keys"])
def test_refuses_unknown_rules(name: str, rules: Sequence[str]) -> None:
    """A rule that does not exist is a ValueError that names the argument."""
    options: dict[str, Any] = {name: rules}
    with pytest.raises(ValueError, match=f"{name}: .*{rules[0]}"):
        Emulator(**options)


async def test_lists_lag_by_the_clock() -> None:
    """A lagging list shows an experiment once the clock has moved far enough."""
    clock = Clock(frozen=True)
    async with Emulator(list_delay=5, clock=clock) as emulator, Calls(emulator) as call:
        created = await call.draft(treatments=0)
        assert await call("GET", f"experiments/{created['id']}")
        clock.advance(seconds=4.9)
        assert await call.ids("experiments") == []
        clock.advance(seconds=0.1)
        assert await call.ids("experiments") == [created["id"]]


@pytest.mark.parametrize("skew", [-3600, 0, 3600])
async def test_clock_apart_from_the_date_header(skew: float) -> None:
    """Times in bodies run ahead of the `Date` header by the skew in seconds."""
    async with Emulator(clock_skew=skew) as emulator, Calls(emulator) as call:
        body = {"experimentSettingsId": await call.settings_id(), "name": "Hero"}
        path = "/rest/v1/experiments"
        async with call.http.post(path, json=body) as response:
            date = parsedate_to_datetime(response.headers["Date"])
            created = await response.json()
        path = f"experiments/{created['id']}"
        changed = await call("PATCH", path, {"metrics": METRICS})
        for text in (created["createdAt"], changed["updatedAt"]):
            ahead = datetime.fromisoformat(text) - date
            assert abs(ahead - timedelta(seconds=skew)) < timedelta(seconds=30)
        assert abs(date - datetime.now(UTC)) < timedelta(seconds=30)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"conflict_status": 404}, "conflict_status"),
        ({"clock_skew": float("nan")}, "clock_skew"),
        ({"list_delay": float("nan")}, "list_delay"),
        ({"publish_seconds": float("inf")}, "publish_seconds"),
    ],
)
def test_refuses_switches_out_of_range(options: dict[str, Any], match: str) -> None:
    """A switch out of range is a ValueError that names it."""
    with pytest.raises(ValueError, match=match):
        Emulator(**options)


async def test_never_publishes_drafts(call: Calls) -> None:
    """A publish ships neither a draft nor its variants, whatever is included."""
    draft = await call.draft()
    ids = [variant["id"] for variant in draft["variants"]]
    body = {
        "includeExperiments": [draft["id"]],
        "includeExperimentVariants": ids,
    }
    version = await call("POST", "versions", body)
    content = (await call("GET", f"versions/{version['id']}/snapshot"))["jsonContent"]
    assert (content["experiments"], content["experimentVariants"]) == ([], [])


async def test_ships_a_staged_start_with_its_variants(call: Calls) -> None:
    """A publish ships an experiment whose start was staged, and its variants."""
    draft = await call.draft()
    await call("POST", f"experiments/{draft['id']}/start", DEFERRED["start"])
    version = await call("POST", "versions", {})
    content = (await call("GET", f"versions/{version['id']}/snapshot"))["jsonContent"]
    assert [row["id"] for row in content["experiments"]] == [draft["id"]]
    assert [row["id"] for row in content["experimentVariants"]] == [
        variant["id"] for variant in draft["variants"]
    ]


@pytest.mark.parametrize("applied", [False, True])
async def test_answers_with_another_body(call: Calls, applied: bool) -> None:  # noqa: FBT001
    """The fault "body" answers 200 with a given text, before or after the change."""
    (id_,) = call.emulator.seed_experiments(1)
    call.emulator.faults.add(
        "body", text="false", applied=applied, route="experiments.delete", times=1
    )
    assert await call("DELETE", f"experiments/{id_}") is False
    left = await call("GET", "experiments")
    assert len(left["entities"]) == (0 if applied else 1)
