"""Ids and values arrive exactly as they are, or nothing is sent."""

import asyncio
import enum
import json
import math
from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ours_experiments import Client, ConfigurationError
from tests.support.corpus import Corpus
from tests.support.scripted import answer, scripted


PITFALLS = (
    *("", ".", "..", "%2e%2e", "%2E%2E%2F", "%252e", "..%2f", "..;/", "a/../b", "//h"),
    *("\u2024\u2024", "\uff0e\uff0e", "\u2215", "\uff0f", "\u29f8", "\\..\\", "..\\"),
    *("?a=b", "#f", "a;b=c", "a&b=c", "a+b", "a b", "@host", ":80", "a\0b", "%00"),
    *(
        "a\r\nX: y",
        "a\nb",
        "\u2028",
        "\x85",
        "\ud800",
        "\udc00\ud800",
        "\ufeff",
        "e\u0301",
    ),
    *("*", "%", "%%", "%zz", "'", '"', "<", "{id}", "~", "\U0001f600", "x" * 1025),
)
ANYTHING = st.one_of(
    st.sampled_from(PITFALLS),
    st.text(st.characters(exclude_categories=()), max_size=30),
    st.builds("".join, st.lists(st.sampled_from(PITFALLS), max_size=3)),
)
VALUES = st.one_of(
    ANYTHING, st.integers(), st.booleans(), st.dates(), st.sampled_from(PITFALLS)
)
HEADERS = {
    b"host",
    b"authorization",
    b"accept",
    b"accept-encoding",
    b"user-agent",
    b"content-type",
    b"content-length",
}


class Wire:
    """A server that keeps every request, byte by byte."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Record requests, and answer every one with null."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].split(b"\r")[0]
                self.heads.append(head)
                self.bodies.append(await reader.readexactly(int(length or 0)))
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    b"Content-Length: 4\r\n\r\nnull"
                )
        except asyncio.IncompleteReadError:
            writer.close()

    def target(self) -> tuple[str, str]:
        """Return the path and the query of the only request, as received."""
        [head] = self.heads
        method, target, version = head.split(b"\r\n")[0].decode("ascii").split(" ")
        assert (method, version) == ("GET", "HTTP/1.1")
        path, _, query = target.partition("?")
        return path, query


@pytest.fixture
def wire() -> Wire:
    """Return a server without requests."""
    return Wire()


@pytest.fixture
async def client(wire: Wire) -> AsyncIterator[Client]:
    """Yield a client of the recording server."""
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0, limit=2**24)
    port = server.sockets[0].getsockname()[1]
    async with Client("key", base_url=f"http://127.0.0.1:{port}") as client:
        yield client
    server.close()


def meant(value: object) -> str:
    """Return a query value as the API reads it."""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else str(value)


@settings(max_examples=400)
@given(one=ANYTHING, name=ANYTHING, value=VALUES)
@example(one="..", name="a", value="b")
@example(one="%2e%2e", name="a&b", value="c#d")
async def test_what_arrives_is_what_was_meant(
    client: Client, wire: Wire, one: str, name: str, value: object
) -> None:
    """The path's template never changes; ids and values arrive, or nothing is sent."""
    wire.heads.clear()
    try:
        await client.request("GET", "experiments", one, "start", params={name: value})
    except ConfigurationError:
        assert wire.heads == []
        return
    path, query = wire.target()
    root, rest, version, collection, encoded, action = path.split("/")
    assert (root, rest, version) == ("", "rest", "v1")
    assert (collection, action) == ("experiments", "start")
    assert unquote(encoded, errors="strict") == one
    assert encoded not in {"", ".", ".."}
    assert parse_qsl(query, keep_blank_values=True) == [(name, meant(value))]
    lines = wire.heads[0].split(b"\r\n")[1:-2]
    assert {line.partition(b":")[0].lower() for line in lines} <= HEADERS


@pytest.mark.parametrize("id", PITFALLS)
async def test_every_pitfall(client: Client, wire: Wire, id: str) -> None:
    """An id that leads elsewhere in other clients is encoded or refused."""
    try:
        await client.request("GET", "experiments", id)
    except ConfigurationError as error:
        message = str(error)
        assert wire.heads == []
        assert (message.isprintable(), len(message) < 1200) == (True, True)
    else:
        path, query = wire.target()
        assert path.count("/") == 4
        assert unquote(path.rpartition("/")[2], errors="strict") == id
        assert not query


class Word(str, enum.Enum):  # noqa: UP042 - the old way is what is tested
    """A string enum whose `str` is not its value."""

    ONE = "one/1"


class Number(int, enum.Enum):
    """The same for integers."""

    TWO = 2


