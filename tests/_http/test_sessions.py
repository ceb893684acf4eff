"""The client's session: owned or borrowed, on one loop or another, across a fork."""

import asyncio
import gc
import os
import threading
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from importlib.util import find_spec

import aiohttp
import pytest

from ours_experiments import (
    APIStatusError,
    Client,
    ConfigurationError,
    ExperimentPatch,
    OursError,
    OutcomeUnknownError,
    RetryPolicy,
)
from ours_experiments.emulator import Emulator


ONCE = RetryPolicy(attempts=1)
QUICK = RetryPolicy(initial=0.01)


@asynccontextmanager
async def borrowing(
    emulator: Emulator, session: aiohttp.ClientSession
) -> AsyncIterator[Client]:
    """Yield a client with a borrowed session."""
    async with (
        session,
        Client(emulator.api_key, base_url=emulator.url, session=session) as client,
    ):
        yield client


async def test_borrowed_session(emulator: Emulator) -> None:
    """A borrowed session is used, and is neither closed nor given the key."""
    async with aiohttp.ClientSession() as session:
        headers = dict(session.headers)
        async with Client(
            emulator.api_key, base_url=emulator.url, session=session
        ) as client:
            assert await client.settings.list() == ()
        assert not session.closed
        assert dict(session.headers) == headers
        async with session.get(f"{emulator.url}/rest/v1/versions") as response:
            assert response.status == 401
    assert {entry.connection for entry in emulator.log.entries} == {1}


async def test_key_of_a_borrowed_session(emulator: Emulator) -> None:
    """The client's key goes before a header that the session sends by itself."""
    session = aiohttp.ClientSession(headers={"Authorization": "Bearer another-key"})
    async with borrowing(emulator, session) as client:
        assert await client.settings.list() == ()


async def test_login_of_a_borrowed_session(emulator: Emulator) -> None:
    """A session with a login is used, or refused by that reason."""
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        session = aiohttp.ClientSession(auth=aiohttp.BasicAuth("user", "password"))
    async with borrowing(emulator, session) as client:
        try:
            assert await client.settings.list() == ()
        except OursError as error:
            assert isinstance(error, ConfigurationError)  # noqa: PT017 - or none


async def test_base_url_of_a_borrowed_session(emulator: Emulator) -> None:
    """A session with a base URL of its own leads to the client's."""
    session = aiohttp.ClientSession(base_url="http://127.0.0.1:9/")
    async with borrowing(emulator, session) as client:
        assert await client.settings.list() == ()


async def test_strict_borrowed_session(emulator: Emulator) -> None:
    """A session that raises for a status does not do so for the client."""
    session = aiohttp.ClientSession(raise_for_status=True)
    async with borrowing(emulator, session) as client:
        with pytest.raises(APIStatusError, match="404"):
            await client.experiments.retrieve("exp_1")


async def test_borrowed_session_that_is_closed(emulator: Emulator) -> None:
    """A borrowed session that its owner has closed is a clear error."""
    session = aiohttp.ClientSession()
    client = Client(emulator.api_key, base_url=emulator.url, session=session)
    await client.settings.list()
    await session.close()
    with pytest.raises(ConfigurationError, match="session is closed"):
        await client.settings.list()


async def test_options_of_a_borrowed_session() -> None:
    """Options of a session are refused beside a borrowed session."""
    async with aiohttp.ClientSession() as session:
        for options in (
            {"trust_env": True},
            {"trace_configs": [aiohttp.TraceConfig()]},
        ):
            with pytest.raises(ConfigurationError, match="borrowed session"):
                Client("key", session=session, **options)


@contextmanager
def thread_with_a_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Run an event loop in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def elsewhere() -> Iterator[Emulator]:
    """Serve an empty account from a thread, apart from the loops of this one."""
    emulator = Emulator()
    with thread_with_a_loop() as loop:
        asyncio.run_coroutine_threadsafe(emulator.start(), loop).result()
        yield emulator
        asyncio.run_coroutine_threadsafe(emulator.aclose(), loop).result()


Run = Callable[[Awaitable[object]], object]


def run_with_asyncio(main: Awaitable[object]) -> object:
    """Run on a new event loop of asyncio."""

    async def awaited() -> object:
        return await main

    return asyncio.run(awaited())


def run_with_uvloop(main: Awaitable[object]) -> object:
    """Run on a new event loop of uvloop."""
    uvloop = import_module("uvloop")

    async def awaited() -> object:
        return await main

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(awaited())


LOOPS = pytest.mark.parametrize(
    "run",
    [
        pytest.param(run_with_asyncio, id="asyncio"),
        pytest.param(
            run_with_uvloop,
            id="uvloop",
            marks=pytest.mark.skipif(
                find_spec("uvloop") is None, reason="uvloop is not installed"
            ),
        ),
    ],
)


