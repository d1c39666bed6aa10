"""Tasks that a round of the keeper opens: once per reason, of a client or of nobody."""

from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.tasks import open_task_once
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.writes.clients.tasks import open_own_task
from rules.enums import TaskKind


async def open_keeping_task(
    session: AsyncSession,
    client: Client | None,
    *,
    keeping_id: str,
    key: str,
    kind: TaskKind,
    text: str,
    at: datetime,
    appointment_id: UUID | None = None,
    payment_id: UUID | None = None,
) -> bool:
    """Open it, unless it was opened before. A client's row is locked."""
    if client is None:
        return await open_own_task(session, key=key, kind=kind, text=text, at=at, data={"keeping": keeping_id})
    task = await open_task_once(
        session, client, key=key, kind=kind, text=text, at=at, appointment_id=appointment_id, payment_id=payment_id
    )
    if task is None:
        return False
    task.data = {**task.data, "keeping": keeping_id}
    session.add(task)
    return True


async def has_open_task(session: AsyncSession, kind: TaskKind) -> bool:
    """Whether one of this kind waits to be settled."""
    waiting = select(Task.id).where(col(Task.kind) == kind, col(Task.resolved_at).is_(None)).limit(1)
    return (await session.exec(waiting)).first() is not None
