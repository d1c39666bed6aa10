"""Traces (OpenTelemetry): from a request through the update and the steps of a workflow to the call of a vendor.

They are off unless one of the standard ``OTEL_EXPORTER_OTLP_*`` settings says where they go. Libraries put into their
spans whatever they see: addresses with tokens in them, statements, what an error said. So all spans pass `Bare`, which
lets through what is listed there and nothing else.
"""

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Thread
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Link, Status
from opentelemetry.util.types import AttributeValue
from sqlalchemy.ext.asyncio import AsyncEngine

from engine.watching.workflow_traces import TracesRequests

_KEPT = {
    # of HTTP, by the former names and the present ones
    *("http.method", "http.request.method", "http.route", "http.status_code", "http.response.status_code"),
    *("http.scheme", "url.scheme", "net.peer.name", "server.address", "server.port", "error.type"),
    # of the database: never a statement, as nobody can see from it whether a value stands in it
    *("db.system", "db.system.name", "db.name", "db.namespace"),
    # of the engine, as its UI shows them
    *("temporalWorkflowID", "temporalRunID", "temporalActivityID", "temporalUpdateID"),
}
_STATEMENTS = ("db.statement", "db.query.text")
_TABLE = re.compile(r'\b(?:FROM|INTO|UPDATE)\s+"?([a-z_]+)\b')
_OF_THE_ENGINE = re.compile(r"[A-Za-z]+:[\w.]+")
_AT_THE_END = 3.0  # seconds to send what is left


class Tracing:
    """``provider`` is where spans are made. `client` is for the engine's client, and so for its worker."""

    def __init__(self, exporter: SpanExporter, *, service: str) -> None:
        resource = Resource.create({SERVICE_NAME: service})  # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES go before
        self.provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._sending = BatchSpanProcessor(Bare(exporter))
        self.provider.add_span_processor(self._sending)
        self.client = TracesRequests(self.provider.get_tracer("temporalio"))
        propagate.set_global_textmap(_Silent())
        os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")  # by the present names
        trace.set_tracer_provider(self.provider)  # by which FastAPI makes spans of its own accord
        HTTPXClientInstrumentor().instrument(tracer_provider=self.provider)

    def database(self, *engines: AsyncEngine) -> None:
        """``skip_dep_check``: it says that it knows SQLAlchemy up to 2.0. What it does here stands in a test."""
        SQLAlchemyInstrumentor().instrument(
            engines=[engine.sync_engine for engine in engines], tracer_provider=self.provider, skip_dep_check=True
        )

    def close(self) -> None:
        """Send what is left, within three seconds: a program that ends waits no longer for who collects traces."""
        last = Thread(target=self._sending.shutdown, daemon=True)
        last.start()
        last.join(_AT_THE_END)


def tracing_to_otlp(*, service: str) -> Tracing:
    """To where the ``OTEL_EXPORTER_OTLP_*`` settings say, as protobuf over HTTP."""
    return Tracing(OTLPSpanExporter(), service=service)


class _Silent(TextMapPropagator):
    """Nobody who asks says in which trace they are, and no vendor is told of any."""

    @property
    def fields(self) -> set[str]:
        return set()

    def extract(self, carrier: Any, context: Context | None = None, getter: Any = None) -> Context:  # noqa: ARG002
        return context if context is not None else Context()

    def inject(self, carrier: Any, context: Context | None = None, setter: Any = None) -> None:
        pass


class Bare(SpanExporter):
    """Spans without all that could be about somebody. A statement that belongs to no request or step is left out."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        told = [_bare(span) for span in spans if span.parent is not None or not _is_of_the_database(span)]
        return self._inner.export(told) if told else SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        with suppress(OSError):
            self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._inner.force_flush(timeout_millis)


def _bare(span: ReadableSpan) -> ReadableSpan:
    attributes = span.attributes or {}
    return ReadableSpan(
        name=_name(span.name, attributes),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_kept(attributes),
        events=[
            Event(event.name, attributes=_type_of_error(event.attributes or {}), timestamp=event.timestamp)
            for event in span.events
            if event.name == "exception"
        ],
        links=[Link(link.context) for link in span.links],
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _kept(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    return {name: value for name, value in attributes.items() if name in _KEPT}


def _type_of_error(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    """An error's message may say what somebody wrote."""
    return {name: value for name, value in attributes.items() if name == "exception.type"}


def _is_of_the_database(span: ReadableSpan) -> bool:
    return any(name.startswith("db.") for name in span.attributes or {})


def _name(name: str, attributes: Mapping[str, AttributeValue]) -> str:
    """Made of what is known: a library's own name of a span may be an address that was asked for."""
    for statement in _STATEMENTS:
        if statement in attributes:
            text = str(attributes[statement])
            table = _TABLE.search(text)
            return " ".join(filter(None, (text.split(maxsplit=1)[0].upper(), table[1] if table else "")))
    method = attributes.get("http.request.method", attributes.get("http.method"))
    if method is not None:
        return " ".join(str(part) for part in (method, attributes.get("http.route")) if part)
    return name if _OF_THE_ENGINE.fullmatch(name) else name.split(maxsplit=1)[0]
