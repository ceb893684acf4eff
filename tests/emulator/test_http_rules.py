"""The rules of HTTP: keys, paths, scopes, bodies, and the order of the checks."""

import asyncio
from email.utils import parsedate_to_datetime
from gzip import compress
from io import BytesIO

import orjson
import pytest
from aiohttp import ClientSession

from ours_experiments.emulator import Emulator
from tests.emulator.calls import Calls


READ_ONLY = "read-only-key"
LIST_ONLY = "list-only-key"
MEBIBYTE = 2**20
AS_JSON = {"Content-Type": "application/json"}


async def raw_answer(emulator: Emulator, request: bytes) -> bytes:
    """Send bytes on a bare socket and read until the emulator closes."""
    host, port = emulator.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    await writer.drain()
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="missing"),
        pytest.param({"Authorization": "Bearer wrong"}, id="wrong"),
        pytest.param({"Authorization": "Basic test-key"}, id="scheme"),
        pytest.param({"Authorization": "test-key"}, id="bare"),
        pytest.param({"Authorization": "Bearer"}, id="empty"),
    ],
)
async def test_refuses_without_a_known_key(
    emulator: Emulator, headers: dict[str, str]
) -> None:
    """A key that is missing or unknown is answered with 401."""
    async with (
        ClientSession(emulator.url, headers=headers) as http,
        http.get("/rest/v1/experiments") as response,
    ):
        assert response.status == 401
        assert (await response.json())["error"] == "Unauthorized"


async def test_accepts_any_case_of_the_scheme(emulator: Emulator) -> None:
    """The word Bearer is read without regard to case."""
    headers = {"Authorization": "bearer test-key"}
    async with (
        ClientSession(emulator.url, headers=headers) as http,
        http.get("/rest/v1/experiments") as response,
    ):
        assert response.status == 200


async def test_checks_the_key_before_the_path(emulator: Emulator) -> None:
    """Without a key even an unknown path is answered with 401."""
    async with Calls(emulator, "wrong") as call:
        assert await call.refusal("GET", "nothing") == (
            401,
            "Unauthorized",
            "missing or invalid API key",
        )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "nothing"),
        ("GET", ""),
        ("GET", "experiments/"),
        ("PUT", "experiments/"),
        ("GET", "experiments/x/"),
        ("GET", "experiments/x/nothing"),
        ("POST", "experiments/x/start/y"),
        ("POST", "experiments//start"),
        ("GET", "versions/x/snapshot"),
        ("POST", "versions/draft/revert"),
        ("POST", "versions/draft/abandon"),
        ("GET", "versions/x/diff"),
    ],
)
async def test_refuses_unknown_paths(call: Calls, method: str, path: str) -> None:
    """A path that the API does not have is answered with 404."""
    assert (await call.refusal(method, path))[:2] == (404, "Not Found")


async def test_refuses_paths_outside_the_api(call: Calls) -> None:
    """What lies outside /rest/v1 is answered with 404."""
    async with call.http.get("/experiments") as response:
        assert response.status == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "experiments", "GET, POST"),
        ("POST", "experiments/x", "GET, PATCH, DELETE"),
        ("GET", "experiments/x/start", "POST"),
        ("OPTIONS", "versions/draft/diff", "GET"),
    ],
)
async def test_refuses_wrong_methods(
    call: Calls, method: str, path: str, allowed: str
) -> None:
    """A method that the path lacks is answered with 405 and the right ones."""
    async with call.http.request(method, f"/rest/v1/{path}") as response:
        assert response.status == 405
        assert response.headers["Allow"] == allowed
        assert (await response.json())["error"] == "Method Not Allowed"


@pytest.mark.parametrize(
    ("key", "method", "path", "status"),
    [
        pytest.param(READ_ONLY, "GET", "experiments", 200, id="read-may-list"),
        pytest.param(READ_ONLY, "GET", "experiments/x", 404, id="read-may-find"),
        pytest.param(READ_ONLY, "POST", "experiments/x/start", 403, id="read-start"),
        pytest.param(READ_ONLY, "POST", "versions", 403, id="read-publish"),
        pytest.param(READ_ONLY, "GET", "versions/draft/diff", 200, id="read-diff"),
        pytest.param(LIST_ONLY, "GET", "experiment-settings", 200, id="list-may-list"),
        pytest.param(LIST_ONLY, "GET", "experiments/x", 403, id="list-find"),
        pytest.param("stopper", "POST", "experiments/x/pause", 404, id="explicit"),
        pytest.param("stopper", "GET", "experiments", 403, id="explicit-list"),
    ],
)
async def test_keeps_keys_to_their_scopes(
    key: str, method: str, path: str, status: int
) -> None:
    """A key that lacks the scope of the operation is answered with 403."""
    keys = {
        READ_ONLY: "read-only",
        LIST_ONLY: "list-only",
        "stopper": {"experiment:stop"},
    }
    async with Emulator(keys) as emulator, Calls(emulator, key) as call:
        await call(method, path, expect=status)


