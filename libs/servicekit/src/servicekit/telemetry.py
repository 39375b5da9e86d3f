"""Logs, traces and metrics of a process: OpenTelemetry alone, no personal data.

Spans name routes and topics, never values; logs are JSON lines with the trace id. The logs never hold text that a user typed.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

import structlog
from fastapi import FastAPI
from opentelemetry import metrics, trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, DEFAULT_ON
from structlog.tracebacks import ExceptionDictTransformer

_BYTES_PER_FILE = 20_000_000


class FileSpanExporter(SpanExporter):
    """Spans as JSON lines in one bounded file, one older generation kept: the collector of a platform without one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with self._lock:
            if self._path.exists() and self._path.stat().st_size > _BYTES_PER_FILE:
                self._path.replace(self._path.with_suffix(self._path.suffix + ".1"))
            with self._path.open("a") as out:
                for span in spans:
                    out.write(span.to_json(indent=None) + "\n")
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        pass


def _trace_ids(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
    return event


def set_up(service: str, *, level: str = "INFO", trace_file: Path | None = None) -> None:
    """Once a process, before anything else."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _trace_ids,
            # Without the local variables: they hold passwords of connections, names and whole requests.
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    resource = Resource.create({"service.name": service})
    # Where nobody collects spans, requests and events still bear trace ids, which the logs name.
    provider = TracerProvider(resource=resource, sampler=DEFAULT_ON if trace_file else ALWAYS_OFF)
    if trace_file is not None:
        provider.add_span_processor(
            BatchSpanProcessor(FileSpanExporter(trace_file), schedule_delay_millis=500)
        )
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider(resource=resource, metric_readers=[PrometheusMetricReader()]))


def instrument(app: FastAPI) -> None:
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    FastAPIInstrumentor.instrument_app(
        app,
        excluded_urls="livez,readyz,metrics",
        exclude_spans=["receive", "send"],
        server_request_hook=_without_query,
    )


_ADDRESSES = ("http.url", "http.target", "url.full", "url.query")


def _without_query(span: trace.Span, scope: Mapping[str, Any]) -> None:
    """Removes the query of the address: it holds what the user typed, most often a name."""
    known: Mapping[str, Any] = getattr(span, "attributes", None) or {}
    for name in _ADDRESSES:
        if name in known:
            span.set_attribute(name, "" if name == "url.query" else scope["path"])


def gauge(name: str, read: Callable[[], Iterable[tuple[float, Mapping[str, str]]]], description: str) -> None:
    """A gauge that is read when it is scraped."""

    def observe(_: CallbackOptions) -> Iterable[Observation]:
        for value, labels in read():
            yield Observation(value, dict(labels))

    metrics.get_meter("servicekit").create_observable_gauge(name, [observe], description=description)


def traceparent() -> str | None:
    """The W3C trace context of the present span, to be stored with an event."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
