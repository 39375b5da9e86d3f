"""Traces across Kafka."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import bus_toy as toy
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from servicekit.bus.envelope import Event
from servicekit.bus.intake import Received
from servicekit.bus.spans import batch_span, span_context
from servicekit.testing import eventually
from test_envelope import EVENT

pytestmark = pytest.mark.part("PL-31", "a trace leads across Kafka")


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


def finished(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.name == name]


def received(*traceparents: str | None) -> list[Received]:
    events: Sequence[Event] = [replace(EVENT, traceparent=text) for text in traceparents]
    return [Received("store.part", 0, n, None, None, event) for n, event in enumerate(events)]


def test_a_batch_links_to_each_of_its_events(spans: InMemorySpanExporter) -> None:
    first, second = f"00-{1:032x}-{2:016x}-01", f"00-{3:032x}-{4:016x}-01"
    with batch_span("sales", "store.part", received(first, second, None, "nonsense")):
        pass
    [span] = finished(spans, "store.part process")
    assert span.parent is None
    assert [link.context.trace_id for link in span.links] == [1, 3]


def test_events_of_one_trace_continue_it(spans: InMemorySpanExporter) -> None:
    with batch_span("sales", "store.part", received(f"00-{1:032x}-{2:016x}-01", f"00-{1:032x}-{5:016x}-01")):
        pass
    [span] = finished(spans, "store.part process")
    assert span.context is not None
    assert span.context.trace_id == 1
    assert len(span.links) == 2


def test_heartbeats_are_in_no_trace(spans: InMemorySpanExporter) -> None:
    with batch_span("sales", "store.part", received(None)):
        pass
    assert finished(spans, "store.part process") == []
    assert span_context("00-zz-1-01") is None


async def test_one_trace_from_the_command_to_the_fold(world, spans: InMemorySpanExporter) -> None:
    with trace.get_tracer("test").start_as_current_span("command") as command:
        await toy.write(world.store, [toy.change("P1", 1)])
    async with world.relay(), world.consumer():
        await eventually(lambda: finished(spans, "store.part process"), 60)
    [span] = finished(spans, "store.part process")
    assert span.context is not None
    assert span.context.trace_id == command.get_span_context().trace_id
    assert span.parent is not None
    assert span.parent.span_id == command.get_span_context().span_id
