"""What the environment may change: proxies, and neither the key nor the headers."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from ours_experiments import APIConnectionError, Client, ConfigurationError, RetryPolicy
from ours_experiments.emulator import Emulator
from tests.support.scripted import answer, scripted


ONCE = RetryPolicy(attempts=1)
NETRC = {
    "default": "default login anonymous password me@example.org\n",
    "this-host": "machine 127.0.0.1 login ann password secret\n",
    "malformed": "machine\n",
}


@pytest.fixture(autouse=True)
def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove every proxy from the environment."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(params=[*NETRC])
def netrc(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Write a netrc file with a login for the service's host."""
    path = tmp_path / "netrc"
    path.write_text(NETRC[request.param], encoding="ascii")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))


@pytest.mark.usefixtures("netrc")
async def test_netrc_is_not_read(emulator: Emulator) -> None:
    """A client that trusts the environment sends its own key all the same."""
    async with Client(
        emulator.api_key, base_url=emulator.url, trust_env=True
    ) as client:
        assert await client.settings.list() == ()


@pytest.mark.usefixtures("netrc")
async def test_netrc_of_a_borrowed_session(emulator: Emulator) -> None:
    """A borrowed session that reads netrc works, or the error names the remedy."""
    async with (
        aiohttp.ClientSession(trust_env=True) as session,
        Client(emulator.api_key, base_url=emulator.url, session=session) as client,
    ):
        try:
            assert await client.settings.list() == ()
        except ConfigurationError as error:
            assert "netrc" in str(error)  # noqa: PT017 - or no error
            assert "trust_env" in str(error)  # noqa: PT017


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY"])
async def test_proxy_of_the_environment(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An https service is reached through the proxy, with the proxy's own login."""
    async with scripted(then=answer(502, "")) as proxy:
        address = proxy.url.replace("http://", "http://ann:secret@")
        monkeypatch.setenv(name, address)
        async with Client(
            "key", base_url="https://service.example", trust_env=True, retry=ONCE
        ) as client:
            with pytest.raises(APIConnectionError, match="proxy refused") as caught:
                await client.settings.list()
    assert "secret" not in str(caught.value)
    [head] = proxy.heads
    assert head.startswith("CONNECT service.example:443 ")
    login = base64.b64encode(b"ann:secret").decode()
    assert f"Proxy-Authorization: Basic {login}" in head
    assert "Bearer" not in head


async def test_proxy_without_a_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address without a scheme is an http proxy, as in curl."""
    async with scripted(then=answer(407, "")) as proxy:
        monkeypatch.setenv("https_proxy", f"127.0.0.1:{proxy.port}")
        async with Client(
            "key", base_url="https://service.example", trust_env=True, retry=ONCE
        ) as client:
            with pytest.raises(APIConnectionError, match="407"):
                await client.settings.list()
    assert len(proxy.heads) == 1


@pytest.mark.parametrize(
    "address", ["socks5://a:1", "http://", "http://[::1", "ftp://a"]
)
def test_proxy_that_cannot_be_used(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that aiohttp cannot use is refused, by the variable's name."""
    monkeypatch.setenv("https_proxy", address)
    with pytest.raises(ConfigurationError, match="https_proxy"):
        Client("key", trust_env=True)
    Client("key")


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
@pytest.mark.parametrize(
    "hosts", ["127.0.0.1", "*", "a.example, 127.0.0.1", "127.0.0.1:{port}"]
)
async def test_no_proxy(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, name: str, hosts: str
) -> None:
    """Hosts that NO_PROXY names, with a port or without, are reached directly."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv(name, hosts.format(port=URL(emulator.url).port))
    async with Client(
        emulator.api_key, base_url=emulator.url, trust_env=True, allow_insecure=True
    ) as client:
        assert await client.settings.list() == ()


@pytest.mark.parametrize("hosts", ["", "example", "127.0.0.1:1", "27.0.0.1"])
async def test_no_proxy_for_others(monkeypatch: pytest.MonkeyPatch, hosts: str) -> None:
    """A host that NO_PROXY does not name is reached through the proxy."""
    monkeypatch.setenv("no_proxy", hosts)
    async with scripted(then=answer(502, "")) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        async with Client(
            "key", base_url="https://127.0.0.1:2", trust_env=True, retry=ONCE
        ) as client:
            with pytest.raises(APIConnectionError, match="proxy refused"):
                await client.settings.list()
    assert len(proxy.heads) == 1


async def test_proxy_that_is_not_trusted(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `trust_env` the environment's proxy is not used."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with Client(emulator.api_key, base_url=emulator.url) as client:
        assert await client.settings.list() == ()


@pytest.mark.parametrize("borrowed", [False, True])
async def test_headers_are_not_shared(
    *, borrowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an agent writes into the headers of a request stays in that request.

    Agents wrap `ClientSession._request`, and set a header unless there is one.
    """
    numbers = iter(range(100))
    original = aiohttp.ClientSession._request

    async def traced(
        self: aiohttp.ClientSession, *args: Any, **kwargs: Any
    ) -> aiohttp.ClientResponse:
        kwargs["headers"].setdefault("traceparent", f"trace-{next(numbers)}")
        return await original(self, *args, **kwargs)

    monkeypatch.setattr(aiohttp.ClientSession, "_request", traced)
    session = aiohttp.ClientSession() if borrowed else None
    async with (
        scripted(then=answer(200, {"entities": []})) as script,
        Client("key", base_url=script.url, session=session) as client,
    ):
        for _ in range(3):
            await client.settings.list()
            await client.request("POST", "things", json={})
    if session is not None:
        await session.close()
    found = [line for head in script.heads for line in head.split("\r\n")]
    assert [line for line in found if line.lower().startswith("traceparent")] == [
        f"traceparent: trace-{number}" for number in range(6)
    ]


async def test_no_default_is_shared_by_clients() -> None:
    """A header of one client's session does not reach another client's requests."""
    async with (
        scripted(then=answer(200, {"entities": []})) as script,
        Client("key", base_url=script.url) as first,
        Client("key", base_url=script.url) as second,
    ):
        await first.settings.list()
        http = first._session.transport.http
        assert http is not None
        http.headers["X-Odd"] = "1"
        await second.settings.list()
        await asyncio.sleep(0)
    assert "X-Odd" not in script.heads[1]
