"""Checks of arguments."""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from ours_experiments import ConfigurationError, NewExperiment, NewVariant, RetryPolicy
from ours_experiments._validation import (
    check_count,
    check_draft,
    check_filled_text,
    check_seconds,
    clamp_limit,
    to_day,
    to_filled_texts,
)


@pytest.mark.parametrize("value", [1, 0.001, 3600, 1e9])
def test_seconds(value: float) -> None:
    """Every positive number is a number of seconds."""
    check_seconds("timeout", value)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(0, id="zero"),
        pytest.param(-1, id="negative"),
        pytest.param(math.nan, id="nan"),
        pytest.param(math.inf, id="infinite"),
        pytest.param(10**400, id="too-large-for-a-float"),
        pytest.param(True, id="bool"),
        pytest.param("1", id="text"),
        pytest.param(None, id="none"),
        pytest.param(timedelta(seconds=1), id="timedelta"),
    ],
)
def test_bad_seconds(value: object) -> None:
    """What no wait can last is refused by its name."""
    with pytest.raises(ConfigurationError, match=r"^timeout must be a positive"):
        check_seconds("timeout", value)


@pytest.mark.parametrize("value", [2, 3, 10**400])
def test_count(value: int) -> None:
    """Every integer from the minimum is a count."""
    check_count("attempts", value, 2)


@pytest.mark.parametrize("value", [1, -5, 2.0, True, "2", None])
def test_bad_count(value: object) -> None:
    """What is no integer, or too small, is refused by its name."""
    with pytest.raises(ConfigurationError, match=r"^attempts must be an integer >= 2"):
        check_count("attempts", value, 2)


@pytest.mark.parametrize(
    ("limit", "expected"), [(1, 1), (100, 100), (101, 100), (10**400, 100)]
)
def test_limit(limit: int, expected: int) -> None:
    """A page size above the maximum becomes the maximum, as at the service."""
    assert clamp_limit(limit, 100) == expected


@pytest.mark.parametrize("value", [0, -1, None, "1"])
def test_bad_limit(value: Any) -> None:
    """A page size below 1, or of another type, is refused."""
    with pytest.raises(ConfigurationError, match=r"^limit must be "):
        clamp_limit(value, 100)


@pytest.mark.parametrize("value", ["", " \n", None, 7, b"a", ["a"]])
def test_bad_text(value: object) -> None:
    """What is no text, or blank, is refused by its name."""
    with pytest.raises(ConfigurationError, match=r"^key must be text"):
        check_filled_text("key", value)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(["a", "b"], id="list"),
        pytest.param(("a", "b"), id="tuple"),
        pytest.param(iter("ab"), id="iterator"),
        pytest.param({"a": 1, "b": 2}, id="keys"),
    ],
)
def test_texts(values: object) -> None:
    """Several texts are kept as a list, wherever they come from."""
    assert to_filled_texts("ids", values) == ["a", "b"]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param("ab", id="one-text"),
        pytest.param(None, id="none"),
        pytest.param(7, id="number"),
        pytest.param(["a", ""], id="blank-item"),
        pytest.param(["a", 7], id="number-item"),
        pytest.param(b"ab", id="bytes"),
    ],
)
def test_bad_texts(values: object) -> None:
    """What is no sequence of texts is refused by its name."""
    with pytest.raises(ConfigurationError, match=r"^ids must be "):
        to_filled_texts("ids", values)


def test_draft() -> None:
    """A draft of the kind passes."""
    check_draft(NewVariant("exp_1", "A", 1), NewVariant)


@pytest.mark.parametrize("value", [None, {}, NewExperiment("settings_1", "A")])
def test_bad_draft(value: object) -> None:
    """Anything else is refused by the kind that is needed."""
    with pytest.raises(ConfigurationError, match=r"^expected NewVariant, not "):
        check_draft(value, NewVariant)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, None, id="none"),
        pytest.param(date(2026, 5, 1), date(2026, 5, 1), id="date"),
        pytest.param(
            datetime(2026, 5, 1, 23, 59, tzinfo=UTC), date(2026, 5, 1), id="utc"
        ),
        pytest.param(
            datetime(2026, 5, 1, 23, tzinfo=timezone(timedelta(hours=-2))),
            date(2026, 5, 2),
            id="west",
        ),
        pytest.param(
            datetime(2026, 5, 1, 1, tzinfo=timezone(timedelta(hours=2))),
            date(2026, 4, 30),
            id="east",
        ),
    ],
)
def test_day(value: object, expected: date | None) -> None:
    """A date is a day, and an aware datetime falls on one in UTC."""
    assert to_day("start_date", value) == expected


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(datetime(2026, 5, 1), id="naive"),  # noqa: DTZ001 - the point
        pytest.param("2026-05-01", id="text"),
        pytest.param(20260501, id="number"),
        pytest.param(
            datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))),
            id="after-the-last-day",
        ),
    ],
)
def test_bad_day(value: object) -> None:
    """What falls on no day is refused by its name."""
    with pytest.raises(ConfigurationError, match=r"^start_date must be "):
        to_day("start_date", value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(
            lambda: RetryPolicy(attempts=0), "attempts must be", id="attempts"
        ),
        pytest.param(lambda: RetryPolicy(initial=0), "initial must be", id="initial"),
        pytest.param(
            lambda: RetryPolicy(maximum=math.inf), "maximum must be", id="maximum"
        ),
        pytest.param(lambda: RetryPolicy(budget=-1), "budget must be", id="budget"),
    ],
)
def test_bad_policy(make: Callable[[], RetryPolicy], message: str) -> None:
    """A policy that cannot be followed is refused by the field's name."""
    with pytest.raises(ConfigurationError, match=f"^{message}"):
        make()


def test_policy_without_repeats() -> None:
    """One attempt and no budget are a policy."""
    policy = RetryPolicy(attempts=1, budget=0)
    assert (policy.attempts, policy.budget) == (1, 0)
