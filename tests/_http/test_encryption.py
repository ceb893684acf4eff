"""The key goes to the service alone: certificates, proxies, redirects."""

import asyncio
import inspect
import os
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import trustme
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from yarl import URL

from ours_experiments import (
    APIConnectionError,
    Client,
    ConfigurationError,
    RetryPolicy,
    UnexpectedResponseError,
)
from ours_experiments.emulator import Emulator


ONCE = RetryPolicy(attempts=1)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Return an authority that no machine trusts."""
    return trustme.CA()


@pytest.fixture
async def encrypted(authority: trustme.CA) -> AsyncIterator[URL]:
    """Serve an empty list over TLS, with a certificate for localhost alone."""

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.json_response({"entities": []})

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = RawTestServer(answer)
    await server.start_server(ssl=context)
    yield URL(f"https://localhost:{server.port}")
    await server.close()


async def test_untrusted_certificate(encrypted: URL) -> None:
    """A certificate that does not verify ends the call unsent, without a repeat."""
    attempts: list[str] = []

    async def count(*_: object) -> None:
        attempts.append("connect")

    tracing = aiohttp.TraceConfig()
    tracing.on_connection_create_start.append(count)
    async with Client("key", base_url=encrypted, trace_configs=[tracing]) as client:
        with pytest.raises(APIConnectionError, match="certificate verify failed") as no:
            await client.settings.list()
        with pytest.raises(APIConnectionError, match="SSL_CERT_FILE"):
            await client.experiments.start("e")
    assert not no.value.maybe_sent
    assert len(attempts) == 2


async def test_certificate_of_a_private_authority(
    encrypted: URL, authority: trustme.CA
) -> None:
    """A borrowed session brings the authority, and only its own hosts are trusted."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(connector=connector) as session:
        client = Client("key", base_url=encrypted, session=session, retry=ONCE)
        assert await client.settings.list() == ()
        elsewhere = encrypted.with_host("127.0.0.1")
        client = Client("key", base_url=elsewhere, session=session, retry=ONCE)
        with pytest.raises(APIConnectionError, match="certificate is not valid"):
            await client.settings.list()


def test_verification_has_no_switch() -> None:
    """No argument of the client turns the verification of certificates off."""
    names = inspect.signature(Client).parameters
    assert not {name for name in names if "ssl" in name or "verif" in name}


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a proxy in the environment, without exceptions."""
    monkeypatch.setenv("http_proxy", "http://user:password@proxy.example:3128")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("proxied")
async def test_plain_http_goes_through_no_proxy(emulator: Emulator) -> None:
    """A plain http request to this machine does not go through a proxy."""
    async with Client(
        emulator.api_key, base_url=emulator.url, trust_env=True
    ) as client:
        assert await client.settings.list() == ()


@pytest.mark.usefixtures("proxied")
async def test_session_with_a_proxy_for_plain_http(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A borrowed session that would hand the key to a proxy is refused."""
    async with aiohttp.ClientSession(trust_env=True) as session:
        with pytest.raises(ConfigurationError, match=r"proxy proxy\.example") as caught:
            Client("key", base_url=emulator.url, session=session)
        assert "password" not in str(caught.value)
        Client("key", session=session)
        Client("key", base_url=emulator.url, session=session, allow_insecure=True)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        client = Client(emulator.api_key, base_url=emulator.url, session=session)
        assert await client.settings.list() == ()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "reason"),
    [
        pytest.param("https://other.example/x?key=1", "other.example", id="host"),
        pytest.param("//other.example/", "other.example", id="no-scheme"),
        pytest.param("/login", "the same host", id="path"),
        pytest.param("https://a.example\\@b.example/", "", id="backslash"),
        pytest.param("http://[::1/", "no valid address", id="bracket"),
        pytest.param("https://\u202egnp.example/", "", id="direction"),
    ],
)
async def test_redirect_is_not_followed(
    status: int, location: str, reason: str
) -> None:
    """A redirect is an error that names its host, and nothing more is sent."""
    paths: list[str] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        paths.append(request.path)
        return web.Response(status=status, headers={"Location": location})

    async with (
        RawTestServer(answer) as server,
        Client("key", base_url=str(server.make_url("/")), retry=ONCE) as client,
    ):
        with pytest.raises(UnexpectedResponseError, match="never followed") as caught:
            await client.settings.list()
    assert reason in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(paths) == 1


TRUSTING = """
import asyncio, sys
from ours_experiments import Client

async def main():
    async with Client("key", base_url=sys.argv[1]) as client:
        print(await client.settings.list())

asyncio.run(main())
"""


async def test_authority_of_the_environment(
    encrypted: URL, authority: trustme.CA, tmp_path: Path
) -> None:
    """SSL_CERT_FILE names the authorities that a process trusts from its start."""
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(bundle)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        TRUSTING,
        str(encrypted),
        env={**os.environ, "SSL_CERT_FILE": str(bundle)},
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complaints = await process.communicate()
    assert (printed.split(), complaints) == ([b"()"], b"")
