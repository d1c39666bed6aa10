"""Tasks that are about no client of ours: the practice's own."""

from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.clients.task import Task
from models.writes.events.publish import publish_task
from rules.enums import TaskKind
from rules.events.kinds import EventKind


async def open_own_task(
    session: AsyncSession, *, key: str, kind: TaskKind, text: str, at: datetime, data: dict[str, Any] | None = None
) -> bool:
    """Open it, once per key, in the running transaction, whoever else does so now; whether it was opened here."""
    id = uuid5(NAMESPACE_OID, key)
    row = insert(Task).values(id=id, key=key, kind=kind, text=text, data=data or {}, opened_at=at)
    opened = (await session.exec(row.on_conflict_do_nothing().returning(col(Task.id)))).first() is not None
    if opened:
        publish_task(session, EventKind.TASK_OPENED, id, kind, client=None, at=at)
    return opened


async def close_own_tasks(
    session: AsyncSession, kind: TaskKind, *, about: str, by: str, at: datetime, note: str
) -> None:
    """Resolve the open ones of this kind whose data names what they are ``about`` (an id): it is done."""
    statement = select(Task).where(col(Task.kind) == kind, col(Task.resolved_at).is_(None))
    for task in (await session.exec(statement)).all():
        if about in task.data.values():
            task.resolved_at, task.resolved_by, task.note = at, by, note
            session.add(task)
            publish_task(session, EventKind.TASK_RESOLVED, task.id, kind, client=None, at=at)
