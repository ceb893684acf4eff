"""Only the API's own answers count: no gateway's 404, no odd answer to DELETE."""

import pytest

from ours_experiments import (
    Client,
    NotFoundError,
    OutcomeUnknownError,
    RetryPolicy,
    UnexpectedResponseError,
)
from tests.support.scripted import LOST, answer, api_error, scripted


QUICK = RetryPolicy(initial=0.001)
GATEWAY = {
    "text": answer(404, "404 page not found\n", kind="text/plain"),
    "html": answer(404, "<h1>Not Found</h1>", kind="text/html"),
    "empty": answer(404, "", kind="text/plain"),
    "no-type": answer(404, '{"error": "Not Found"}', kind=""),
    "text-like-json": answer(404, '{"error": "Not Found"}', kind="text/plain"),
    "json-message": answer(404, {"message": "no Route matched with those values"}),
    "json-other-error": answer(404, {"error": {"code": 404}}),
    "json-null-error": answer(404, {"error": None}),
    "json-text": answer(404, '"error"'),
    "json-array": answer(404, ["error"]),
    "cut-off-json": answer(404, '{"error": "Not'),
    "problem-json": answer(
        404, {"title": "Not Found"}, kind="application/problem+json"
    ),
}
every_gateway = pytest.mark.parametrize("page", GATEWAY.values(), ids=GATEWAY.keys())


@every_gateway
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_404_of_a_gateway(page: bytes, method: str) -> None:
    """A 404 that is not in the API's form is no NotFoundError, and not repeated."""
    async with (
        scripted(then=page) as script,
        Client("key", base_url=script.url, retry=QUICK) as client,
    ):
        with pytest.raises(UnexpectedResponseError, match="404") as caught:
            await client.request(method, "experiments", "e")
    assert caught.value.status == 404
    assert len(script.heads) == 1


@every_gateway
async def test_404_of_a_gateway_after_a_lost_delete(page: bytes) -> None:
    """Nor does it prove that a lost DELETE was applied."""
    async with (
        scripted(LOST, then=page) as script,
        Client("key", base_url=script.url, retry=QUICK) as client,
    ):
        with pytest.raises(OutcomeUnknownError) as caught:
            await client.experiments.delete("e")
    assert isinstance(caught.value.__cause__, UnexpectedResponseError)
    assert script.methods == ["DELETE", "DELETE"]


async def test_404_of_the_api() -> None:
    """The API's own 404 is a NotFoundError; after a lost DELETE it is success."""
    missing = api_error(404, "Not Found")
    async with (
        scripted(missing, LOST, then=missing) as script,
        Client("key", base_url=script.url, retry=QUICK) as client,
    ):
        with pytest.raises(NotFoundError):
            await client.experiments.delete("e")
        await client.experiments.delete("e")
    assert script.methods == ["DELETE"] * 3


DENIED: dict[str, object] = {
    "false": False,
    "error": {"error": "Internal", "details": "try later"},
    "error-and-id": {"id": "e", "error": "Internal"},
}
UNCLEAR: dict[str, object] = {
    "null": None,
    "zero": 0,
    "text": '"deleted"',
    "number": 1,
    "array": [],
    "empty-object": {},
    "errors": {"errors": ["no"]},
    "message": {"message": "queued"},
    "success": {"success": False},
}


@pytest.mark.parametrize("body", DENIED.values(), ids=DENIED.keys())
async def test_delete_that_is_denied(body: object) -> None:
    """A DELETE answered by `false` or an error is no success, and not repeated."""
    async with (
        scripted(then=answer(200, body)) as script,
        Client("key", base_url=script.url, retry=QUICK) as client,
    ):
        for collection in ("experiments", "experiment-variants"):
            with pytest.raises(UnexpectedResponseError, match="deleted"):
                await client.request("DELETE", collection, "e")
    assert script.methods == ["DELETE"] * 2


@pytest.mark.parametrize("body", UNCLEAR.values(), ids=UNCLEAR.keys())
async def test_delete_with_an_unclear_answer(body: object) -> None:
    """A DELETE with another answer is repeated, until the API's 404 confirms it."""
    missing = api_error(404, "Not Found")
    async with (
        scripted(answer(200, body), then=missing) as script,
        Client("key", base_url=script.url, retry=QUICK) as client,
    ):
        await client.experiments.delete("e")
    assert script.methods == ["DELETE"] * 2


@pytest.mark.parametrize("body", UNCLEAR.values(), ids=UNCLEAR.keys())
async def test_delete_with_unclear_answers_only(body: object) -> None:
    """Without a 404 a DELETE with unclear answers has an unknown outcome."""
    async with (
        scripted(then=answer(200, body)) as script,
        Client("key", base_url=script.url, retry=QUICK) as client,
    ):
        with pytest.raises(OutcomeUnknownError) as caught:
            await client.experiments.delete("e")
    assert isinstance(caught.value.__cause__, UnexpectedResponseError)
    assert script.methods == ["DELETE"] * 4


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(answer(200, "true"), id="true"),
        pytest.param(answer(200, {"id": "e", "name": "n"}), id="entity"),
        pytest.param(answer(204, "", kind="text/plain"), id="no-content"),
        pytest.param(answer(200, ""), id="empty"),
    ],
)
async def test_delete_that_says_so(page: bytes) -> None:
    """`true`, the deleted entity and an empty answer are success."""
    async with (
        scripted(then=page) as script,
        Client("key", base_url=script.url, retry=QUICK) as client,
    ):
        await client.request("DELETE", "experiments", "e")
    assert script.methods == ["DELETE"]


async def test_false_after_a_lost_delete() -> None:
    """`false` after a lost DELETE may mean that the first one was applied."""
    async with (
        scripted(LOST, then=answer(200, "false")) as script,
        Client("key", base_url=script.url, retry=QUICK) as client,
    ):
        with pytest.raises(OutcomeUnknownError, match="may or may not"):
            await client.experiments.delete("e")
    assert script.methods == ["DELETE"] * 2