async def test_checks_the_scope_before_the_body() -> None:
    """A key without the scope learns nothing of its body's faults."""
    async with Emulator({"k": "read-only"}) as emulator, Calls(emulator) as call:
        refusal = await call.refusal("POST", "experiments", {})
    assert refusal == (
        403,
        "Forbidden",
        "the API key lacks the scope experiment:create",
    )


async def test_checks_the_body_before_the_id(call: Calls) -> None:
    """A malformed body for an unknown id is answered with 400."""
    body = {"trafficAllocation": 101}
    assert (await call.refusal("PATCH", "experiments/x", body))[0] == 400


async def test_checks_the_id_before_the_state(call: Calls) -> None:
    """An unknown winner is answered with 404 even where stopping would conflict."""
    experiment = await call.draft()
    body = {"winnerVariantId": "x"}
    path = f"experiments/{experiment['id']}/stop"
    assert (await call.refusal("POST", path, body))[0] == 404


@pytest.mark.parametrize(
    "path",
    [
        "experiments/x",
        "experiment-variants/x",
        "experiment-settings/x",
        "versions/x",
        "experiments/%00",
        "experiments/a%2Fb",
    ],
)
async def test_refuses_unknown_ids(call: Calls, path: str) -> None:
    """An id that does not exist is answered with 404."""
    assert (await call.refusal("GET", path))[:2] == (404, "Not Found")


async def test_decodes_the_id(emulator: Emulator, call: Calls) -> None:
    """An id is found in any percent-encoding."""
    experiment = await call.draft()
    encoded = "".join(f"%{ord(letter):02X}" for letter in experiment["id"])
    http = f"GET /rest/v1/experiments/{encoded} HTTP/1.1\r\nHost: x\r\n"
    http += "Authorization: Bearer test-key\r\nConnection: close\r\n\r\n"
    answer = await raw_answer(emulator, http.encode())
    assert answer.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("data", "content_type", "details"),
    [
        pytest.param(b"", "application/json", "body: is required", id="none"),
        pytest.param(b"null", "application/json", "body: must be an object", id="null"),
        pytest.param(b"[]", "application/json", "body: must be an object", id="array"),
        pytest.param(b'"x"', "application/json", "body: must be an object", id="text"),
        pytest.param(b"{", "application/json", "body: is not JSON", id="truncated"),
        pytest.param(b'{"a":NaN}', "application/json", "body: is not JSON", id="nan"),
        pytest.param(b"\xff", "application/json", "body: is not JSON", id="bytes"),
        pytest.param(
            b"[" * 100_000, "application/json", "body: is not JSON", id="deep"
        ),
        pytest.param(
            b"{}", "text/plain", "Content-Type: must be application/json", id="type"
        ),
        pytest.param(
            b"a=b",
            "application/x-www-form-urlencoded",
            "Content-Type: must be application/json",
            id="form",
        ),
    ],
)
async def test_refuses_bodies_that_are_no_json_object(
    call: Calls, data: bytes, content_type: str, details: str
) -> None:
    """A body must be a JSON object sent as application/json, else 400."""
    async with call.http.post(
        "/rest/v1/experiments", data=data, headers={"Content-Type": content_type}
    ) as response:
        assert response.status == 400
        assert await response.json() == {"error": "Bad Request", "details": details}


async def test_accepts_a_charset(call: Calls) -> None:
    """Parameters of the content type do no harm."""
    headers = {"Content-Type": "application/json; charset=utf-8"}
    async with call.http.post(
        "/rest/v1/experiment-settings", data=b"{}", headers=headers
    ) as response:
        assert response.status == 200


@pytest.mark.parametrize("data", [b"", b"null", b"{}"], ids=["none", "null", "empty"])
async def test_takes_optional_bodies_in_every_form(call: Calls, data: bytes) -> None:
    """Where a body is optional, none and null count as an empty object."""
    experiment = await call.draft()
    headers = {"Content-Type": "application/json"} if data else {}
    async with call.http.post(
        f"/rest/v1/experiments/{experiment['id']}/start", data=data, headers=headers
    ) as response:
        assert (await response.json())["publishStatus"] == "published"


