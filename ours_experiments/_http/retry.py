"""What may be sent again, and after how long: pure rules without I/O."""

import enum
import random
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import attrs

from ours_experiments._validation import at_least, positive_seconds


SAFE_METHODS = frozenset({"GET"})
"""Methods that only read, as RFC 9110 calls them."""
IDEMPOTENT_METHODS = SAFE_METHODS | {"PUT", "PATCH", "DELETE"}
"""Methods that may be sent twice. RFC 9110 does not count PATCH among them, but this
API's PATCH sets values, so that the second one changes nothing."""
METHODS = IDEMPOTENT_METHODS | {"POST"}


class FailureKind(enum.Enum):
    """What may have become of a request that got no usable answer."""

    NOT_SENT = enum.auto()
    """No byte of it left this machine."""
    REFUSED = enum.auto()
    """The service turned it away unread (429, 503)."""
    MAYBE_APPLIED = enum.auto()
    """It left, and no reliable answer came back."""


def failure_kind(status: int) -> FailureKind | None:
    """Return what an error status means for the request; None: it is definite."""
    if status in {429, 503}:
        return FailureKind.REFUSED
    if status == 408 or status >= 500:
        return FailureKind.MAYBE_APPLIED
    return None


def may_repeat(method: str, kind: FailureKind) -> bool:
    """Return whether a request may be sent again after a failure of this kind."""
    return kind is not FailureKind.MAYBE_APPLIED or method in IDEMPOTENT_METHODS


@attrs.frozen
class RetryPolicy:
    """How many requests a call may take, and how long it waits between them.

    The wait before attempt n+1 is drawn evenly from 0 to
    `min(maximum, initial * 2 ** (n - 1))` seconds, after a `Retry-After` in full.
    `RetryPolicy(attempts=1)` turns repeating off.
    """

    attempts: int = attrs.field(default=4, validator=at_least(1))
    """Maximum number of requests for one call, the first included; 1 or more."""
    initial: float = attrs.field(default=0.5, validator=positive_seconds)
    """Upper bound of the first wait, in seconds; at most 1e9."""
    maximum: float = attrs.field(default=8.0, validator=positive_seconds)
    """Upper bound of every wait, in seconds; at most 1e9."""
    budget: int = attrs.field(default=500, validator=at_least(0))
    """Tokens of the client's retry budget: a repeat costs 5, a success returns 1."""

    def backoff(self, attempt: int) -> float:
        """Return a random wait in seconds after the given attempt, counted from 1."""
        exponent = min(attempt - 1, 64)
        ceiling = min(self.maximum, self.initial * 2**exponent)
        return random.uniform(0, ceiling)  # noqa: S311 - spreads load, guards nothing


# 500 tokens allow 100 repeats: 1 000 calls of a service that answers nothing but 503
# then make at most 1 100 requests, and 50 good calls pay for the next ten repeats.
REPEAT_COST = 5
SUCCESS_REFUND = 1


@attrs.define
class RetryBudget:
    """A token bucket that bounds the load that repeats add to an outage."""

    capacity: int
    tokens: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Start with a full bucket."""
        self.tokens = self.capacity

    def spend(self) -> bool:
        """Take the cost of one repeat; False when too little is left."""
        if self.tokens < REPEAT_COST:
            return False
        self.tokens -= REPEAT_COST
        return True

    def refund(self) -> None:
        """Return a token after a success."""
        if self.tokens < self.capacity:
            self.tokens += SUCCESS_REFUND


NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?", re.ASCII)


def parse_wait(value: str, now: datetime) -> float | None:
    """Parse one `Retry-After` value; None when it has no meaning."""
    text = value.strip()
    if NUMBER.fullmatch(text):
        return max(float(text), 0.0)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0.0)


def parse_retry_after(values: Sequence[str], now: datetime) -> float | None:
    """Parse `Retry-After` in every form; of several the longest counts.

    Negative numbers and past dates mean no wait. None when no value has a meaning.
    """
    waits: list[float] = []
    for value in values:
        wait = parse_wait(value, now)
        # A proxy may fold repeated headers into one; dates have a comma of their own.
        parts = value.split(",") if wait is None else ()
        found = [wait, *(parse_wait(part, now) for part in parts)]
        waits += [seconds for seconds in found if seconds is not None]
    return max(waits, default=None)
