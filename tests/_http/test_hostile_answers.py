"""Errors for answers that are not the API's: short, printable, without the key."""

import asyncio
import json
import traceback
from importlib import import_module

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from ours_experiments import (
    APIConnectionError,
    BadRequestError,
    Client,
    DecodeError,
    InternalServerError,
    OursError,
    PaginationError,
    RetryPolicy,
    UnexpectedResponseError,
)
from tests.support.server import serve
from tests.trials.echo import ECHOES, echoing
from tests.trials.key_hunt import CORE, KEY, needles


ONCE = RetryPolicy(attempts=1)
EVIL = "\x1b[2J\r\nWARNING forged line\u202e\u2066\x9b"


async def error_of(answer: web.Response, key: str = "a-key") -> OursError:
    """Return the error that a list call raises for an answer."""

    async def respond(_: web.BaseRequest) -> web.Response:
        return answer

    async with serve(respond, key, retry=ONCE) as client:
        with pytest.raises(OursError) as caught:
            await client.experiments.list_page()
    return caught.value


@pytest.mark.parametrize("place", ECHOES)
async def test_quoted_key_is_masked(place: str) -> None:
    """A key that the service quotes is masked in the error."""
    async with (
        echoing(place) as url,
        Client(KEY, base_url=url, attempt_timeout=0.5, retry=ONCE) as client,
    ):
        try:
            async for _ in client.experiments.list():
                pass
        except OursError as error:
            texts = [*traceback.format_exception(error), repr(error), repr(vars(error))]
            texts += [f"{value}" for value in vars(error).values()]
        else:
            texts = []
    assert texts
    assert not [line for line in texts if any(needle in line for needle in needles())]


async def test_masked_cursor() -> None:
    """A key in a cursor is masked in the error about that cursor."""
    async with echoing("cursor") as url, Client(KEY, base_url=url) as client:
        with pytest.raises(PaginationError) as caught:
            [found async for found in client.experiments.list()]
    assert caught.value.cursor == "***"


async def test_excerpt_of_html() -> None:
    """An error quotes the first 200 characters of a proxy's page, on one line."""
    page = f"<title>{EVIL}</title>" + "x" * 500 + "the end"
    error = await error_of(web.Response(text=page, content_type="text/html"))
    assert isinstance(error, UnexpectedResponseError)
    assert error.status == 200
    text = str(error)
    assert "text/html" in text
    assert repr(page[:200]) in text
    assert text.isprintable()
    assert "the end" not in text


async def test_content_type_is_checked() -> None:
    """Another content type than JSON is an error that quotes 200 characters of it."""
    for kind in ("text/plain", "application/jsonp", "x/" + "y" * 5000):
        answer = web.Response(
            body=b'{"entities":[],"pagination":{"hasMore":false}}',
            headers={"Content-Type": kind},
        )
        error = await error_of(answer)
        assert isinstance(error, UnexpectedResponseError)
        assert f"{kind[:200]} instead of JSON" in str(error)
        assert len(str(error)) < 600


async def test_encoding_that_was_not_asked_for() -> None:
    """Brotli is neither requested nor decoded, although aiohttp could."""
    asked: list[str] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.headers["Accept-Encoding"])
        response = web.StreamResponse(
            headers={"Content-Encoding": "br", "Content-Type": "application/json"}
        )
        await response.prepare(request)
        await asyncio.sleep(0.05)
        await response.write(import_module("brotli").compress(b"{}"))
        return response

    async with serve(answer, KEY, retry=ONCE) as client:
        with pytest.raises(APIConnectionError, match="br was not asked for"):
            await client.experiments.list_page()
    assert asked == ["gzip, deflate"]


async def test_error_text_is_one_printable_line() -> None:
    """An error's text has no line breaks; its attributes are unchanged."""
    refused = {"error": EVIL, "details": "x" * 5000}
    error = await error_of(web.json_response(refused, status=400))
    assert isinstance(error, BadRequestError)
    assert (error.error, error.details) == (EVIL, "x" * 5000)
    assert str(error).isprintable()
    assert "\\x1b[2J\\x0d\\x0aWARNING forged line" in str(error)
    assert len(str(error)) < 1500


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\xfe\x00", id="no-text"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"error":' * 2000 + b"}" * 2000, id="deep-objects"),
        pytest.param(json.dumps({"error": "x" * 2**17}).encode(), id="large"),
        pytest.param(b'{"error":{"message":"x"}}', id="an-object"),
        pytest.param(b"<html>", id="html"),
        pytest.param(b'{"error":' + b"9" * 5000 + b"}", id="a-huge-number"),
    ],
)
async def test_error_without_the_service_word(body: bytes) -> None:
    """An error body of another shape still becomes the error of its status."""
    error = await error_of(
        web.Response(body=body, status=500, content_type="application/json")
    )
    assert isinstance(error, InternalServerError)
    assert (error.error, error.details) == ("Internal Server Error", None)


async def test_mapping_names_are_hidden() -> None:
    """The path of a problem does not hold a name that the service chose."""
    changes = {"count": 1, "differences": {CORE: {"added": 1}}}

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.json_response(changes)

    async with serve(answer, KEY) as client:
        with pytest.raises(DecodeError) as caught:
            await client.versions.draft_changes()
    assert caught.value.problems
    assert all(path.startswith("$.differences.*.") for path in caught.value.problems)


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        pytest.param(b"[" + b"0," * 998 + b"0]", False, id="numbers"),
        pytest.param(b"[" + b"0," * 1000 + b"0]", True, id="more-numbers"),
        pytest.param(b"[{}" + b",{}" * 400 + b"]" + b" " * 9000, False, id="objects"),
        pytest.param(b"[{}" + b",{}" * 600 + b"]", True, id="more-objects"),
        pytest.param(b'["' + b"x" * 15_000 + b'"]', False, id="text"),
    ],
)
async def test_values_are_counted(body: bytes, *, refused: bool) -> None:
    """There may be one JSON value for every 16 bytes of the limit."""

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    async with serve(answer, KEY, max_response_bytes=16_000) as client:
        if refused:
            with pytest.raises(UnexpectedResponseError, match="too many JSON values"):
                await client.request("GET", "experiments")
        else:
            assert await client.request("GET", "experiments") == orjson.loads(body)


@pytest.mark.parametrize("size", [3000, 2**20, 2**20 + 1, 3 * 2**20, 33 * 2**20])
async def test_size_of_a_body_without_a_length(size: int) -> None:
    """The limit is exact to the byte, and a body within it arrives complete."""
    text = "x" * (size - 2)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(f'"{text[:900]}'.encode())
        await asyncio.sleep(0.01)
        await response.write(f'{text[900:]}"'.encode())
        return response

    async with RawTestServer(answer) as server:
        url = str(server.make_url("/"))
        for cap in (size, 2 * size):
            async with Client(KEY, base_url=url, max_response_bytes=cap) as client:
                assert await client.request("GET", "experiments") == text
        async with Client(KEY, base_url=url, max_response_bytes=size - 1) as client:
            with pytest.raises(UnexpectedResponseError, match="larger than"):
                await client.request("GET", "experiments")
