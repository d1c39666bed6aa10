"""The care team's tasks."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, one_page
from models.tables.clients.task import Task
from rules.enums import TaskKind


async def list_tasks(
    session: AsyncSession,
    *,
    page: Page,
    resolved: bool | None,
    kind: TaskKind | None,
    client: UUID | None,
    kinds: Collection[TaskKind] | None = None,
) -> Sequence[Task]:
    """Tasks, oldest first; one more than the page holds, if there are more. ``kinds``: those that may be seen, if not
    all."""
    statement = select(Task).order_by(col(Task.opened_at), col(Task.id))
    if resolved is not None:
        done = col(Task.resolved_at)
        statement = statement.where(done.is_not(None) if resolved else done.is_(None))
    if kind is not None:
        statement = statement.where(col(Task.kind) == kind)
    if kinds is not None:
        statement = statement.where(col(Task.kind).in_(kinds))
    if client is not None:
        statement = statement.where(col(Task.client_id) == client)
    return await one_page(session, statement, page, Task.opened_at, Task.id)
