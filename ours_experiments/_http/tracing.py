"""Spans for logical calls, where opentelemetry-api is installed."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from yarl import URL


if TYPE_CHECKING:
    from ours_experiments._http.call import Call


T = TypeVar("T")

GROUPS = {
    "experiments": "experiments",
    "experiment-variants": "variants",
    "experiment-settings": "settings",
    "versions": "versions",
}
"""The client's groups of methods, by the first segment of the path."""
ACTIONS = {
    ("GET", 1): "list",
    ("POST", 1): "create",
    ("GET", 2): "retrieve",
    ("PATCH", 2): "update",
    ("DELETE", 2): "delete",
}
"""The methods that need no further segment, by method and number of segments."""
SPECIAL: dict[tuple[str, ...], str] = {
    ("POST", "versions"): "versions.publish",
    ("POST", "versions", "publish"): "versions.republish",
    ("GET", "versions", "diff"): "versions.changes",
    ("GET", "versions", "draft", "diff"): "versions.draft_changes",
}


class Span(Protocol):
    """The part of OpenTelemetry's span that is used here."""

    def set_attribute(self, key: str, value: int | str) -> None:
        """Set an attribute."""
        ...


class Tracer(Protocol):
    """The part of OpenTelemetry's tracer that is used here."""

    def start_as_current_span(
        self, name: str, *, kind: Any, attributes: Mapping[str, int | str]
    ) -> AbstractContextManager[Span]:
        """Start a span; an exception that leaves it is recorded."""
        ...


class CallTracer:
    """Makes a span for each logical call, with OpenTelemetry's HTTP attributes."""

    def __init__(self, tracer: Tracer, kind: object, root: URL) -> None:
        self.tracer = tracer
        self.kind = kind
        self.address: str = root.host or ""
        self.port: int = root.port or 443

    async def trace(
        self,
        call: "Call",
        running: Awaitable[T],
        method: str,
        segments: tuple[str, ...],
    ) -> T:
        """Await a call inside a span."""
        attributes: dict[str, int | str] = {
            "http.request.method": method,
            "server.address": self.address,
            "server.port": self.port,
        }
        if segments[0] == "experiments" and len(segments) > 1:
            attributes["ours_experiments.experiment_id"] = segments[1]
        with self.tracer.start_as_current_span(
            span_name(method, segments), kind=self.kind, attributes=attributes
        ) as span:
            try:
                return await running
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)
                raise
            finally:
                span.set_attribute("ours_experiments.attempts", call.attempts)
                if call.attempts > 1:
                    span.set_attribute("http.request.resend_count", call.attempts - 1)
                if call.status is not None:
                    span.set_attribute("http.response.status_code", call.status)


def tracer_source(root: URL) -> Callable[[], CallTracer | None]:
    """Return a function that gives a tracer; None while the application has none.

    opentelemetry-api may be installed because something else needs it. A span that
    nobody exports would cost every call for nothing.
    """
    try:
        api: Any = import_module("opentelemetry.trace")
    except ImportError:
        return lambda: None
    # Loads the provider that the environment names, if it names one. The proxy finds
    # a provider even if the application sets it up after this.
    proxy = api.get_tracer("ours_experiments")
    call_tracer = CallTracer(proxy, api.SpanKind.CLIENT, root)
    placeholders = {api.NoOpTracerProvider, api.ProxyTracerProvider}
    list_providers = api.TracerProvider.__subclasses__

    def tracer() -> CallTracer | None:
        # As long as no implementation is imported, none can have been set up. The
        # function below reads the environment then: 4.5 us of a call's 150.
        if placeholders.issuperset(list_providers()):
            return None
        provider = api.get_tracer_provider()
        return None if isinstance(provider, api.ProxyTracerProvider) else call_tracer

    return tracer


def span_name(method: str, segments: tuple[str, ...]) -> str:
    """Return the name of the client's method for a request, `experiments.start`."""
    first, *rest = segments
    keys = ((method, first, *rest), (method, first, *rest[1:]))
    for key in keys:
        if key in SPECIAL:
            return SPECIAL[key]
    group = GROUPS.get(first)
    action = ACTIONS.get((method, len(segments)))
    if group is not None and len(segments) == 3:
        action = rest[1].replace("-", "_")
    return (
        f"{method} {first}" if group is None or action is None else f"{group}.{action}"
    )
