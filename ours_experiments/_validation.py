"""Check arguments and the fields of drafts.

Each check takes a name and a value. It raises `ConfigurationError` with that name. A
limit of quantity, such as how many patterns there may be, is left to the service.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from enum import Enum, StrEnum
from math import isfinite
from typing import TypeVar, cast
from urllib.parse import urlsplit

import attrs
import orjson

from ours_experiments.errors import ConfigurationError


T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

MAX_SECONDS = 1e9
"""Some thirty years: `asyncio` and the operating system refuse much more."""
MAX_PERCENT = 100
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**64 - 1
"""What orjson writes; a larger one would reach most services as a float."""
MAX_LEVELS = 254
"""Levels of objects and arrays that orjson writes."""


def type_name(value: object) -> str:
    """Return the name of a value's type, for messages."""
    return type(value).__name__


def check_seconds(name: str, value: object) -> None:
    """Check for a positive number of seconds."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 < value <= MAX_SECONDS
    ):
        raise ConfigurationError(
            f"{name} must be a positive number of seconds, not {value!r:.40}"
        )


def check_count(name: str, value: object, minimum: int) -> None:
    """Check for an integer of at least `minimum`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
        raise ConfigurationError(
            f"{name} must be an integer >= {minimum}, not {value!r:.40}"
        )


def clamp_limit(limit: int, maximum: int) -> int:
    """Return a page size that the service serves."""
    check_count("limit", limit, 1)
    return min(limit, maximum)


def check_text(name: str, value: object) -> None:
    """Check for text that UTF-8 can encode."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be text, not {type_name(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(f"{name} must not hold a lone surrogate") from None


def check_filled_text(name: str, value: object) -> None:
    """Check for text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{name} must be text that is not blank")
    check_text(name, value)


def check_optional_text(name: str, value: object) -> None:
    """Check for text or None."""
    if value is not None:
        check_text(name, value)


def check_texts(name: str, values: Iterable[object]) -> None:
    """Check each item of a sequence for text."""
    for index, value in enumerate(values):
        check_text(f"{name}[{index}]", value)


def to_filled_texts(name: str, values: object) -> list[str]:
    """Return several texts, of which none is blank, as a list."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ConfigurationError(f"{name} must be a sequence of texts")
    texts: list[str] = []
    for value in cast("Iterable[object]", values):
        check_filled_text(name, value)
        texts.append(cast("str", value))
    if not texts:
        raise ConfigurationError(
            f"{name} must not be empty: the service takes that for everything"
        )
    return texts


def check_bool(name: str, value: object) -> None:
    """Check for True or False."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} must be a bool, not {type_name(value)}")


def check_percentage(name: str, value: object) -> None:
    """Check for a number from 0 to 100."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigurationError(f"{name} must be a number, not {type_name(value)}")
    if not 0 <= value <= MAX_PERCENT:
        raise ConfigurationError(f"{name} must be from 0 to {MAX_PERCENT} percent")


def check_weight(name: str, value: object) -> None:
    """Check for an integer from 0 to 100."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigurationError(f"{name} must be an integer, not {type_name(value)}")
    check_percentage(name, value)


def check_control_weight(name: str, value: object) -> None:
    """Check for an integer from 1 to 100."""
    check_weight(name, value)
    if value == 0:
        raise ConfigurationError(f"{name} must be at least 1 percent")


def check_site_url(name: str, value: object) -> None:
    """Check for a path of the site or an absolute https URL."""
    check_text(name, value)
    url = str(value)
    # A browser takes `//host` and `/\host` for another site.
    if url.startswith("/") and not url.startswith(("//", "/\\")):
        return
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ConfigurationError(f"{name} must be a URL: {error}") from None
    if parts.scheme != "https" or not parts.hostname:
        raise ConfigurationError(f"{name} must be a path or an https URL")


def to_instance(kind: type[T], name: str, value: object) -> T:
    """Return a value that is an instance of a class."""
    if not isinstance(value, kind):
        raise ConfigurationError(
            f"{name} must be {kind.__name__}, not {type_name(value)}"
        )
    return value


