"""Epochs: begun when a copy was restored, compared once a comparison with Stripe has run from beginning to end."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.keeping.epoch import Epoch


async def begin_epoch(session: AsyncSession, *, epoch: UUID, at: datetime) -> None:
    """From now on workflows of the epochs before are replaced, and no money moves until Stripe was compared."""
    following = select(func.coalesce(func.max(col(Epoch.number)), 0) + 1).scalar_subquery()
    await session.exec(insert(Epoch).values(number=following, epoch=epoch, began_at=at))


async def note_comparison(session: AsyncSession, *, began: datetime, at: datetime) -> None:
    """A comparison with Stripe has ended. It counts for the present epoch if it ``began`` within it; once."""
    newest = select(func.max(col(Epoch.number))).scalar_subquery()
    compared = (
        update(Epoch)
        .where(col(Epoch.number) == newest, col(Epoch.compared_at).is_(None), col(Epoch.began_at) <= began)
        .values(compared_at=at)
    )
    await session.exec(compared)
