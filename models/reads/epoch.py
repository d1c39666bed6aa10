"""The present epoch of this database, and whether money may move in it."""

from uuid import UUID

from sqlalchemy import ScalarSelect
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.keeping.epoch import Epoch


async def newest_epoch(session: AsyncSession) -> Epoch:
    return (await session.exec(select(Epoch).order_by(col(Epoch.number).desc()).limit(1))).one()


def is_compared() -> ScalarSelect[bool]:
    """``epoch_is_compared``, as part of a larger question."""
    return select(col(Epoch.compared_at).is_not(None)).order_by(col(Epoch.number).desc()).limit(1).scalar_subquery()


async def present_epoch(session: AsyncSession) -> UUID:
    """What every workflow that is started now carries."""
    return (await newest_epoch(session)).epoch


async def epoch_is_compared(session: AsyncSession) -> bool:
    """Whether the ledger was held against Stripe in this epoch: until then nothing may be charged or refunded."""
    return (await newest_epoch(session)).compared_at is not None
