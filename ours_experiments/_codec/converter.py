"""Convert between JSON values and attrs classes.

Wire names are the fields' names in camel case. Decoding is strict about types and
tolerant of what is new: an unknown field is ignored, or kept where the object is
written back; an unknown value of an enum stays text.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar, cast

import attrs
from cattrs import (
    AttributeValidationNote,
    BaseValidationError,
    Converter,
)

from ours_experiments._codec import compiled
from ours_experiments._codec.hooks import (
    Hook,
    Mismatch,
    encoding_hook,
    is_mapping,
    is_open_enum,
    is_tuple,
    mapping_hook,
    object_hook,
    open_enum_hook,
    strict_hook,
    take_json,
    to_date,
    to_datetime,
    to_integer,
    to_number,
    tuple_hook,
    wire_name,
)
from ours_experiments._codec.json_bytes import collector_paused
from ours_experiments.errors import DecodeError


T = TypeVar("T")
MAX_PROBLEMS_IN_MESSAGE = 3
REFUSALS = (Mismatch, KeyError, TypeError, ValueError)
"""What compiled hooks raise for a value of another shape."""


def decode(
    cls: type[T],
    payload: object,
    *,
    at: str = "$",
    exact: Callable[[], object] | None = None,
) -> T:
    """Return the object that a JSON value describes; the value may be changed.

    Args:
        cls: The class of the object.
        payload: The value.
        at: Its JSON path, for errors.
        exact: Returns the value with integers of any size, where the payload has those
            beyond 64 bits as floats; None: the payload is exact.

    Raises:
        DecodeError: The value is of another shape.
    """
    kind: Any = cls
    decoded: T
    try:
        decoded = compiled_hook_for(kind)(payload, kind)
    except REFUSALS:
        pass  # Not here: the new error would hold this one, and its traceback.
    else:
        return decoded
    decoded = decode_precisely(payload, kind, at, exact)
    return decoded


def decode_entities(
    cls: type[T],
    payload: object,
    *,
    at: str = "$.entities",
    exact: Callable[[], object] | None = None,
) -> tuple[T, ...]:
    """Return the objects that a JSON array describes, as `decode` does for one."""
    kind: Any = tuple[cls, ...]  # type: ignore[valid-type]
    with collector_paused():
        decoded: tuple[T, ...] = decode(kind, payload, at=at, exact=exact)
    return decoded


def encode(draft: object) -> dict[str, object]:
    """Return a draft as a JSON object, without the fields that are left out."""
    encoded: dict[str, object] = converter().unstructure(draft)
    return encoded


def decode_precisely(
    payload: object, kind: Any, at: str, exact: Callable[[], object] | None
) -> Any:
    """Build an object by the hooks that say what is wrong."""
    if exact is not None:
        clear(payload)
        payload = exact()
    try:
        return converter().structure(payload, kind)
    except (BaseValidationError, Mismatch) as error:
        problems = tuple(problems_of(error, at))
    clear(payload)
    reasons = [*problems[:MAX_PROBLEMS_IN_MESSAGE]]
    if len(problems) > MAX_PROBLEMS_IN_MESSAGE:
        reasons.append(f"and {len(problems) - MAX_PROBLEMS_IN_MESSAGE} more")
    raise DecodeError(
        f"the answer has another shape: {'; '.join(reasons)}", problems=problems
    )


def clear(payload: object) -> None:
    """Empty a payload that is not of the API's shape.

    It may echo the request, and a traceback that shows locals would show it, with the
    API key if that is in there.
    """
    if isinstance(payload, (dict, list)):
        cast("dict[object, object] | list[object]", payload).clear()


def problems_of(error: BaseException, at: str) -> Iterator[str]:
    """Yield what is wrong, with its JSON path."""
    if isinstance(error, BaseValidationError):
        for cause in error.exceptions:
            yield from problems_of(cause, at + path_step(cause))
    else:
        yield f"{at}: {'missing' if isinstance(error, KeyError) else error}"


def path_step(error: BaseException) -> str:
    """Return the step of a JSON path that cattrs noted on an error."""
    note: Any = error.__notes__[-1]
    if isinstance(note, AttributeValidationNote):
        return f".{wire_name(note.name)}"
    # A mapping's key could be anything, the API key too.
    return f"[{note.index}]" if isinstance(note.index, int) else ".*"


@cache
def compiled_converter() -> Converter:
    """Return a copy of the converter with compiled hooks for the models."""
    made = converter().copy(detailed_validation=False)
    made.register_structure_hook(int, compiled.to_exact_integer)
    made.register_structure_hook_func(
        lambda kind: kind in (Any, object), compiled.take_json
    )
    made.register_structure_hook_factory(is_tuple, compiled.tuple_hook)
    made.register_structure_hook_factory(compiled.is_compilable, compiled.object_hook)
    return made


@cache
def compiled_hook_for(kind: Any) -> Hook:
    """Return the compiled hook for a type."""
    return compiled_converter().get_structure_hook(kind)


@cache
def converter() -> Converter:
    """Return the converter, made when it is first needed."""
    made = Converter(detailed_validation=True)
    for kind in (str, bool):
        made.register_structure_hook(kind, strict_hook(kind))
    made.register_structure_hook(int, to_integer)
    made.register_structure_hook(float, to_number)
    made.register_structure_hook(datetime, to_datetime)
    made.register_structure_hook(date, to_date)
    made.register_structure_hook_func(lambda kind: kind in (Any, object), take_json)
    made.register_structure_hook_factory(is_open_enum, open_enum_hook)
    made.register_structure_hook_factory(is_tuple, tuple_hook)
    made.register_structure_hook_factory(is_mapping, mapping_hook)
    made.register_structure_hook_factory(attrs.has, object_hook)
    made.register_unstructure_hook(StrEnum, attrgetter("value"))
    made.register_unstructure_hook_factory(attrs.has, encoding_hook)
    return made
