"""Whether anything has changed since an answer was made, in one statement, and mostly inside one that is asked anyway.

What was seen by then is a snapshot of the database (`pg_current_snapshot`): a transaction that has committed since is
one that the snapshot does not show, however long it ran and in whatever order they ended. A number that only grows
could not say that: of two that run at once the later number may be seen first.
"""

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Text, and_, cast, func, literal, or_, true
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.keeping.epoch import Epoch
from models.tables.keeping.row_change import OF_THE_PRACTICE, RowChange


@dataclass(frozen=True, kw_only=True)
class SeenUntil:
    """All that had committed by a moment, in one life of the database (``epoch``). ``after``: the first transaction
    that had not begun; ``running``: those before it that had not ended."""

    epoch: UUID
    after: int
    running: tuple[int, ...] = ()

    @classmethod
    def read(cls, epoch: UUID, snapshot: str) -> Self:
        """From PostgreSQL's own words, ``first:after:running``."""
        _, after, running = snapshot.split(":")
        return cls(epoch=epoch, after=int(after), running=tuple(int(one) for one in running.split(",") if one))


@dataclass(frozen=True, kw_only=True)
class KnownAnswer:
    """What somebody knows already: made of what was ``seen``, of these ``clients`` and of the practice; of everybody
    where they are None."""

    seen: SeenUntil
    clients: frozenset[UUID] | None


@dataclass
class Looking:
    """What a request asks, and is told once, of changes. ``seen``: what has been seen before the answer was begun.
    ``unchanged``: nothing of what was ``known`` has changed since."""

    known: KnownAnswer | None = None
    seen: SeenUntil | None = None
    unchanged: bool = False

    def columns(self) -> tuple[Any, ...]:
        """For a statement that is asked anyway: `told` takes what it answers."""
        epoch = select(Epoch.epoch).order_by(col(Epoch.number).desc()).limit(1).scalar_subquery()
        unchanged = ~_changed(self.known) if self.known is not None else literal(False)
        return epoch, cast(func.pg_current_snapshot(), Text), unchanged

    def told(self, columns: Sequence[Any]) -> None:
        epoch, snapshot, unchanged = columns
        self.seen = SeenUntil.read(epoch, snapshot)
        if self.known is not None:
            before = self.known.seen
            # One from another database, or from a future that a restore has undone, knows nothing of this one.
            self.unchanged = unchanged and before.epoch == epoch and before.after <= self.seen.after


looking_now: ContextVar[Looking | None] = ContextVar("looking_now", default=None)


def to_tell() -> Looking | None:
    """The request's question, where it has not been answered yet."""
    looking = looking_now.get()
    return looking if looking is not None and looking.seen is None else None


async def look(session: AsyncSession, looking: Looking) -> None:
    """In a statement of its own: where no other was asked of whoever asks."""
    looking.told((await session.exec(select(*looking.columns()))).one())


def _changed(known: KnownAnswer) -> ColumnElement[bool]:
    """In a database that was copied from another cluster are numbers that are still to come here: they count for
    nothing."""
    seen, xid = known.seen, col(RowChange.xid)
    to_come = cast(cast(func.pg_snapshot_xmax(func.pg_current_snapshot()), Text), BigInteger)
    first = min((*seen.running, seen.after))
    unseen = or_(xid >= seen.after, xid.in_(seen.running))
    whose: ColumnElement[bool] = true()
    if known.clients is not None:
        whose = col(RowChange.client_id).in_((*sorted(known.clients), OF_THE_PRACTICE))
    return select(RowChange.xid).where(and_(whose, xid >= first, xid < to_come, unseen)).exists()
