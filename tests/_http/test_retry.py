"""What may be sent again, and after how long."""

import asyncio
import math
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ours_experiments import (
    APITimeoutError,
    Client,
    InternalServerError,
    RateLimitError,
    RetryPolicy,
)
from ours_experiments._http.retry import (
    METHODS,
    FailureKind,
    RetryBudget,
    failure_kind,
    may_repeat,
    parse_retry_after,
)
from ours_experiments.emulator import Emulator
from tests.support.clock import run_fast


NOW = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)

RETRY_AFTER = {
    "integer": ("120", 120),
    "zero": ("0", 0),
    "leading-zeros": ("007", 7),
    "signed": ("+5", 5),
    "negative": ("-5", 0),
    "negative-zero": ("-0", 0),
    "decimal": ("1.5", 1.5),
    "decimal-point": ("3.", 3),
    "negative-decimal": ("-0.5", 0),
    "exponent": ("1e2", 100),
    "negative-exponent": ("5E-1", 0.5),
    "blanks-around": (" \t7 ", 7),
    "huge": ("99999999999", 99999999999),
    "beyond-a-float": ("9" * 400, math.inf),
    "huge-exponent": ("1e999", math.inf),
    "http-date": ("Mon, 04 May 2026 12:00:30 GMT", 30),
    "http-date-now": ("Mon, 04 May 2026 12:00:00 GMT", 0),
    "http-date-of-the-past": ("Mon, 04 May 2026 11:59:00 GMT", 0),
    "http-date-far-away": ("Tue, 04 May 2027 12:00:00 GMT", 365 * 86400),
    "http-date-wrong-weekday": ("Fri, 04 May 2026 12:00:30 GMT", 30),
    "http-date-lower-case": ("mon, 04 may 2026 12:00:30 gmt", 30),
    "http-date-short-year": ("Mon, 04 May 26 12:00:30 GMT", 30),
    "rfc-850-date": ("Monday, 04-May-26 12:00:30 GMT", 30),
    "asctime-date": ("Mon May  4 12:00:30 2026", 30),
    "date-without-weekday": ("04 May 2026 12:00:30 GMT", 30),
    "date-without-zone": ("Mon, 04 May 2026 12:00:30", 30),
    "date-of-unknown-zone": ("Mon, 04 May 2026 12:00:30 -0000", 30),
    "date-east-of-here": ("Mon, 04 May 2026 14:00:30 +0200", 30),
    "date-west-of-here": ("Mon, 04 May 2026 07:00:30 -0500", 30),
    "first-year": ("Mon, 01 Jan 0001 00:00:00 GMT", 0),
    "last-second": ("Fri, 31 Dec 9999 23:59:59 GMT", 251624404799),
    "empty": ("", None),
    "blank": ("  ", None),
    "nan": ("nan", None),
    "infinity": ("inf", None),
    "negative-infinity": ("-Infinity", None),
    "word": ("soon", None),
    "unit": ("60s", None),
    "two-signs": ("--5", None),
    "hexadecimal": ("0x10", None),
    "underscore": ("1_000", None),
    "wide-digits": ("\uff11\uff12", None),
    "iso-date": ("2026-05-04T12:00:30Z", None),
    "no-such-day": ("Mon, 99 May 2026 12:00:30 GMT", None),
    "no-such-hour": ("Mon, 04 May 2026 25:00:30 GMT", None),
    "endless-year": ("Mon, 04 May 99999999999999999999 12:00:30 GMT", None),
    "null-character": ("\0", None),
    "list-of-other-things": ("1;2", None),
}
"""Each with what it means in seconds; None: nothing."""


@pytest.mark.parametrize(
    ("value", "seconds"), RETRY_AFTER.values(), ids=RETRY_AFTER.keys()
)
def test_retry_after(value: str, seconds: float | None) -> None:
    """`Retry-After` is read in every form; an invalid value is None."""
    assert parse_retry_after([value], NOW) == seconds


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        pytest.param([], None, id="none"),
        pytest.param(["1", "3", "2"], 3, id="longest"),
        pytest.param(["soon", "2"], 2, id="one-makes-sense"),
        pytest.param(["soon", "later"], None, id="none-makes-sense"),
        pytest.param(["-1", "0"], 0, id="no-wait"),
        pytest.param(["5", "Mon, 04 May 2026 12:00:30 GMT"], 30, id="mixed"),
    ],
)
def test_repeated_retry_after(values: list[str], seconds: float | None) -> None:
    """The longest of several waits counts."""
    assert parse_retry_after(values, NOW) == seconds


@given(st.lists(st.text() | st.from_regex(r"\A[A-Za-z0-9 ,:+.-]{0,40}\Z"), max_size=3))
def test_any_retry_after(values: list[str]) -> None:
    """Any text is a wait of zero or more seconds, or None."""
    seconds = parse_retry_after(values, NOW)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, None),
        (401, None),
        (404, None),
        (405, None),
        (408, FailureKind.MAYBE_APPLIED),
        (409, None),
        (413, None),
        (425, None),
        (429, FailureKind.REFUSED),
        (499, None),
        (500, FailureKind.MAYBE_APPLIED),
        (501, FailureKind.MAYBE_APPLIED),
        (502, FailureKind.MAYBE_APPLIED),
        (503, FailureKind.REFUSED),
        (504, FailureKind.MAYBE_APPLIED),
        (520, FailureKind.MAYBE_APPLIED),
        (599, FailureKind.MAYBE_APPLIED),
    ],
)
def test_failure_kind(status: int, kind: FailureKind | None) -> None:
    """A status decides whether a request was refused or may have been applied."""
    assert failure_kind(status) is kind


