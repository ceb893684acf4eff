"""Faults of the gateway: statuses, Retry-After, redirects."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ours_experiments.emulator.faults.second_origin import Arrival, SecondOrigin
from ours_experiments.emulator.faults.status import (
    RateLimit,
    RetryAfter,
    parse_retry_after,
    retry_after_headers,
)
from tests.emulator.fault_service import Service, over_the_wire


START = "/experiments/start"
APPLIED = [f"POST {START}"]
APPLIED_OR_NOT = pytest.mark.parametrize(
    "applied",
    [pytest.param(True, id="applied"), pytest.param(False, id="not-applied")],
)


@pytest.mark.parametrize("code", [409, 429, 500, 502, 503, 504])
@APPLIED_OR_NOT
async def test_status_replaces_the_answer(code: int, *, applied: bool) -> None:
    """Any status is answered, before the change or after it."""
    async with Service() as service:
        service.faults.add("status", code=code, applied=applied)
        status, body = await service.seen("POST", START)
        assert status == code
        assert set(orjson.loads(body)) == {"error"}
        assert service.applied == (APPLIED if applied else [])


async def test_status_has_the_words_it_was_given() -> None:
    """The error and its details can be chosen."""
    async with Service() as service:
        service.faults.add("status", code=409, error="Busy", details="a publish")
        _, body = await service.seen("POST", START)
        assert orjson.loads(body) == {"error": "Busy", "details": "a publish"}


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        pytest.param(None, [], id="none"),
        pytest.param(2, ["2"], id="int"),
        pytest.param(0, ["0"], id="zero"),
        pytest.param(-5, ["-5"], id="negative"),
        pytest.param(1.5, ["1.5"], id="float"),
        pytest.param(float("nan"), ["nan"], id="nan"),
        pytest.param(float("inf"), ["inf"], id="infinite"),
        pytest.param(10**30, ["1" + 30 * "0"], id="huge"),
        pytest.param("soon", ["soon"], id="garbage"),
        pytest.param("", [""], id="empty"),
        pytest.param((1, "soon", 3.5), ["1", "soon", "3.5"], id="repeated"),
    ],
)
async def test_retry_after_goes_out_as_given(
    value: RetryAfter, headers: list[str]
) -> None:
    """Numbers and texts stand in the header, several in several headers."""
    async with Service() as service:
        service.faults.add("status", code=429, retry_after=value)
        async with service.http.get(START) as response:
            assert response.headers.getall("Retry-After", []) == headers


@pytest.mark.parametrize("seconds", [30, -30], ids=["future", "past"])
def test_retry_after_can_be_a_date(seconds: int) -> None:
    """A time span becomes an HTTP date so far from now."""
    (text,) = retry_after_headers(timedelta(seconds=seconds))
    date = parsedate_to_datetime(text)
    assert text.endswith(" GMT")
    assert abs((date - datetime.now(UTC)).total_seconds() - seconds) < 2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("2", "2", id="verbatim"),
        pytest.param("dates", "dates", id="word"),
        pytest.param("date+30", timedelta(seconds=30), id="future"),
        pytest.param("date-1.5", timedelta(seconds=-1.5), id="past"),
        pytest.param("1|date+2", ("1", timedelta(seconds=2)), id="repeated"),
    ],
)
def test_retry_after_is_read_from_text(text: str, value: RetryAfter) -> None:
    """Every form can be written on the command line."""
    assert parse_retry_after(text) == value


async def test_rate_limit_refuses_what_exceeds_the_burst() -> None:
    """The burst passes, the others get a Retry-After and are not applied."""
    async with Service() as service:
        service.faults.add("rate_limit", rate=0.5, burst=3)
        answers = [await service.seen("POST", START) for _ in range(5)]
        assert [status for status, _ in answers] == [200, 200, 200, 429, 429]
        assert len(service.applied) == 3
        async with service.http.post(START) as response:
            assert response.headers["Retry-After"] == "2"


@given(
    rate=st.floats(0.001, 1000),
    burst=st.integers(1, 5),
    exact=st.booleans(),
    start=st.floats(0, 1e6),
)
def test_rate_limit_lets_through_after_the_pause_it_named(
    rate: float, burst: int, start: float, *, exact: bool
) -> None:
    """A client that waits exactly as long as asked is served, and only once."""
    limit, now = RateLimit(rate, burst, exact), start
    assert [limit.take(now) for _ in range(burst)] == [None] * burst
    for _ in range(5):
        text = limit.take(now)
        assert text is not None
        now += float(text)
        assert limit.take(now) is None
        # What rounding up has earned beyond the one token is used up.
        while limit.take(now) is None:
            pass


async def test_rate_limit_can_be_exact() -> None:
    """Retry-After names milliseconds on request."""
    async with Service() as service:
        service.faults.add("rate_limit", rate=4, exact=True)
        assert (await service.seen("POST", START))[0] == 200
        async with service.http.post(START) as response:
            assert 0.2 < float(response.headers["Retry-After"]) <= 0.25
            assert "." in response.headers["Retry-After"]


@APPLIED_OR_NOT
async def test_html_page_comes_instead_of_json(*, applied: bool) -> None:
    """A gateway's page is answered, before the change or after it."""
    async with Service() as service:
        service.faults.add("html", code=502, applied=applied)
        async with service.http.post(START) as response:
            assert response.status == 502
            assert response.content_type == "text/html"
            assert (await response.text()).startswith("<!doctype html>")
        assert service.applied == (APPLIED if applied else [])


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_redirect_leads_to_the_other_origin(code: int) -> None:
    """The redirect names the same path and query at the other origin."""
    async with Service() as service, SecondOrigin() as other:
        service.faults.add("redirect", origin=other.url, code=code)
        async with service.http.get("/a?b=c", allow_redirects=False) as response:
            assert response.status == code
            assert response.headers["Location"] == f"{other.url}/a?b=c"
        assert service.applied == []
        assert other.arrivals == []


