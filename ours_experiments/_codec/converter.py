"""The one place where JSON and the package's classes meet.

Wire names are the fields' names in camel case. Decoding is strict about types and
tolerant of what is new: unknown fields are ignored, or kept where the object is
written back; unknown words of an enum stay text.
"""

import gc
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar, cast

import attrs
import orjson
from cattrs import (
    AttributeValidationNote,
    BaseValidationError,
    Converter,
)

from ours_experiments._codec import compiled as _flat
from ours_experiments._codec.hooks import (
    Hook,
    Mismatch,
    encoding_hook,
    exactly,
    is_mapping,
    is_open_enum,
    is_tuple,
    keep,
    mapping_hook,
    object_hook,
    open_enum_hook,
    to_date,
    to_datetime,
    to_integer,
    to_number,
    tuple_hook,
    wire_name,
)
from ours_experiments.errors import DecodeError


T = TypeVar("T")
SHOWN_PROBLEMS = 3
LARGE = 2**16
"""Bytes of JSON from which on it is a page, not an object."""
PAUSE_PAYS = sys.version_info < (3, 13)
"""From 3.13 on the collector looks through new objects less often."""


@contextmanager
def collector_paused() -> Generator[None, None, None]:
    """Keep the cyclic collector from searching a page while it is being built.

    The switch is the whole process's: only for a millisecond or two without `await`,
    only if it was on, and only in the main thread, from which nobody else can be
    turning it off meanwhile.
    """
    if not (
        PAUSE_PAYS
        and gc.isenabled()
        and threading.current_thread() is threading.main_thread()
    ):
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def parse(body: bytes) -> object:
    """Read JSON.

    Raises:
        ValueError: It is none.
    """
    if len(body) < LARGE:
        return orjson.loads(body)
    with collector_paused():
        return orjson.loads(body)


def decode(cls: type[T], payload: object, *, at: str = "$") -> T:
    """Turn what `orjson.loads` returned into an object; the payload may change.

    Raises:
        DecodeError: the payload is of another shape; `at` is its own JSON path.
    """
    decoded: T = structure(payload, cls, at)
    return decoded


def decode_entities(
    cls: type[T], payload: object, *, at: str = "$.entities"
) -> tuple[T, ...]:
    """Turn a JSON array into objects, as `decode` does for one."""
    kind: Any = tuple[cls, ...]  # type: ignore[valid-type]
    with collector_paused():
        decoded: tuple[T, ...] = structure(payload, kind, at)
    return decoded


def encode(draft: object) -> dict[str, object]:
    """Turn a draft into a JSON object, without the fields that are left out."""
    encoded: dict[str, object] = converter().unstructure(draft)
    return encoded


def structure(payload: object, kind: Any, at: str) -> Any:
    """Build an object fast or, where that fails, with the hooks that say why."""
    try:
        return flat_hook_of(kind)(payload, kind)
    except (Mismatch, KeyError, TypeError, ValueError):
        pass  # The precise hooks tell where, and outside this handler.
    try:
        return converter().structure(payload, kind)
    except (BaseValidationError, Mismatch) as error:
        problems = tuple(problems_of(error, at))
    forget(payload)
    shown = [*problems[:SHOWN_PROBLEMS]]
    if len(problems) > SHOWN_PROBLEMS:
        shown.append(f"and {len(problems) - SHOWN_PROBLEMS} more")
    raise DecodeError(
        f"the answer has another shape: {'; '.join(shown)}", problems=problems
    )


def forget(payload: object) -> None:
    """Empty what is not of the API's shape, and so may be an echo of the request.

    It has no use any more, but a traceback that shows locals would show it, and the
    API key if it is in there.
    """
    if isinstance(payload, (dict, list)):
        cast("dict[object, object] | list[object]", payload).clear()


def problems_of(error: BaseException, at: str) -> Iterator[str]:
    """Tell what is wrong, each with its JSON path."""
    if isinstance(error, BaseValidationError):
        for each in error.exceptions:
            yield from problems_of(each, at + step_of(each))
    else:
        yield f"{at}: {'missing' if isinstance(error, KeyError) else error}"


def step_of(error: BaseException) -> str:
    """Name the step of a JSON path that cattrs noted on an error."""
    note: Any = error.__notes__[-1]
    if isinstance(note, AttributeValidationNote):
        return f".{wire_name(note.name)}"
    # A mapping's own keys could be anything, the API key too.
    return f"[{note.index}]" if isinstance(note.index, int) else ".*"


@cache
def flat_converter() -> Converter:
    """Build a copy of the converter with the flat hooks for the models."""
    built = converter().copy(detailed_validation=False)
    built.register_structure_hook_factory(is_tuple, _flat.tuple_hook)
    built.register_structure_hook_factory(_flat.is_flat, _flat.flat_hook)
    return built


@cache
def flat_hook_of(kind: Any) -> Hook:
    """Find the fast hook for a kind of thing."""
    return flat_converter().get_structure_hook(kind)


@cache
def converter() -> Converter:
    """Build the converter, once and not before it is needed."""
    built = Converter(detailed_validation=True)
    for kind in (str, bool):
        built.register_structure_hook(kind, exactly(kind))
    built.register_structure_hook(int, to_integer)
    built.register_structure_hook(float, to_number)
    built.register_structure_hook(datetime, to_datetime)
    built.register_structure_hook(date, to_date)
    built.register_structure_hook_func(lambda kind: kind is object, keep)
    built.register_structure_hook_factory(is_open_enum, open_enum_hook)
    built.register_structure_hook_factory(is_tuple, tuple_hook)
    built.register_structure_hook_factory(is_mapping, mapping_hook)
    built.register_structure_hook_factory(attrs.has, object_hook)
    built.register_unstructure_hook(StrEnum, attrgetter("value"))
    built.register_unstructure_hook_factory(attrs.has, encoding_hook)
    return built
