"""Handlers that do something else than they did when a history was recorded, for tests of whether that is noticed."""

from dataclasses import dataclass, field
from typing import Any

from temporalio import workflow
from temporalio.worker import (
    HandleSignalInput,
    HandleUpdateInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)


@dataclass
class Meddling(Interceptor):
    """``slow``: the handlers of messages that first wait for a timer; ``deaf``: of signals that nobody hears."""

    slow: set[str] = field(default_factory=set)
    deaf: set[str] = field(default_factory=set)

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,
    ) -> type[WorkflowInboundInterceptor]:
        return type("_Bound", (_Meddled,), {"meddling": self})


class _Meddled(WorkflowInboundInterceptor):
    meddling: Meddling

    async def handle_signal(self, input: HandleSignalInput) -> None:
        if input.signal in self.meddling.deaf:
            return
        await self._wait(input.signal)
        await super().handle_signal(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:
        await self._wait(input.update)
        return await super().handle_update_handler(input)

    async def _wait(self, message: str) -> None:
        if message in self.meddling.slow:
            await workflow.sleep(1, summary=f"before `{message}`")
