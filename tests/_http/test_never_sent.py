"""A request whose connection was never made was not sent, whatever its method."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import trustme

from ours_experiments import (
    APIConnectionError,
    APITimeoutError,
    BulkReport,
    Client,
    NotFoundError,
    OutcomeStatus,
    RetryPolicy,
)
from tests.support.scripted import LOST, answer, api_error, scripted
from tests.support.unreachable import full_backlog, listening, silent


@asynccontextmanager
async def dropping_syn(_: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Yield the URL of a port that answers no SYN."""
    async with full_backlog() as port:
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def silent_tls(_: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Yield the URL of a server that never answers TLS."""
    async with listening(silent) as port:
        yield f"https://127.0.0.1:{port}"


def behind_proxy(
    *answers: bytes, then: bytes
) -> Callable[[pytest.MonkeyPatch], AbstractAsyncContextManager[str]]:
    """Return a way through a proxy with these answers to CONNECT."""

    @asynccontextmanager
    async def way(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
        async with scripted(*answers, then=then) as proxy:
            monkeypatch.setenv("https_proxy", proxy.url)
            for name in ("no_proxy", "NO_PROXY", "HTTPS_PROXY"):
                monkeypatch.delenv(name, raising=False)
            yield "https://service.example"
        assert set(proxy.methods) == {"CONNECT"}

    return way


@asynccontextmanager
async def untrusted(_: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Yield the URL of a server whose certificate is not trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    async with listening(silent, ssl=context) as port:
        yield f"https://localhost:{port}"


WAYS = {
    "syn-dropped": dropping_syn,
    "tls-silent": silent_tls,
    "proxy-407": behind_proxy(then=answer(407, "", reason="Auth Required")),
    "proxy-502": behind_proxy(then=answer(502, "<h1>Bad Gateway</h1>")),
    "proxy-403": behind_proxy(then=answer(403, "no")),
    "proxy-gone": behind_proxy(then=LOST),
    "untrusted": untrusted,
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
Way = Callable[[pytest.MonkeyPatch], AbstractAsyncContextManager[str]]
REQUESTS: dict[str, tuple[str, object]] = {
    "GET": ("GET", None),
    "POST": ("POST", {"name": "n"}),
    "POST-without-body": ("POST", None),
    "PUT": ("PUT", {"name": "n"}),
    "PATCH": ("PATCH", {"name": "n"}),
    "DELETE": ("DELETE", None),
}


def client_of(url: str) -> Client:
    """Return a client with short timeouts."""
    policy = RetryPolicy(attempts=2, initial=0.001)
    return Client(
        "key", base_url=url, trust_env=True, attempt_timeout=0.3, retry=policy
    )


@every_way
@pytest.mark.parametrize(("method", "json"), REQUESTS.values(), ids=REQUESTS.keys())
async def test_never_connected(
    way: Way, method: str, json: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error of every method is an APIConnectionError with `maybe_sent` False."""
    async with way(monkeypatch) as url, client_of(url) as client:
        with pytest.raises(APIConnectionError) as caught:
            await client.request(method, "things", "t", json=json)
    assert caught.value.maybe_sent is False


@every_way
async def test_lifecycle_calls_never_connected(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Start, republish and a bulk delete fail without reading anything back."""
    async with way(monkeypatch) as url, client_of(url) as client:
        started, republished, report = await asyncio.gather(
            client.experiments.start("e"),
            client.versions.republish("v"),
            client.bulk.delete(["e", "f"]),
            return_exceptions=True,
        )
    for error in (started, republished):
        assert isinstance(error, APIConnectionError)
        assert error.maybe_sent is False
    assert isinstance(report, BulkReport)
    assert {outcome.status for outcome in report.outcomes} == {OutcomeStatus.FAILED}


async def test_delete_of_nothing_after_a_connection_that_failed() -> None:
    """A 404 after an attempt that never left is a NotFoundError, not success."""

    async def missing(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(api_error(404, "Not Found"))
        await reader.read()

    async with full_backlog() as port:
        url = f"http://127.0.0.1:{port}"
        client = Client(
            "key", base_url=url, attempt_timeout=0.3, retry=RetryPolicy(initial=0.1)
        )
        call = asyncio.create_task(client.experiments.delete("typo"))
        await asyncio.sleep(0.1)
    async with listening(missing, port=port), client:
        with pytest.raises(NotFoundError):
            await call


async def test_lost_on_the_wire_was_sent() -> None:
    """A request that was sent and never answered has `maybe_sent` True."""
    async with (
        listening(silent) as port,
        client_of(f"http://127.0.0.1:{port}") as client,
    ):
        errors = await asyncio.gather(
            *(
                client.request(method, "things", "t", json=json)
                for method, json in REQUESTS.values()
            ),
            return_exceptions=True,
        )
    assert len(errors) == len(REQUESTS)
    for error in errors:
        assert isinstance(error, Exception)
        assert "no answer in time" in str(error)
        cause = error.__cause__ or error
        assert isinstance(cause, APITimeoutError)
        assert cause.maybe_sent is True
