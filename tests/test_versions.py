"""What is live, what was, and what is staged."""

import asyncio
from typing import Any

import pytest

from ours_experiments import (
    BadRequestError,
    Client,
    ConfigurationError,
    ConflictError,
    ExperimentPatch,
    NewSettings,
    NotFoundError,
    Version,
)
from ours_experiments.emulator import Clock, Emulator


async def staged(client: Client, emulator: Emulator, number: int = 1) -> list[str]:
    """Have some experiments that are started, but not published."""
    drafts = emulator.seed_experiments(number)
    for draft in drafts:
        await client.experiments.start(draft, publish=False)
    return drafts


async def published(client: Client, emulator: Emulator, number: int) -> list[Version]:
    """Have some versions, the newest first."""
    versions: list[Version] = []
    for draft in emulator.seed_experiments(number):
        await client.experiments.start(draft, publish=False)
        versions.insert(0, await client.versions.publish(name=f"V {draft}"))
    return versions


async def test_publish(client: Client, emulator: Emulator) -> None:
    """A publish makes the staged changes live, under a name and with notes."""
    await staged(client, emulator)
    version = await client.versions.publish(name="Spring", notes="All of it")
    assert (version.name, version.is_published) == ("Spring", True)
    assert version.version_number == 1
    assert (version.notes or "").startswith("All of it\n")
    assert (await client.versions.draft_changes()).count == 0


async def test_publish_without_notes(client: Client, emulator: Emulator) -> None:
    """Every publish carries a marker of its own, by which it is found again."""
    await staged(client, emulator)
    first = await client.versions.publish()
    await staged(client, emulator)
    second = await client.versions.publish()
    assert first.notes
    assert second.notes
    assert first.notes != second.notes
    found = await client.versions.list_page(notes_contains=first.notes)
    assert found.entities == (await client.versions.retrieve(first.id),)


async def test_publish_of_nothing(client: Client, emulator: Emulator) -> None:
    """With nothing to publish the service is asked once, and refuses."""
    with pytest.raises(ConflictError, match="no draft changes"):
        await client.versions.publish()
    assert emulator.log.received() == 1


async def test_publish_of_one_experiment(client: Client, emulator: Emulator) -> None:
    """An include list ships only what it names."""
    chosen, other = await staged(client, emulator, 2)
    await client.versions.publish(
        include_experiments=[chosen], include_experiment_variants=["var_1"]
    )
    left = (await client.versions.draft_changes()).differences["experiments"].ids
    assert left == {other}


async def test_publish_of_settings(client: Client, emulator: Emulator) -> None:
    """Settings are included by their ids, like every collection by its name."""
    settings = await client.settings.create(NewSettings())
    await staged(client, emulator)
    await client.versions.publish(
        include_experiment_settings=[settings.id],
        include={"experiments": ["exp_1"], "experimentVariants": ("var_1",)},
    )
    differences = (await client.versions.draft_changes()).differences
    assert differences["experimentSettings"].ids == frozenset()
    assert len(differences["experiments"].ids) == 1


@pytest.mark.parametrize(
    "include",
    [
        pytest.param({"include_experiments": []}, id="experiments"),
        pytest.param({"include_experiment_variants": ()}, id="variants"),
        pytest.param({"include_experiment_settings": iter(())}, id="settings"),
        pytest.param({"include": {"destinations": []}}, id="others"),
    ],
)
async def test_publish_of_an_empty_list(
    client: Client, emulator: Emulator, include: dict[str, Any]
) -> None:
    """An empty list, which the service takes for all, is refused."""
    await staged(client, emulator)
    with pytest.raises(ConfigurationError, match="include"):
        await client.versions.publish(**include)
    assert emulator.state.versions() == []


