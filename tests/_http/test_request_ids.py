"""Errors name the id that the service gave the request."""

import asyncio
import json
import pickle
from collections.abc import Awaitable, Callable

import pytest

from ours_experiments import (
    APIStatusError,
    Client,
    DecodeError,
    OursError,
    OutcomeUnknownError,
    RetryPolicy,
    UnexpectedResponseError,
)
from tests.support.scripted import answer, api_error, scripted


ONCE = RetryPolicy(attempts=1)
ID = "X-Request-Id: req-7\r\n"
RAY = "CF-RAY: 8c1-FRA\r\n"
ANSWERS = {
    "400": (answer(400, {"error": "No"}, headers=ID), "req-7"),
    "404": (answer(404, {"error": "No"}, headers=ID + RAY), "req-7"),
    "502": (answer(502, "<html>", kind="text/html", headers=RAY), "8c1-FRA"),
    "429": (answer(429, {"error": "No"}, headers=RAY), "8c1-FRA"),
    "gateway-404": (answer(404, "no", kind="text/plain", headers=ID), "req-7"),
    "html": (answer(200, "<html>", kind="text/html", headers=ID), "req-7"),
    "redirect": (answer(302, "", headers=RAY + "Location: /x\r\n"), "8c1-FRA"),
    "too-large": (answer(200, "x" * 5000, headers=ID), "req-7"),
    "empty-id": (answer(400, {"error": "No"}, headers="X-Request-Id:\r\n"), None),
    "none": (answer(400, {"error": "No"}), None),
}


@pytest.mark.parametrize(("reply", "request_id"), ANSWERS.values(), ids=ANSWERS.keys())
async def test_request_id(reply: bytes, request_id: str | None) -> None:
    """The id is in the text and in `request_id`, and survives pickling."""
    async with (
        scripted(then=reply) as script,
        Client(
            "key", base_url=script.url, retry=ONCE, max_response_bytes=2000
        ) as client,
    ):
        with pytest.raises((APIStatusError, UnexpectedResponseError)) as caught:
            await client.settings.list()
    assert caught.value.request_id == request_id
    assert ("(request " in str(caught.value)) is (request_id is not None)
    assert request_id is None or f"(request {request_id})" in str(caught.value)
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - just made
    assert copy.request_id == request_id


async def test_request_id_of_an_unknown_outcome() -> None:
    """An unknown outcome has the id of the response that was not understood."""
    async with (
        scripted(then=answer(502, "", headers=ID)) as script,
        Client("key", base_url=script.url, retry=ONCE) as client,
    ):
        with pytest.raises(OutcomeUnknownError, match="req-7") as caught:
            await client.request("POST", "things", json={})
    assert caught.value.request_id == "req-7"


SHAPES: dict[str, tuple[object, Callable[[Client], Awaitable[object]]]] = {
    "object": ({"id": 7}, lambda client: client.experiments.retrieve("e1")),
    "results": ({"variants": 1}, lambda client: client.experiments.results("e1")),
    "rows": (
        {"entities": [{"id": 7}], "pagination": {"hasMore": False}},
        lambda client: client.experiments.list().to_list(),
    ),
    "page": (
        {"entities": [{"id": 7}], "pagination": {"hasMore": False}},
        lambda client: client.experiments.list_page(),
    ),
    "pagination": (
        {"entities": [], "pagination": {"hasMore": "yes"}},
        lambda client: client.experiments.list_page(),
    ),
    "settings": ({"entities": [{}]}, lambda client: client.settings.list()),
}


@pytest.mark.parametrize(("body", "request_shape"), SHAPES.values(), ids=SHAPES.keys())
async def test_request_id_of_another_shape(
    body: object, request_shape: Callable[[Client], Awaitable[object]]
) -> None:
    """An answer of another shape is named by its request id, in text and attribute."""
    async with (
        scripted(then=answer(200, body, headers=ID)) as script,
        Client("key", base_url=script.url, retry=ONCE) as client,
    ):
        with pytest.raises(DecodeError, match=r"\(request req-7\)") as caught:
            await request_shape(client)
    assert caught.value.request_id == "req-7"
    assert pickle.loads(pickle.dumps(caught.value)).request_id == "req-7"  # noqa: S301 - just made


async def test_request_ids_of_concurrent_answers() -> None:
    """Each of several answers of another shape is named by its own id."""
    answers = [
        answer(200, {"id": 1}, headers=f"X-Request-Id: req-{number}\r\n")
        for number in range(8)
    ]
    async with (
        scripted(*answers) as script,
        Client("key", base_url=script.url, retry=ONCE) as client,
    ):
        errors = await asyncio.gather(
            *(client.experiments.retrieve("e1") for _ in answers),
            return_exceptions=True,
        )
    ids = {error.request_id for error in errors if isinstance(error, DecodeError)}
    assert ids == {f"req-{number}" for number in range(8)}


async def test_answer_with_a_request_id() -> None:
    """What `client.request` returns is equal to the JSON, and encodes as it."""
    body = {"a": [1, {"b": None}]}
    async with (
        scripted(then=answer(200, body, headers=ID)) as script,
        Client("key", base_url=script.url, retry=ONCE) as client,
    ):
        payload = await client.request("GET", "things")
    assert payload == body
    assert json.loads(json.dumps(payload)) == body
    assert pickle.loads(pickle.dumps(payload)) == body  # noqa: S301 - just made


async def test_request_id_that_quotes_the_key() -> None:
    """A request id is masked, kept short and printable."""
    odd = api_error(400, X_Request_Id="\x1b[31mlive-key " + "x" * 500)
    async with (
        scripted(then=odd) as script,
        Client("live-key", base_url=script.url, retry=ONCE) as client,
    ):
        with pytest.raises(OursError) as caught:
            await client.settings.list()
    assert caught.value.request_id is not None
    assert "live-key" not in caught.value.request_id
    assert caught.value.request_id.isprintable()
    assert len(caught.value.request_id) <= 110


def test_errors_without_a_response() -> None:
    """An error that no response caused has no request id."""
    assert OursError("no").request_id is None
