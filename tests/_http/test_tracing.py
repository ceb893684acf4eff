"""Traces of logical calls, and of the requests inside them."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.aiohttp_client import create_trace_config
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ours_experiments import Client, NotFoundError
from ours_experiments._http.tracing import span_name
from ours_experiments.emulator import Emulator
from tests.support.clock import run_fast


EXPORTER = InMemorySpanExporter()
PROVIDER = TracerProvider()
PROVIDER.add_span_processor(SimpleSpanProcessor(EXPORTER))
trace.set_tracer_provider(PROVIDER)


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    """Collect the spans of one test."""
    EXPORTER.clear()
    yield EXPORTER
    EXPORTER.clear()


def test_a_logical_call_is_one_span_around_its_requests(
    exporter: InMemorySpanExporter,
) -> None:
    """A start whose reply is lost is one span with the requests that it took."""

    async def main() -> str:
        async with (
            Emulator() as emulator,
            Client(
                emulator.api_key,
                base_url=emulator.url,
                trace_configs=[create_trace_config()],
            ) as client,
        ):
            (experiment_id,) = emulator.seed_experiments(1)
            emulator.faults.add(
                "reset", applied=False, route="experiments.start", times=1
            )
            await client.experiments.start(experiment_id)
            return emulator.api_key

    key = run_fast(main)
    spans = exporter.get_finished_spans()
    (start,) = [span for span in spans if span.name == "experiments.start"]
    assert start.attributes is not None
    attributes = dict(start.attributes)
    assert attributes.pop("ours_experiments.experiment_id").startswith("exp_")  # type: ignore[union-attr]
    assert attributes.pop("server.port")
    assert attributes == {
        "http.request.method": "POST",
        "http.request.resend_count": 1,
        "http.response.status_code": 200,
        "ours_experiments.attempts": 2,
        "server.address": "127.0.0.1",
    }
    assert start.context is not None
    inside = [
        span.name
        for span in spans
        if span.parent is not None and span.parent.span_id == start.context.span_id
    ]
    assert inside == ["POST", "GET", "GET", "GET", "POST"]
    assert key not in "".join(span.to_json() for span in spans)


def test_an_error_is_told_to_the_span(exporter: InMemorySpanExporter) -> None:
    """An error that leaves a call is recorded on its span."""

    async def main() -> None:
        async with (
            Emulator() as emulator,
            Client(emulator.api_key, base_url=emulator.url) as client,
        ):
            with pytest.raises(NotFoundError):
                await client.experiments.retrieve("none")

    asyncio.run(main())
    (span,) = exporter.get_finished_spans()
    assert span.name == "experiments.retrieve"
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 404
    assert span.attributes["error.type"] == "NotFoundError"
    assert span.attributes["ours_experiments.experiment_id"] == "none"
    assert [event.name for event in span.events] == ["exception"]


def test_without_opentelemetry_there_are_no_spans(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where OpenTelemetry is not installed, nothing is traced and nothing breaks."""
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.trace", None)
    client = Client("key", base_url="http://127.0.0.1:1")
    assert client._session.transport.tracer() is None


def test_without_a_provider_there_are_no_spans(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While the application has set nothing up, no call pays for a span."""
    client = Client("key", base_url="http://127.0.0.1:1")
    assert client._session.transport.tracer() is not None
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    assert client._session.transport.tracer() is None


LATE = """
from ours_experiments import Client

client = Client("key", base_url="http://127.0.0.1:1")
tracer = client._session.transport.tracer
assert tracer() is None
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
assert tracer() is None
trace.set_tracer_provider(TracerProvider())
assert tracer() is not None
"""
NAMED = """
from ours_experiments import Client

client = Client("key", base_url="http://127.0.0.1:1")
assert client._session.transport.tracer() is not None
"""


@pytest.mark.parametrize(
    ("script", "environment"),
    [
        pytest.param(LATE, {}, id="after-the-client"),
        pytest.param(
            NAMED, {"OTEL_PYTHON_TRACER_PROVIDER": "sdk_tracer_provider"}, id="by-name"
        ),
    ],
)
def test_a_provider_is_found(script: str, environment: dict[str, str]) -> None:
    """A provider that is set up after the client, or by the environment, is used."""
    subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", script], env=os.environ | environment, check=True
    )


NAMES = {
    "experiments.list": ("GET", "experiments"),
    "experiments.create": ("POST", "experiments"),
    "experiments.retrieve": ("GET", "experiments", "e"),
    "experiments.update": ("PATCH", "experiments", "e"),
    "experiments.delete": ("DELETE", "experiments", "e"),
    "experiments.end_rollout": ("POST", "experiments", "e", "end-rollout"),
    "experiments.results": ("GET", "experiments", "e", "results"),
    "experiments.results_time_series": (
        "GET",
        "experiments",
        "e",
        "results-time-series",
    ),
    "variants.list": ("GET", "experiment-variants"),
    "settings.update": ("PATCH", "experiment-settings", "s"),
    "versions.publish": ("POST", "versions"),
    "versions.republish": ("POST", "versions", "v", "publish"),
    "versions.changes": ("GET", "versions", "v", "diff"),
    "versions.draft_changes": ("GET", "versions", "draft", "diff"),
    "GET openapi.json": ("GET", "openapi.json"),
    "POST things": ("POST", "things", "t", "turn"),
}


@pytest.mark.parametrize(("name", "request_of"), NAMES.items(), ids=NAMES.keys())
def test_names_of_spans(name: str, request_of: tuple[str, ...]) -> None:
    """A span is named as the client's method; others by method and collection."""
    method, *segments = request_of
    assert span_name(method, tuple(segments)) == name
