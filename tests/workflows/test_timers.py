"""Timers: a change that moves nothing costs none."""

from collections import Counter

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle

from tests.care.story import Care


async def timers(handle: WorkflowHandle[object, object]) -> Counter[str]:
    """How many timers a workflow has started and cancelled so far."""
    names = {
        EventType.EVENT_TYPE_TIMER_STARTED: "started",
        EventType.EVENT_TYPE_TIMER_CANCELED: "cancelled",
    }
    return Counter([names[e.event_type] async for e in handle.fetch_history_events() if e.event_type in names])


async def test_a_change_that_moves_no_instant_sets_no_timer_anew(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    await care.rest()
    before = await timers(sara.journey)
    for state in ("NJ", "NY", "NJ"):
        await care.call("PATCH", f"/v1/clients/{sara.id}", {"state": state}, by="desk", expect=200)
    await care.rest()
    assert await timers(sara.journey) == before
    await care.call("PATCH", f"/v1/clients/{sara.id}", {"unsubscribed": True}, by="desk", expect=200)
    assert await timers(sara.journey) == before
