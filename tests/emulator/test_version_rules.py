"""The rules of publishing: staging, versions, the draft's changes, conflicts."""

from typing import Any

import pytest

from ours_experiments.emulator import Emulator
from tests.emulator.calls import DEFERRED, Calls, several_versions


NOTHING = (409, "There are no draft changes to publish", None)


async def changed(call: Calls) -> dict[str, dict[str, list[Any]]]:
    """Return the collections of the draft's changes that are not empty."""
    diff = await call("GET", "versions/draft/diff")
    collections = {
        name: {kind: items for kind, items in changes.items() if items}
        for name, changes in diff["differences"].items()
        if any(changes.values())
    }
    counted = sum(
        len(items) for changes in collections.values() for items in changes.values()
    )
    assert diff["count"] == counted
    return collections


async def published(call: Calls) -> Calls:
    """Publish the account's settings, so that nothing is pending."""
    await call.settings_id()
    await call("POST", "versions", {})
    return call


@pytest.mark.parametrize("action", sorted(DEFERRED))
async def test_publishes_unless_told_not_to(call: Calls, action: str) -> None:
    """Start, pause and resume publish by default, and stage when asked."""
    status = {"start": "draft", "pause": "running", "resume": "paused"}[action]
    one, other = call.emulator.seed_experiments(2, status=status)
    body = DEFERRED[action]
    staged = await call("POST", f"experiments/{one}/{action}", body)
    assert staged["publishStatus"] == "pending_publish"
    assert call.emulator.state.versions() == []
    body = dict.fromkeys(body, True)
    shipped = await call("POST", f"experiments/{other}/{action}", body)
    assert shipped["publishStatus"] == "published"
    assert len(call.emulator.state.versions()) == 1


async def test_always_publishes_the_final_calls(call: Calls) -> None:
    """Stop, rollout and end-rollout publish; winner does not."""
    experiment = await call.running()
    path = f"experiments/{experiment['id']}"
    treatment = experiment["variants"][1]["id"]
    before = len(call.emulator.state.versions())
    answers = [
        await call("POST", f"{path}/stop"),
        await call("POST", f"{path}/rollout", {"variantId": treatment}),
        await call("POST", f"{path}/end-rollout"),
    ]
    assert {answer["publishStatus"] for answer in answers} == {"published"}
    assert len(call.emulator.state.versions()) == before + 3
    await call("POST", f"{path}/winner", {"winnerVariantId": treatment})
    assert len(call.emulator.state.versions()) == before + 3
    assert await call.refusal("POST", "versions", {}) == NOTHING


async def test_ships_staged_changes_with_one_publish(call: Calls) -> None:
    """One POST to versions makes every staged change live."""
    await published(call)
    ids = call.emulator.seed_experiments(3)
    for id_ in ids:
        await call("POST", f"experiments/{id_}/start", DEFERRED["start"])
    version = await call("POST", "versions", {"name": "Launch", "notes": "all three"})
    assert (version["name"], version["notes"]) == ("Launch", "all three")
    assert version["isPublished"]
    assert await changed(call) == {}
    assert await call.refusal("POST", "versions", {}) == NOTHING


async def test_counts_every_unpublished_change(call: Calls) -> None:
    """A transition counts itself and the other changes that wait."""
    ids = call.emulator.seed_experiments(3)
    counts = [
        (await call("POST", f"experiments/{id_}/start", body))[
            "concurrentVersionChanges"
        ]
        for id_, body in zip(
            ids, (DEFERRED["start"], DEFERRED["start"], {}), strict=True
        )
    ]
    assert counts == [1, 2, 3]
    paused = await call("POST", f"experiments/{ids[0]}/pause")
    assert paused["concurrentVersionChanges"] == 1


async def test_counts_changes_of_settings(call: Calls) -> None:
    """Settings that were created or changed wait for a publish, too."""
    settings_id = await call.settings_id()
    id_ = (await call.draft())["id"]
    started = await call("POST", f"experiments/{id_}/start")
    assert started["concurrentVersionChanges"] == 2
    await call("PATCH", f"experiment-settings/{settings_id}", {"name": "New"})
    paused = await call("POST", f"experiments/{id_}/pause")
    assert paused["concurrentVersionChanges"] == 2


async def test_shows_no_drafts_in_the_diff(call: Calls) -> None:
    """Draft experiments and their variants are no changes."""
    await published(call)
    id_ = (await call.draft())["id"]
    await call("PATCH", f"experiments/{id_}", {"name": "New"})
    assert await changed(call) == {}
    assert await call.refusal("POST", "versions", {}) == NOTHING


