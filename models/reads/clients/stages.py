"""What the stages of all clients follow from: facts, in the order of time; and how appointments went."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ARRAY, Integer, func, literal
from sqlalchemy import select as select_columns
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from models.columns import Instant
from models.tables.booking.appointment import Appointment
from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from rules.clients.stages import FOLLOWED, Happened
from rules.enums import AppointmentStatus, AppointmentType


@dataclass(frozen=True, kw_only=True)
class Went:
    """How many appointments that begin in one stretch of time, which count from 0, are of a type and a status."""

    stretch: int
    type: AppointmentType
    status: AppointmentStatus
    number: int


async def facts_of_stages(session: AsyncSession, *, end: datetime) -> list[Happened]:
    """Of all clients but test clients, until then. One statement."""
    statement = (
        select_columns(col(Fact.client_id), col(Fact.at), col(Fact.kind), col(Fact.data))
        .join(Client, col(Client.id) == col(Fact.client_id))
        .where(
            col(Client.test).is_(False),
            col(Fact.at) < end,
            col(Fact.kind).in_([kind.value for kind in FOLLOWED]),
        )
        .order_by(col(Fact.at), col(Fact.client_id), col(Fact.seq))
    )
    connection = await session.connection()
    return [
        Happened(client_id=str(client_id), at=at, kind=kind, data=data)
        for client_id, at, kind, data in await connection.execute(statement)
    ]


async def how_they_went(session: AsyncSession, *, bounds: Sequence[datetime]) -> list[Went]:
    """Appointments by when they begin, without those of test clients. ``bounds`` are the first instants of the
    stretches, and that after the last. One statement."""
    starts = col(Appointment.starts_at)
    stretch = func.width_bucket(starts, literal(list(bounds), ARRAY(Instant)), type_=Integer).label("stretch")
    counted = (
        select_columns(stretch, col(Appointment.type), col(Appointment.status), func.count())
        .join(Client, col(Client.id) == col(Appointment.client_id))
        .where(col(Client.test).is_(False), starts >= bounds[0], starts < bounds[-1])
        .group_by(stretch, col(Appointment.type), col(Appointment.status))
    )
    connection = await session.connection()
    return [
        Went(stretch=bucket - 1, type=type, status=status, number=number)
        for bucket, type, status, number in await connection.execute(counted)
    ]
