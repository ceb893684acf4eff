"""What may be sent again, and after how long: pure rules, no input or output."""

import enum
import random
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import attrs

from ours_experiments._validation import at_least, positive_seconds


class Fate(enum.Enum):
    """What can have become of one attempt that brought no usable answer."""

    NOT_SENT = enum.auto()
    """It never left this machine."""
    REFUSED = enum.auto()
    """It was turned away unread (429, 503)."""
    MAYBE_APPLIED = enum.auto()
    """It left, and nothing reliable came back."""


class Effect(enum.Enum):
    """What sending a request a second time would do."""

    NONE = enum.auto()
    """It only reads."""
    SAME = enum.auto()
    """It sets the same values once more."""
    GONE = enum.auto()
    """It deletes what is perhaps deleted already: then a 404 is success."""
    AGAIN = enum.auto()
    """It acts a second time, so a lost reply has to be settled first."""


EFFECT_OF_METHOD = {
    "GET": Effect.NONE,
    "PUT": Effect.SAME,
    "PATCH": Effect.SAME,
    "DELETE": Effect.GONE,
    "POST": Effect.AGAIN,
}


def fate_of_status(status: int) -> Fate | None:
    """Tell what an error status says of the request; None: a definite answer."""
    if status in {429, 503}:
        return Fate.REFUSED
    if status == 408 or status >= 500:
        return Fate.MAYBE_APPLIED
    return None


def may_repeat(effect: Effect, fate: Fate) -> bool:
    """Whether a call with this effect may be sent again after this fate."""
    return fate is not Fate.MAYBE_APPLIED or effect is not Effect.AGAIN


@attrs.frozen
class RetryPolicy:
    """How often a call is sent at most, and how long it waits in between.

    The wait before attempt n+1 is drawn evenly from 0 to
    `min(maximum, initial * 2 ** (n - 1))` seconds; a `Retry-After` is waited out in
    full before. `RetryPolicy(attempts=1)` turns repeating off.
    """

    attempts: int = attrs.field(default=4, validator=at_least(1))
    """Requests for one call at most, the first included; 1 or more."""
    initial: float = attrs.field(default=0.5, validator=positive_seconds)
    """Upper bound of the first wait, in seconds."""
    maximum: float = attrs.field(default=8.0, validator=positive_seconds)
    """Upper bound of every wait, in seconds."""
    budget: int = attrs.field(default=500, validator=at_least(0))
    """Tokens of the client's retry budget: a repeat costs 5, a success returns 1."""

    def backoff(self, attempt: int) -> float:
        """Draw the wait in seconds after the given attempt, counted from 1."""
        exponent = min(attempt - 1, 64)
        ceiling = min(self.maximum, self.initial * 2**exponent)
        return random.uniform(0, ceiling)  # noqa: S311 - spreads load, guards nothing


COST_OF_REPEAT = 5
REFUND_OF_SUCCESS = 1


@attrs.define
class RetryBudget:
    """A token bucket that keeps an outage from being multiplied by repeats."""

    capacity: int
    tokens: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Start with a full bucket."""
        self.tokens = self.capacity

    def spend(self) -> bool:
        """Take the price of one repeat; False when there is too little left."""
        if self.tokens < COST_OF_REPEAT:
            return False
        self.tokens -= COST_OF_REPEAT
        return True

    def refund(self) -> None:
        """Put back what one success earns."""
        if self.tokens < self.capacity:
            self.tokens += REFUND_OF_SUCCESS


NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?", re.ASCII)


def seconds_to_wait(value: str, now: datetime) -> float | None:
    """Read one `Retry-After` value; None when it says nothing."""
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


def retry_after(values: Sequence[str], now: datetime) -> float | None:
    """Read `Retry-After` in every form; the longest of several is what counts.

    Negative numbers and past dates mean no wait. None when no value makes sense.
    """
    waits: list[float] = []
    for value in values:
        # A proxy may fold repeated headers into one; dates have a comma of their own.
        wait = seconds_to_wait(value, now)
        found = (
            [seconds_to_wait(part, now) for part in value.split(",")]
            if wait is None
            else [wait]
        )
        waits += [one for one in found if one is not None]
    return max(waits, default=None)
