"""The present epoch of this database, and whether money may move in it."""

from uuid import UUID

from sqlalchemy import ScalarSelect, and_, literal_column
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.place import HERE
from models.tables.keeping.epoch import Epoch


def epoch_now() -> SelectOfScalar[UUID]:
    """``present_epoch``, as a statement that more can be added to."""
    return select(Epoch.epoch).order_by(col(Epoch.number).desc()).limit(1)


async def newest_epoch(session: AsyncSession) -> Epoch:
    return (await session.exec(select(Epoch).order_by(col(Epoch.number).desc()).limit(1))).one()


def is_compared() -> ScalarSelect[bool]:
    """``epoch_is_compared``, as part of a larger question. Of a copy that nobody marked the epoch is another life's,
    and so is its comparison."""
    compared = and_(col(Epoch.compared_at).is_not(None), col(Epoch.place) == literal_column(HERE))
    return select(compared).order_by(col(Epoch.number).desc()).limit(1).scalar_subquery()


async def present_epoch(session: AsyncSession) -> UUID:
    """What every workflow that is started now carries."""
    return (await session.exec(epoch_now())).one()


async def epoch_is_compared(session: AsyncSession) -> bool:
    """Whether the ledger was held against Stripe in this epoch: until then nothing may be charged or refunded."""
    return bool((await session.exec(select(is_compared()))).one())