async def test_redirect_can_come_after_the_change() -> None:
    """A redirect may lose the reply of a change that was applied."""
    async with Service() as service:
        service.faults.add("redirect", origin="http://127.0.0.1:1/", applied=True)
        seen = await service.seen("POST", START)
        assert seen == (302, b"")
        assert service.applied == APPLIED


async def test_second_origin_records_no_secret() -> None:
    """What arrives is recorded with header names only, never the key's value."""
    async with SecondOrigin() as other, Service() as service:
        headers = {"Authorization": "Bearer secret", "X-Trace": "secret"}
        url = f"{other.url}/a?b=c"
        async with service.http.post(url, data=b"1234", headers=headers) as response:
            assert response.status == 200
        (arrival,) = other.arrivals
        assert arrival == Arrival(
            method="POST",
            path="/a?b=c",
            headers=arrival.headers,
            authorized=True,
            body_length=4,
        )
        assert {"authorization", "x-trace", "host"} <= arrival.headers
        assert "secret" not in repr(other.arrivals)


async def test_second_origin_tells_that_no_key_came() -> None:
    """A request without the key is recorded as such."""
    async with SecondOrigin() as other, Service() as service:
        async with service.http.get(other.url):
            pass
        assert not other.arrivals[0].authorized


@pytest.mark.parametrize(
    ("code", "length"),
    [pytest.param(204, None, id="204"), pytest.param(200, b"0", id="empty-200")],
)
@APPLIED_OR_NOT
async def test_empty_answer_has_no_body(
    code: int, length: bytes | None, *, applied: bool
) -> None:
    """204, or 200 with a length of zero, comes instead of the answer."""
    async with Service() as service:
        service.faults.add("empty", code=code, applied=applied)
        service.faults.add("stale")
        seen = await over_the_wire(service, "POST", START)
        assert seen.head.startswith(f"HTTP/1.1 {code} ".encode())
        assert seen.body == b""
        assert (b"Content-Length: 0" in seen.head) == (length is not None)
        assert service.applied == (APPLIED if applied else [])
