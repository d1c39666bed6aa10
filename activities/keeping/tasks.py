"""Tasks that a round of the keeper opens: once per reason, of a client or of nobody."""

from datetime import datetime
from uuid import NAMESPACE_OID, UUID, uuid5

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.tasks import open_task_once
from models.tables.clients.client import Client
from models.tables.clients.task import Task
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
        row = insert(Task).values(
            id=uuid5(NAMESPACE_OID, key), key=key, kind=kind, text=text, data={"keeping": keeping_id}, opened_at=at
        )
        opened = row.on_conflict_do_nothing().returning(col(Task.id))
        return (await session.exec(opened)).first() is not None
    task = await open_task_once(
        session, client, key=key, kind=kind, text=text, at=at, appointment_id=appointment_id, payment_id=payment_id
    )
    if task is None:
        return False
    task.data = {**task.data, "keeping": keeping_id}
    session.add(task)
    return True