async def test_shows_staged_experiments_as_added(call: Calls) -> None:
    """A staged start adds the experiment and its variants."""
    await published(call)
    experiment = await call.draft(name="Hero")
    path = f"experiments/{experiment['id']}"
    await call("POST", f"{path}/start", DEFERRED["start"])
    diff = await changed(call)
    assert set(diff) == {"experiments", "experimentVariants"}
    assert diff["experiments"] == {
        "added": [
            {
                "id": experiment["id"],
                "name": "Hero",
                "type": "ab",
                "summary": None,
                "tagManagerId": None,
            }
        ]
    }
    added = [item["id"] for item in diff["experimentVariants"]["added"]]
    assert added == [variant["id"] for variant in experiment["variants"]]


async def test_shows_changes_of_running_experiments(call: Calls) -> None:
    """A change of what is live shows with its old and its new name."""
    id_ = (await call.running(name="Old"))["id"]
    await call("PATCH", f"experiments/{id_}", {"name": "New"})
    (item,) = (await changed(call))["experiments"]["modified"]
    assert (item["old"]["name"], item["new"]["name"]) == ("Old", "New")


async def test_shows_deleted_experiments_as_removed(call: Calls) -> None:
    """Deleting what is live removes it with its variants on the next publish."""
    id_ = (await call.running())["id"]
    await call("DELETE", f"experiments/{id_}")
    diff = await changed(call)
    assert [item["id"] for item in diff["experiments"]["removed"]] == [id_]
    assert len(diff["experimentVariants"]["removed"]) == 2
    await call("POST", "versions", {})
    assert await changed(call) == {}


async def test_forgets_changes_that_were_taken_back(call: Calls) -> None:
    """A change back to what is live is no change."""
    await published(call)
    (id_,) = call.emulator.seed_experiments(1, status="running")
    await call("POST", f"experiments/{id_}/pause", DEFERRED["pause"])
    assert await changed(call)
    call.emulator.clock.advance(seconds=1)
    await call("POST", f"experiments/{id_}/resume", DEFERRED["resume"])
    assert await changed(call) == {}


async def test_forgets_staged_experiments_that_were_deleted(call: Calls) -> None:
    """What was staged and deleted before a publish leaves nothing."""
    await published(call)
    id_ = (await call.draft())["id"]
    await call("POST", f"experiments/{id_}/start", DEFERRED["start"])
    await call("DELETE", f"experiments/{id_}")
    assert await changed(call) == {}


async def test_does_not_stage_the_winner(call: Calls) -> None:
    """The winner is reporting, and no change to publish."""
    experiment = await call.completed()
    body = {"winnerVariantId": experiment["variants"][1]["id"]}
    await call("POST", f"experiments/{experiment['id']}/winner", body)
    assert await changed(call) == {}


async def test_removes_settings_with_their_children(call: Calls) -> None:
    """Deleting settings shows them and what was live of their experiments."""
    await call.running()
    await call.draft()
    await call("DELETE", f"experiment-settings/{await call.settings_id()}")
    diff = await changed(call)
    assert {name: len(items["removed"]) for name, items in diff.items()} == {
        "experimentSettings": 1,
        "experiments": 1,
        "experimentVariants": 2,
    }


async def test_ships_only_what_is_included(call: Calls) -> None:
    """An include list ships those ids, and all of the other collections."""
    await call.settings_id()
    one, other = call.emulator.seed_experiments(2)
    for id_ in (one, other):
        await call("POST", f"experiments/{id_}/start", DEFERRED["start"])
    variants = call.emulator.state.experiment(other)["variants"]
    assert isinstance(variants, list)
    body = {
        "includeExperiments": [one, "unknown"],
        "includeExperimentVariants": [variants[0]["id"]],
        "includeSources": ["unknown"],
        "includeMappings": [],
        "includeDestinations": None,
    }
    await call("POST", "versions", body)
    left = {
        name: [item["id"] for item in items["added"]]
        for name, items in (await changed(call)).items()
    }
    assert left["experiments"] == [other]
    assert variants[0]["id"] not in left["experimentVariants"]
    assert len(left["experimentVariants"]) == 3


