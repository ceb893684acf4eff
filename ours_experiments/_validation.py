"""Checks of arguments; each error names the argument."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import cast

import attrs

from ours_experiments.errors import ConfigurationError


LONGEST = 1e9
"""Seconds; some thirty years are for ever."""


def check_seconds(name: str, value: object) -> None:
    """Refuse what is no positive number of seconds, or beyond reason."""
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not 0 < value <= LONGEST
    ):
        raise ConfigurationError(
            f"{name} must be a positive number of seconds, not {value!r:.40}"
        )


def check_count(name: str, value: object, minimum: int) -> None:
    """Refuse what is no integer of at least `minimum`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
        raise ConfigurationError(
            f"{name} must be an integer >= {minimum}, not {value!r}"
        )


def check_limit(limit: int, maximum: int) -> None:
    """Refuse a page size that the service does not serve."""
    check_count("limit", limit, 1)
    if limit > maximum:
        raise ConfigurationError(f"limit must be at most {maximum}, not {limit}")


def text_of(name: str, value: object) -> str:
    """Take text that is not blank, and nothing else."""
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{name} must be text that is not blank")
    return value


def check_text(name: str, value: object) -> None:
    """Refuse what is no text, or blank."""
    text_of(name, value)


def check_texts(name: str, values: object) -> list[str]:
    """Take several texts; a single one would be taken for its letters."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ConfigurationError(f"{name} must be a sequence of texts")
    kept = [text_of(name, value) for value in cast("Iterable[object]", values)]
    if not kept:
        raise ConfigurationError(
            f"{name} must not be empty: the service takes that for everything"
        )
    return kept


def check_draft(value: object, kind: type[object]) -> None:
    """Refuse what is no draft of the kind that the call sends."""
    if not isinstance(value, kind):
        raise ConfigurationError(
            f"expected {kind.__name__}, not {type(value).__name__}"
        )


def to_day(name: str, value: object) -> date | None:
    """Take a day, or the UTC day of an aware datetime."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ConfigurationError(f"{name} must be aware: it has no time zone")
        try:
            return value.astimezone(UTC).date()
        except OverflowError:
            raise ConfigurationError(f"{name} must be a day of the calendar") from None
    if value is None or isinstance(value, date):
        return value
    raise ConfigurationError(f"{name} must be a date, not {type(value).__name__}")


def positive_seconds(
    _instance: object, attribute: "attrs.Attribute[float]", value: float
) -> None:
    """Validate an attrs field by `check_seconds`."""
    check_seconds(attribute.name, value)


def at_least(minimum: int) -> Callable[[object, "attrs.Attribute[int]", int], None]:
    """Make a validator of an attrs field by `check_count`."""

    def check(_instance: object, attribute: "attrs.Attribute[int]", value: int) -> None:
        check_count(attribute.name, value, minimum)

    return check
