"""What Stripe tells of a charge of our own is an echo: it is stored, and wakes nobody."""

from sqlmodel import col, select
from temporalio.api.enums.v1 import EventType

from models.tables import InboundEvent
from tests.care.story import Care, Person
from workflows.messages import INBOUND_EVENT


async def heard_of(person: Person) -> int:
    """How many events of vendors the journey was told of."""
    events = [event async for event in person.journey.fetch_history_events()]
    signals = [e for e in events if e.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED]
    return sum(e.workflow_execution_signaled_event_attributes.signal_name == INBOUND_EVENT for e in signals)


async def test_the_echo_of_a_charge_is_kept_and_wakes_nobody(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    before = await heard_of(sara)
    await sara.session(1).occurs()
    await care.pass_time(hours=30)
    await care.rest()
    [payment] = await sara.payments()
    assert payment["status"] == "paid"
    assert await heard_of(sara) == before
    async with care.house.sessions() as session:
        told = select(InboundEvent).where(col(InboundEvent.type) == "payment_intent.succeeded")
        [event] = (await session.exec(told)).all()
    assert event.handled_at is not None
    assert event.outcome == "the running try records it"
    assert (await care.mail_counts(to=sara.email))["receipt"] == 1
