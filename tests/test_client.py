"""The client: its arguments, its session, its views, its own request method."""

import asyncio
import math
import os
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from ours_experiments import (
    APIStatusError,
    Client,
    ConfigurationError,
    NotFoundError,
    RetryPolicy,
)
from ours_experiments.emulator import Emulator


KEY = "s3cret-key"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing in the environment that a client reads."""
    monkeypatch.delenv("OURS_PRIVACY_API_KEY", raising=False)
    monkeypatch.delenv("OURS_PRIVACY_PLATFORM_BASE_URL", raising=False)


@pytest.fixture
def open_files() -> Iterator[None]:
    """Check that a test leaves no file or socket open."""
    before = set(os.listdir("/dev/fd"))  # noqa: PTH208 - names are what is compared
    yield
    assert set(os.listdir("/dev/fd")) == before  # noqa: PTH208


async def test_key_from_the_environment(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an argument the key is the environment's."""
    monkeypatch.setenv("OURS_PRIVACY_API_KEY", emulator.api_key)
    async with Client(base_url=emulator.url) as client:
        assert await client.settings.list() == ()


async def test_key_from_the_argument(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An argument goes before the environment."""
    monkeypatch.setenv("OURS_PRIVACY_API_KEY", "another-key")
    async with Client(emulator.api_key, base_url=emulator.url) as client:
        assert await client.settings.list() == ()


async def test_base_url_from_the_environment(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an argument the service is where the environment says."""
    monkeypatch.setenv("OURS_PRIVACY_PLATFORM_BASE_URL", emulator.url + "/")
    async with Client(emulator.api_key) as client:
        assert await client.settings.list() == ()


def test_base_url_from_the_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument goes before the environment."""
    monkeypatch.setenv("OURS_PRIVACY_PLATFORM_BASE_URL", "https://a.example")
    client = Client(KEY, base_url="https://b.example")
    assert repr(client) == "<Client https://b.example/rest/v1>"


def test_the_service_itself() -> None:
    """Without either it is the service itself."""
    assert repr(Client(KEY)) == "<Client https://app.oursprivacy.com/rest/v1>"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        pytest.param({"api_key": None}, "api_key is missing", id="no-key"),
        pytest.param({"api_key": ""}, "api_key must", id="empty-key"),
        pytest.param({"api_key": "a\r\nb"}, "api_key must", id="key-line-break"),
        pytest.param({"api_key": "é"}, "api_key must", id="key-not-ascii"),
        pytest.param({"base_url": "ftp://a.example"}, "base_url must", id="scheme"),
        pytest.param({"base_url": "http://a.example"}, "base_url would", id="http"),
        pytest.param({"base_url": "https://a@b.example"}, "base_url must", id="user"),
        pytest.param({"timeout": 0}, "timeout must", id="timeout"),
        pytest.param({"timeout": None}, "timeout must", id="no-timeout"),
        pytest.param(
            {"attempt_timeout": math.inf}, "attempt_timeout must", id="attempt"
        ),
        pytest.param({"retry": 3}, "retry must be a RetryPolicy, not int", id="retry"),
        pytest.param({"retry": None}, "retry must be a RetryPolicy", id="no-retry"),
        pytest.param({"max_in_flight": 0}, "max_in_flight must", id="in-flight"),
        pytest.param({"max_in_flight": 1.5}, "max_in_flight must", id="half-in-flight"),
        pytest.param({"max_response_bytes": 0}, "max_response_bytes must", id="bytes"),
    ],
)
def test_bad_argument(arguments: dict[str, Any], named: str) -> None:
    """An argument that cannot be used is refused by its name."""
    with pytest.raises(ConfigurationError, match=f"^{named}"):
        Client(**{"api_key": KEY, **arguments})


def test_blank_key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment variable that is set to nothing is no key."""
    monkeypatch.setenv("OURS_PRIVACY_API_KEY", " ")
    with pytest.raises(ConfigurationError, match="api_key"):
        Client()


def test_unknown_argument() -> None:
    """An argument that does not exist is a `TypeError`, here and in a view."""
    make: Any = Client
    with pytest.raises(TypeError, match="retries"):
        make(KEY, retries=3)
    with pytest.raises(TypeError, match="retries"):
        make(KEY).with_options(retries=3)


def test_http_when_allowed() -> None:
    """Plain http to another machine has to be allowed."""
    client = Client(KEY, base_url="http://a.example", allow_insecure=True)
    assert repr(client) == "<Client http://a.example/rest/v1>"


def test_key_is_not_shown() -> None:
    """Displaying the client, its parts or their attributes does not show the key."""
    client = Client(KEY)
    shown = [client, client._session, client.experiments, client._session.transport]
    parts = [repr(vars(one)) if hasattr(one, "__dict__") else "" for one in shown]
    assert KEY not in f"{shown}{parts}"


async def test_built_before_the_loop(emulator: Emulator) -> None:
    """A client may be built where no event loop runs."""
    client = await asyncio.to_thread(Client, emulator.api_key, base_url=emulator.url)
    async with client:
        assert await client.settings.list() == ()


async def test_without_a_context_manager(emulator: Emulator) -> None:
    """A client can be used as it is, and closed by hand."""
    client = Client(emulator.api_key, base_url=emulator.url)
    assert await client.settings.list() == ()
    await client.close()


async def test_headers(emulator: Emulator) -> None:
    """Every request carries the key, and tells what it accepts and who asks."""
    heard: list[dict[str, str]] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        heard.append(dict(request.headers))
        return web.json_response({"entities": []})

    async with (
        RawTestServer(answer) as server,
        Client(emulator.api_key, base_url=str(server.make_url("/"))) as client,
    ):
        await client.settings.list()
    [headers] = heard
    assert headers["Authorization"] == f"Bearer {emulator.api_key}"
    assert headers["Accept"] == "application/json"
    assert headers["User-Agent"].startswith("ours-experiments/")
    assert "Cookie" not in headers


async def test_cookies_are_not_kept() -> None:
    """What a service sets as a cookie does not come back to it."""
    heard: list[str | None] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        heard.append(request.headers.get("Cookie"))
        response = web.json_response({"entities": []})
        response.set_cookie("session", "1")
        return response

    async with (
        RawTestServer(answer) as server,
        Client(KEY, base_url=f"http://localhost:{server.port}") as client,
    ):
        await client.settings.list()
        await client.settings.list()
    assert heard == [None, None]


@pytest.mark.usefixtures("open_files")
async def test_nothing_is_left() -> None:
    """After close there is no task and no socket that was not there before."""
    before = asyncio.all_tasks()
    async with Emulator() as emulator:
        emulator.seed_experiments(250)
        async with Client(emulator.api_key, base_url=emulator.url) as client:
            await asyncio.gather(*[client.settings.list() for _ in range(10)])
            async for _ in client.experiments.list():
                break
            with pytest.raises(NotFoundError):
                await client.experiments.retrieve("exp_1")
    await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == before


async def test_use_after_close(emulator: Emulator) -> None:
    """A closed client refuses every call, its views' too, and to be entered again."""
    client = Client(emulator.api_key, base_url=emulator.url)
    view = client.with_options(timeout=1)
    await client.settings.list()
    await client.close()
    for closed in (client, view):
        with pytest.raises(ConfigurationError, match="closed"):
            await closed.settings.list()
    with pytest.raises(ConfigurationError, match="closed"):
        await client.__aenter__()
    with pytest.raises(ConfigurationError, match="closed"):
        await anext(aiter(client.experiments.list()))
    assert emulator.log.received() == 1


async def test_closing_twice(emulator: Emulator) -> None:
    """Closing again does nothing, and closing what was never used neither."""
    client = Client(emulator.api_key, base_url=emulator.url)
    await client.close()
    await client.close()
    with pytest.raises(ConfigurationError, match="closed"):
        await client.settings.list()


async def test_closing_a_view(emulator: Emulator) -> None:
    """Closing a view closes the client."""
    client = Client(emulator.api_key, base_url=emulator.url)
    await client.with_options(timeout=1).close()
    with pytest.raises(ConfigurationError, match="closed"):
        await client.settings.list()


async def test_view_shares_the_connections(client: Client, emulator: Emulator) -> None:
    """A view uses the client's connections."""
    await client.settings.list()
    await client.with_options(timeout=1).settings.list()
    assert len({entry.connection for entry in emulator.log.entries}) == 1


async def test_view_shares_the_pacing(client: Client, emulator: Emulator) -> None:
    """What one view learns of the service holds for the client and its views."""
    emulator.faults.add("status", code=429, retry_after=100, times=1)
    with pytest.raises(APIStatusError):
        await client.with_options(timeout=1).settings.list()
    for other in (client, client.with_options(attempt_timeout=1)):
        with pytest.raises(TimeoutError, match="asked to wait"):
            await other.settings.list()
    assert emulator.log.received() == 1


async def test_options_of_a_view(client: Client, emulator: Emulator) -> None:
    """A view has its own times and its own way of repeating."""
    emulator.faults.add("status", code=502)
    once = client.with_options(retry=RetryPolicy(attempts=1))
    with pytest.raises(APIStatusError):
        await once.with_options(timeout=5, attempt_timeout=1).settings.list()
    assert emulator.log.received() == 1
    emulator.faults.clear()
    emulator.faults.add("hang")
    brief = client.with_options(timeout=0.02, retry=RetryPolicy(attempts=1))
    with pytest.raises(TimeoutError):
        await brief.settings.list()
    assert emulator.log.received() == 2


async def test_attempt_timeout(client: Client, emulator: Emulator) -> None:
    """A request that hangs leaves time for another one."""
    emulator.faults.add("hang", times=1)
    hasty = client.with_options(attempt_timeout=0.02, retry=RetryPolicy(initial=0.001))
    async with asyncio.timeout(5):
        assert await hasty.settings.list() == ()
    assert emulator.log.received() == 2


async def test_attempt_timeout_by_default(emulator: Emulator) -> None:
    """A request takes a third of the call's time at most, in views as well."""
    emulator.faults.add("hang", times=2)
    policy = RetryPolicy(initial=0.001)
    async with Client(
        emulator.api_key, base_url=emulator.url, timeout=0.6, retry=policy
    ) as client:
        assert await client.settings.list() == ()
        emulator.faults.add("hang", times=2)
        longer = client.with_options(timeout=0.9)
        assert await longer.settings.list() == ()
        explicit = client.with_options(attempt_timeout=0.5)
        assert explicit.with_options(timeout=9)._session.attempt_seconds == 0.5
        default = explicit.with_options(attempt_timeout=None)
        assert default._session.attempt_seconds == pytest.approx(0.2)
    assert emulator.log.received() == 6
    assert Client(KEY)._session.attempt_seconds == 20


async def test_a_short_view_reads_back(client: Client, emulator: Emulator) -> None:
    """A view with a short timeout still finds out what a lost reply was about."""
    (experiment_id,) = emulator.seed_experiments(1)
    emulator.faults.add("hang", route="experiments.start", applied=True, times=1)
    brief = client.with_options(timeout=3)
    transition = await brief.experiments.start(experiment_id)
    assert transition.experiment.status == "running"
    assert emulator.log.applied("experiments.start") == 1


@pytest.mark.parametrize(
    ("options", "named"),
    [
        pytest.param({"timeout": 0}, "timeout must", id="timeout"),
        pytest.param({"timeout": None}, "timeout must", id="no-timeout"),
        pytest.param({"attempt_timeout": -1}, "attempt_timeout must", id="attempt"),
        pytest.param({"retry": None}, "retry must be a RetryPolicy", id="retry"),
    ],
)
def test_bad_option(options: dict[str, Any], named: str) -> None:
    """An option that cannot be used is refused by its name."""
    with pytest.raises(ConfigurationError, match=f"^{named}"):
        Client(KEY).with_options(**options)


def test_class_of_a_view() -> None:
    """A view is of the client's own class."""

    class Own(Client):
        """A client with something of its own."""

    assert type(Own(KEY).with_options(timeout=1)) is Own


async def test_trace_configs(emulator: Emulator) -> None:
    """Trace configurations see the client's requests."""
    seen: list[str] = []

    async def note(
        _: aiohttp.ClientSession, __: object, start: aiohttp.TraceRequestStartParams
    ) -> None:
        seen.append(f"{start.method} {start.url.path}")

    tracing = aiohttp.TraceConfig()
    tracing.on_request_start.append(note)
    async with Client(
        emulator.api_key, base_url=emulator.url, trace_configs=[tracing]
    ) as client:
        await client.settings.list()
    assert seen == ["GET /rest/v1/experiment-settings"]
