"""Read a response as an object; apart from `responses`, which loads without cattrs."""

from collections.abc import Callable
from typing import TypeVar

from ours_experiments._codec.converter import decode
from ours_experiments._codec.json_bytes import loads, parse
from ours_experiments._http.responses import Reply


T = TypeVar("T")


def decoder(cls: type[T]) -> Callable[[Reply], T]:
    """Return a function that reads a response as an object of a class."""
    return lambda reply: decode(cls, parse(reply.body), exact=lambda: loads(reply.body))
