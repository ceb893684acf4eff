"""What an argument may be.

A check is given an argument's name and value, and refuses the value by that name.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlsplit

import orjson

from ours_experiments.errors import ConfigurationError


T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

WHOLE = 100
"""Percent."""


def kind_of(value: object) -> str:
    """Name a value's type, for messages."""
    return type(value).__name__


def tuple_of(kind: type[T], name: str, values: Iterable[T]) -> tuple[T, ...]:
    """Keep a sequence as a tuple; refuse text and items of another kind."""
    refusal = f"{name}: expected a sequence, got {kind_of(values)}"
    if isinstance(values, str | bytes | Mapping):
        raise ConfigurationError(refusal)
    try:
        kept = tuple(values)
    except TypeError:
        raise ConfigurationError(refusal) from None
    for index, item in enumerate(kept):
        if not isinstance(item, kind):
            raise ConfigurationError(
                f"{name}[{index}]: expected {kind.__name__}, got {kind_of(item)}"
            )
    return kept


def member_of(kind: type[E], name: str, value: str) -> E:
    """Turn the text of an enum's member into the member."""
    try:
        return kind(value)
    except ValueError:
        words = ", ".join(kind)
        raise ConfigurationError(f"{name}: expected one of {words}") from None


def text(name: str, value: object) -> None:
    """Refuse what is no text that UTF-8 can encode."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{name}: expected text, got {kind_of(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(f"{name}: holds a lone surrogate") from None


def filled_text(name: str, value: object) -> None:
    """Refuse what is no text, and text of white space only."""
    text(name, value)
    if not str(value).strip():
        raise ConfigurationError(f"{name}: may not be blank")


def optional_text(name: str, value: object) -> None:
    """Refuse what is neither text nor None."""
    if value is not None:
        text(name, value)


def texts(name: str, values: tuple[object, ...]) -> None:
    """Refuse a sequence in which not everything is sendable text."""
    for index, value in enumerate(values):
        text(f"{name}[{index}]", value)


def flag(name: str, value: object) -> None:
    """Refuse what is neither True nor False."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name}: expected a bool, got {kind_of(value)}")


def percentage(name: str, value: object) -> None:
    """Refuse what is no number from 0 to 100."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigurationError(f"{name}: expected a number, got {kind_of(value)}")
    if not 0 <= value <= WHOLE:
        raise ConfigurationError(f"{name}: expected 0 to {WHOLE} percent")


def weight(name: str, value: object) -> None:
    """Refuse what is no integer from 0 to 100."""
    if not isinstance(value, int):
        raise ConfigurationError(f"{name}: expected an integer, got {kind_of(value)}")
    percentage(name, value)


def control_weight(name: str, value: object) -> None:
    """Refuse what is no integer from 1 to 100."""
    weight(name, value)
    if value == 0:
        raise ConfigurationError(f"{name}: a control needs at least 1 percent")


def json_object(name: str, value: object) -> None:
    """Refuse what cannot be sent as a JSON object; None may pass."""
    if value is None:
        return
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{name}: expected a mapping, got {kind_of(value)}")
    try:
        orjson.dumps({**value})
    except TypeError as error:
        raise ConfigurationError(f"{name}: not JSON: {error}") from None


def site_url(name: str, value: object) -> None:
    """Refuse what is neither a path of the site nor an absolute https URL."""
    text(name, value)
    url = str(value)
    if url.startswith("/") and not url.startswith(("//", "/\\")):
        return
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ConfigurationError(f"{name}: {error}") from None
    if parts.scheme != "https" or not parts.hostname:
        raise ConfigurationError(f"{name}: expected a path or an https URL")
