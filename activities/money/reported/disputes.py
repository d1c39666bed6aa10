"""Disputes and inquiries, written down as they stand. A dispute holds up charges until its task is resolved."""

from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.locked import LockedPayment
from activities.money.reported.refund_rows import put_failed_refunds_right
from activities.money.reported.reversals import take_back_what_is_too_much
from activities.ports import DisputeSeen
from activities.tasks import close_tasks, open_task_once
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.tables.money.payment import Payment
from models.tables.money.refund import Dispute
from models.writes.timeline import tell
from rules.accounts.caller import STRIPE
from rules.enums import TaskKind
from rules.money.disputes import LOST, advice, freezes, has_ended, in_words, is_inquiry, last_day
from rules.money.payment_states import WAITING
from rules.timeline import FactKind


async def write_dispute(session: AsyncSession, row: LockedPayment, seen: DisputeSeen, *, at: datetime) -> None:
    """Record a dispute or an inquiry, and what changed about it; its task says what can be done as it stands now."""
    client, payment = row.client, row.payment
    known = await session.get(Dispute, seen.id)
    if known is not None and known.status == seen.status:
        return
    before = known.status if known is not None else None
    takes_money = freezes(seen.status) and (known is None or not freezes(known.status))
    dispute = known or Dispute(
        id=seen.id,
        payment_id=payment.id,
        client_id=client.id,
        amount=seen.amount,
        currency=seen.currency,
        status=seen.status,
        opened_at=at,
    )
    if takes_money:
        dispute.opened_at = at  # of an inquiry, this is when it became one: a day that is over keeps its sums
    dispute.status, dispute.amount = seen.status, seen.amount
    dispute.closed_at = (dispute.closed_at or at) if has_ended(seen.status) else None
    session.add(dispute)
    _tell(session, row, seen, is_new=known is None, at=at)
    if is_inquiry(seen.status):
        await _ask_about(session, row, seen, at=at)
    else:
        note = "The inquiry has become a dispute, which has a task of its own."
        await close_tasks(session, client, about=seen.id, kinds=(TaskKind.INQUIRY,), at=at, note=note)
        if takes_money:
            client.charges_frozen = True
            session.add(client)
        if freezes(seen.status):
            await _open_or_say(session, row, seen, TaskKind.DISPUTE, at=at)
    await session.flush()
    if LOST in (seen.status, before):
        await take_back_what_is_too_much(session, row, at=at)
    await put_failed_refunds_right(session, row)


async def _ask_about(session: AsyncSession, row: LockedPayment, seen: DisputeSeen, *, at: datetime) -> None:
    if has_ended(seen.status):
        note = "The bank has closed the inquiry."
        await close_tasks(session, row.client, about=seen.id, kinds=(TaskKind.INQUIRY,), at=at, note=note)
    else:
        await _open_or_say(session, row, seen, TaskKind.INQUIRY, at=at)


async def _open_or_say(
    session: AsyncSession, row: LockedPayment, seen: DisputeSeen, kind: TaskKind, *, at: datetime
) -> None:
    """Open its task, or put what an open one says right."""
    waits = seen.status.endswith("needs_response")
    answer_by = last_day(seen.answer_by) if waits else None
    text = advice(ref=row.client.ref, status=seen.status, reason=seen.reason, answer_by=answer_by)
    key = f"{kind.value}:{seen.id}"
    task = await open_task_once(
        session,
        row.client,
        key=key,
        kind=kind,
        text=text,
        at=at,
        appointment_id=row.payment.appointment_id,
        payment_id=row.payment.id,
    )
    if task is None:
        task = (await session.exec(select(Task).where(col(Task.key) == key))).one()
    if task.resolved_at is not None:
        return
    task.text = text
    said = {"dispute": seen.id, "state": seen.status}
    told = {"answer_by": seen.answer_by.isoformat()} if waits and seen.answer_by else {}
    task.data = {**{name: value for name, value in task.data.items() if name != "answer_by"}, **said, **told}
    session.add(task)


def _tell(session: AsyncSession, row: LockedPayment, seen: DisputeSeen, *, is_new: bool, at: datetime) -> None:
    does = "asks about" if is_inquiry(seen.status) else "disputes"
    ended = has_ended(seen.status)
    tell(
        session,
        row.client,
        FactKind.DISPUTE_CLOSED if ended else FactKind.DISPUTE_OPENED if is_new else FactKind.DISPUTE_CHANGED,
        at=at,
        by=STRIPE,
        text=f"The client's bank {does} a charge; it stands at: {in_words(seen.status)}.",
        data={
            "dispute_id": seen.id,
            "payment_id": str(row.payment.id),
            "amount": seen.amount,
            "currency": seen.currency,
            "status": seen.status,
        },
    )


async def unfreeze(session: AsyncSession, client: Client) -> list[UUID]:
    """Let charges go on once no dispute's task is open any more. The appointments whose payment may have waited."""
    still = select(Task.id).where(
        col(Task.client_id) == client.id, col(Task.kind) == TaskKind.DISPUTE, col(Task.resolved_at).is_(None)
    )
    if (await session.exec(still)).first() is not None:
        return []
    client.charges_frozen = False
    session.add(client)
    waiting = select(Payment.appointment_id).where(
        col(Payment.client_id) == client.id, col(Payment.status).in_(WAITING)
    )
    return list((await session.exec(waiting)).all())
