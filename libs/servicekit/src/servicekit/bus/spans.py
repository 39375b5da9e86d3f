"""Traces across Kafka: an event bears the `traceparent` of the span that wrote it; a batch links to each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, TraceFlags

if TYPE_CHECKING:
    from servicekit.bus.intake import Received

_MOST_LINKS = 128


def span_context(traceparent: str) -> SpanContext | None:
    """The span that a W3C traceparent names, None when it is malformed."""
    try:
        _, trace_id, span_id, flags = traceparent.split("-")
        context = SpanContext(int(trace_id, 16), int(span_id, 16), True, TraceFlags(int(flags, 16)))
    except ValueError:
        return None
    return context if context.is_valid else None


@contextmanager
def batch_span(consumer: str, topic: str, records: Sequence[Received]) -> Iterator[None]:
    """The span of a batch: in the trace of its events when they have one, else with a link to each."""
    found = {r.event.traceparent for r in records if r.event is not None and r.event.traceparent}
    if not found:
        # Heartbeats come all the time and belong to nobody's trace.
        yield
        return
    contexts = [
        context for text in sorted(found)[:_MOST_LINKS] if (context := span_context(text)) is not None
    ]
    traces = {context.trace_id for context in contexts}
    parent = trace.set_span_in_context(NonRecordingSpan(contexts[0])) if len(traces) == 1 else None
    with trace.get_tracer("servicekit.bus").start_as_current_span(
        f"{topic} process",
        context=parent,
        kind=SpanKind.CONSUMER,
        links=[Link(context) for context in contexts],
        attributes={
            "messaging.system": "kafka",
            "messaging.destination.name": topic,
            "messaging.consumer.group.name": consumer,
            "messaging.batch.message_count": len(records),
        },
        # The text of an error may quote what must not be in a trace.
        record_exception=False,
    ):
        yield
