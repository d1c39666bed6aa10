"""Tasks for the care team: opened once per reason, closed when what they are about is done."""

from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import derived_id
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.writes.outbox import client_mail, order_mails
from models.writes.timeline import tell
from rules.accounts.caller import SYSTEM
from rules.enums import TaskKind
from rules.mail.kinds import Mail
from rules.timeline import FactKind


async def open_task_once(
    session: AsyncSession,
    client: Client,
    *,
    key: str,
    kind: TaskKind,
    text: str,
    at: datetime,
    appointment_id: UUID | None = None,
    payment_id: UUID | None = None,
    other_id: UUID | None = None,
    approval_id: UUID | None = None,
) -> Task | None:
    """Open a task for the care team, once per key; None if it was opened before. The client's row is locked.
    ``other_id``: another client's, whose record the task is about too."""
    known = (await session.exec(select(Task).where(col(Task.key) == key))).first()
    if known is not None:
        return None
    about = {
        "appointment_id": appointment_id,
        "payment_id": payment_id,
        "other_id": other_id,
        "approval_id": approval_id,
    }
    task = Task(
        id=derived_id(client.id, "task", key),
        key=key,
        client_id=client.id,
        kind=kind,
        text=text,
        data={name: str(value) for name, value in about.items() if value},
        opened_at=at,
    )
    session.add(task)
    tell(
        session,
        client,
        FactKind.TASK_OPENED,
        at=at,
        by=SYSTEM,
        text=f"A task was opened for the care team: {text}",
        data={"task_id": str(task.id), "task": kind.value, **task.data},
    )
    mail = client_mail(Mail.TASK_OPENED, client, key, text=key)
    await order_mails(session, [mail], at=at)
    return task


async def close_tasks(
    session: AsyncSession, client: Client, *, about: str | None, kinds: tuple[TaskKind, ...], at: datetime, note: str
) -> None:
    """Resolve the open tasks of these kinds about one payment or appointment (its id), or all: it is done."""
    statement = select(Task).where(
        col(Task.client_id) == client.id, col(Task.kind).in_(kinds), col(Task.resolved_at).is_(None)
    )
    if any(isinstance(one, Task) for one in (*session.new, *session.dirty)):
        await session.flush()
    # Else nothing that waits to be written could be found: facts that follow are written together with those before.
    with session.no_autoflush:
        open_ones = (await session.exec(statement)).all()
    for task in open_ones:
        if about is not None and about not in task.data.values():
            continue
        task.resolved_at, task.resolved_by, task.note = at, SYSTEM, note
        session.add(task)
        tell_task(session, client, task, FactKind.TASK_RESOLVED, at=at, text=f"A task was resolved: {note}")


def tell_task(session: AsyncSession, client: Client, task: Task, kind: FactKind, *, at: datetime, text: str) -> None:
    """The fact of a task that nobody but this program has opened or closed."""
    about = {"task_id": str(task.id), "task": task.kind.value}
    tell(session, client, kind, at=at, by=SYSTEM, text=text, data=about)
