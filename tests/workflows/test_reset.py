"""Reset, as the engine's UI does it by default: whatever it leaves behind, one round of the keeper and all goes on."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import WorkflowHandle

from activities.keeping.rounds import KeepingActivities
from tests.care.defaults import Json
from tests.care.story import Care
from tests.stack.practice import add_therapist, arrives_with_card

A_SECOND = timedelta(seconds=1)


async def reset(handle: WorkflowHandle[Any, Any], *, to: int) -> None:
    """To the n-th workflow task that was completed (-1: the last); what came after it is applied again, as is the
    UI's default."""
    done = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    tasks = [event.event_id async for event in handle.fetch_history_events() if event.event_type == done]
    request = ResetWorkflowExecutionRequest(
        namespace=handle._client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=handle.id),
        reason="a wrong click",
        workflow_task_finish_event_id=tasks[to],
        request_id=str(uuid4()),
    )
    await handle._client.workflow_service.reset_workflow_execution(request)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("to", [0, -1], ids=["first task", "last task"])
async def test_a_reset_and_another_worker_lose_nothing(live: Care, to: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeepingActivities, "wedged_after", A_SECOND)
    await add_therapist(live, "ana")
    sara = await arrives_with_card(live, "Sara", "ana")
    start = (await live.now()).replace(microsecond=0) + timedelta(days=2)
    [session] = await sara.books("session", start, by="desk")
    await session.moved(start + timedelta(days=1), by="desk")
    await live.call("PATCH", f"/v1/clients/{sara.id}", {"state": "before"}, by="desk", expect=200)

    await reset(sara.journey, to=to)
    await reset(session.workflow, to=to)
    await live.house.stop_worker()
    await live.house.start_worker()

    async with asyncio.timeout(150):
        await _answered(live, "PATCH", f"/v1/clients/{sara.id}", {"state": "after"})
        cancel = {"reason": "a cold", "confirm": True}
        await _answered(live, "POST", f"/v1/appointments/{session.id}/cancel", cancel)
    view = await session.look()
    assert view["status"] == "cancelled"
    assert (await sara.look())["state"] == "after"
    told = Counter(await sara.facts())
    assert [told[kind] for kind in ("booked", "appointment_rescheduled", "appointment_cancelled")] == [1, 1, 1]


async def _answered(care: Care, method: str, path: str, body: Json) -> None:
    """At once, or after a round that finds what cannot go on: the engine says so after some failures."""
    answered = None
    while answered is None or answered.status_code != 200:
        asked = asyncio.ensure_future(care.call(method, path, body, by="desk"))
        while not asked.done():
            await asyncio.sleep(1)
            await care.post("/v1/keepings?wait=60", by="desk", expect=200)
        answered = asked.result()
