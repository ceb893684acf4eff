"""Headers that an application adds to its requests."""

from contextlib import aclosing
from typing import Any

import aiohttp
import pytest

from ours_experiments import Client, ConfigurationError
from ours_experiments.emulator import Emulator
from tests.support.scripted import answer, scripted


PAGE = answer(200, {"entities": []})


@pytest.mark.parametrize("borrowed", [False, True])
async def test_user_agent(*, borrowed: bool) -> None:
    """The application's name stands before the package's own."""
    session = aiohttp.ClientSession() if borrowed else None
    async with (
        scripted(then=PAGE) as script,
        Client(
            "key",
            base_url=script.url,
            session=session,
            user_agent="app/1.0 (+https://a.example)",
            headers={"CF-Access-Client-Id": "id", "x-Tenant": "t 1"},
        ) as client,
    ):
        await client.settings.list()
    if session is not None:
        await session.close()
    lines = script.heads[0].split("\r\n")
    [agent] = [line for line in lines if line.startswith("User-Agent: ")]
    assert agent.startswith(
        "User-Agent: app/1.0 (+https://a.example) ours-experiments/"
    )
    assert {"CF-Access-Client-Id: id", "x-Tenant: t 1"} <= set(lines)
    assert "Authorization: Bearer key" in lines
    assert "Accept: application/json" in lines


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"user_agent": ""}, "user_agent must", id="empty-agent"),
        pytest.param({"user_agent": "a\r\nX: 1"}, "user_agent must", id="line-break"),
        pytest.param({"user_agent": "caf\xe9"}, "user_agent must", id="latin-1"),
        pytest.param({"user_agent": 7}, "user_agent must", id="number"),
        pytest.param({"headers": ["a"]}, "headers must be a mapping", id="list"),
        pytest.param({"headers": {"a b": "1"}}, "headers has a name", id="name"),
        pytest.param({"headers": {"": "1"}}, "headers has a name", id="empty-name"),
        pytest.param({"headers": {7: "1"}}, "headers has a name", id="number-name"),
        pytest.param({"headers": {"a": "s3cret\r\nb: c"}}, "headers.'a'", id="break"),
        pytest.param({"headers": {"a": "s3cret\0"}}, "headers.'a'", id="control"),
        pytest.param({"headers": {"a": 7}}, "headers.'a'", id="number-value"),
        pytest.param({"headers": {"a": ""}}, "headers.'a'", id="empty-value"),
        *[
            pytest.param(
                {"headers": {name: "s3cret"}}, f"must not hold {name}", id=name
            )
            for name in (
                "Authorization",
                "authorization",
                "Host",
                "Content-Type",
                "Accept-Encoding",
                "User-Agent",
            )
        ],
    ],
)
def test_headers_that_are_refused(options: dict[str, Any], message: str) -> None:
    """An invalid header, or one that the client sets itself, is refused."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        Client("key", **options)
    assert "s3cret" not in str(caught.value)


async def test_aclose(emulator: Emulator) -> None:
    """A client closes by `contextlib.aclosing`, too."""
    async with aclosing(Client(emulator.api_key, base_url=emulator.url)) as client:
        assert await client.settings.list() == ()
    with pytest.raises(ConfigurationError, match="closed"):
        await client.settings.list()
