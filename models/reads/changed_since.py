"""What has changed since an instant, in the order of its last change: for programs that poll.

Instants are the database's own. A transaction notes when it changed something, and may commit much later: whoever asks
again from `caught_up` of the answer before misses nothing, and may be told of something twice.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Subquery, false, func, or_, text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.keeping.row_change import RowChange
from rules.accounts.caller import Caller
from rules.changes import ChangedKind

_SHOWN_OF_A_RECORD = (ChangedKind.CLIENT, ChangedKind.APPOINTMENT, ChangedKind.FORM)
# What has begun to write, and has not ended: it may yet tell of a change as early as it began.
_CAUGHT_UP = text(
    "SELECT LEAST(clock_timestamp(), (SELECT min(xact_start) FROM pg_stat_activity"
    " WHERE datname = current_database() AND backend_xid IS NOT NULL))"
)


@dataclass(frozen=True, kw_only=True)
class ChangedSince:
    """``latest``: the last change of each item (``item``, ``at``) that has one at ``since`` or later."""

    latest: Subquery
    caught_up: datetime

    @property
    def at(self) -> Any:
        return self.latest.c.at

    @property
    def item(self) -> Any:
        return self.latest.c.item


async def changed_since(session: AsyncSession, caller: Caller, kind: ChangedKind, since: datetime) -> ChangedSince:
    """The client side is told of what it is shown: not that an archive has changed something else. A record has changed
    with whatever is shown of it."""
    # First: what commits between the two statements is seen by the second, and not waited for by the first.
    caught_up: datetime = (await (await session.connection()).execute(_CAUGHT_UP)).scalar_one()
    item = col(RowChange.client_id) if kind is ChangedKind.CLIENT else col(RowChange.item)
    statement: Any = select(item.label("item"), func.max(RowChange.at).label("at")).where(
        col(RowChange.at) >= since, *_counted(caller, kind)
    )
    return ChangedSince(latest=statement.group_by(item).subquery(), caught_up=caught_up)


def _counted(caller: Caller, kind: ChangedKind) -> list[Any]:
    shown = [] if caller.is_practice else [col(RowChange.shown).is_(True)]
    if kind is not ChangedKind.CLIENT:
        return [col(RowChange.kind) == kind, *shown]
    if caller.is_practice:
        return []
    if caller.client_id is None:
        return [false()]
    own = col(RowChange.client_id) == UUID(caller.client_id)
    return [own, or_(*(col(RowChange.kind) == one for one in _SHOWN_OF_A_RECORD)), *shown]
