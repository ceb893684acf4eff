"""What holds for every operation alike: its route, its scopes, its arguments."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest

from ours_experiments import (
    AuthenticationError,
    Client,
    ConfigurationError,
    ConflictError,
    ExperimentPatch,
    Listing,
    NewExperiment,
    NewVariant,
    NotFoundError,
    PermissionDeniedError,
    VariantPatch,
)
from ours_experiments.decisions import Decisions
from ours_experiments.emulator import Emulator
from tests.support.operations import (
    BAD_IDS,
    OPERATIONS,
    Operation,
    every_operation,
    every_operation_with_id,
)


def test_the_table_is_complete() -> None:
    """Every coroutine and listing of the four resources is in the table."""
    client = Client("key")
    composed = {
        f"experiments.{name}"
        for name in ("find_by_key", *vars(Decisions))
        if not name.startswith("_")
    }
    methods = {
        f"{resource}.{name}"
        for resource in ("experiments", "variants", "settings", "versions")
        for name in dir(getattr(client, resource))
        if not name.startswith("_") and not name.endswith("list_page")
    }
    assert {operation.name for operation in OPERATIONS} == methods - composed


@every_operation
async def test_unknown_key(operation: Operation, emulator: Emulator) -> None:
    """One request goes to the operation's own route; an unknown key gets a 401."""
    async with Client("unknown-key", base_url=emulator.url) as client:
        with pytest.raises(AuthenticationError, match="401 Unauthorized") as caught:
            await operation.call(client, "id_1")
    assert caught.value.status == 401
    [entry] = emulator.log.entries
    method = operation.request.partition(" ")[0]
    assert (entry.route, entry.method, entry.path) == (
        operation.name,
        method,
        operation.path("id_1"),
    )


@every_operation
async def test_scope(operation: Operation) -> None:
    """The operation needs its own scope, and no other one."""
    others = {other.scope for other in OPERATIONS} - {operation.scope}
    keys = {"all-others": others, "no-others": {operation.scope}}
    async with (
        Emulator(keys) as emulator,
        Client("all-others", base_url=emulator.url) as refused,
        Client("no-others", base_url=emulator.url) as allowed,
    ):
        with pytest.raises(PermissionDeniedError) as caught:
            await operation.call(refused, "id_1")
        assert caught.value.status == 403
        assert operation.scope in str(caught.value.details)
        assert emulator.log.received() == 1
        with suppress(NotFoundError, ConflictError):
            await operation.call(allowed, "id_1")
        assert emulator.log.received(operation.name) == 2


@every_operation_with_id
@pytest.mark.parametrize(
    "unknown_id",
    [
        pytest.param("id_1", id="plain"),
        pytest.param("a/b", id="slash"),
        pytest.param("../versions", id="way-out"),
        pytest.param("%2e%2e", id="encoded-dots"),
        pytest.param("a?b=c#d", id="query"),
        pytest.param("ä 𝄞;,+&", id="text"),
        pytest.param("x" * 1024, id="longest"),
    ],
)
async def test_unknown_id(
    operation: Operation, unknown_id: str, client: Client, emulator: Emulator
) -> None:
    """Any text arrives unchanged at the operation's own route, and is not found."""
    with pytest.raises(NotFoundError) as caught:
        await operation.call(client, unknown_id)
    assert caught.value.status == 404
    path = operation.path(quote(unknown_id, safe=""))
    assert caught.value.path == path.removeprefix("/rest/v1")
    [entry] = emulator.log.entries
    assert (entry.route, entry.id) == (operation.name, unknown_id)


@every_operation_with_id
async def test_bad_id(operation: Operation, client: Client, emulator: Emulator) -> None:
    """A value that cannot be an id is refused before anything is sent."""
    for bad_id in BAD_IDS.values():
        with pytest.raises(ConfigurationError, match=r"^id "):
            await operation.call(client, bad_id)
    assert emulator.log.received() == 0


LISTINGS: tuple[Callable[[Client, Any], Listing[Any]], ...] = (
    lambda client, limit: client.experiments.list(limit=limit),
    lambda client, limit: client.variants.list("exp_1", limit=limit),
    lambda client, limit: client.versions.list(limit=limit),
    lambda client, limit: client.experiments.session_replays("exp_1", limit=limit),
)
PAGES: tuple[Callable[[Client, Any], Awaitable[object]], ...] = (
    lambda client, limit: client.experiments.list_page(limit=limit),
    lambda client, limit: client.variants.list_page("exp_1", limit=limit),
    lambda client, limit: client.versions.list_page(limit=limit),
)


@pytest.mark.parametrize("limit", [0, -1, True, float("inf"), "10", None], ids=str)
async def test_bad_limit(client: Client, emulator: Emulator, limit: Any) -> None:
    """A page size below 1, or no integer, is refused before anything is sent."""
    for listing in LISTINGS:
        with pytest.raises(ConfigurationError, match=r"^limit must be "):
            listing(client, limit)
    for page in PAGES:
        with pytest.raises(ConfigurationError, match=r"^limit must be "):
            await page(client, limit)
    assert emulator.log.received() == 0


WRITES: dict[str, Callable[[Client, Any], Awaitable[object]]] = {
    "NewExperiment": lambda client, draft: client.experiments.create(draft),
    "ExperimentPatch": lambda client, draft: client.experiments.update("id_1", draft),
    "NewVariant": lambda client, draft: client.variants.create(draft),
    "VariantPatch": lambda client, draft: client.variants.update("id_1", draft),
    "NewSettings": lambda client, draft: client.settings.create(draft),
    "SettingsPatch": lambda client, draft: client.settings.update("id_1", draft),
}


@pytest.mark.parametrize("expected", WRITES)
async def test_wrong_draft(client: Client, emulator: Emulator, expected: str) -> None:
    """An argument of another class is refused before anything is sent."""
    others: list[Any] = [
        None,
        {"name": "A"},
        NewExperiment,
        NewExperiment("settings_1", "A"),
        ExperimentPatch(name="A"),
        NewVariant("exp_1", "A", 50),
        VariantPatch(name="A"),
    ]
    for other in others:
        if type(other).__name__ != expected:
            with pytest.raises(ConfigurationError, match=f"expected {expected}, not "):
                await WRITES[expected](client, other)
    assert emulator.log.received() == 0
