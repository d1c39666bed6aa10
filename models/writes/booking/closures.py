"""Closing the practice on a day, and opening it again. The caller commits."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID, uuid5

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.booking.closure import Closure
from models.writes.locks import lock_every_therapist


async def close_days(
    session: AsyncSession, names: Mapping[date, str], *, request_id: UUID, by: str, at: datetime
) -> list[Closure]:
    """The closures of these days, in the order of time: new ones, and those that there were already, as they are.

    Locks every therapist: whoever is being booked with at this moment is booked before, or will see the closure.
    """
    await lock_every_therapist(session)
    rows = [
        {"id": uuid5(request_id, f"closure/{day}"), "day": day, "name": name, "made_by": by, "made_at": at}
        for day, name in names.items()
    ]
    await session.exec(insert(Closure).values(rows).on_conflict_do_nothing())
    found = select(Closure).where(col(Closure.day).in_(names)).order_by(col(Closure.day))
    return list((await session.exec(found.execution_options(populate_existing=True))).all())


async def reopen(session: AsyncSession, closure_id: UUID) -> bool:
    """Take a closure back. False if there is none."""
    return (await session.exec(delete(Closure).where(col(Closure.id) == closure_id))).rowcount > 0
