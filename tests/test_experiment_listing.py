"""Experiments: list and find."""

from typing import Any

import pytest

from ours_experiments import (
    BadRequestError,
    Client,
    ConfigurationError,
    ExperimentPatch,
    ExperimentStatus,
    ExperimentType,
    NewExperiment,
)
from ours_experiments.emulator import Clock, Emulator


@pytest.fixture
async def settings_id(client: Client) -> str:
    """Have settings, and nothing else."""
    await client.request("POST", "experiment-settings", json={})
    [settings] = await client.settings.list()
    return settings.id


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        pytest.param({}, ["running", "other", "draft"], id="none"),
        pytest.param({"status": "running"}, ["running"], id="status"),
        pytest.param({"status": ExperimentStatus.DRAFT}, ["other", "draft"], id="enum"),
        pytest.param({"type": ExperimentType.PERSONALIZATION}, ["other"], id="type"),
        pytest.param({"type": "ab", "status": "draft"}, ["draft"], id="both"),
        pytest.param({"search": "XPERIMENT 1"}, ["draft"], id="search"),
        pytest.param({"search": "&status=running"}, [], id="search-is-no-query"),
    ],
)
async def test_filters(
    client: Client, emulator: Emulator, filters: dict[str, Any], expected: list[str]
) -> None:
    """Filters reach the service, in both ways of listing."""
    [draft] = emulator.seed_experiments(1)
    settings_id = str(emulator.state.settings()[0]["id"])
    other = await client.experiments.create(
        NewExperiment(settings_id, "Other", type="personalization")
    )
    [running] = emulator.seed_experiments(1, status="running")
    name_of = {draft: "draft", other.id: "other", running: "running"}
    walked = [name_of[found.id] async for found in client.experiments.list(**filters)]
    page = await client.experiments.list_page(**filters)
    assert sorted(walked) == sorted(expected)
    assert [name_of[found.id] for found in page.entities] == walked


async def test_order() -> None:
    """The experiment that was updated last comes first."""
    clock = Clock(frozen=True)
    async with (
        Emulator(clock=clock) as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        first, second, third = emulator.seed_experiments(3)
        clock.advance(seconds=1)
        await client.experiments.update(first, ExperimentPatch(name="B"))
        listed = [found.id async for found in client.experiments.list()]
    assert listed == [first, third, second]


async def test_variants_of_list_items(client: Client, emulator: Emulator) -> None:
    """A list item is as complete as what is retrieved."""
    [id] = emulator.seed_experiments(1, variants=3)  # noqa: A001
    [listed] = (await client.experiments.list_page()).entities
    assert listed == await client.experiments.retrieve(id)
    assert len(listed.variants or ()) == 3


async def test_variants_that_the_key_may_not_see() -> None:
    """A key that may only list reads no variants, as the service answers."""
    async with (
        Emulator({"key": "list-only"}) as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        emulator.seed_experiments(1)
        [listed] = (await client.experiments.list_page()).entities
    assert listed.variants == ()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        pytest.param({"status": "sleeping"}, "status", id="status"),
        pytest.param({"type": ""}, "type", id="type"),
        pytest.param({"cursor": ""}, "cursor", id="empty-cursor"),
        pytest.param({"cursor": "altered"}, "cursor", id="altered-cursor"),
    ],
)
async def test_list_that_the_service_refuses(
    client: Client, emulator: Emulator, arguments: dict[str, Any], named: str
) -> None:
    """A word that the service does not know is a `BadRequestError` that names it."""
    with pytest.raises(BadRequestError) as caught:
        await client.experiments.list_page(**arguments)
    assert str(caught.value.details).startswith(named)
    assert emulator.log.received() == 1


async def test_cursor_of_another_list(client: Client, emulator: Emulator) -> None:
    """A cursor continues only the list that it came from."""
    emulator.seed_experiments(2)
    page = await client.experiments.list_page(limit=1)
    with pytest.raises(BadRequestError, match="cursor"):
        await client.experiments.list_page(
            limit=1, status="draft", cursor=page.next_cursor
        )


async def test_large_limit(client: Client, emulator: Emulator) -> None:
    """A page size above the maximum becomes the maximum, as the API documents."""
    emulator.seed_experiments(101)
    page = await client.experiments.list_page(limit=1000)
    assert len(page.entities) == 100
    assert page.has_more


@pytest.mark.parametrize("argument", ["status", "type", "search", "cursor"])
async def test_argument_that_cannot_be_sent(
    client: Client, emulator: Emulator, argument: str
) -> None:
    """An argument that no URL can carry is refused by its name."""
    arguments: dict[str, Any] = {argument: "a\ud800"}
    with pytest.raises(ConfigurationError, match=f"^{argument} is not valid text"):
        await client.experiments.list_page(**arguments)
    assert emulator.log.received() == 0


async def test_find_by_key_with_a_search(client: Client, emulator: Emulator) -> None:
    """A key that was made of the name is found with one request."""
    emulator.seed_experiments(120)
    found = await client.experiments.find_by_key("experiment-7")
    assert found is not None
    assert found.key == "experiment-7"
    assert emulator.log.received() == 1


async def test_find_by_key_with_a_scan(
    client: Client, emulator: Emulator, settings_id: str
) -> None:
    """A key that has nothing to do with the name is found by reading the list."""
    created = await client.experiments.create(
        NewExperiment(settings_id, "Hero", key="q3-launch")
    )
    emulator.seed_experiments(120)
    assert await client.experiments.find_by_key("q3-launch") == created
    assert emulator.log.received("experiments.list") == 3


async def test_find_by_key_that_nothing_has(client: Client, emulator: Emulator) -> None:
    """A key that no experiment has is None; a part of one is not enough."""
    emulator.seed_experiments(2)
    assert await client.experiments.find_by_key("experiment") is None


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("Promo spring", "Promo spring"), id="found-by-search"),
        pytest.param(("Hero", "Banner"), id="found-by-scan"),
        pytest.param(("Promo spring", "Banner"), id="found-by-either"),
    ],
)
async def test_find_by_key_that_several_have(
    client: Client, settings_id: str, names: tuple[str, str]
) -> None:
    """Of several experiments with the key, one is found."""
    created = [
        await client.experiments.create(
            NewExperiment(settings_id, name, key="promo-spring")
        )
        for name in names
    ]
    found = await client.experiments.find_by_key("promo-spring")
    assert found in created


@pytest.mark.parametrize("key", ["", " ", None, 7])
async def test_find_by_key_that_is_none(
    client: Client, emulator: Emulator, key: Any
) -> None:
    """What no key can be is refused before anything is sent."""
    with pytest.raises(ConfigurationError, match=r"^key must be text"):
        await client.experiments.find_by_key(key)
    assert emulator.log.received() == 0
