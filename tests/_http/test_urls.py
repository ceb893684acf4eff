"""The URLs of requests."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from ours_experiments import Client, ConfigurationError, ExperimentStatus
from ours_experiments._http.urls import (
    build_path,
    build_query,
    is_loopback,
    parse_base_url,
)
from tests.support.operations import BAD_IDS
from tests.support.server import serve


ANYTHING = st.text(
    st.one_of(
        st.characters(exclude_categories=()),
        st.sampled_from("/.%?#&=+;:@ \\\0\n\ud800"),
    ),
    max_size=12,
) | st.sampled_from(["", ".", "..", "%2e", "%2F..", "a/../b", "//host", "x" * 1025])
WORDS = st.text(
    st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("/.%?#&=+;@ "),
    min_size=1,
    max_size=12,
).filter(lambda text: text not in {".", ".."})


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param("localhost", True, id="name"),
        pytest.param("shop.localhost", True, id="name-below"),
        pytest.param("127.0.0.1", True, id="address"),
        pytest.param("127.9.8.7", True, id="other-address"),
        pytest.param("::1", True, id="address-6"),
        pytest.param("::1%lo", True, id="address-6-with-zone"),
        pytest.param("0.0.0.0", False, id="any-address"),  # noqa: S104 - refused
        pytest.param("10.0.0.1", False, id="private-address"),
        pytest.param("2130706433", False, id="address-as-number"),
        pytest.param("127.1", False, id="short-address"),
        pytest.param("localhost.example.com", False, id="name-above"),
        pytest.param("127.0.0.1.example.com", False, id="address-above"),
        pytest.param("127.0.0.1%.example.com", False, id="address-and-percent"),
        pytest.param("notlocalhost", False, id="name-with-prefix"),
        pytest.param("", False, id="empty"),
    ],
)
def test_loopback(host: str, *, expected: bool) -> None:
    """Only this machine's own names and addresses are loopback."""
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        pytest.param(None, "https://app.oursprivacy.com/rest/v1", id="default"),
        pytest.param("https://a.example", "https://a.example/rest/v1", id="host"),
        pytest.param("https://a.example/", "https://a.example/rest/v1", id="slash"),
        pytest.param("https://a.example/b//", "https://a.example/b/rest/v1", id="path"),
        pytest.param(
            "https://a.example:444", "https://a.example:444/rest/v1", id="port"
        ),
        pytest.param("HTTPS://A.Example", "https://a.example/rest/v1", id="upper-case"),
        pytest.param("http://127.0.0.1:80", "http://127.0.0.1/rest/v1", id="loopback"),
        pytest.param("http://[::1]:81", "http://[::1]:81/rest/v1", id="loopback-6"),
        pytest.param(URL("https://a.example"), "https://a.example/rest/v1", id="url"),
    ],
)
def test_prefix(base_url: str | URL | None, expected: str) -> None:
    """Every request's URL begins with the base URL and the API's root."""
    assert parse_base_url(base_url, allow_insecure=False) == expected


@pytest.mark.parametrize(
    "base_url",
    [
        pytest.param(" ", id="blank"),
        pytest.param("app.oursprivacy.com", id="no-scheme"),
        pytest.param("//app.oursprivacy.com", id="only-slashes"),
        pytest.param("ftp://a.example", id="ftp"),
        pytest.param("file:///etc", id="file"),
        pytest.param("https://", id="no-host"),
        pytest.param("https:///path", id="path-only"),
        pytest.param("https://s3cret@a.example", id="user"),
        pytest.param("https://me:s3cret@a.example", id="password"),
        pytest.param("https://:s3cret@a.example", id="only-password"),
        pytest.param("https://me:s3cret@a.example:99999", id="password-and-bad-port"),
        pytest.param("https://a.example?b=c", id="query"),
        pytest.param("https://a.example/#b", id="fragment"),
        pytest.param("https://a.example:port", id="port-is-a-word"),
        pytest.param("https://[::1", id="open-bracket"),
        pytest.param("http://a.example", id="plain-http"),
        pytest.param("http://127.0.0.1.example.com", id="plain-http-almost-loopback"),
        pytest.param("http://127.0.0.1%.example.com", id="plain-http-and-percent"),
        pytest.param(7, id="number"),
        pytest.param(b"https://a.example", id="bytes"),
    ],
)
def test_bad_base_url(base_url: Any) -> None:
    """A base URL that could leak the key is refused, and no password is quoted."""
    with pytest.raises(ConfigurationError, match="base_url") as caught:
        parse_base_url(base_url, allow_insecure=False)
    assert "s3cret" not in str(caught.value)