async def test_includes_settings(call: Calls) -> None:
    """An include list of settings without the changed ones ships nothing."""
    settings_id = await call.settings_id()
    body = {"includeExperimentSettings": ["unknown"]}
    assert await call.refusal("POST", "versions", body) == NOTHING
    await call("POST", "versions", {"includeExperimentSettings": [settings_id]})


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"includeExperiments": "x"}, "includeExperiments"),
        ({"includeSources": [1]}, "includeSources[0]"),
        ({"notes": 1}, "notes"),
    ],
)
async def test_refuses_malformed_publishes(
    call: Calls, body: dict[str, object], where: str
) -> None:
    """The body of a publish is checked before there is anything to publish."""
    refusal = await call.refusal("POST", "versions", body)
    assert refusal[0] == 400
    assert str(refusal[2]).startswith(f"{where}: ")


async def test_needs_a_body_to_publish(call: Calls) -> None:
    """A publish without a body is a 400."""
    refusal = await call.refusal("POST", "versions")
    assert refusal == (400, "Bad Request", "body: is required")


async def test_lists_the_newest_version_first(call: Calls) -> None:
    """Versions are paged from the newest, and only the last one is live."""
    ids = await several_versions(call, 5)
    assert await call.ids("versions", limit="2") == ids
    rows = (await call("GET", "versions"))["entities"]
    assert [row["versionNumber"] for row in rows] == [5, 4, 3, 2, 1]
    assert [row["isPublished"] for row in rows] == [True] + [False] * 4


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"notesContains": "MARKER-1"}, [1]),
        ({"nameContains": "release"}, [0, 1, 2]),
        ({"nameContains": "release 2", "notesContains": "1"}, []),
        ({"isPublished": "true"}, [0]),
        ({"isPublished": "false"}, [1, 2]),
    ],
)
async def test_filters_versions(
    call: Calls, query: dict[str, str], found: list[int]
) -> None:
    """Filters look for parts of names and notes without case, joined by AND."""
    ids = await several_versions(call, 3)
    assert await call.ids("versions", **query) == [ids[number] for number in found]


async def test_finds_and_annotates_a_version(call: Calls) -> None:
    """Name and notes of a version change, and null clears them."""
    (id_,) = await several_versions(call, 1)
    named = await call("PATCH", f"versions/{id_}", {"name": "New"})
    assert (named["name"], named["notes"]) == ("New", "marker-0")
    cleared = await call("PATCH", f"versions/{id_}", {"notes": None})
    assert (cleared["name"], cleared["notes"]) == ("New", None)
    assert await call("GET", f"versions/{id_}") == cleared


async def test_republishes_an_older_version(emulator: Emulator, call: Calls) -> None:
    """An older version goes live again; what came after waits once more."""
    last, _, first = await several_versions(call, 3)
    emulator.clock.advance(seconds=1)
    again = await call("POST", f"versions/{first}/publish")
    assert again["isPublished"]
    assert again["publishedAt"] > again["createdAt"]
    assert not (await call("GET", f"versions/{last}"))["isPublished"]
    (item,) = (await changed(call))["experimentSettings"]["modified"]
    assert (item["old"]["name"], item["new"]["name"]) == ("Name 0", "Name 2")
    await call("POST", f"versions/{last}/publish")
    assert await changed(call) == {}


async def test_compares_the_draft_with_any_version(call: Calls) -> None:
    """The draft's changes are shown against an older version on request."""
    last, _, first = await several_versions(call, 3)
    diffs = [
        await call("GET", "versions/draft/diff", query={"against": id_})
        for id_ in (last, first)
    ]
    assert [diff["count"] for diff in diffs] == [0, 1]
    (item,) = diffs[1]["differences"]["experimentSettings"]["modified"]
    assert (item["old"]["name"], item["new"]["name"]) == ("Name 0", "Name 2")
    unknown = "00000000-0000-4000-8000-000000000000"
    for against, status in ((unknown, 404), ("x", 400), ("draft", 400)):
        query = {"against": against}
        await call("GET", "versions/draft/diff", query=query, expect=status)


async def test_republishes_what_was_there_and_what_was_not(call: Calls) -> None:
    """Rolling back brings deleted entities back and takes later ones out."""
    old = (await call.running())["id"]
    first = call.emulator.state.versions()[0]["id"]
    await call("DELETE", f"experiments/{old}")
    new = (await call.running())["id"]
    (seeded,) = call.emulator.seed_experiments(1, status="running")
    await call("POST", f"versions/{first}/publish")
    diff = (await changed(call))["experiments"]
    assert [item["id"] for item in diff["added"]] == [new]
    assert [item["id"] for item in diff["removed"]] == [old]
    assert seeded not in str(diff)


