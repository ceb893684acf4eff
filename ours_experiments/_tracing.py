"""Spans for logical calls, where opentelemetry-api is installed."""

from collections.abc import Awaitable
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Protocol, TypeVar


T = TypeVar("T")


class Span(Protocol):
    """The part of OpenTelemetry's span that is used here."""

    def set_attribute(self, key: str, value: int) -> None:
        """Note a figure."""
        ...


class Tracer(Protocol):
    """The part of OpenTelemetry's tracer that is used here."""

    def start_as_current_span(self, name: str) -> AbstractContextManager[Span]:
        """Begin a span; an exception that leaves it is recorded."""
        ...


def find_tracer() -> Tracer | None:
    """Return the application's tracer; None when OpenTelemetry is not installed."""
    try:
        tracer: Tracer = import_module("opentelemetry.trace").get_tracer(
            "ours_experiments"
        )
    except ImportError:
        return None
    return tracer


class Counted(Protocol):
    """A call that counts its requests."""

    attempts: int


async def traced(tracer: Tracer, name: str, call: Counted, running: Awaitable[T]) -> T:
    """Await a logical call inside a span, which learns how many requests it took."""
    with tracer.start_as_current_span(name) as span:
        try:
            return await running
        finally:
            span.set_attribute("ours_experiments.attempts", call.attempts)
