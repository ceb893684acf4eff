"""`Client.request`, for endpoints without a method of their own."""

from typing import Any

import pytest
from aiohttp import (
    ClientHandlerType,
    ClientRequest,
    ClientResponse,
    ClientSession,
    web,
)
from aiohttp.test_utils import RawTestServer

from ours_experiments import (
    APIStatusError,
    BadRequestError,
    Client,
    ConfigurationError,
    UnexpectedResponseError,
)
from ours_experiments.emulator import Emulator
from tests.support.server import serve


KEY = "test-key"


async def test_request(client: Client, emulator: Emulator) -> None:
    """Every method reaches its endpoint, and gives the decoded answer."""
    [draft] = emulator.seed_experiments(1)
    page: Any = await client.request("GET", "experiments", params={"limit": 1})
    assert [found["id"] for found in page["entities"]] == [draft]
    changed: Any = await client.request(
        "patch", "experiments", draft, json={"description": "Why"}
    )
    assert changed["description"] == "Why"
    started: Any = await client.request("POST", "experiments", draft, "start")
    assert started["publishStatus"] == "published"
    assert await client.request("DELETE", "experiments", draft) is True
    assert emulator.state.size == 0


async def test_request_with_params(client: Client, emulator: Emulator) -> None:
    """Parameters that are None are left out."""
    emulator.seed_experiments(3)
    params = {"limit": 2, "status": None, "search": "experiment"}
    page: Any = await client.request("GET", "experiments", params=params)
    assert len(page["entities"]) == 2


async def test_request_that_is_refused(client: Client) -> None:
    """An error status raises the error of that status."""
    with pytest.raises(BadRequestError, match="name: is required"):
        await client.request(
            "POST", "experiments", json={"experimentSettingsId": "settings_1"}
        )
    with pytest.raises(APIStatusError, match="405") as caught:
        await client.request("PUT", "experiments", "exp_1", json={})
    assert caught.value.status == 405


async def test_delete_without_a_body() -> None:
    """A deletion that is answered without a body is None."""

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(status=204)

    async with serve(answer) as client:
        assert await client.request("DELETE", "things", "1") is None


@pytest.mark.parametrize("length", [10, 100_000])
@pytest.mark.parametrize("way", ["plain", "chunked", "gzip"])
async def test_an_answer_that_a_middleware_has_read(way: str, length: int) -> None:
    """A borrowed session's middleware may read an answer before the client does."""

    async def answer(_: web.BaseRequest) -> web.Response:
        response = web.json_response("x" * length)
        if way == "chunked":
            response.enable_chunked_encoding()
        elif way == "gzip":
            response.enable_compression(web.ContentCoding.gzip)
        return response

    async def look(request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
        response = await send(request)
        assert await response.read()
        return response

    async with (
        RawTestServer(answer) as server,
        ClientSession(middlewares=(look,)) as session,
        Client(KEY, base_url=str(server.make_url("/")), session=session) as client,
    ):
        assert await client.request("GET", "things") == "x" * length


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        pytest.param(("HEAD", "a"), {}, "method must be", id="head"),
        pytest.param(("OPTIONS", "a"), {}, "method must be", id="options"),
        pytest.param(("", "a"), {}, "method must be", id="empty-method"),
        pytest.param(("GET /a", "a"), {}, "method must be", id="two-words"),
        pytest.param((None, "a"), {}, "method must be", id="no-method"),
        pytest.param(("GET",), {}, "path_segments must", id="no-segment"),
        pytest.param(("GET", ""), {}, "id must not be ''", id="empty-segment"),
        pytest.param(("GET", "a", ".."), {}, "id must not be", id="way-up"),
        pytest.param(("POST", "a"), {"json": {1, 2}}, "json cannot be", id="set"),
        pytest.param(
            ("POST", "a"), {"json": {"a": object()}}, "json cannot be", id="object"
        ),
        pytest.param(
            ("POST", "a"), {"json": {"a": "\ud800"}}, "json cannot be", id="surrogate"
        ),
        pytest.param(("POST", "a"), {"json": {1: 2}}, "json cannot be", id="key"),
        pytest.param(("POST", "a"), {"json": 2**70}, "json must be", id="integer"),
        pytest.param(("GET", "a"), {"params": {"b": [1]}}, "b must be", id="params"),
    ],
)
async def test_bad_request(
    client: Client,
    emulator: Emulator,
    arguments: tuple[str, ...],
    options: dict[str, Any],
    message: str,
) -> None:
    """Arguments that cannot be sent are refused before anything is sent."""
    with pytest.raises(ConfigurationError, match=f"^{message}"):
        await client.request(*arguments, **options)
    assert emulator.log.received() == 0


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        pytest.param(
            302, {"Location": "http://[bad"}, UnexpectedResponseError, id="location"
        ),
        pytest.param(302, {}, UnexpectedResponseError, id="no-location"),
        pytest.param(
            400,
            {"Date": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"},
            BadRequestError,
            id="endless-year",
        ),
        pytest.param(400, {"Date": "now"}, BadRequestError, id="no-date"),
        pytest.param(
            400, {"Date": "Mon, 04 May 2026 12:00:00"}, BadRequestError, id="no-zone"
        ),
        pytest.param(
            400,
            {"Content-Type": "application/json; charset=x"},
            BadRequestError,
            id="charset",
        ),
    ],
)
async def test_strange_headers(
    status: int, headers: dict[str, str], expected: type[Exception]
) -> None:
    """Invalid headers of an answer do not change its error."""

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(status=status, headers=headers, body=b"{}")

    async with serve(answer) as client:
        with pytest.raises(expected):
            await client.settings.list()
