"""Keeping what is handed in for a workflow, until it is taken over."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.epoch import epoch_now
from models.sealing import sealed_values
from models.tables.clients.handed_in import HandedIn

KEPT_FOR = timedelta(days=2)  # an idempotency key is kept for one: until then the same request may come again


async def hand_in(session: AsyncSession, row: HandedIn) -> UUID:
    """Write it down, once per id; and with the same statement read the present epoch, for what may be started next."""
    kept = insert(HandedIn).values(sealed_values(session, row)).on_conflict_do_nothing().cte("kept")
    return (await session.exec(epoch_now().add_cte(kept))).one()


async def forget_what_nobody_took(session: AsyncSession, *, now: datetime) -> None:
    """Of requests that were refused, or never arrived."""
    await session.exec(delete(HandedIn).where(col(HandedIn.handed_in_at) < now - KEPT_FOR))
