"""A refusal after a lost reply does not decide the outcome of the lost request."""

from collections.abc import Awaitable, Callable

import pytest

from ours_experiments import (
    APIStatusError,
    Client,
    ExperimentPatch,
    OutcomeUnknownError,
    RetryPolicy,
    SettingsPatch,
)
from tests.support.scripted import LOST, answer, api_error, scripted


QUICK = RetryPolicy(initial=0.001)
Write = Callable[[Client], Awaitable[object]]
WRITES: dict[str, Write] = {
    "delete": lambda client: client.experiments.delete("e"),
    "delete-variant": lambda client: client.variants.delete("v"),
    "delete-settings": lambda client: client.settings.delete(
        "s", with_experiments=True
    ),
    "update": lambda client: client.experiments.update("e", ExperimentPatch(name="n")),
    "update-settings": lambda client: client.settings.update(
        "s", SettingsPatch(name="n")
    ),
    "put": lambda client: client.request("PUT", "things", "t", json={"a": 1}),
}
every_write = pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())


@every_write
@pytest.mark.parametrize("status", [400, 401, 403, 409, 413, 422, 451])
async def test_refused_after_a_lost_reply(write: Write, status: int) -> None:
    """The first request may have been applied: its outcome is unknown."""
    async with (
        scripted(LOST, then=api_error(status)) as script,
        Client("key", base_url=script.url, retry=QUICK) as client,
    ):
        with pytest.raises(OutcomeUnknownError, match="may or may not") as caught:
            await write(client)
    assert isinstance(caught.value.__cause__, APIStatusError)
    assert caught.value.__cause__.status == status
    assert len(script.heads) == 2


@every_write
async def test_redirected_after_a_lost_reply(write: Write) -> None:
    """A redirect does not decide it either."""
    moved = answer(302, "", headers="Location: /login\r\n")
    async with (
        scripted(LOST, then=moved) as script,
        Client("key", base_url=script.url, retry=QUICK) as client,
    ):
        with pytest.raises(OutcomeUnknownError):
            await write(client)


@pytest.mark.parametrize("status", [400, 401, 403, 409, 413])
@pytest.mark.parametrize("name", ["delete", "delete-variant", "put"])
async def test_refused_after_a_resend_of_aiohttp(name: str, status: int) -> None:
    """What aiohttp sent again by itself on a new connection was sent twice, too."""
    page = answer(200, {"entities": []})
    async with (
        scripted(page, LOST, then=api_error(status)) as script,
        Client("key", base_url=script.url, retry=RetryPolicy(attempts=1)) as client,
    ):
        await client.settings.list()
        with pytest.raises(OutcomeUnknownError) as caught:
            await WRITES[name](client)
    assert isinstance(caught.value.__cause__, APIStatusError)
    assert len(script.heads) == 3


@every_write
@pytest.mark.parametrize("status", [400, 401, 403, 409, 413])
async def test_refused_after_a_throttled_request(write: Write, status: int) -> None:
    """After 429 or 503, which refuse unread, a refusal is the call's own error."""
    async with (
        scripted(api_error(429), api_error(503), then=api_error(status)) as script,
        Client("key", base_url=script.url, retry=QUICK) as client,
    ):
        with pytest.raises(APIStatusError) as caught:
            await write(client)
    assert caught.value.status == status
    assert len(script.heads) == 3


async def test_read_refused_after_a_lost_reply() -> None:
    """A read has no outcome: the refusal is its error."""
    async with (
        scripted(LOST, then=api_error(403)) as script,
        Client("key", base_url=script.url, retry=QUICK) as client,
    ):
        with pytest.raises(APIStatusError, match="403"):
            await client.experiments.retrieve("e")
