"""Reading the outbox: what waits for whom, and when something of it is due."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, and_
from sqlalchemy.orm import Mapped
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.mail.outbox import UNSETTLED, OutboxItem
from rules.journey.reminders import MAILS_OF_A_JOURNEY

Id = UUID | Mapped[UUID]  # or the column of one, in a larger question


def belongs_to(client_id: Id, appointment_id: Id | None) -> ColumnElement[bool]:
    """What one deliverer has to deliver: the workflow of the appointment that is named, else the client's journey."""
    if appointment_id is not None:
        return col(OutboxItem.appointment_id) == appointment_id
    return and_(col(OutboxItem.client_id) == client_id, col(OutboxItem.appointment_id).is_(None))


def next_delivery(client_id: Id, appointment_id: Id | None) -> ScalarSelect[datetime | None]:
    """When something is due next, as part of a larger question."""
    return (
        select(func.min(OutboxItem.next_try_at))
        .where(belongs_to(client_id, appointment_id), col(OutboxItem.status).in_(UNSETTLED))
        .scalar_subquery()
    )


async def deliver_at(session: AsyncSession, client_id: UUID, appointment_id: UUID | None) -> datetime | None:
    """When something is due next for this deliverer; None if nothing waits."""
    return (await session.exec(select(next_delivery(client_id, appointment_id)))).one()


async def reminders_done(session: AsyncSession, client_id: UUID) -> list[str]:
    """The keys in a journey's plan of what was mailed, or is about to be."""
    marks = (
        select(OutboxItem.key, OutboxItem.template)
        .where(col(OutboxItem.client_id) == client_id, col(OutboxItem.template).in_(MAILS_OF_A_JOURNEY))
        .order_by(col(OutboxItem.seq).desc())
        .limit(_NEWEST)
    )
    return [key.removeprefix(f"{template}:{client_id}:") for key, template in (await session.exec(marks)).all()]


_NEWEST = 50  # marks: what is older has long passed out of every plan
