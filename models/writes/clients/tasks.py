"""Tasks that are about no client of ours: the practice's own."""

from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.clients.task import Task
from rules.enums import TaskKind


async def open_own_task(
    session: AsyncSession, *, key: str, kind: TaskKind, text: str, at: datetime, data: dict[str, Any] | None = None
) -> bool:
    """Open it, once per key, in the running transaction; whether it was opened now."""
    if (await session.exec(select(Task.id).where(col(Task.key) == key))).first() is not None:
        return False
    session.add(Task(id=uuid5(NAMESPACE_OID, key), key=key, kind=kind, text=text, data=data or {}, opened_at=at))
    return True
