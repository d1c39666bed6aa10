"""What people do by mistake in the Temporal UI, done as the UI does it: over the engine's own client.

Nothing here is meant. What would be an order even without input (to archive, to cancel) is left out: it would rightly
be followed.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import cycle
from typing import cast

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import (
    Client,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError, RPCStatusCode

from chaos.journeys import ClientStory
from local.processes import Log
from workflows.messages import appointment_workflow_id, journey_id

MEANT = frozenset({"archive", "unarchive", "cancel", "send_activation_link"})
_METADATA = "__temporal_workflow_metadata"  # the query that the UI asks
_ANSWERED = timedelta(seconds=10)  # a person's patience with one click
_UNTIL_IT_WORKS = 60.0  # seconds in which a click reaches an engine that was killed meanwhile
_TERMINATE, _CANCEL, _RESET, _SIGNAL, _UPDATE = "terminate", "cancel", "reset", "empty signal", "empty update"
_IN_TURN = (_TERMINATE, _CANCEL, _SIGNAL, _RESET, _UPDATE)

Handle = WorkflowHandle[object, object]


@dataclass
class Hands:
    """People in the UI. Each click meets a workflow that no click has met yet, while there is one."""

    engine: Client
    stories: Sequence[ClientStory]
    log: Log
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)
    met: set[str] = field(default_factory=set)

    async def click_on(self, *, times: int, over: float) -> Counter[str]:
        """So many clicks over so many seconds, of every kind in turn, on journeys and on appointments. Returns how
        many there were of each kind."""
        kinds, number = cycle(_IN_TURN), 0
        while number < times:
            await asyncio.sleep(over / times)
            workflow_id = await self._target(appointment=number % 2 == 1)
            kind = next(kinds)
            self.log.line("chaos", f"clicks {kind} on {workflow_id}")
            if await self._click(kind, self.engine.get_workflow_handle(workflow_id)):
                self.done[kind] += 1
                number += 1
        return self.done

    async def _target(self, *, appointment: bool) -> str:
        while True:
            ids = [
                appointment_workflow_id(story.appointment_id) if appointment else journey_id(story.client_id)
                for story in self.stories
                if story.client_id and (story.appointment_id or not appointment)
            ]
            if ids:
                # The latest: something is still ahead of them.
                chosen = self.chance.choice(([id for id in ids if id not in self.met] or ids)[-20:])
                self.met.add(chosen)
                return chosen
            await asyncio.sleep(0.5)

    async def _click(self, kind: str, handle: Handle) -> bool:
        """Whether the engine took it."""
        doing: dict[str, Callable[[Handle], Awaitable[None]]] = {
            _TERMINATE: self._terminate,
            _CANCEL: self._cancel,
            _RESET: self._reset,
            _SIGNAL: self._signal,
            _UPDATE: self._update,
        }
        give_up = time.monotonic() + _UNTIL_IT_WORKS
        while True:
            try:
                await doing[kind](handle)
                return True
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:  # it has ended: the UI says so
                    return False
                if error.status is RPCStatusCode.INVALID_ARGUMENT or time.monotonic() > give_up:
                    self.log.line("chaos", f"could not click: {error}")
                    return False
            except WorkflowUpdateRPCTimeoutOrCancelledError:
                return True
            await asyncio.sleep(0.5)

    # ---------------------------------------------------------------- the buttons

    async def _terminate(self, handle: Handle) -> None:
        await handle.terminate(reason="it looked stuck", rpc_timeout=_ANSWERED)

    async def _cancel(self, handle: Handle) -> None:
        await handle.cancel(rpc_timeout=_ANSWERED)

    async def _reset(self, handle: Handle) -> None:
        """To the first or to the last workflow task that was completed, with what the UI proposes for the rest."""
        completed = [id async for id in _completed_tasks(handle)]
        if not completed:
            return
        request = ResetWorkflowExecutionRequest(
            namespace=self.engine.namespace,
            workflow_execution=WorkflowExecution(workflow_id=handle.id),
            reason="it looked stuck",
            workflow_task_finish_event_id=self.chance.choice((completed[0], completed[-1])),
            request_id=f"chaos-{len(self.met)}",
        )
        await self.engine.workflow_service.reset_workflow_execution(request, timeout=_ANSWERED)

    async def _signal(self, handle: Handle) -> None:
        names = [definition.name for definition in (await self._offered(handle)).definition.signal_definitions]
        if names := [name for name in names if name and name not in MEANT]:
            await handle.signal(self.chance.choice(names), rpc_timeout=_ANSWERED)

    async def _update(self, handle: Handle) -> None:
        names = [definition.name for definition in (await self._offered(handle)).definition.update_definitions]
        if names := [name for name in names if name and name not in MEANT]:
            try:
                await handle.execute_update(self.chance.choice(names), rpc_timeout=_ANSWERED)
            except WorkflowUpdateFailedError:
                return  # refused in words

    async def _offered(self, handle: Handle) -> WorkflowMetadata:
        """What the UI lists. Nothing where no worker answers: then it cannot be clicked."""
        try:
            return cast(
                WorkflowMetadata, await handle.query(_METADATA, result_type=WorkflowMetadata, rpc_timeout=_ANSWERED)
            )
        except (WorkflowQueryFailedError, WorkflowQueryRejectedError):
            return WorkflowMetadata()


async def _completed_tasks(handle: Handle) -> AsyncIterator[int]:
    async for event in handle.fetch_history_events(rpc_timeout=_ANSWERED):
        if event.HasField("workflow_task_completed_event_attributes"):
            yield event.event_id