async def test_republishes_upon_what_was_live_before(call: Calls) -> None:
    """A version carries all that was live with it, not its own changes alone."""
    await call.running()
    _, middle = await several_versions(call, 2)
    await call("POST", f"versions/{middle}/publish")
    assert set(await changed(call)) == {"experimentSettings"}


async def test_refuses_to_republish_the_live_version(call: Calls) -> None:
    """Republishing the version that is live is a 409."""
    (id_,) = await several_versions(call, 1)
    refusal = await call.refusal("POST", f"versions/{id_}/publish")
    assert refusal == (409, "This version is already published", None)


async def test_refuses_to_republish_old_versions(
    emulator: Emulator, call: Calls
) -> None:
    """Republishing a version older than 45 days is a 409."""
    _, middle, first = await several_versions(call, 3)
    emulator.clock.advance(days=45)
    await call("POST", f"versions/{first}/publish")
    emulator.clock.advance(seconds=1)
    refusal = await call.refusal("POST", f"versions/{middle}/publish")
    assert refusal == (409, "This version is older than 45 days", None)


async def test_compares_versions(call: Calls) -> None:
    """A version is compared with the live one, another one, or the draft."""
    last, middle, first = await several_versions(call, 3)
    settings = f"experiment-settings/{await call.settings_id()}"
    await call("PATCH", settings, {"name": "Draft"})
    for id_, query, old, new in (
        (first, {}, "Name 2", "Name 0"),
        (middle, {"against": first}, "Name 0", "Name 1"),
        (middle, {"against": "draft"}, "Draft", "Name 1"),
        (last, {"against": "draft"}, "Draft", "Name 2"),
    ):
        diff = await call("GET", f"versions/{id_}/diff", query=query)
        (item,) = diff["differences"]["experimentSettings"]["modified"]
        assert (item["old"]["name"], item["new"]["name"]) == (old, new)
        assert diff["count"] == 1
    assert (await call("GET", f"versions/{last}/diff"))["count"] == 0


async def test_compares_only_what_exists(call: Calls) -> None:
    """An unknown version is a 404 on either side, a malformed one to compare a 400."""
    (id_,) = await several_versions(call, 1)
    unknown = "00000000-0000-4000-8000-000000000000"
    await call("GET", f"versions/{unknown}/diff", expect=404)
    for against, status in ((unknown, 404), ("x", 400)):
        query = {"against": against}
        await call("GET", f"versions/{id_}/diff", query=query, expect=status)


async def test_names_the_two_kinds_of_diffs_apart(call: Calls) -> None:
    """The log counts the draft's diff and a version's diff as different routes."""
    (id_,) = await several_versions(call, 1)
    await call("GET", "versions/draft/diff")
    await call("GET", f"versions/{id_}/diff")
    await call("GET", f"versions/{id_}/snapshot")
    log = call.emulator.log
    assert log.received("versions.draft_changes") == 1
    assert log.received("versions.changes") == 1
    assert log.received("versions.snapshot") == 1


async def test_shows_what_a_version_held(call: Calls) -> None:
    """A snapshot holds all entities of its version, as they were then."""
    running = await call.running(name="Hero")
    (id_,) = (version["id"] for version in call.emulator.state.versions())
    await call("PATCH", f"experiments/{running['id']}", {"name": "Later"})
    settings_id = await call.settings_id()
    await call("PATCH", f"experiment-settings/{settings_id}", {"name": "Later"})
    snapshot = await call("GET", f"versions/{id_}/snapshot")
    content = snapshot.pop("jsonContent")
    assert snapshot == {"id": id_, "versionNumber": 1}
    assert len(content) == 17
    (experiment,) = content["experiments"]
    assert (experiment["id"], experiment["name"]) == (running["id"], "Hero")
    names = [variant["name"] for variant in content["experimentVariants"]]
    assert names == ["Control", "Variant 1"]
    (settings,) = content["experimentSettings"]
    assert settings["id"] == settings_id
    assert settings["name"] == "Experiment Settings"
    assert content["destinations"] == []


@pytest.mark.parametrize("id_", ["draft", "x"])
async def test_snapshots_are_of_versions(call: Calls, id_: str) -> None:
    """Neither the draft nor an unknown version has a snapshot."""
    await call("GET", f"versions/{id_}/snapshot", expect=404)
