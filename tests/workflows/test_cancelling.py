"""Request Cancellation, the largest button of the engine's UI: heard and told, and nothing is lost by it.

On the dev server too: the time-skipping one cannot continue as new once a cancellation was asked for.
"""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle

from activities.types.reconciliation import ReconciliationOrder
from engine.codec import data_converter
from rules.policy import JourneyPolicy
from tests.care.house import KEYS
from tests.care.story import Care, Person
from tests.journeys.booking.waitlists.waitlist import comes, offer_to, opens, takes, waits_for
from tests.workflows.conftest import run_of
from tests.workflows.test_what_staff_see import details
from workflows.messages import reconciliation_id, waitlist_id


async def cancelled_by(care: Care, who: str, handle: WorkflowHandle[Any, Any]) -> None:
    client = await Client.connect(
        care.house.engine.service_client.config.target_host, data_converter=data_converter(KEYS), identity=who
    )
    await client.get_workflow_handle(handle.id).cancel()


async def told(person: Person, *, number: int) -> list[str]:
    """Who asked for cancellations, by the timeline, once there are so many."""
    async with asyncio.timeout(60):
        while True:
            found = [fact["actor"] for fact in await person.timeline() if fact["kind"] == "cancellation_asked"]
            if len(found) >= number:
                return found
            await asyncio.sleep(0.05)


async def test_a_cancelled_journey_goes_on_and_the_timeline_says_who_asked(live: Care) -> None:
    await opens(live)
    sara = await comes(live, "Sara")
    await cancelled_by(live, "maria@desk", sara.journey)
    assert await told(sara, number=1) == ["via Temporal (maria@desk)"]
    await cancelled_by(live, "otto@desk", sara.journey)  # the engine keeps the first of a run
    [session] = await sara.books("session", by="desk")
    await cancelled_by(live, "otto@desk", session.workflow)
    assert await told(sara, number=2) == ["via Temporal (maria@desk)", "via Temporal (otto@desk)"]
    await session.cancelled(by="desk")
    assert (await sara.journey.describe()).status is WorkflowExecutionStatus.RUNNING
    shown = await details(sara.journey)
    assert "cancellation was asked for" in shown
    assert "`archive`" in shown
    await sara.journey.signal("archive")
    async with asyncio.timeout(30):
        while await sara.stage() != "archived":
            await asyncio.sleep(0.05)


async def test_on_the_movable_clock_a_cancelled_appointment_is_reminded_of_and_paid(care: Care) -> None:
    await care.therapist("ana", intro_calls="off")
    sara = await comes(care, "Sara")
    await sara.completes_forms()
    [session] = await sara.books("session", after=timedelta(days=5))
    await session.workflow.cancel()
    await sara.journey.cancel()
    assert len(await told(sara, number=2)) == 2
    await care.pass_time(days=6)
    await session.occurs()
    await care.pass_time(days=2)
    assert [payment["status"] for payment in await sara.payments()] == ["paid"]


async def test_a_cancelled_line_goes_on(care: Care) -> None:
    await opens(care)
    session = await takes(care, "Holder", day=3)
    sara = await comes(care, "Sara")
    await sara.completes_forms()
    await waits_for(sara, session.starts_at)
    line = care.house.engine.get_workflow_handle(waitlist_id("ana"))
    await line.cancel()
    await care.rest()
    assert "cancellation was asked for" in await details(line)
    await session.cancelled(by="desk")
    await care.rest()
    assert await offer_to(sara) is not None


async def test_a_cancelled_comparison_stops_and_its_row_says_so(care: Care) -> None:
    order = ReconciliationOrder(id=str(uuid4()), asked_by="care_team:desk")
    await care.house.stop_worker()
    await care.house.services.engine.reconcile(order)
    handle = care.house.engine.get_workflow_handle(reconciliation_id(order.id))
    await handle.cancel()
    await care.house.start_worker()
    await handle.result()
    view = await care.get(f"/v1/reconciliations/{order.id}", by="desk")
    assert (view["status"], view["asked_by"]) == ("stopped", "care_team:desk")
    assert "It was stopped" in await details(handle)
    done = await care.post("/v1/reconciliations", by="desk", expect=200)
    assert done["status"] == "finished"


class TestOverRuns:
    @pytest.fixture
    def policy(self) -> JourneyPolicy:
        return JourneyPolicy(history_limit=40)

    async def test_a_cancelled_journey_continues_as_new(self, database_url: str, policy: JourneyPolicy) -> None:
        import httpx

        from tests.care.house import open_house

        async with (
            open_house(database_url, policy, real_time=True) as house,
            httpx.AsyncClient(timeout=60, trust_env=False) as http,
        ):
            live = Care(house, http)
            await opens(live)
            sara = await comes(live, "Sara")
            first = await run_of(sara.journey)
            await sara.journey.cancel()
            await told(sara, number=1)
            for number in range(12):
                credit = {"amount": 100 + number, "currency": "USD", "reason": "sorry"}
                await sara.journey.execute_update("grant_credit", credit)
            assert await run_of(sara.journey) != first
            assert "cancellation was asked for" not in await details(sara.journey)
            await sara.journey.cancel()  # once a run
            assert len(await told(sara, number=2)) == 2
