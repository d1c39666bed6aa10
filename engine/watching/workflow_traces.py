"""Where an update of a workflow stands in a trace: with whoever asked for it, whatever it sets going.

The SDK's own interceptor has everything that a workflow ever does in the trace of its start. A journey goes on for
years: so what a workflow does by itself, when its time has come, begins a trace of its own.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from temporalio.api.common.v1 import Payload
from temporalio.contrib.opentelemetry import TracingInterceptor, TracingWorkflowInboundInterceptor
from temporalio.contrib.opentelemetry._context import attached_context
from temporalio.worker import HandleSignalInput, HandleUpdateInput, WorkflowInterceptorClassInput


class TracesRequests(TracingInterceptor):
    """Spans are never made while a workflow is replayed: the SDK's interceptor sees to that."""

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[TracingWorkflowInboundInterceptor]:
        super().workflow_interceptor_class(input)
        return _OfWhoAsked


class _OfWhoAsked(TracingWorkflowInboundInterceptor):
    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:
        with self._asked_with(input.headers):
            self._completed_span(f"HandleUpdate:{input.update}", kind=trace.SpanKind.SERVER)
            return await self.next.handle_update_handler(input)

    def handle_update_validator(self, input: HandleUpdateInput) -> None:
        with self._asked_with(input.headers):
            self.next.handle_update_validator(input)

    async def handle_signal(self, input: HandleSignalInput) -> None:
        with self._asked_with(input.headers):
            self._completed_span(f"HandleSignal:{input.signal}", kind=trace.SpanKind.SERVER)
            await self.next.handle_signal(input)

    @contextmanager
    def _asked_with(self, headers: Mapping[str, Payload]) -> Iterator[None]:
        """In the context that these headers have, and in none at all without."""
        header = headers.get(self.header_key)
        carrier = self.payload_converter.from_payloads([header])[0] if header else None
        context = self.text_map_propagator.extract(carrier, Context()) if carrier else Context()
        with attached_context(self._set_on_context(context)):
            yield

    def _load_workflow_context_carrier(self) -> None:
        """A workflow's own trace would go on for as long as it does."""
        return
