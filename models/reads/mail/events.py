"""What vendors reported and nobody has acted on, and whom it is about."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.mail.mails import find_mail, person_of
from models.reads.money.payments import client_of_customer, client_of_intent
from models.tables.clients.client import Client
from models.tables.mail.inbound_event import InboundEvent
from rules.mail.events import VENDOR


async def events_left(session: AsyncSession, *, before: datetime, after: str, limit: int) -> Sequence[InboundEvent]:
    """Events stored before an instant that nobody has acted on, behind this id, by id."""
    statement = (
        select(InboundEvent)
        .where(col(InboundEvent.handled_at).is_(None), col(InboundEvent.received_at) < before)
        .where(col(InboundEvent.id) > after)
        .order_by(col(InboundEvent.id))
        .limit(limit)
    )
    return (await session.exec(statement)).all()


async def client_of_event(session: AsyncSession, event: InboundEvent) -> Client | None:
    """The client whose journey is to hear of it."""
    if event.vendor == VENDOR:
        mail = await find_mail(session, key=event.payload.get("key"), message_id=event.payload.get("message_id"))
        return await person_of(session, mail.client_id) if mail and mail.client_id else None
    told = event.payload.get("data", {}).get("object", {})
    if told.get("customer"):
        return await client_of_customer(session, told["customer"])
    intent = told.get("id") if told.get("object") == "payment_intent" else told.get("payment_intent")
    return await client_of_intent(session, intent) if intent else None
