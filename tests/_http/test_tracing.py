"""Traces of logical calls, and of the requests inside them."""

import asyncio
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.aiohttp_client import create_trace_config
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ours_experiments import Client, NotFoundError
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
    (start,) = [span for span in spans if span.name == "start"]
    assert start.attributes == {"ours_experiments.attempts": 2}
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
    assert span.name == "GET experiments"
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