def test_insecure_base_url() -> None:
    """Plain http to another machine needs an explicit option."""
    prefix = parse_base_url("http://a.example", allow_insecure=True)
    assert prefix == "http://a.example/rest/v1"


@pytest.mark.parametrize("bad_id", BAD_IDS.values(), ids=list(BAD_IDS))
def test_bad_segment(bad_id: object) -> None:
    """A value that cannot be an id is refused in every position."""
    for segments in ((bad_id,), ("experiments", bad_id), ("a", bad_id, "start")):
        with pytest.raises(ConfigurationError, match=r"^id "):
            build_path(segments)


def test_text_that_is_more() -> None:
    """A subclass of text is text."""
    assert build_path(["experiments", ExperimentStatus.DRAFT]) == "/experiments/draft"


@given(st.lists(ANYTHING, min_size=1, max_size=4))
def test_path_keeps_its_shape(segments: list[str]) -> None:
    """A path has one segment for each id, or is refused."""
    try:
        path = build_path(segments)
    except ConfigurationError:
        return
    assert [unquote(part) for part in path.split("/")[1:]] == segments
    url = URL(f"https://a.example/rest/v1{path}", encoded=True)
    assert url.raw_path == f"/rest/v1{path}"
    assert (url.host, url.raw_query_string, url.raw_fragment) == ("a.example", "", "")


@given(st.lists(WORDS, min_size=1, max_size=4))
def test_words_are_accepted(segments: list[str]) -> None:
    """Text without control characters is a segment, whatever it means in a URL."""
    assert build_path(segments).count("/") == len(segments)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("a b&c=d/é", "a%20b%26c%3Dd%2F%C3%A9", id="text"),
        pytest.param("", "", id="empty"),
        pytest.param(ExperimentStatus.RUNNING, "running", id="enum"),
        pytest.param(True, "true", id="true"),
        pytest.param(False, "false", id="false"),
        pytest.param(0, "0", id="zero"),
        pytest.param(-7, "-7", id="negative"),
        pytest.param(date(2026, 5, 1), "2026-05-01", id="date"),
    ],
)
def test_query_value(value: object, expected: str) -> None:
    """A query value is written as the API reads it."""
    assert build_query({"n": value}) == f"n={expected}"


def test_query_without_values() -> None:
    """A parameter that is None is left out."""
    assert build_query({"a": None, "b": 1, "c": None}) == "b=1"
    assert not build_query({"a": None})


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"a", id="bytes"),
        pytest.param(1.5, id="float"),
        pytest.param(["a"], id="list"),
        pytest.param({}, id="dict"),
        pytest.param(object(), id="object"),
        pytest.param("a\ud800", id="lone-surrogate"),
    ],
)
def test_bad_query_value(value: object) -> None:
    """A value that a query cannot hold is refused by its name."""
    with pytest.raises(ConfigurationError, match=r"^status "):
        build_query({"status": value})


@given(st.dictionaries(WORDS, WORDS, max_size=4))
def test_query_keeps_its_values(params: dict[str, str]) -> None:
    """A query holds its values and nothing else."""
    pairs = parse_qsl(build_query(params), keep_blank_values=True, strict_parsing=False)
    assert dict(pairs) == params
    assert len(pairs) == len(params)


class Echo:
    """A service that records the targets of requests."""

    def __init__(self) -> None:
        self.arrived: list[str] = []

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Record the request's target as received."""
        self.arrived.append(request.raw_path)
        return web.json_response(None)


@pytest.fixture
def echo() -> Echo:
    """Return a service without requests."""
    return Echo()


@pytest.fixture
async def client(echo: Echo) -> AsyncIterator[Client]:
    """Yield a client of the recording service."""
    async with serve(echo.answer) as client:
        yield client


@settings(max_examples=120)
@given(one=ANYTHING, two=ANYTHING, value=ANYTHING)
async def test_what_arrives(
    client: Client, echo: Echo, one: str, two: str, value: str
) -> None:
    """Ids and values arrive exactly as they are, or nothing is sent."""
    echo.arrived.clear()
    try:
        await client.request("GET", "experiments", one, two, params={"search": value})
    except ConfigurationError:
        assert echo.arrived == []
        return
    [target] = echo.arrived
    path, _, query = target.partition("?")
    segments = ["", "rest", "v1", "experiments", one, two]
    assert [unquote(part) for part in path.split("/")] == segments
    assert parse_qsl(query, keep_blank_values=True) == [("search", value)]