@pytest.mark.parametrize(
    ("include", "named"),
    [
        pytest.param({"include_experiments": "exp_1"}, "includeExperiments", id="text"),
        pytest.param({"include_experiments": 7}, "includeExperiments", id="number"),
        pytest.param({"include_experiments": [7]}, "includeExperiments", id="numbers"),
        pytest.param({"include_experiments": [""]}, "includeExperiments", id="blank"),
        pytest.param(
            {"include": {"destinations": "d"}}, "includeDestinations", id="others"
        ),
    ],
)
async def test_publish_of_no_list(
    client: Client, emulator: Emulator, include: dict[str, Any], named: str
) -> None:
    """What is no list of ids is refused before anything is sent."""
    with pytest.raises(ConfigurationError, match=f"^{named} must be "):
        await client.versions.publish(**include)
    assert emulator.log.received() == 0


async def test_publish_while_another_is_in_flight() -> None:
    """A publish waits for its turn."""
    async with (
        Emulator(publish_seconds=0.1) as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
        Client(emulator.api_key, base_url=emulator.url) as other,
    ):
        chosen, left = await staged(client, emulator, 2)
        publishing = asyncio.create_task(
            other.versions.publish(
                include_experiments=[chosen], include_experiment_variants=["var_1"]
            )
        )
        await asyncio.sleep(0.03)
        version = await client.versions.publish(include_experiments=[left])
        assert (version.version_number, publishing.done()) == (2, True)
        assert (await publishing).version_number == 1


async def test_list(client: Client, emulator: Emulator) -> None:
    """Versions are listed newest first, in pages."""
    versions = await published(client, emulator, 3)
    listed = [found async for found in client.versions.list(limit=2)]
    assert [found.id for found in listed] == [version.id for version in versions]
    assert [found.is_published for found in listed] == [True, False, False]
    assert emulator.log.received("versions.list") == 2


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        pytest.param({}, [3, 2, 1], id="none"),
        pytest.param({"is_published": True}, [3], id="live"),
        pytest.param({"is_published": False}, [2, 1], id="others"),
        pytest.param({"name_contains": "two"}, [2], id="name"),
        pytest.param({"notes_contains": "SHIPPED"}, [1], id="notes"),
        pytest.param({"notes_contains": "none"}, [], id="nothing"),
    ],
)
async def test_filters(
    client: Client, emulator: Emulator, filters: dict[str, Any], numbers: list[int]
) -> None:
    """Filters reach the service, in both ways of listing."""
    _, second, first = await published(client, emulator, 3)
    await client.versions.update(first.id, notes="shipped & seen")
    await client.versions.update(second.id, name="Two")
    walked = [found.version_number async for found in client.versions.list(**filters)]
    page = await client.versions.list_page(**filters)
    assert walked == numbers
    assert [found.version_number for found in page.entities] == numbers


async def test_list_page_from_a_cursor(client: Client, emulator: Emulator) -> None:
    """A page goes on where the one before ended."""
    versions = await published(client, emulator, 2)
    first = await client.versions.list_page(limit=1)
    second = await client.versions.list_page(limit=1, cursor=first.next_cursor)
    assert [version.id for version in first.entities + second.entities] == [
        version.id for version in versions
    ]
    with pytest.raises(BadRequestError, match="cursor"):
        await client.versions.list_page(cursor="altered")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"name": "B"}, ("B", "before"), id="name"),
        pytest.param({"name": None}, (None, "before"), id="no-name"),
        pytest.param({"notes": "after"}, ("A", "after"), id="notes"),
        pytest.param({"name": "B", "notes": None}, ("B", None), id="both"),
    ],
)
async def test_update(
    client: Client,
    emulator: Emulator,
    changes: dict[str, Any],
    expected: tuple[str | None, str | None],
) -> None:
    """A version's name and notes change where they are given; None clears."""
    [version] = await published(client, emulator, 1)
    await client.versions.update(version.id, name="A", notes="before")
    updated = await client.versions.update(version.id, **changes)
    assert (updated.name, updated.notes) == expected
    assert await client.versions.retrieve(version.id) == updated


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({}, "name or notes must be given", id="nothing"),
        pytest.param({"name": " "}, "name must be text", id="blank"),
        pytest.param({"notes": 7}, "notes must be text", id="number"),
    ],
)
async def test_bad_update(
    client: Client, emulator: Emulator, changes: dict[str, Any], message: str
) -> None:
    """A change of nothing or to nothing is refused before anything is sent."""
    with pytest.raises(ConfigurationError, match=message):
        await client.versions.update("version_1", **changes)
    assert emulator.log.received() == 0


