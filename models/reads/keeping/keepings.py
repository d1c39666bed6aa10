"""Rounds of the keeper, what they started again, and what is not done yet."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, one_page
from models.tables.booking.appointment import Appointment
from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from models.tables.clients.task import Task
from models.tables.keeping.keeping import Keeping, Resumption
from models.tables.money.reconciliation import Reconciliation
from rules.keeping import ResumedBecause


async def resumed_in(session: AsyncSession, keeping_id: UUID, *, limit: int) -> Sequence[Resumption]:
    """What a round has started again, in order."""
    statement = (
        select(Resumption)
        .where(col(Resumption.keeping_id) == keeping_id)
        .order_by(col(Resumption.at), col(Resumption.workflow_id))
        .limit(limit)
    )
    return (await session.exec(statement)).all()


async def list_keepings(session: AsyncSession, page: Page) -> Sequence[Keeping]:
    """Rounds, newest first; one more than the page holds, if there are more."""
    statement = select(Keeping).order_by(col(Keeping.started_at).desc(), col(Keeping.id).desc())
    return await one_page(session, statement, page, Keeping.started_at, Keeping.id, descending=True)


async def resumed_counts(session: AsyncSession) -> dict[str, int]:
    """How many workflows were ever started again, by why."""
    counts = select(Resumption.because, func.count()).group_by(col(Resumption.because))
    return {str(because): number for because, number in (await session.exec(counts)).all()}


async def resumed_since(session: AsyncSession, workflow_ids: Collection[str], since: datetime) -> dict[str, int]:
    """How often rounds have started these again since an instant, what was replaced after a restore left out."""
    counts = (
        select(Resumption.workflow_id, func.count())
        .where(
            col(Resumption.workflow_id).in_(workflow_ids),
            col(Resumption.at) > since,
            col(Resumption.keeping_id).is_not(None),
            col(Resumption.because) != ResumedBecause.OTHER_EPOCH,
        )
        .group_by(col(Resumption.workflow_id))
    )
    return dict((await session.exec(counts)).all())


async def not_done(session: AsyncSession, *, before: datetime, limit: int) -> Sequence[Resumption]:
    """What was written down before an instant and may not run yet."""
    statement = (
        select(Resumption)
        .where(col(Resumption.done_at).is_(None), col(Resumption.at) <= before)
        .order_by(col(Resumption.at))
        .limit(limit)
    )
    return (await session.exec(statement)).all()


async def tasks_opened_by(session: AsyncSession, keeping_id: UUID) -> int:
    opened = select(func.count()).where(col(Task.data)["keeping"].astext == str(keeping_id))
    return (await session.exec(opened)).one()


async def lately_seen(session: AsyncSession, *, now: datetime, limit: int) -> list[UUID]:
    """Open clients whose appointments ended last: of whom most is likely to have changed since any copy was made."""
    statement = (
        select(Appointment.client_id)
        .join(Client, col(Client.id) == col(Appointment.client_id))
        .where(col(Client.closed_at).is_(None), col(Appointment.ends_at) <= now)
        .group_by(col(Appointment.client_id))
        .order_by(func.max(col(Appointment.ends_at)).desc())
        .limit(limit)
    )
    return list((await session.exec(statement)).all())


async def versions(session: AsyncSession, client_ids: Collection[UUID]) -> dict[UUID, int]:
    """The number of each client's newest fact."""
    return dict((await session.exec(select(Client.id, Client.fact_seq).where(col(Client.id).in_(client_ids)))).all())


async def comparisons_under_way(session: AsyncSession, *, since: datetime) -> Sequence[Reconciliation]:
    """Comparisons with Stripe that began at this instant or later, and have not ended."""
    running = select(Reconciliation).where(
        col(Reconciliation.started_at) >= since, col(Reconciliation.finished_at).is_(None)
    )
    return (await session.exec(running)).all()


async def times_resumed_in(session: AsyncSession, keeping_id: UUID) -> int:
    counted = select(func.count()).select_from(Resumption).where(col(Resumption.keeping_id) == keeping_id)
    return (await session.exec(counted)).one()


async def newest_fact_at(session: AsyncSession, *, before: datetime) -> datetime | None:
    """When the newest thing happened that this database knew of before an instant."""
    return (await session.exec(select(func.max(col(Fact.at))).where(col(Fact.at) < before))).one()