async def test_ignores_a_body_where_none_belongs(call: Calls) -> None:
    """An operation without a body does not read one."""
    experiment = await call.draft()
    path = f"/rest/v1/experiments/{experiment['id']}"
    async with call.http.delete(path, data=b"not json") as response:
        assert await response.json() is True


async def test_ignores_unknown_fields_and_parameters(call: Calls) -> None:
    """What the API does not know is ignored, in bodies and in queries."""
    experiment = await call.draft(novelty={"a": 1})
    assert "novelty" not in experiment
    await call("GET", "experiments", query={"novelty": "1"})


async def test_refuses_bodies_over_the_limit(call: Calls) -> None:
    """A body above 16 MiB is answered with 413."""
    data = b'{"name": "' + b"x" * 16 * MEBIBYTE + b'"}'
    async with call.http.post(
        "/rest/v1/experiments", data=BytesIO(data), headers=AS_JSON
    ) as response:
        assert response.status == 413
        assert (await response.json())["error"] == "Payload Too Large"


async def test_refuses_compressed_bodies_over_the_limit(call: Calls) -> None:
    """A small body that unpacks to more than 16 MiB is answered with 413."""
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    async with call.http.post(
        "/rest/v1/experiments", data=compress(b" " * 17 * MEBIBYTE), headers=headers
    ) as response:
        assert response.status == 413


async def test_refuses_large_bodies_where_none_belongs(call: Calls) -> None:
    """The limit also holds for operations that take no body."""
    data = BytesIO(b"x" * 17 * MEBIBYTE)
    async with call.http.delete("/rest/v1/experiments/x", data=data) as response:
        assert response.status == 413


async def test_accepts_bodies_below_the_limit(call: Calls) -> None:
    """A body of some MiB is read."""
    data = BytesIO(b'{"name": "' + b"x" * 8 * MEBIBYTE + b'"}')
    async with call.http.post(
        "/rest/v1/experiment-settings", data=data, headers=AS_JSON
    ) as response:
        assert response.status == 200


async def test_refuses_bodies_that_do_not_unpack(call: Calls) -> None:
    """A body that is not what its encoding says is answered with 400."""
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    async with call.http.post(
        "/rest/v1/experiments", data=b"no gzip", headers=headers
    ) as response:
        assert response.status == 400


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", id="tls"),
        pytest.param(b"GET\r\n\r\n", id="request-line"),
        pytest.param(
            b"GET / HTTP/1.1\r\nAuthorization: Bearer test-key\x01\r\n\r\n", id="header"
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", id="giant"
        ),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * 5000 + b"\r\n", id="many"),
        pytest.param(
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
            id="lengths",
        ),
    ],
)
async def test_survives_malformed_http(
    emulator: Emulator, call: Calls, request_bytes: bytes
) -> None:
    """What is no proper HTTP is answered in JSON, without quoting the key."""
    answer = await raw_answer(emulator, request_bytes)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    assert orjson.loads(body) == {"error": "Bad Request"}
    await call("GET", "experiments")


async def test_never_logs_the_key(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Malformed HTTP around a key leaves no trace of it in the log."""
    caplog.set_level("DEBUG")
    request = b"GET / HTTP/1.1\r\nAuthorization: Bearer test-key\x01\r\n\r\n"
    await raw_answer(emulator, request)
    assert "malformed HTTP" in caplog.text
    assert "test-key" not in caplog.text


async def test_answers_with_the_real_date(emulator: Emulator, call: Calls) -> None:
    """The Date header follows real time even where the clock stands still."""
    emulator.clock.advance(days=400)
    async with call.http.get("/rest/v1/experiments") as response:
        sent = parsedate_to_datetime(response.headers["Date"])
    assert (emulator.clock.now() - sent).days >= 399


async def test_writes_the_error_of_a_failure_in_json(
    emulator: Emulator, call: Calls, caplog: pytest.LogCaptureFixture
) -> None:
    """A failure of the emulator itself is a 500 in the form of the API."""
    experiment = await call.draft()
    emulator.state.get(experiment["id"]).full_json = None
    emulator.state.get(experiment["id"]).status = b"no JSON"  # type: ignore[assignment]
    refusal = await call.refusal("GET", f"experiments/{experiment['id']}")
    assert refusal == (500, "Internal Server Error", None)
    assert "Bearer" not in caplog.text
