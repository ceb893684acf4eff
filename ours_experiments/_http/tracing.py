"""Spans for logical calls, where opentelemetry-api is installed."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any, Protocol, TypeVar


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


def tracer_source() -> Callable[[], Tracer | None]:
    """Return what tells the application's tracer; None while there is none.

    opentelemetry-api may be installed because something else needs it: as long as the
    application has not set a provider up, no call pays for a span that nobody sees.
    """
    try:
        api: Any = import_module("opentelemetry.trace")
    except ImportError:
        return lambda: None
    proxy: Tracer = api.get_tracer("ours_experiments")

    def tracer() -> Tracer | None:
        provider = api.get_tracer_provider()
        return None if isinstance(provider, api.ProxyTracerProvider) else proxy

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
