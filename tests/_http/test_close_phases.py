"""`close()` ends every call at once, in each phase of a call."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import aiohttp.connector
import pytest
import trustme
from aiohttp.abc import AbstractResolver, ResolveResult

from ours_experiments import (
    Client,
    ConfigurationError,
    OursError,
    OutcomeUnknownError,
)
from tests.support.unreachable import (
    Serve,
    full_backlog,
    half_answered,
    listening,
    silent,
)


LONG = 60.0
UPLOAD = "x" * 16_000_000
"""More than the buffers of a connection hold."""
SHORT_UPLOAD = "x" * 10_000


class SilentResolver(AbstractResolver):
    """A resolver whose name server never answers."""

    async def resolve(
        self, host: str, port: int = 0, family: int = 0
    ) -> list[ResolveResult]:
        """Wait forever."""
        await asyncio.Event().wait()
        raise OSError(host, port, family)

    async def close(self) -> None:
        """Do nothing."""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Return an authority that signs the servers' certificates."""
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Make every session of this process trust the authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", context)
    return context


@pytest.fixture
def serving(authority: trustme.CA) -> ssl.SSLContext:
    """Return the TLS context of the servers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@asynccontextmanager
async def calling(
    url: str, *, borrowed: bool, resolver: AbstractResolver | None = None
) -> AsyncIterator[Client]:
    """Yield a client with its own session, or with a borrowed one."""
    async with AsyncExitStack() as stack:
        session: aiohttp.ClientSession | None = None
        if borrowed:
            connector = aiohttp.TCPConnector(limit=2, resolver=resolver)
            opened = aiohttp.ClientSession(connector=connector)
            session = await stack.enter_async_context(opened)
        client = Client(
            "key",
            base_url=url,
            session=session,
            timeout=LONG,
            attempt_timeout=LONG,
            max_in_flight=200,
            allow_insecure=True,
        )
        yield client
        await client.close()


async def end_by_closing(
    client: Client, calls: list[asyncio.Task[object]]
) -> set[object]:
    """Close a client whose calls wait; return the types of their errors."""
    async with asyncio.timeout(10):
        while not client._session.transport.ready().limiter.in_flight:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    await asyncio.sleep(0.1)
    assert not [call for call in calls if call.done()]
    async with asyncio.timeout(1):
        await client.close()
    ended, pending = await asyncio.wait(calls, timeout=1)
    assert not pending
    assert not [call for call in ended if call.cancelled()]
    return {type(call.exception()) for call in ended}


def retrieve(client: Client, times: int = 1) -> list[asyncio.Task[object]]:
    """Start calls that only read."""
    return [
        asyncio.create_task(client.request("GET", "experiments", "e"))
        for _ in range(times)
    ]


def create(client: Client, name: str = "n") -> list[asyncio.Task[object]]:
    """Start a call that writes."""
    call = client.request("POST", "experiments", json={"name": name})
    return [asyncio.create_task(call)]


own_or_borrowed = pytest.mark.parametrize(
    "borrowed", [pytest.param(False, id="own"), pytest.param(True, id="borrowed")]
)
CALLS = {
    "read": (retrieve, ConfigurationError),
    "write": (create, OutcomeUnknownError),
}
read_or_write = pytest.mark.parametrize(
    ("start", "error"), CALLS.values(), ids=CALLS.keys()
)
Start = Callable[[Client], list[asyncio.Task[object]]]


@own_or_borrowed
@pytest.mark.parametrize("start", [retrieve, create])
async def test_connecting(start: Start, *, borrowed: bool) -> None:
    """A call that waits for a connection ends, and was not sent."""
    async with (
        full_backlog() as port,
        calling(f"http://127.0.0.1:{port}", borrowed=borrowed) as client,
    ):
        assert await end_by_closing(client, start(client)) == {ConfigurationError}


@own_or_borrowed
@pytest.mark.parametrize("start", [retrieve, create])
async def test_tls_handshake(start: Start, *, borrowed: bool) -> None:
    """A call whose TLS handshake is not answered ends, and was not sent."""
    async with (
        listening(silent) as port,
        calling(f"https://127.0.0.1:{port}", borrowed=borrowed) as client,
    ):
        assert await end_by_closing(client, start(client)) == {ConfigurationError}


@own_or_borrowed
@read_or_write
@pytest.mark.parametrize("serve", [silent, half_answered])
async def test_response(
    serve: Serve,
    start: Start,
    error: type[OursError],
    *,
    borrowed: bool,
) -> None:
    """A call that waits for a response, or for the rest of one, ends."""
    async with (
        listening(serve) as port,
        calling(f"http://127.0.0.1:{port}", borrowed=borrowed) as client,
    ):
        assert await end_by_closing(client, start(client)) == {error}


@own_or_borrowed
@read_or_write
@pytest.mark.parametrize("serve", [silent, half_answered])
@pytest.mark.usefixtures("trusting")
async def test_response_over_tls(
    serve: Serve,
    start: Start,
    error: type[OursError],
    serving: ssl.SSLContext,
    *,
    borrowed: bool,
) -> None:
    """Over TLS, too, a call that waits for a response ends."""
    async with (
        listening(serve, ssl=serving) as port,
        calling(f"https://localhost:{port}", borrowed=borrowed) as client,
    ):
        assert await end_by_closing(client, start(client)) == {error}


@own_or_borrowed
async def test_queue_for_a_connection(*, borrowed: bool) -> None:
    """Calls that wait until a connection is free end with an error of the package."""
    async with (
        listening(silent) as port,
        calling(f"http://127.0.0.1:{port}", borrowed=borrowed) as client,
    ):
        calls = retrieve(client, 110)
        assert await end_by_closing(client, calls) == {ConfigurationError}


async def test_name_resolution() -> None:
    """Calls that wait for a name server end with an error of the package."""
    url = "http://service.example"
    async with calling(url, borrowed=True, resolver=SilentResolver()) as client:
        calls = retrieve(client, 2) + create(client)
        assert await end_by_closing(client, calls) == {ConfigurationError}


@own_or_borrowed
@pytest.mark.parametrize("name", [UPLOAD, SHORT_UPLOAD], ids=["long", "short"])
async def test_upload(name: str, *, borrowed: bool) -> None:
    """A call whose body the service does not read ends, and `close()` does not wait."""
    async with (
        listening(silent) as port,
        calling(f"http://127.0.0.1:{port}", borrowed=borrowed) as client,
    ):
        calls = create(client, name)
        assert await end_by_closing(client, calls) == {OutcomeUnknownError}


@own_or_borrowed
@pytest.mark.usefixtures("trusting")
async def test_upload_over_tls(serving: ssl.SSLContext, *, borrowed: bool) -> None:
    """Over TLS, too, `close()` does not wait for an unread body."""
    async with (
        listening(silent, ssl=serving) as port,
        calling(f"https://localhost:{port}", borrowed=borrowed) as client,
    ):
        calls = create(client, UPLOAD)
        assert await end_by_closing(client, calls) == {OutcomeUnknownError}


async def test_upload_that_nobody_reads_leaves_no_connection() -> None:
    """After `close()` the service sees the end of an upload that it did not read."""
    lost = asyncio.Event()

    async def read_late(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.5)
        try:
            while await reader.read(2**20):
                pass
        except OSError:
            pass
        lost.set()

    async with (
        listening(read_late) as port,
        calling(f"http://127.0.0.1:{port}", borrowed=True) as client,
    ):
        await end_by_closing(client, create(client, UPLOAD))
        async with asyncio.timeout(5):
            await lost.wait()


async def test_session_closed_by_its_owner() -> None:
    """Calls queued in a session that its owner closes fail; they are not cancelled."""
    async with listening(silent) as port:
        connector = aiohttp.TCPConnector(limit=1)
        async with aiohttp.ClientSession(connector=connector) as session:
            client = Client(
                "key",
                base_url=f"http://127.0.0.1:{port}",
                session=session,
                timeout=LONG,
            )
            calls = retrieve(client, 3)
            await asyncio.sleep(0.1)
            await session.close()
            ended, pending = await asyncio.wait(calls, timeout=1)
    assert not pending
    assert {type(call.exception()) for call in ended} == {ConfigurationError}


async def test_cancellation_during_closing() -> None:
    """A cancellation by the caller stays one, even while the client closes."""
    async with (
        listening(silent) as port,
        calling(f"http://127.0.0.1:{port}", borrowed=False) as client,
    ):
        [call] = retrieve(client)
        await asyncio.sleep(0.1)
        closing = asyncio.create_task(client.close())
        await asyncio.sleep(0)
        call.cancel()
        await closing
        with pytest.raises(asyncio.CancelledError):
            await call
