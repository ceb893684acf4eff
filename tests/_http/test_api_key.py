"""The API key: which texts are valid, and how every text is masked."""

import base64
import copy
import html
import json
import pickle
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from ours_experiments import Client, ConfigurationError
from ours_experiments._http.api_key import Authorization, check_api_key


KEY = "s3cret+/key\"with\\odd&<characters>'=%"
KEYS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=16)


@pytest.mark.parametrize(
    "api_key",
    [
        pytest.param("k", id="one-character"),
        pytest.param("!~-._+/=" * 200, id="long-and-visible"),
    ],
)
def test_key(api_key: str) -> None:
    """A key of visible characters becomes the header's value."""
    assert str(check_api_key(api_key)) == f"Bearer {api_key}"


def test_key_is_never_shown() -> None:
    """Displaying the header's value masks the key."""
    assert repr({"Authorization": check_api_key("s3cret")}) == (
        "{'Authorization': 'Bearer ***'}"
    )


@pytest.mark.parametrize(
    "api_key",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param(" \t", id="blank"),
        pytest.param("s3 cret", id="space"),
        pytest.param("s3cret\n", id="line-end"),
        pytest.param("s3cret\r\nX-Other: 1", id="header-injection"),
        pytest.param("s3cret\0", id="null-character"),
        pytest.param("s3cret\x7f", id="delete-character"),
        pytest.param("s3cret-é", id="latin-1"),
        pytest.param("s3cret-\uff11", id="wide-digit"),
        pytest.param("s3cret\ud800", id="lone-surrogate"),
        pytest.param(b"s3cret", id="bytes"),
        pytest.param(7, id="number"),
    ],
)
def test_bad_key(api_key: object) -> None:
    """A text that a header cannot carry is refused, and not quoted."""
    problem = check_api_key(api_key)
    assert isinstance(problem, ConfigurationError)
    assert str(problem).startswith("api_key ")
    assert "s3" not in str(problem)


def authorization(api_key: str) -> Authorization:
    """Return the header's value for a valid key."""
    made = check_api_key(api_key)
    assert isinstance(made, Authorization)
    return made


def test_key_is_masked_in_headers() -> None:
    """The repr of the headers of a request does not hold the key."""
    headers = CIMultiDict({"Authorization": authorization(KEY)})
    assert repr(headers.copy()) == "<CIMultiDict('Authorization': 'Bearer ***')>"


def test_key_is_not_pickled() -> None:
    """Neither a key nor a client can be pickled; a copy is the same object."""
    key = authorization(KEY)
    assert copy.copy(key) is copy.deepcopy(key) is key
    for holder in (key, {"Authorization": key}, Client(KEY)):
        with pytest.raises(TypeError, match="an API key is not pickled"):
            pickle.dumps(holder)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "percent": lambda key: quote(key, safe=""),
    "percent-in-lower-case": lambda key: quote(key, safe="").lower(),
    "percent-in-a-path": quote,
    "form": quote_plus,
    "html": html.escape,
    "html-numbers": lambda key: "".join(
        letter if letter.isalnum() else f"&#{ord(letter)};" for letter in key
    ),
    "json": lambda key: json.dumps(key)[1:-1],
    "json-in-json": lambda key: json.dumps(json.dumps(key))[3:-3],
    "json-slashes": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "json-for-html": lambda key: json.dumps(key)[1:-1].replace("<", "\\u003C"),
    "python": repr,
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_key_is_masked_however_it_is_spelled(spelling: str) -> None:
    """A key that is escaped for URLs, HTML or JSON is masked, too."""
    key = KEY.lower()
    masked = authorization(key).mask(f"a {SPELLINGS[spelling](key)} z")
    assert masked.replace("'", "") == "a *** z"


@given(KEYS, st.sampled_from(sorted(SPELLINGS)), st.text(), st.text())
def test_any_key_is_masked(key: str, spelling: str, before: str, after: str) -> None:
    """Every spelling of the key is masked, whatever the text around it."""
    if spelling == "percent-in-lower-case":
        key = key.lower()
    spelled = SPELLINGS[spelling](key)
    masked = authorization(key).mask(f"{before} {spelled} {after}")
    assert spelled not in masked


@given(KEYS, st.binary(max_size=8), st.binary(max_size=8))
def test_base64_of_a_key_is_masked(key: str, before: bytes, after: bytes) -> None:
    """Of a key inside base64 text at most its ends are left."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(before + key.encode() + after).decode()
        masked = authorization(key).mask(encoded)
        assert "***" in masked
        longest = max(map(len, masked.split("***")))
        assert longest <= 4 * (max(len(before), len(after)) + 3)


@given(KEYS, st.integers(0, 300), st.integers(1, 40))
def test_excerpt_has_no_part_of_a_key(key: str, before: int, times: int) -> None:
    """A text is masked before it is cut off."""
    text = " " * before + key * times
    masked = authorization(key).excerpt(text, 200)
    assert set(masked) <= {" ", "*"}
    assert masked.startswith(" " * min(before, 200))


def test_excerpt_of_a_text_without_the_key() -> None:
    """An excerpt is the beginning of the text."""
    assert authorization(KEY).excerpt("x" * 500, 200) == "x" * 200
    assert authorization(KEY).excerpt("short", 200) == "short"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"api_key": "s3cret key"}, id="bad-key"),
        pytest.param({"api_key": b"s3cret"}, id="key-of-another-type"),
        pytest.param({"api_key": "s3cret", "max_in_flight": 0}, id="bad-argument"),
        pytest.param({"api_key": "s3cret", "base_url": "ftp://a"}, id="bad-address"),
        pytest.param({"api_key": "s3cret", "retry": 3}, id="bad-retry"),
        pytest.param({"api_key": "s3cret", "timeout": -1}, id="bad-time"),
    ],
)
def test_refused_client_shows_no_key(arguments: dict[str, Any]) -> None:
    """No local variable of the package holds the key when an argument is refused."""
    with pytest.raises(ConfigurationError) as caught:
        Client(**arguments)
    trace = traceback.TracebackException.from_exception(
        caught.value, capture_locals=True
    )
    del trace.stack[0]  # this test's own frame, which has the arguments
    shown = "".join(trace.format())
    assert "client.py" in shown
    assert "s3cret" not in shown


def test_key_from_the_environment_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An invalid key in the environment is not quoted either."""
    monkeypatch.setenv("OURS_PRIVACY_API_KEY", "s3cret key")
    with pytest.raises(ConfigurationError) as caught:
        Client()
    trace = traceback.TracebackException.from_exception(
        caught.value, capture_locals=True
    )
    assert "s3cret" not in "".join(trace.format())


def test_attributes_of_a_view_are_masked() -> None:
    """`attrs.asdict` of a client's parts does not display the key."""
    session = Client(KEY)._session
    assert "s3cret" not in f"{attrs.asdict(session)} {vars(session.transport)}"
