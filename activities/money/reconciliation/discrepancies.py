"""Discrepancies of ledger and Stripe, written down: healed, or as a task for a person. One task per discrepancy."""

from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_OID, UUID, uuid5

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.tasks import open_task_once, tell_task
from activities.types.reconciliation import JourneyNews
from models.reads.journey import project
from models.reads.money.reconciliation import TASK_KEY
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.tables.money.reconciliation import Reconciliation
from models.writes.locks import lock_client
from rules.accounts.caller import SYSTEM
from rules.enums import TaskKind
from rules.money.discrepancies import Discrepancy, DiscrepancyKind
from rules.timeline import FactKind

MOST_DISCREPANCIES = 100  # of one comparison: what is more is one trouble, such as the key of another account
_MANY = f"{TASK_KEY}many"
_AT_ONCE = ""  # in place of the comparison by which a task was opened
_NAMED = ("payment_id", "client_id", "intent", "refund_id", "stripe_refund", "dispute")
_GONE = "The books agree again."


@dataclass(frozen=True, kw_only=True)
class Handed:
    """``listed`` is False for a discrepancy beyond those that are listed; ``news`` is for the client's journey."""

    listed: bool
    news: JourneyNews | None = None


async def note_healed(session: AsyncSession, reconciliation: str, discrepancy: Discrepancy) -> None:
    row = await _locked(session, reconciliation)
    row.healed = [*(healed for healed in row.healed if healed["key"] != discrepancy.key), document(discrepancy)]
    session.add(row)


async def hand_over(session: AsyncSession, reconciliation: str, discrepancy: Discrepancy, *, at: datetime) -> Handed:
    """Open the discrepancy's task, unless it was opened before, and list it. One that a person resolved stays so."""
    client = await lock_client(session, UUID(discrepancy.client_id)) if discrepancy.client_id else None
    row = await _locked(session, reconciliation)
    others = [listed for listed in row.differences if listed["key"] != discrepancy.key]
    if len(others) >= MOST_DISCREPANCIES:
        return Handed(listed=False)
    task = await _task_of(session, client, reconciliation, discrepancy, at=at)
    row.differences = [*others, {**document(discrepancy), "task_id": str(task.id)}]
    session.add(row)
    if client is None or task.data.get("reconciliation") != reconciliation:
        return Handed(listed=True)
    return Handed(listed=True, news=JourneyNews(client_id=str(client.id), facts=await project(session, client)))


async def open_discrepancy_task(
    session: AsyncSession, client: Client, discrepancy: Discrepancy, *, at: datetime
) -> None:
    """Open the discrepancy's task before a comparison finds it: by the same key, so that the next one knows it, and
    closes it when both sides agree. The client's row is locked."""
    await _task_of(session, client, _AT_ONCE, discrepancy, at=at)


async def _task_of(
    session: AsyncSession, client: Client | None, reconciliation: str, discrepancy: Discrepancy, *, at: datetime
) -> Task:
    key = f"{TASK_KEY}{discrepancy.key}"
    known = (await session.exec(select(Task).where(col(Task.key) == key).with_for_update())).first()
    if known is not None:
        if known.resolved_by == SYSTEM and known.data.get("reconciliation") != reconciliation:
            await _open_again(session, client, known, reconciliation, at=at)
        return known
    data = {**_about(discrepancy), "reconciliation": reconciliation}
    if client is None:
        return await _open_for_nobody(session, key=key, text=discrepancy.text, data=data, at=at)
    task = await open_task_once(
        session,
        client,
        key=key,
        kind=TaskKind.LEDGER_DIFFERENCE,
        text=f"The books of client {client.ref} differ. {discrepancy.text}",
        at=at,
        payment_id=UUID(discrepancy.payment_id) if discrepancy.payment_id else None,
    )
    assert task is not None, "its key was looked for a moment ago"
    task.data = data
    session.add(task)
    return task


async def _open_for_nobody(session: AsyncSession, *, key: str, text: str, data: dict[str, str], at: datetime) -> Task:
    """A task about no client of ours."""
    task = Task(
        id=uuid5(NAMESPACE_OID, key), key=key, kind=TaskKind.LEDGER_DIFFERENCE, text=text, data=data, opened_at=at
    )
    session.add(task)
    return task


async def _open_again(
    session: AsyncSession, client: Client | None, task: Task, reconciliation: str, *, at: datetime
) -> None:
    """A discrepancy that was gone is back."""
    task.opened_at, task.resolved_at, task.resolved_by, task.note = at, None, None, None
    task.data = {**task.data, "reconciliation": reconciliation}
    session.add(task)
    if client is not None:
        tell_task(session, client, task, FactKind.TASK_OPENED, at=at, text="A task was opened again for the care team.")


async def close(session: AsyncSession, task_id: UUID, *, at: datetime) -> JourneyNews | None:
    """Both sides agree again: the task is done. What the client's journey must hear, if there is one."""
    seen = await session.get_one(Task, task_id)
    client = await lock_client(session, seen.client_id) if seen.client_id else None
    task = await session.get_one(Task, task_id, with_for_update=True, populate_existing=True)
    if task.resolved_at is None:
        task.resolved_at, task.resolved_by, task.note = at, SYSTEM, _GONE
        session.add(task)
        if client is not None:
            tell_task(session, client, task, FactKind.TASK_RESOLVED, at=at, text=f"A task was resolved: {_GONE}")
    return JourneyNews(client_id=str(client.id), facts=await project(session, client)) if client else None


async def write_many(session: AsyncSession, *, left_out: int, at: datetime) -> None:
    """One task for all discrepancies that are too many to be listed; it is closed when there are no such any more."""
    known = (await session.exec(select(Task).where(col(Task.key) == _MANY).with_for_update())).first()
    if left_out and known is None:
        text = (
            f"More than {MOST_DISCREPANCIES} differences between the ledger and Stripe. Is this the key of the account "
            "that the payments were made with, and is the database the newest?"
        )
        await _open_for_nobody(session, key=_MANY, text=text, data={}, at=at)
    elif left_out and known is not None and known.resolved_by == SYSTEM:
        await _open_again(session, None, known, "", at=at)
    elif not left_out and known is not None and known.resolved_at is None:
        await close(session, known.id, at=at)


def document(discrepancy: Discrepancy) -> dict[str, str]:
    """A discrepancy as it is kept and shown."""
    return {"key": discrepancy.key, "text": discrepancy.text, **_about(discrepancy)}


def discrepancy_of(task: Task) -> Discrepancy | None:
    """The discrepancy that a task is about; None for the one about too many of them."""
    about = task.data
    if "kind" not in about:
        return None
    return Discrepancy(
        kind=DiscrepancyKind(about["kind"]),
        text=task.text,
        **{name: about.get(name) for name in _NAMED},
    )


def _about(discrepancy: Discrepancy) -> dict[str, str]:
    told = {"kind": discrepancy.kind.value, **{name: getattr(discrepancy, name) for name in _NAMED}}
    return {name: value for name, value in told.items() if value is not None}


async def _locked(session: AsyncSession, reconciliation: str) -> Reconciliation:
    return await session.get_one(Reconciliation, UUID(reconciliation), with_for_update=True, populate_existing=True)