async def test_republish(client: Client, emulator: Emulator) -> None:
    """An earlier version is made live again; what came later is staged again."""
    newer, older = await published(client, emulator, 2)
    again = await client.versions.republish(older.id)
    assert (again.id, again.is_published) == (older.id, True)
    assert not (await client.versions.retrieve(newer.id)).is_published
    assert (await client.versions.draft_changes()).count > 0


async def test_republish_of_what_is_live(client: Client, emulator: Emulator) -> None:
    """A version that is live already is a `ConflictError` after one try."""
    [version] = await published(client, emulator, 1)
    with pytest.raises(ConflictError, match="already published"):
        await client.versions.republish(version.id)
    assert emulator.log.received("versions.republish") == 1


async def test_republish_of_an_old_one() -> None:
    """A version of more than 45 days ago is a `ConflictError`."""
    clock = Clock(frozen=True)
    async with (
        Emulator(clock=clock) as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        _, older = await published(client, emulator, 2)
        clock.advance(days=46)
        with pytest.raises(ConflictError, match="45 days"):
            await client.versions.republish(older.id)


async def test_draft_changes(client: Client, emulator: Emulator) -> None:
    """The draft's changes tell what is new, changed and gone, by collection."""
    changed, gone = emulator.seed_experiments(2, status="running")
    [new] = await staged(client, emulator)
    await client.experiments.update(changed, ExperimentPatch(name="B"))
    await client.experiments.delete(gone)
    changes = await client.versions.draft_changes()
    experiments = changes.differences["experiments"]
    assert {entity.id for entity in experiments.removed} == {gone}
    assert {entity.id for entity in experiments.added} == {new}
    [renamed] = experiments.modified
    assert (renamed.old.id, renamed.new.id) == (changed, changed)
    assert (renamed.old.name, renamed.new.name) == ("Experiment 1", "B")
    assert experiments.ids == {changed, gone, new}
    assert changes.count >= 3


async def test_no_draft_changes(client: Client, emulator: Emulator) -> None:
    """A draft does not count as a change before it is started."""
    emulator.seed_experiments(1)
    changes = await client.versions.draft_changes()
    assert changes.count == 0
    assert not any(collection.ids for collection in changes.differences.values())


@pytest.mark.parametrize(
    "name", ["Destinations", "includeSources", "tagManagers", "experiment", "", "a b"]
)
async def test_publish_of_an_unknown_collection(
    client: Client, emulator: Emulator, name: str
) -> None:
    """A name that the service would ignore, and so publish everything, is refused."""
    with pytest.raises(ConfigurationError, match=r"^include must name collections"):
        await client.versions.publish(include={name: ["id_1"]})
    assert emulator.log.received() == 0


async def test_changes_of_a_version(client: Client, emulator: Emulator) -> None:
    """A version is compared with the live one, or with any other."""
    older, newer = reversed(await published(client, emulator, 2))
    changes = await client.versions.changes(older.id)
    assert changes == await client.versions.changes(older.id, against=newer.id)
    assert changes.count > 0
    assert (await client.versions.changes(newer.id)).count == 0
    there_and_back = await client.versions.changes(newer.id, against=older.id)
    assert there_and_back.count == changes.count


async def test_changes_of_no_version(client: Client, emulator: Emulator) -> None:
    """An unknown version is not found, a blank one is refused."""
    with pytest.raises(NotFoundError):
        await client.versions.changes("ver_unknown")
    received = emulator.log.received()
    with pytest.raises(ConfigurationError, match="against must be text"):
        await client.versions.changes("ver_1", against=" ")
    assert emulator.log.received() == received


async def test_snapshot(client: Client, emulator: Emulator) -> None:
    """A snapshot holds the entities of a version by collection."""
    [version] = await published(client, emulator, 1)
    snapshot = await client.versions.snapshot(version.id)
    assert (snapshot.id, snapshot.version_number) == (
        version.id,
        version.version_number,
    )
    assert snapshot.json_content is not None
    assert snapshot.json_content["experiments"]
