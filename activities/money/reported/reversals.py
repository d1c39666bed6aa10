"""Credit taken back: the same money had gone back to the card or to the bank besides, past the ledger.

What a client has spent of it meanwhile stays spent, and is a person's to ask for.
"""

from datetime import datetime

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import derived_id
from activities.locked import LockedPayment
from activities.tasks import close_tasks, open_task_once
from models.reads.money.given_back import certain_parts
from models.tables.clients.task import Task
from models.tables.money.credit import Credit, CreditReversal
from models.tables.money.payment import Payment
from models.tables.money.refund import Dispute, Refund
from models.writes.timeline import tell
from rules.accounts.caller import SYSTEM
from rules.enums import TaskKind
from rules.money.currencies import in_units
from rules.money.disputes import LOST
from rules.timeline import FactKind


async def take_back_what_is_too_much(session: AsyncSession, row: LockedPayment, *, at: datetime) -> None:
    """Take credit of this payment's refunds back, as far as more than was paid has been given back altogether."""
    too_much = max(await _too_much(session, row.payment), 0)
    found = (
        select(Refund, Credit)
        .join(Credit, col(Credit.id) == col(Refund.id))
        .where(col(Refund.payment_id) == row.payment.id, col(Credit.remaining) > 0)
        .order_by(col(Refund.asked_at).desc(), col(Refund.id))
    )
    for refund, credit in (await session.exec(found)).all() if too_much else ():
        part = min(credit.remaining, too_much)
        if part <= 0:
            break
        before = select(func.count()).where(col(CreditReversal.refund_id) == refund.id)
        number = (await session.exec(before)).one() + 1
        credit.remaining -= part
        too_much -= part
        session.add(credit)
        session.add(
            CreditReversal(
                id=derived_id(refund.id, "reversal", number),
                refund_id=refund.id,
                payment_id=row.payment.id,
                amount=part,
                currency=refund.currency,
                reversed_at=at,
            )
        )
        await session.flush()
        tell(
            session,
            row.client,
            FactKind.CREDIT_REVERSED,
            at=at,
            by=SYSTEM,
            text="Credit was taken back: the same money had gone back past the ledger.",
            data={
                "credit_id": str(credit.id),
                "payment_id": str(row.payment.id),
                "amount": part,
                "currency": refund.currency,
            },
        )
    await _ask(session, row, too_much, at=at)


async def _too_much(session: AsyncSession, payment: Payment) -> int:
    """By how much all that was given back, to card, credit and bank, is more than was paid."""
    parts = await certain_parts(session, payment)
    lost = select(func.coalesce(func.sum(col(Dispute.amount)), 0)).where(
        col(Dispute.payment_id) == payment.id, col(Dispute.status) == LOST
    )
    taken = int((await session.exec(lost)).one())
    return parts.refunded_to_card + parts.refunded_to_credit + taken - parts.by_card - parts.by_credit


async def _ask(session: AsyncSession, row: LockedPayment, amount: int, *, at: datetime) -> None:
    """One task with all that a person has not seen to: it says more or less as that changes, and closes when nothing is
    left of it."""
    payment, key = row.payment, f"given_back_twice:{row.payment.id}"
    known = (await session.exec(select(Task).where(col(Task.key).startswith(key)).order_by(col(Task.key)))).all()
    left = amount - sum(int(task.data.get("too_much", 0)) for task in known if task.resolved_by not in (None, SYSTEM))
    task = next((task for task in known if task.resolved_at is None), None)
    if left <= 0:
        if task is not None:
            note = "What was too much did not go back after all."
            await close_tasks(session, row.client, about=task.data["twice"], kinds=(task.kind,), at=at, note=note)
        return
    much = f"{in_units(left, payment.currency)} {payment.currency}"
    text = (
        f"Client {row.client.ref} was given back {much} more than was paid: as credit, which is spent, and by Stripe "
        "besides. Ask the client for it, or let it be; then resolve this task."
    )
    if task is None:
        key = f"{key}:{len(known) + 1}"
        kind = TaskKind.LEDGER_DIFFERENCE
        task = await open_task_once(session, row.client, key=key, kind=kind, text=text, at=at, payment_id=payment.id)
        assert task is not None, "its number is new"
    task.text, task.data = text, {**task.data, "too_much": left, "twice": task.key}
    session.add(task)
