"""JSON to bytes and back, with numbers kept exactly or refused."""

import gc
import json
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

import orjson

from ours_experiments._validation import check_json
from ours_experiments.errors import ConfigurationError


MIN_PAGE_BYTES = 2**16
"""Bytes of JSON from which on it is a page, not a single object."""
PAUSE_HELPS = sys.version_info < (3, 13)
DIGITS = bytes(ord("0") if 48 <= byte < 58 else 0 for byte in range(256))
"""A translation that turns every digit into 0, and all other bytes into NUL."""
LONG_INTEGER = b"0" * 19
"""The shortest integer beyond 64 bits, -2**63 - 1, has 19 digits."""


@contextmanager
def collector_paused() -> Generator[None, None, None]:
    """Keep the cyclic collector from running while a page is built.

    Before Python 3.13 it runs for every 700 new objects, hundreds of times a page,
    and finds nothing. Delete this with 3.12, whose successors run it less often. The
    switch is the whole process's: so this is for work of a millisecond or two without
    `await`, and for the main thread, where nobody else turns it off meanwhile.
    """
    if not (
        PAUSE_HELPS
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
    """Return the value of JSON text, with integers beyond 64 bits as floats.

    Raises:
        ValueError: It is not JSON.
    """
    if len(body) < MIN_PAGE_BYTES:
        return orjson.loads(body)
    with collector_paused():
        return orjson.loads(body)


def loads(body: bytes) -> object:
    """Return the value of JSON text, with integers of any size.

    Raises:
        ValueError: It is not JSON.
    """
    value = parse(body)
    # Looking for the digits takes 0.2 ms for a page that orjson parses in 1 ms; the
    # standard library's parser, which is exact, takes 2 ms.
    return exact(body) if LONG_INTEGER in body.translate(DIGITS) else value


def exact(body: bytes) -> object:
    """Return the value of valid JSON text, with integers of any size."""
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def dumps(value: object) -> bytes:
    """Return a value as JSON text.

    Raises:
        ConfigurationError: JSON cannot hold it exactly; the text says where.
    """
    try:
        body = orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    except TypeError as error:
        check_json("json", value)
        raise ConfigurationError(f"json cannot be encoded: {error}") from None
    # NaN and infinity became null: only then is the value itself worth a walk.
    if b"null" in body:
        check_json("json", value)
    return body
