"""Bookings that nobody has confirmed yet by activating an account: few of each visitor are open at a time."""

from datetime import datetime

from sqlalchemy import and_, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.booking.appointment import Appointment
from models.tables.clients.client import Client
from models.writes.locks import lock_counting
from rules.accounts.budgets import NETWORKS_MOST, CountedFor, refuse_above
from rules.enums import AppointmentStatus
from rules.policy import JourneyPolicy
from rules.refusals import Refusal


async def refuse_unconfirmed(
    session: AsyncSession, whom: CountedFor, *, policy: JourneyPolicy, now: datetime
) -> Refusal | None:
    """Whether one more is too many. Whoever books for other clients at the same moment is counted after the other, in
    transactions that lock for whom they count. Therapist and client are locked before."""
    await lock_counting(session, "unconfirmed bookings", whom.who, whom.network)
    theirs = [
        and_(column.is_not(None), column == mark)
        for column, mark in ((col(Appointment.visitor), whom.who), (col(Appointment.network), whom.network))
    ]
    is_open = (
        col(Appointment.status) == AppointmentStatus.SCHEDULED,
        col(Appointment.ends_at) > now,
        col(Client.account_active).is_(False),
    )
    counted = (
        select(Appointment.ends_at, Appointment.visitor, Appointment.network).join(Client).where(or_(*theirs), *is_open)
    )
    rows = (await session.exec(counted)).all()
    most = policy.unconfirmed_bookings_per_visitor
    own = [ends_at for ends_at, visitor, _ in rows if whom.who is not None and visitor == whom.who]
    near = [ends_at for ends_at, _, network in rows if whom.network is not None and network == whom.network]
    return refuse_above(own, most=most, what="booked times can wait for an activated account", now=now) or refuse_above(
        near, most=most * NETWORKS_MOST, what="of them can be from one network", now=now
    )