@LOOPS
def test_several_loops(
    elsewhere: Emulator, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """A client opens a session on each event loop, and leaves none open."""
    client = Client(elsewhere.api_key, base_url=elsewhere.url)
    for _ in range(3):
        assert run(client.settings.list()) == ()
        gc.collect()
    run(client.close())
    assert run(Client(elsewhere.api_key, base_url=elsewhere.url).settings.list()) == ()
    gc.collect()
    assert elsewhere.log.received() == 4
    assert "Unclosed" not in caplog.text


@LOOPS
def test_loop_that_still_runs(elsewhere: Emulator, run: Run) -> None:
    """While its event loop runs, a client refuses another one, and works on."""
    client = Client(elsewhere.api_key, base_url=elsewhere.url)
    with thread_with_a_loop() as loop:

        def there(main: Awaitable[object]) -> object:
            async def awaited() -> object:
                return await main

            return asyncio.run_coroutine_threadsafe(awaited(), loop).result()

        assert there(client.settings.list()) == ()
        with pytest.raises(ConfigurationError, match="another event loop"):
            run(client.settings.list())
        assert there(client.settings.list()) == ()
        there(client.close())
    assert elsewhere.log.received() == 2


def test_borrowed_session_of_another_loop(elsewhere: Emulator) -> None:
    """A borrowed session serves on its own event loop only."""

    async def borrow() -> Client:
        async with aiohttp.ClientSession() as session:
            client = Client("key", base_url=elsewhere.url, session=session)
            with pytest.raises(APIStatusError, match="401"):
                await client.settings.list()
        return client

    client = asyncio.run(borrow())
    with pytest.raises(ConfigurationError, match="another event loop"):
        run_with_asyncio(client.settings.list())


async def in_a_fork(main: Callable[[], Awaitable[bool]]) -> bool:
    """Return the result of a coroutine function in a forked process."""
    child = os.fork()
    if not child:
        good = False
        try:
            good = bool(run_with_asyncio(main()))
        finally:
            os._exit(not good)
    for _ in range(500):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status == 0
        await asyncio.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return False


@pytest.fixture
async def prompt(emulator: Emulator) -> AsyncIterator[Client]:
    """Yield a client with short timeouts that has sent a request."""
    async with Client(
        emulator.api_key, base_url=emulator.url, attempt_timeout=0.3, retry=QUICK
    ) as client:
        await client.settings.list()
        yield client


async def test_use_in_a_fork(prompt: Client, emulator: Emulator) -> None:
    """A forked process opens its own connections; the parent keeps its own."""

    async def use_and_close() -> bool:
        await asyncio.gather(prompt.settings.list(), prompt.settings.list())
        await prompt.close()
        return True

    assert await in_a_fork(use_and_close)
    await prompt.settings.list()
    connections = [entry.connection for entry in emulator.log.entries]
    assert connections[0] == connections[3] == 1
    assert 1 not in connections[1:3]


async def test_close_in_a_fork(prompt: Client, emulator: Emulator) -> None:
    """Closing in a forked process does not touch the parent's connections."""

    async def close() -> bool:
        await prompt.close()
        return True

    assert await in_a_fork(close)
    await prompt.settings.list()
    assert [entry.connection for entry in emulator.log.entries] == [1, 1]


async def test_fork_of_a_fork(prompt: Client) -> None:
    """A process that a forked one forks has connections of its own as well."""

    async def grandchild() -> bool:
        await prompt.settings.list()
        return True

    async def child() -> bool:
        await prompt.settings.list()
        return await in_a_fork(grandchild)

    assert await in_a_fork(child)


async def test_borrowed_session_in_a_fork(emulator: Emulator) -> None:
    """A borrowed session is refused in a forked process."""
    async with borrowing(emulator, aiohttp.ClientSession()) as client:
        await client.settings.list()

        async def refused() -> bool:
            try:
                await client.settings.list()
            except ConfigurationError as error:
                return "another event loop or process" in str(error)
            return False

        assert await in_a_fork(refused)


async def test_read_that_is_under_way_when_closing(emulator: Emulator) -> None:
    """Closing ends a read that is under way, promptly and with an error."""
    emulator.faults.add("hang")
    client = Client(emulator.api_key, base_url=emulator.url, retry=QUICK)
    reading = asyncio.create_task(client.settings.list())
    await asyncio.sleep(0.03)
    await client.close()
    with pytest.raises(OursError):
        await asyncio.wait_for(reading, 0.5)


async def test_write_that_is_under_way_when_closing(emulator: Emulator) -> None:
    """A write that had been sent when the client was closed is not called unsent."""
    [draft] = emulator.seed_experiments(1)
    emulator.faults.add("hang", route="experiments.update", applied=True)
    client = Client(emulator.api_key, base_url=emulator.url, retry=QUICK)
    writing = asyncio.create_task(
        client.experiments.update(draft, ExperimentPatch(name="B"))
    )
    await asyncio.sleep(0.03)
    await client.close()
    with pytest.raises(OutcomeUnknownError):
        await writing
    assert emulator.state.experiment(draft)["name"] == "B"


async def test_call_that_waits_for_a_pause_when_closing(emulator: Emulator) -> None:
    """Closing ends a call that waits for the end of a pause, promptly."""
    emulator.faults.add("status", code=429, retry_after=30, times=1)
    client = Client(emulator.api_key, base_url=emulator.url, retry=ONCE)
    with pytest.raises(APIStatusError):
        await client.settings.list()
    waiting = asyncio.create_task(client.settings.list())
    await asyncio.sleep(0.01)
    await client.close()
    with pytest.raises(ConfigurationError, match="closed"):
        await asyncio.wait_for(waiting, 0.5)
