"""Types of JSON values, and conversions to them."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import orjson


Json: TypeAlias = (
    "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"
)
Values: TypeAlias = Mapping[str, Json]
"""The fields of an object."""


def parse(text: bytes | str) -> Json:
    """Parse a JSON text.

    Raises:
        ValueError: the text is not JSON.
    """
    value: Json = orjson.loads(text)
    return value


def string(value: Json) -> str | None:
    """Return a string, None for everything else."""
    return value if isinstance(value, str) else None


def array(value: Json) -> list[Json] | None:
    """Return an array, None for everything else."""
    return value if isinstance(value, list) else None


def mapping(value: Json) -> dict[str, Json] | None:
    """Return an object, None for everything else."""
    return value if isinstance(value, dict) else None
