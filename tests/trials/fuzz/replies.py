"""The client's reading of everything else: status, headers, bodies of errors."""

import math
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random

from multidict import CIMultiDict, CIMultiDictProxy

from ours_experiments import Client, OursError
from ours_experiments._http.limiter import MAX_PAUSE
from ours_experiments._http.responses import (
    Failure,
    Reply,
    classify,
    service_time,
    to_json,
)
from ours_experiments._http.retry import parse_retry_after
from tests.trials.fuzz.mutations import hostile_bytes, hostile_text


KEY = "key-4711-of-fuzz"
"""It begins with no hexadecimal digit, which the escape of a character before it could
end with."""
NOW = datetime(2026, 4, 30, tzinfo=UTC)


WAITS = (
    "0",
    "1",
    "120",
    "1.5",
    "-3",
    "+7",
    "1e3",
    "1e999",
    "NaN",
    "inf",
    "0x10",
    "1_000",
    "٣",
    "Thu, 30 Apr 2026 18:42:11 GMT",
    "Thu, 30 Apr 2026 18:42:11 +2359",
    "Thursday, 30-Apr-26 18:42:11 GMT",
    "Thu Apr 30 18:42:11 2026",
    "Fri, 31 Dec 9999 23:59:59 -2359",
    "Sat, 01 Jan 0100 00:00:00 +2359",
    "soon",
    "",
)
DATE_PARTS = (
    ("Thu,", "thu,", "Thu", "Do", "", ",", "Thu,Thu,"),
    ("30", "0", "31", "-1", "٣", "1,", "3e1"),
    ("Apr", "apr", "April", "Feb", "4", "Apr-2026", ","),
    ("2026", "26", "0", "0001", "9999", "10000", ",", "12:", ":", "2026,"),
    ("18:42:11", "24:00:00", "18.42.11", "18:42", "18", ":", "::", "+", "9" * 30),
    ("GMT", "UTC", "+0200", "-2359", "+9999", "-", "--", "EST", "", "(x)", "+a"),
)


def draw_date(random: Random) -> str:
    """Draw something like a date as HTTP writes it, good or bad in places."""
    if random.random() < 0.3:
        return hostile_text(random, random.choice(WAITS))
    words = [
        parts[0] if random.random() < 0.85 else random.choice(parts)
        for parts in DATE_PARTS
    ]
    text = random.choice((" ", " ", " ", " ", "\t", "-")).join(words)
    return text if random.random() < 0.7 else hostile_text(random, text)


def draw_waits(random: Random) -> tuple[str, ...]:
    """Draw the `Retry-After` headers of one answer."""

    def one() -> str:
        kind = random.randrange(4)
        if kind == 0:
            return draw_date(random)
        text = random.choice(WAITS)
        if kind == 1:
            text = f"{text},{random.choice(WAITS)}"
        return text if kind < 3 else hostile_text(random, text)

    return tuple(one() for _ in range(random.choice((0, 1, 1, 1, 2, 3))))


def judge_waits(values: tuple[str, ...]) -> str:
    """A wait is None, or seconds that a client can pause for."""
    wait = parse_retry_after(values, NOW)
    if wait is None:
        return "no wait"
    assert isinstance(wait, float)
    assert wait >= 0
    assert math.isfinite(min(wait, MAX_PAUSE))
    return "now" if wait == 0 else "wait"


def reply_of(
    status: int, reason: str, headers: list[tuple[str, str]], body: bytes
) -> Reply:
    """Make an answer as the transport hands it on."""
    received = CIMultiDictProxy(CIMultiDict(headers))
    return Reply(status, reason, received, body, resent=False)


def judge_date(text: str) -> str:
    """The service's clock is a moment that can be compared and reckoned with."""
    moment = service_time(reply_of(200, "OK", [("Date", text)], b""))
    assert moment.tzinfo is not None
    assert moment - timedelta(seconds=3600) < moment
    own = abs((datetime.now(UTC) - moment).total_seconds()) < 60
    return "own clock" if own else "theirs"


TYPES = (
    "application/json",
    "application/json",
    "application/json",
    "application/json; charset=utf-8",
    "application/problem+json",
    "APPLICATION/JSON",
    "application/jsonp",
    "text/html",
    "text/plain; application/json",
    "",
)
BODIES = (
    b'{"error": "Bad Request", "details": "name"}',
    b'{"error": null, "details": 7}',
    b'{"error": {"message": "nested"}}',
    b'{"error": "key %b", "details": "Bearer %b"}' % (KEY.encode(), KEY.encode()),
    b'{"error": "\\u006bey-4711-of-fuzz", "details": "d"}',
    b"<html>502 Bad Gateway</html>",
    b"",
    b"null",
    b"[]",
    b"true",
)
LOCATIONS = (
    "/elsewhere",
    f"https://{KEY}.example.com/",
    "http://[::1",
    "//host:99999/",
    "javascript:alert(1)",
)


def check_text(error: OursError) -> None:
    """Check that an error can be written down, and that the key is not in it."""
    for text in (str(error), repr(vars(error))):
        text.encode()
        assert KEY not in text, "the key is in an error"


@cache
def client() -> Client:
    """Build a client that never sends anything."""
    return Client(KEY, base_url="http://127.0.0.1:1")


def draw_reply(random: Random) -> tuple[str, Reply]:
    """Draw a whole answer, and the method of the request that it answers."""

    def odd(text: str) -> str:
        return text if random.random() < 0.8 else hostile_text(random, text)

    status = random.choice((200, 200, 201, 204, 302, 303, 400, 401, 404, 409, 418, 429))
    if random.random() < 0.2:
        status = random.choice((199, 299, 304, 399, 408, 500, 502, 503, 504, 599, 999))
    headers = [
        (name, odd(value))
        for name, value in (
            ("Content-Type", random.choice(TYPES)),
            ("Date", "Thu, 30 Apr 2026 18:42:11 GMT"),
            ("Retry-After", random.choice(WAITS)),
            ("Location", random.choice(LOCATIONS)),
            ("Server", f"nginx {KEY}"),
        )
        if random.random() < 0.7
    ]
    body = random.choice(BODIES)
    if random.random() < 0.5:
        body = hostile_bytes(random, body)
    method = random.choice(("GET", "POST", "PATCH", "DELETE"))
    return method, reply_of(status, odd(f"Reason {KEY}"), headers, body)


def judge_reply(drawn: tuple[str, Reply]) -> str:
    """An answer is JSON, nothing, or a failure with an error that can be shown."""
    method, reply = drawn
    transport = client()._session.transport
    outcome = classify(
        reply,
        method,
        ("experiments", "x"),
        transport.authorization,
        transport.max_values,
        read=to_json,
        maybe_deleted=False,
    )
    if not isinstance(outcome, Failure):
        return "answer"
    check_text(outcome.error)
    judged = outcome.retry_after
    assert judged is None or judged >= 0
    return type(outcome.error).__name__
