"""Flat records of models, for pandas, polars and csv."""

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import cast, get_args

import attrs


SCALARS = (str, int, float, bool, date, datetime)


@cache
def scalar_fields(cls: type[attrs.AttrsInstance]) -> dict[str, type]:
    """Return the fields of a class that hold no other objects, with their types."""
    found: dict[str, type] = {}
    for field in attrs.fields(cls):
        kinds = get_args(field.type) if is_union(field.type) else (field.type,)
        kinds = tuple(kind for kind in kinds if kind is not NoneType)
        if all(isinstance(kind, type) and issubclass(kind, SCALARS) for kind in kinds):
            found[field.name] = kinds[0]
    return found


def is_union(kind: object) -> bool:
    """Return whether a type is a union, such as `str | None`."""
    return isinstance(kind, UnionType)


def record_of(model: attrs.AttrsInstance) -> dict[str, object]:
    """Return the scalar fields of a model, each with one type in every record.

    Enums are text. Numbers that JSON may write as `0` or `1` are floats, because
    polars takes the type of a column from its first rows.
    """
    record: dict[str, object] = {}
    for name, kind in scalar_fields(type(model)).items():
        value = getattr(model, name)
        if isinstance(value, StrEnum):
            value = value.value
        elif kind is float and value is not None:
            value = float(value)
        record[name] = value
    return record


def records_of(models: Iterable[object]) -> list[dict[str, object]]:
    """Return a flat record for each model."""
    return [record_of(cast("attrs.AttrsInstance", model)) for model in models]
