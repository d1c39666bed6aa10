"""Writing a new epoch into every chain after a copy was restored, so that a later look knows what cut them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import Sessions
from models.reads.epoch import newest_epoch
from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from models.tables.keeping.epoch import Epoch
from models.writes.accounts.access_chain import mark_access_log
from models.writes.locks import lock_clients
from models.writes.timeline import tell
from rules.accounts.caller import SYSTEM
from rules.keeping import MarkedBy
from rules.timeline import FactKind

_AT_A_TIME = 200  # clients of one transaction: their rows are locked for a moment
_TEXT = {
    MarkedBy.PERSON: (
        "A copy of the database or of the engine was restored: a new epoch begins. What came after the copy may be"
        " lost."
    ),
    MarkedBy.KEEPER: (
        "A new epoch has begun, as the keeper found. Whether a copy was restored, only whoever runs the system can say."
    ),
}


async def mark_chains(
    sessions: Sessions, *, at: datetime, by: MarkedBy, progress: Callable[[int], None] = lambda _: None
) -> int:
    """Add an entry to every chain that does not tell of the present epoch yet; how many were added. Can be run again.

    The epoch is what the table says, and whoever owns the tables may have written it: so each entry says who marked.
    ``progress`` is told after each page how many were added so far.
    """
    added, after = 0, None
    async with sessions() as session:
        epoch = await newest_epoch(session)
    if epoch.marked_at is not None:
        return 0
    while True:
        async with sessions() as session:
            ids = await _unmarked(session, epoch, after=after)
            for client in await lock_clients(session, ids):
                _mark(session, client, epoch, at=at, by=by)
            await session.commit()
        added += len(ids)
        progress(added)
        if len(ids) < _AT_A_TIME:
            break
        after = ids[-1]
    async with sessions() as session:
        await mark_access_log(session, _told_of(epoch, by=by), at=at)
        (await session.get_one(Epoch, epoch.number)).marked_at = at
        await session.commit()
    return added


async def _unmarked(session: AsyncSession, epoch: Epoch, *, after: UUID | None) -> Sequence[UUID]:
    """The next clients, in the order of their ids, whose chain does not tell of this epoch. One that began within it
    has nothing to tell."""
    told = exists().where(
        col(Fact.client_id) == col(Client.id),
        col(Fact.kind) == FactKind.EPOCH_BEGAN.value,
        col(Fact.data)["epoch"].astext == str(epoch.epoch),
    )
    statement = select(Client.id).where(col(Client.created_at) < epoch.began_at, col(Client.fact_seq) > 0, ~told)
    if after is not None:
        statement = statement.where(col(Client.id) > after)
    return (await session.exec(statement.order_by(col(Client.id)).limit(_AT_A_TIME))).all()


def _mark(session: AsyncSession, client: Client, epoch: Epoch, *, at: datetime, by: MarkedBy) -> None:
    data = _told_of(epoch, by=by)
    tell(session, client, FactKind.EPOCH_BEGAN, at=at, by=SYSTEM, text=_TEXT[by], data=data)


def _told_of(epoch: Epoch, *, by: MarkedBy) -> dict[str, Any]:
    return {"epoch": str(epoch.epoch), "number": epoch.number, "marked_by": by.value}