class Shouting(str):
    """A text whose `str` is another one."""

    __slots__ = ()

    def __str__(self) -> str:
        return "SHOUTED"


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        pytest.param(Word.ONE, "one%2F1", id="text-enum"),
        pytest.param(Number.TWO, "2", id="number-enum"),
        pytest.param(Shouting("quiet"), "quiet", id="own-text"),
        pytest.param(2**70, "1180591620717411303424", id="large"),
        pytest.param(date(1, 1, 1), "0001-01-01", id="first-day"),
    ],
)
async def test_value_itself_arrives(
    client: Client, wire: Wire, value: object, arrives: str
) -> None:
    """The value of a text is sent, not its `str`."""
    await client.request("GET", "experiments", params={"a": value})
    assert wire.target()[1] == f"a={arrives}"


@pytest.mark.parametrize("id", [Word.ONE, Shouting("one/1")])
async def test_id_itself_arrives(client: Client, wire: Wire, id: str) -> None:
    """The value of an id is sent, not its `str`."""
    await client.request("GET", "experiments", id)
    assert wire.target()[0] == "/rest/v1/experiments/one%2F1"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        pytest.param({"a": 10**5000}, "a is too large", id="huge-number"),
        pytest.param({1: "a"}, "params must be named by text", id="name-is-a-number"),
        pytest.param({b"a": "a"}, "params must be named by text", id="name-is-bytes"),
        pytest.param({None: "a"}, "params must be named by text", id="no-name"),
        pytest.param({"\ud800": "a"}, "", id="surrogate-in-a-name"),
        pytest.param({"a": "\ud800"}, "a is not valid text", id="surrogate"),
    ],
)
async def test_refused_values(
    client: Client, wire: Wire, params: Any, message: str
) -> None:
    """A value that no query can carry is refused before anything is sent."""
    with pytest.raises(ConfigurationError, match=f"^{message}") as caught:
        await client.request("GET", "experiments", params=params)
    assert str(caught.value).isprintable()
    assert wire.heads == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x" * 2**20, id="ascii"),
        pytest.param("\U0001f600\0\r\n\u202e/" * 2**17, id="everything"),
    ],
)
async def test_a_megabyte_arrives(client: Client, wire: Wire, text: str) -> None:
    """A text of a megabyte arrives as it is, in a body and in a query."""
    await client.request("POST", "experiments", json={"name": text})
    assert orjson.loads(wire.bodies[0]) == {"name": text}
    wire.heads.clear()
    await client.request("GET", "experiments", params={"search": text})
    assert parse_qsl(wire.target()[1]) == [("search", text)]


NOT_JSON: dict[str, object] = {
    "nan": float("nan"),
    "infinity": float("inf"),
    "minus-infinity": -math.inf,
    "nested-nan": {"limits": [1.5, {"x": float("nan")}]},
    "nan-and-null": {"a": None, "b": float("nan")},
    "beyond-64-bits": {"n": 2**64},
    "far-below": [-(2**63) - 1],
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_number_that_json_cannot_hold(method: str, body: object) -> None:
    """NaN, infinity and integers beyond 64 bits are refused, and nothing is sent."""
    async with (
        scripted(then=answer(200, "true")) as script,
        Client("key", base_url=script.url) as client,
    ):
        with pytest.raises(ConfigurationError, match="json"):
            await client.request(method, "things", "t", json=body)
        assert not script.heads


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 2**64 - 1])
async def test_large_integers_arrive_exactly(number: int) -> None:
    """Integers of 64 bits are sent as they are."""
    echo = answer(200, f'{{"n": {number}}}')
    async with (
        scripted(then=echo) as script,
        Client("key", base_url=script.url) as client,
    ):
        found = await client.request("POST", "things", json={"n": number})
    assert found == {"n": number}


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**30])
async def test_integers_beyond_64_bits_are_read_exactly(number: int) -> None:
    """An integer beyond 64 bits in an answer is read exactly."""
    reply = answer(200, f'{{"n": {number}}}')
    async with (
        scripted(then=reply) as script,
        Client("key", base_url=script.url) as client,
    ):
        assert await client.request("GET", "things") == {"n": number}


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**30, 1e300])
async def test_numbers_beyond_64_bits_in_a_listing(number: float) -> None:
    """A page and an experiment hold a large number as it came, float or integer."""
    experiment = {
        **Corpus().experiment(),
        "targetingRules": {"urlPatterns": [], "visitorProperties": {"n": [number]}},
    }
    page = {"entities": [experiment, experiment], "pagination": {"hasMore": False}}
    async with (
        scripted(
            answer(200, json.dumps(page)),
            answer(200, json.dumps(page)),
            answer(200, json.dumps(experiment)),
        ) as script,
        Client("key", base_url=script.url) as client,
    ):
        listed = await client.experiments.list().to_list()
        served = await client.experiments.list_page()
        one = await client.experiments.retrieve("e1")
    for found in (*listed, *served.entities, one):
        assert found.targeting_rules is not None
        properties = found.targeting_rules.visitor_properties
        # The text tells 2**64 from 1.8446744073709552e+19, which is equal to it.
        assert repr(properties) == repr({"n": [number]})
