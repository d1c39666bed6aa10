"""Epochs: begun when a copy was restored, compared once a comparison has shown all that the copy may lack."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal_column
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.place import HERE
from models.tables.clients.fact import Fact
from models.tables.keeping.epoch import Epoch
from models.tables.money.reconciliation import Reconciliation
from models.writes.events.publish import skip_ids
from rules.keeping import comparison_counts, missing_since


async def begin_epoch(session: AsyncSession, *, epoch: UUID, at: datetime, marked: bool) -> None:
    """From now on workflows of the epochs before are replaced, and no money moves until Stripe was compared.

    ``marked``: by whoever restored the copy, before anything was written into it.
    """
    newest = (await session.exec(select(func.max(col(Fact.at))).where(col(Fact.at) < at))).one()
    lacks = missing_since(began=at, newest_fact=newest, marked=marked)
    following = select(func.coalesce(func.max(col(Epoch.number)), 0) + 1).scalar_subquery()
    here: ColumnElement[str] = literal_column(HERE)
    row = insert(Epoch).values(number=following, epoch=epoch, began_at=at, missing_since=lacks, place=here)
    await session.exec(row)
    await skip_ids(session)


async def note_comparison(session: AsyncSession, comparison: Reconciliation, *, at: datetime) -> None:
    """A comparison with Stripe has ended, and may count for the present epoch; once."""
    newest = select(Epoch).order_by(col(Epoch.number).desc()).limit(1).with_for_update()
    epoch = (await session.exec(newest)).one()
    if epoch.compared_at is None and counts_for(epoch, comparison):
        epoch.compared_at = at
        session.add(epoch)


def counts_for(epoch: Epoch, comparison: Reconciliation) -> bool:
    """Whether it shows all that the database may lack since this epoch began."""
    return comparison_counts(
        epoch_began=epoch.began_at,
        missing_since=epoch.missing_since,
        began=comparison.started_at,
        since=comparison.since,
        until=comparison.until,
    )