def check_draft(value: object, kind: type[object]) -> None:
    """Check for a draft of the kind that the call sends."""
    if not isinstance(value, kind):
        raise ConfigurationError(f"expected {kind.__name__}, not {type_name(value)}")


def to_tuple(kind: type[T], name: str, values: Iterable[T]) -> tuple[T, ...]:
    """Return a sequence as a tuple; text and items of another class are refused."""
    refusal = f"{name} must be a sequence, not {type_name(values)}"
    if isinstance(values, str | bytes | Mapping):
        raise ConfigurationError(refusal)
    try:
        items = tuple(values)
    except TypeError:
        raise ConfigurationError(refusal) from None
    for index, item in enumerate(items):
        to_instance(kind, f"{name}[{index}]", item)
    return items


def to_member(kind: type[E], name: str, value: str) -> E:
    """Return the member of an enum for its text."""
    try:
        return kind(value)
    except ValueError:
        members = ", ".join(kind)
        raise ConfigurationError(f"{name} must be one of {members}") from None


def to_day(name: str, value: object) -> date | None:
    """Return a date, or the UTC date of an aware datetime."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ConfigurationError(f"{name} must be aware: it has no time zone")
        try:
            return value.astimezone(UTC).date()
        except OverflowError:
            raise ConfigurationError(f"{name} must be a day of the calendar") from None
    if value is None or isinstance(value, date):
        return value
    raise ConfigurationError(f"{name} must be a date, not {type_name(value)}")


def check_mapping(name: str, value: object) -> None:
    """Check for a mapping that JSON can hold, or None."""
    if value is not None:
        if not isinstance(value, Mapping):
            raise ConfigurationError(
                f"{name} must be a mapping, not {type_name(value)}"
            )
        check_json(name, cast("object", value))


def check_json(name: str, value: object) -> None:
    """Check that JSON holds a value exactly, and orjson can write it."""
    problem = json_problem(name, value, MAX_LEVELS)
    if problem is None:
        try:
            if isinstance(value, Mapping):
                value = {**cast("Mapping[object, object]", value)}
            orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_DATACLASS)
        except TypeError as error:
            problem = f"{name} cannot be written as JSON: {error}"
    if problem is not None:
        raise ConfigurationError(problem)


def json_problem(name: str, value: object, levels: int) -> str | None:
    """Describe the first part of a value that JSON would change or cannot hold."""
    if isinstance(value, Enum):
        value = value.value
    problem = None
    if isinstance(value, float):
        # orjson writes NaN and infinity as null, without an error.
        problem = None if isfinite(value) else f"must be finite, not {value}"
    elif isinstance(value, int):
        if not MIN_INTEGER <= value <= MAX_INTEGER:
            problem = "must be an integer of at most 64 bits"
    elif isinstance(value, Mapping | list | tuple):
        if not levels:
            problem = f"must have at most {MAX_LEVELS} levels"
        else:
            return problem_within(name, cast("object", value), levels - 1)
    return None if problem is None else f"{name} {problem}"


def problem_within(name: str, value: object, levels: int) -> str | None:
    """Describe the first problem within an object or array."""
    if isinstance(value, Mapping):
        items = (
            (f"{name}.{key}", item)
            for key, item in cast("Mapping[object, object]", value).items()
        )
    else:
        items = (
            (f"{name}[{index}]", item)
            for index, item in enumerate(cast("Iterable[object]", value))
        )
    for at, item in items:
        if problem := json_problem(at, item, levels):
            return problem
    return None


def positive_seconds(
    _instance: object, attribute: "attrs.Attribute[float]", value: float
) -> None:
    """Validate an attrs field by `check_seconds`."""
    check_seconds(attribute.name, value)


def at_least(minimum: int) -> Callable[[object, "attrs.Attribute[int]", int], None]:
    """Return an attrs validator by `check_count`."""

    def check(_instance: object, attribute: "attrs.Attribute[int]", value: int) -> None:
        check_count(attribute.name, value, minimum)

    return check
