"""The care team's tasks."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy import select as select_columns
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, one_page
from models.reads.changed_since import ChangedSince
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
    statement = statement.where(*_such(resolved=resolved, client=client, kinds=kinds))
    if kind is not None:
        statement = statement.where(col(Task.kind) == kind)
    return await one_page(session, statement, page, Task.opened_at, Task.id)


async def list_changed_tasks(
    session: AsyncSession,
    changed: ChangedSince,
    *,
    page: Page,
    resolved: bool | None,
    kind: TaskKind | None,
    client: UUID | None,
    kinds: Collection[TaskKind] | None = None,
) -> Sequence[tuple[Task, datetime]]:
    """Those that have changed, each with when; one more than the page holds, if there are more."""
    such = _such(resolved=resolved, client=client, kinds=kinds if kind is None else [kind])
    if kind is not None and kinds is not None and kind not in kinds:
        return []
    statement: Any = select_columns(Task, changed.at).join(changed.latest, changed.item == col(Task.id)).where(*such)
    places = (changed.at, col(Task.id))
    return await one_page(session, statement.order_by(*places), page, *places)


async def totals_of_tasks(
    session: AsyncSession, *, resolved: bool | None, client: UUID | None, kinds: Collection[TaskKind] | None = None
) -> dict[TaskKind, int]:
    """How many such tasks there are, by kind."""
    such = _such(resolved=resolved, client=client, kinds=kinds)
    statement = select(Task.kind, func.count()).where(*such).group_by(col(Task.kind))
    return {TaskKind(kind): many for kind, many in await session.exec(statement)}


def _such(
    *, resolved: bool | None, client: UUID | None, kinds: Collection[TaskKind] | None
) -> Iterator[ColumnElement[bool]]:
    if resolved is not None:
        done = col(Task.resolved_at)
        yield done.is_not(None) if resolved else done.is_(None)
    if kinds is not None:
        yield col(Task.kind).in_(kinds)
    if client is not None:
        yield col(Task.client_id) == client
