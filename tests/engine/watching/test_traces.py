"""What of a span is told, and that a replay tells nothing."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer
from temporalio.worker import Replayer

from engine.codec import data_converter
from engine.watching.traces import Bare
from engine.watching.workflow_traces import TracesRequests
from tests.care.house import KEYS
from tests.replay.corpus import corpus
from worker import workflow_runner
from workflows.registry import WORKFLOWS

SECRET = "sara-and-her-token"


@pytest.fixture
def told() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(told: InMemorySpanExporter) -> Iterator[Tracer]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(Bare(told)))
    yield provider.get_tracer("tests")
    provider.shutdown()


def words(span: ReadableSpan) -> str:
    return str(span.to_json())


def test_an_address_a_statement_and_an_error_are_not_told(tracer: Tracer, told: InMemorySpanExporter) -> None:
    attributes = {
        "http.request.method": "GET",
        "http.route": "/feed/{secret}.ics",
        "url.path": f"/feed/{SECRET}.ics",
        "url.query": SECRET,
        "http.url": f"https://a.example/{SECRET}",
        "http.request.header.authorization": SECRET,
        "something.new": SECRET,
        "server.address": "a.example",
    }
    with tracer.start_as_current_span(f"GET /feed/{SECRET}.ics", kind=SpanKind.SERVER, attributes=attributes) as top:
        statement = f"SELECT client.id FROM client WHERE client.email = '{SECRET}'"  # noqa: S608 - nobody runs it
        with tracer.start_as_current_span("SELECT", attributes={"db.query.text": statement, "db.namespace": "care"}):
            pass
        top.add_event("a note", {"note": SECRET})
        top.record_exception(ValueError(SECRET))
        top.set_status(Status(StatusCode.ERROR, SECRET))
    statement_told, request = told.get_finished_spans()
    assert SECRET not in words(request) + words(statement_told)
    assert request.name == "GET /feed/{secret}.ics"
    assert set(request.attributes or ()) == {"http.request.method", "http.route", "server.address"}
    assert [dict(event.attributes or {}) for event in request.events] == [{"exception.type": "ValueError"}]
    assert request.status.status_code is StatusCode.ERROR
    assert statement_told.name == "SELECT client"


def test_where_no_route_answered_the_address_is_not_told(tracer: Tracer, told: InMemorySpanExporter) -> None:
    with tracer.start_as_current_span(f"GET /{SECRET}", attributes={"http.request.method": "GET"}):
        pass
    with tracer.start_as_current_span(f"GET /{SECRET}"):
        pass
    assert [span.name for span in told.get_finished_spans()] == ["GET", "GET"]


def test_a_statement_that_belongs_to_nothing_is_no_trace(tracer: Tracer, told: InMemorySpanExporter) -> None:
    with tracer.start_as_current_span("SELECT", attributes={"db.system": "postgresql"}):
        pass
    assert told.get_finished_spans() == ()


async def test_a_replay_tells_nothing(tracer: Tracer, told: InMemorySpanExporter) -> None:
    """Even where spans are made without a request: these histories were recorded without traces."""
    replayer = Replayer(
        workflows=WORKFLOWS,
        data_converter=data_converter(KEYS),
        workflow_runner=workflow_runner(),
        interceptors=[TracesRequests(tracer, always_create_workflow_spans=True)],
    )
    for history in sorted(corpus().values(), key=lambda history: len(history.events))[-3:]:
        ended = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        assert ended.replay_failure is None, history.workflow_id
    assert told.get_finished_spans() == ()
