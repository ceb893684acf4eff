"""The account's experiment settings."""

from typing import Any

import pytest

from ours_experiments import (
    Client,
    ConfigurationError,
    ConflictError,
    DecodeError,
    NewSettings,
    NotFoundError,
    SettingsPatch,
)
from ours_experiments.emulator import Emulator
from tests.support.server import serve_json


NEW = NewSettings(name="Shop", cookie_name="_ab", whitelist_domains=["a.example"])


async def test_list_of_none(client: Client) -> None:
    """An account without settings has none."""
    assert await client.settings.list() == ()


async def test_list(client: Client) -> None:
    """All settings come with one request, as they are retrieved."""
    created = await client.settings.create(NEW)
    assert await client.settings.list() == (created,)
    assert await client.settings.retrieve(created.id) == created


@pytest.mark.parametrize("answer", [[], {}, {"entities": {}}, None])
async def test_list_of_another_shape(answer: object) -> None:
    """A list of another shape is a `DecodeError`."""
    async with serve_json(answer) as client:
        with pytest.raises(DecodeError, match=r"\$\.entities: expected array"):
            await client.settings.list()


async def test_create(client: Client) -> None:
    """Every field of a draft arrives."""
    created = await client.settings.create(NEW)
    assert (created.name, created.cookie_name) == ("Shop", "_ab")
    assert created.whitelist_domains == ("a.example",)
    assert created.updated_at is None


async def test_create_leaves_the_rest_to_the_service(client: Client) -> None:
    """Open fields get the service's values."""
    created = await client.settings.create(NewSettings())
    assert created.name
    assert created.pixel
    assert created.whitelist_domains is None


async def test_create_once_more(client: Client, emulator: Emulator) -> None:
    """An account that may have no more is a `ConflictError`."""
    await client.settings.create(NEW)
    with pytest.raises(ConflictError, match="already exist"):
        await client.settings.create(NEW)
    assert emulator.log.received("settings.create") == 2


@pytest.mark.parametrize(
    ("patch", "field", "expected"),
    [
        pytest.param(SettingsPatch(name="B"), "name", "B", id="name"),
        pytest.param(SettingsPatch(cookie_name="c"), "cookie_name", "c", id="cookie"),
        pytest.param(
            SettingsPatch(cookie_name=None), "cookie_name", None, id="no-cookie"
        ),
        pytest.param(
            SettingsPatch(whitelist_domains=["b.example", "c.example"]),
            "whitelist_domains",
            ("b.example", "c.example"),
            id="domains",
        ),
        pytest.param(
            SettingsPatch(whitelist_domains=[]),
            "whitelist_domains",
            (),
            id="empty-domains",
        ),
        pytest.param(
            SettingsPatch(whitelist_domains=None),
            "whitelist_domains",
            None,
            id="no-domains",
        ),
    ],
)
async def test_update(
    client: Client, patch: SettingsPatch, field: str, expected: object
) -> None:
    """A patch changes its field, where None clears it, and no other."""
    created = await client.settings.create(NEW)
    updated = await client.settings.update(created.id, patch)
    for name in ("name", "cookie_name", "whitelist_domains"):
        wanted = expected if name == field else getattr(created, name)
        assert getattr(updated, name) == wanted
    assert updated.updated_at is not None


async def test_delete(client: Client, emulator: Emulator) -> None:
    """Settings go with every experiment and variant that belongs to them."""
    [running] = emulator.seed_experiments(1, status="running")
    [settings] = await client.settings.list()
    assert await client.settings.delete(settings.id, with_experiments=True) == settings
    assert await client.settings.list() == ()
    with pytest.raises(NotFoundError):
        await client.experiments.retrieve(running)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"with_experiments": False}, id="false"),
        pytest.param({"with_experiments": 1}, id="truthy"),
        pytest.param({"with_experiments": None}, id="none"),
    ],
)
async def test_delete_without_saying_so(
    client: Client, emulator: Emulator, arguments: dict[str, Any]
) -> None:
    """Without the plain word that experiments go too, nothing is sent."""
    with pytest.raises(ConfigurationError, match="with_experiments must be True"):
        await client.settings.delete("settings_1", **arguments)
    assert emulator.log.received() == 0


async def test_delete_without_a_word(client: Client, emulator: Emulator) -> None:
    """The word cannot be left out."""
    delete: Any = client.settings.delete
    with pytest.raises(TypeError, match="with_experiments"):
        await delete("settings_1")
    assert emulator.log.received() == 0
