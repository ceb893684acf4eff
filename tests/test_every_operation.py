"""What holds for every operation alike: its route, its scope, its id."""

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from ours_experiments import (
    AuthenticationError,
    Client,
    ConfigurationError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
)
from ours_experiments.decisions import Decisions
from ours_experiments.emulator import Emulator
from tests.support.operations import BAD_IDS, EACH, EACH_WITH_ID, OPERATIONS, Operation


@pytest.fixture
async def stranger(emulator: Emulator) -> AsyncIterator[Client]:
    """Speak with a key that the service does not know."""
    async with Client("unknown-key", base_url=emulator.url) as speaking:
        yield speaking


def test_the_table_is_complete() -> None:
    """Every coroutine and listing of the four resources is in the table."""
    client = Client("key")
    made_of_others = {
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
    assert {each.name for each in OPERATIONS} == methods - made_of_others


@pytest.mark.parametrize("operation", EACH)
async def test_request(
    operation: Operation, stranger: Client, emulator: Emulator
) -> None:
    """Each operation sends one request: its own method and path."""
    with pytest.raises(AuthenticationError):
        await operation.call(stranger, "id_1")
    [entry] = emulator.log.entries
    method = operation.request.partition(" ")[0]
    assert (entry.route, entry.method, entry.path) == (
        operation.name,
        method,
        operation.path("id_1"),
    )


@pytest.mark.parametrize("operation", EACH)
async def test_unknown_key(operation: Operation, stranger: Client) -> None:
    """A key that the service does not know is an `AuthenticationError`."""
    with pytest.raises(AuthenticationError, match="401 Unauthorized") as caught:
        await operation.call(stranger, "id_1")
    assert caught.value.status == 401


@pytest.mark.parametrize("operation", EACH)
async def test_missing_scope(operation: Operation) -> None:
    """A key that may do everything else is a `PermissionDeniedError`."""
    others = {each.scope for each in OPERATIONS} - {operation.scope}
    async with (
        Emulator({"limited": others}) as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        with pytest.raises(PermissionDeniedError) as caught:
            await operation.call(client, "id_1")
    assert caught.value.status == 403
    assert operation.scope in str(caught.value.details)
    assert emulator.log.received() == 1


@pytest.mark.parametrize("operation", EACH)
async def test_sufficient_scope(operation: Operation) -> None:
    """A key that may do nothing else gets as far as the account's own answer."""
    async with (
        Emulator({"limited": {operation.scope}}) as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        with suppress(NotFoundError, ConflictError):
            await operation.call(client, "id_1")
    assert emulator.log.received(operation.name) == 1


@pytest.mark.parametrize("operation", EACH_WITH_ID)
async def test_unknown_id(
    operation: Operation, client: Client, emulator: Emulator
) -> None:
    """An id that the account does not have is a `NotFoundError`, asked for once."""
    with pytest.raises(NotFoundError) as caught:
        await operation.call(client, "id_1")
    assert caught.value.status == 404
    assert caught.value.path == operation.path("id_1").removeprefix("/rest/v1")
    assert emulator.log.received() == 1


@pytest.mark.parametrize("bad_id", BAD_IDS)
@pytest.mark.parametrize("operation", EACH_WITH_ID)
async def test_bad_id(
    operation: Operation, bad_id: str, client: Client, emulator: Emulator
) -> None:
    """What no id can be is refused before anything is sent."""
    with pytest.raises(ConfigurationError, match=r"^id "):
        await operation.call(client, bad_id)
    assert emulator.log.received() == 0


@pytest.mark.parametrize("operation", EACH_WITH_ID)
@pytest.mark.parametrize(
    "strange_id",
    [
        pytest.param("a/b", id="slash"),
        pytest.param("../versions", id="way-out"),
        pytest.param("%2e%2e", id="encoded-dots"),
        pytest.param("a?b=c#d", id="query"),
        pytest.param("ä 𝄞;,+&", id="text"),
        pytest.param("x" * 1024, id="longest"),
    ],
)
async def test_strange_id(
    operation: Operation, strange_id: str, client: Client, emulator: Emulator
) -> None:
    """Every other id arrives as it is, at the operation's own route."""
    with pytest.raises(NotFoundError):
        await operation.call(client, strange_id)
    [entry] = emulator.log.entries
    assert (entry.route, entry.id) == (operation.name, strange_id)