@pytest.mark.parametrize(
    ("method", "kind", "expected"),
    [
        (method, kind, not (method == "POST" and kind is FailureKind.MAYBE_APPLIED))
        for method in sorted(METHODS)
        for kind in FailureKind
    ],
)
def test_may_repeat(method: str, kind: FailureKind, *, expected: bool) -> None:
    """Only a POST that may have been applied is not sent again."""
    assert may_repeat(method, kind) is expected


seconds = st.floats(0.001, 1e6)


@given(initial=seconds, maximum=seconds, attempt=st.integers(1, 10**6))
def test_backoff(initial: float, maximum: float, attempt: int) -> None:
    """A wait lies between nothing and its upper bound, however late the attempt."""
    policy = RetryPolicy(initial=initial, maximum=maximum)
    bound = maximum if attempt > 64 else min(maximum, initial * 2 ** (attempt - 1))
    assert 0 <= policy.backoff(attempt) <= bound


def test_backoff_grows() -> None:
    """The bound doubles with each attempt up to the maximum."""
    policy = RetryPolicy(initial=1, maximum=8)
    longest = [max(policy.backoff(n) for _ in range(300)) for n in (1, 2, 3, 4, 5, 9)]
    assert longest == pytest.approx([1, 2, 4, 8, 8, 8], rel=0.15)


def test_backoff_spreads() -> None:
    """Waits after the same attempt differ, down to almost none."""
    policy = RetryPolicy(initial=1)
    waits = [policy.backoff(1) for _ in range(300)]
    assert len(set(waits)) > 290
    assert min(waits) < 0.1


@given(capacity=st.integers(0, 60), steps=st.lists(st.booleans(), max_size=200))
def test_budget(capacity: int, steps: list[bool]) -> None:
    """Five are taken for a repeat, one comes back: never below 0, never too many."""
    budget = RetryBudget(capacity)
    expected = capacity
    for is_repeat in steps:
        if is_repeat:
            allowed = expected >= 5
            assert budget.spend() is allowed
            expected -= 5 if allowed else 0
        else:
            budget.refund()
            expected = min(expected + 1, capacity)
        assert budget.tokens == expected
        assert 0 <= budget.tokens <= capacity


@given(capacity=st.integers(0, 500), calls=st.integers(0, 1000))
def test_budget_in_an_outage(capacity: int, calls: int) -> None:
    """Without any success, the capacity limits the repeats."""
    budget = RetryBudget(capacity)
    repeats = sum(budget.spend() for _ in range(calls))
    assert repeats == min(calls, capacity // 5)


def test_waits_between_requests() -> None:
    """A call waits for as long as it was asked to, and not much longer."""

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        moments = [loop.time()]
        async with Emulator() as emulator:
            emulator.faults.add("status", code=429, retry_after=20, times=2)
            policy = RetryPolicy(initial=0.1)
            async with Client(
                emulator.api_key, base_url=emulator.url, retry=policy
            ) as client:
                await client.settings.list()
                moments.append(loop.time())
            assert emulator.log.received() == 3
        return moments

    [waited] = [late - early for early, late in pairwise(run_fast(main))]
    assert 40 <= waited <= 45


@pytest.mark.parametrize(
    "asked", ["61", "1e9", "1e999", "Fri, 31 Dec 9999 23:59:59 GMT"]
)
async def test_wait_beyond_the_deadline(
    client: Client, emulator: Emulator, asked: str
) -> None:
    """A wait that is longer than the call may take fails it at once."""
    emulator.faults.add("status", code=429, retry_after=asked)
    with pytest.raises(RateLimitError) as caught:
        await client.settings.list()
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > 60
    assert emulator.log.received() == 1


async def test_pause_beyond_the_deadline(client: Client, emulator: Emulator) -> None:
    """While such a pause lasts, other calls fail at once and send nothing."""
    emulator.faults.add("status", code=503, retry_after=100, times=1)
    with pytest.raises(InternalServerError):
        await client.settings.list()
    with pytest.raises(APITimeoutError, match="asked to wait") as caught:
        await client.settings.list()
    assert caught.value.maybe_sent is False
    assert caught.value.retry_after == pytest.approx(100, abs=1)
    assert emulator.log.received() == 1


@pytest.mark.parametrize("attempts", [1, 3])
async def test_attempts(client: Client, emulator: Emulator, attempts: int) -> None:
    """A call is as many requests as its policy allows, and no more."""
    emulator.faults.add("status", code=502)
    policy = RetryPolicy(attempts=attempts, initial=0.001)
    with pytest.raises(InternalServerError):
        await client.with_options(retry=policy).settings.list()
    assert emulator.log.received() == attempts


async def test_no_budget(emulator: Emulator) -> None:
    """A client without a budget does not repeat requests."""
    emulator.faults.add("status", code=502)
    async with Client(
        emulator.api_key, base_url=emulator.url, retry=RetryPolicy(budget=4)
    ) as client:
        with pytest.raises(InternalServerError):
            await client.settings.list()
    assert emulator.log.received() == 1
