"""Who collects traces: takes OTLP over HTTP, and keeps what came."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Collector:
    """``bodies`` as they came; ``spans`` with the name of the program that made each."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    spans: list[tuple[str, Span]] = field(default_factory=list)

    def takes(self, body: bytes) -> None:
        self.bodies.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            of = {each.key: each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [(of["service.name"], span) for span in scope.spans]

    def named(self, name: str) -> list[Span]:
        return [span for _, span in self.spans if span.name == name]

    def below(self, top: Span) -> list[tuple[str, Span]]:
        """All that came of a span, in its trace."""
        within = {top.span_id}
        of_it = [(program, span) for program, span in self.spans if span.trace_id == top.trace_id]
        while True:
            more = {span.span_id for _, span in of_it if span.parent_span_id in within} - within
            if not more:
                return [(program, span) for program, span in of_it if span.span_id in within - {top.span_id}]
            within |= more


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            collector.takes(body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield collector
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
