"""Mails one by one, by the outbox as the product has it: ordered, delivered, and looked at."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, select, update
from temporalio.testing import ActivityEnvironment

from activities.types.mail import Delivered, DeliverOrder
from models.tables.mail.outbox import UNSETTLED, OutboxItem, OutboxStatus
from models.writes.outbox import order_mails
from rules.mail.orders import MailOrder
from tests.care.practice import Practice

LATER = timedelta(minutes=31)  # longer than any pause between two tries


async def deliver(practice: Practice, client: str, *due: MailOrder, appointment: str | None = None) -> Delivered:
    """What the workflow of the appointment, else the client's journey does."""
    order = DeliverOrder(client_id=client, appointment_id=appointment, due=due)
    return await ActivityEnvironment().run(practice.delivery.deliver, order)


async def send(practice: Practice, order: MailOrder) -> str:
    """Order a mail, or come back to one that was ordered, and nothing else; what became of it."""
    await nothing_else(practice, order.client_id, but=order.key)
    await deliver(practice, order.client_id, order)
    return (await item(practice, order.key)).status.value


async def put(practice: Practice, *orders: MailOrder, appointment: str | None = None) -> None:
    """Into the outbox, as a step does."""
    async with practice.sessions() as session:
        by = UUID(appointment) if appointment else None
        await order_mails(session, orders, at=practice.clock.instant, by_appointment=by)
        await session.commit()


async def item(practice: Practice, key: str) -> OutboxItem:
    async with practice.sessions() as session:
        return await session.get_one(OutboxItem, key)


async def waiting(practice: Practice, client: str) -> list[tuple[str, datetime | None]]:
    """What is not settled yet: each with its template, or its kind, and the next try; in the order of making."""
    rows = select(OutboxItem).where(col(OutboxItem.client_id) == UUID(client), col(OutboxItem.status).in_(UNSETTLED))
    async with practice.sessions() as session:
        found = (await session.exec(rows.order_by(col(OutboxItem.seq)))).all()
    return [(row.template or row.kind.value, row.next_try_at) for row in found]


async def nothing_else(practice: Practice, client: str, *, but: str = "") -> None:
    """The scene is set: the mails of how it came to be are of no interest, and in nobody's way."""
    theirs = (
        col(OutboxItem.client_id) == UUID(client),
        col(OutboxItem.status).in_(UNSETTLED),
        col(OutboxItem.key) != but,
    )
    async with practice.sessions() as session:
        await session.exec(update(OutboxItem).where(*theirs).values(status=OutboxStatus.NOT_WANTED))
        await session.commit()
