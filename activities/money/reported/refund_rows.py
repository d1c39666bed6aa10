"""Refunds as rows: what became of one is recorded once, and one that was made past the ledger is written down."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import derived_id
from activities.locked import LockedPayment, locked_payment
from activities.money.payments import move, tell_payment
from activities.money.reported.reversals import take_back_what_is_too_much
from activities.ports import RefundMade
from activities.tasks import open_task_once, tell_task
from activities.types.money import Settled
from models.reads.money.given_back import certain_parts, paid_parts
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.tables.money.refund import Dispute, Refund
from models.writes.timeline import tell
from rules.accounts.caller import STRIPE, SYSTEM
from rules.enums import PaymentStatus, RefundStatus, TaskKind
from rules.money.currencies import in_units
from rules.money.disputes import LOST, has_ended
from rules.money.payment_states import PaymentEvent
from rules.timeline import FactKind

FAILED_AT_STRIPE = ("failed", "canceled")
ANOTHER_WAY = "It was given back another way."
_FAILED = f"{TaskKind.REFUND_FAILED.value}:"  # and the refund's id: the key of its task


async def record_refund(session: AsyncSession, refund_id: UUID, made: RefundMade, *, at: datetime) -> Settled:
    """Write down what became of a refund. Told again, it changes nothing; a failure may come after a success."""
    row = await locked_payment(session, (await session.get_one(Refund, refund_id)).payment_id)
    refund = await session.get_one(Refund, refund_id, populate_existing=True)
    before = refund.status
    is_new_at_stripe = refund.stripe_refund is None and made.id is not None
    refund.stripe_refund = refund.stripe_refund or made.id
    if made.status == "succeeded" and before is RefundStatus.PENDING:
        refund.status, refund.finished_at = RefundStatus.SUCCEEDED, at
        tell_refund(
            session, row.client, refund, at=at, by=SYSTEM, kind=FactKind.REFUND_MADE, text="The refund was made."
        )
    elif made.status in FAILED_AT_STRIPE and before is not RefundStatus.FAILED:
        refund.status, refund.finished_at = RefundStatus.FAILED, at
        # What went to credit stays given: only the card's part has failed.
        tell_refund(
            session, row.client, refund, at=at, by=SYSTEM, kind=FactKind.REFUND_FAILED, text="The refund failed."
        )
        await session.flush()
        await _ask_what_to_do(session, row, refund, at=at)
    session.add(refund)
    await session.flush()
    if is_new_at_stripe or refund.status is not before:
        # Somebody may have given the same money back at Stripe in that very moment; or what was too much came back.
        await take_back_what_is_too_much(session, row, at=at)
    await show_refunded(session, row, at=at)
    return await row.settled(session, changed=refund.status is not before)


async def adopt_refund(session: AsyncSession, payment_id: UUID, made: RefundMade, *, at: datetime) -> Settled | None:
    """Write down a refund that somebody made at Stripe, past the ledger. Told again, it changes nothing. None if it is
    more than is left of what the card paid. Credit that was given for the same money is taken back."""
    row = await locked_payment(session, payment_id)
    known = await refund_of(session, made)
    if known is not None:
        return await record_refund(session, known.id, made, at=at)
    parts = await certain_parts(session, row.payment)
    if made.amount > parts.by_card - parts.refunded_to_card:
        return None
    refund = Refund(
        id=derived_id(payment_id, "refund", made.id),
        payment_id=payment_id,
        client_id=row.client.id,
        card_amount=made.amount,
        credit_amount=0,
        currency=row.payment.currency,
        status=RefundStatus.PENDING,
        stripe_refund=made.id,
        reason="Made at Stripe by hand.",
        asked_by=STRIPE,
        asked_at=at,  # a day that is over keeps its sums: it counts on the day that the ledger learned of it
    )
    session.add(refund)
    await session.flush()
    text = "A refund was found that somebody made at Stripe."
    tell_refund(session, row.client, refund, at=at, by=STRIPE, kind=FactKind.REFUND_FOUND, text=text)
    await take_back_what_is_too_much(session, row, at=at)
    if made.status not in FAILED_AT_STRIPE:
        await close_failed_refunds(session, row, made.amount, at=at, note=ANOTHER_WAY)
    return await record_refund(session, refund.id, made, at=at)


async def refund_of(session: AsyncSession, made: RefundMade) -> Refund | None:
    """The ledger's row of a refund at Stripe: by Stripe's id, or by our own, of one whose step could not store Stripe's
    id yet."""
    by_stripes = col(Refund.stripe_refund) == made.id
    try:
        found = select(Refund).where(or_(by_stripes, col(Refund.id) == UUID(made.refund_id or "")))
    except ValueError:  # not made by this product
        found = select(Refund).where(by_stripes)
    return (await session.exec(found)).first()


async def _ask_what_to_do(session: AsyncSession, row: LockedPayment, refund: Refund, *, at: datetime) -> None:
    """A refund to a card has failed: its task says what can still be given, and how."""
    task = await open_task_once(
        session,
        row.client,
        key=f"{_FAILED}{refund.id}",
        kind=TaskKind.REFUND_FAILED,
        text=await _advice(session, row, left=await _left(session, row, refund.card_amount)),
        at=at,
        payment_id=row.payment.id,
    )
    if task is not None:
        task.data = {**task.data, "missing": refund.card_amount}
        session.add(task)
    await put_failed_refunds_right(session, row)


async def put_failed_refunds_right(session: AsyncSession, row: LockedPayment) -> None:
    """The tasks of failed refunds say what can be given as it stands now: what was given since, by whomever, and what a
    bank has decided, changes that."""
    given = 0
    for task in await _failed_refunds(session, row):
        missing = await _left(session, row, int(task.data.get("missing", 0)), without=given)
        given += missing
        task.text = await _advice(session, row, left=missing)
        amount = 0 if await _at_a_bank(session, row) else missing
        task.data = {**task.data, "missing": missing, "amount": amount}
        session.add(task)


async def _left(session: AsyncSession, row: LockedPayment, amount: int, *, without: int = 0) -> int:
    """How much of it can be given back still, whatever a bank has to say."""
    return max(min(amount, (await paid_parts(session, row.payment)).refundable - without), 0)


async def _at_a_bank(session: AsyncSession, row: LockedPayment) -> str | None:
    """What a task says where a bank has the say, and nobody else can give anything back."""
    disputes = (await session.exec(select(Dispute).where(col(Dispute.payment_id) == row.payment.id))).all()
    if any(dispute.status == LOST for dispute in disputes):
        return ": the bank has given the client the money back already. Give nothing more; resolve this task."
    if any(not has_ended(dispute.status) for dispute in disputes):
        return ": the bank asks about the charge. Look at that task first; nothing can be given as credit meanwhile."
    return None


async def _advice(session: AsyncSession, row: LockedPayment, *, left: int) -> str:
    text = f"A refund to the card of client {row.client.ref} failed"
    at_a_bank = await _at_a_bank(session, row)
    if at_a_bank is not None:
        return text + at_a_bank
    if left == 0:
        return text + ": all that was paid has been given back already. Give nothing more; resolve this task."
    currency = row.payment.currency
    return f"{text}. Give {in_units(left, currency)} {currency} as credit, or try the card again."


async def _failed_refunds(session: AsyncSession, row: LockedPayment) -> Sequence[Task]:
    """The open tasks of this payment's failed refunds, oldest first."""
    waiting = select(Task).where(
        col(Task.client_id) == row.client.id,
        col(Task.kind) == TaskKind.REFUND_FAILED,
        col(Task.resolved_at).is_(None),
        col(Task.data)["payment_id"].astext == str(row.payment.id),
    )
    return (await session.exec(waiting.order_by(col(Task.opened_at), col(Task.key)))).all()


async def close_failed_refunds(
    session: AsyncSession, row: LockedPayment, amount: int, *, at: datetime, note: str
) -> None:
    """So much is given back another way: the failed refunds that it makes up for need nobody any more, and of one that
    it makes up for in part the rest is missing."""
    for task in await _failed_refunds(session, row):
        failed = int(task.data.get("missing", 0))
        made_up = min(failed, amount)
        amount -= made_up
        if made_up < failed:
            task.data = {**task.data, "missing": failed - made_up}
            session.add(task)
            continue
        task.resolved_at, task.resolved_by, task.note = at, SYSTEM, note
        session.add(task)
        tell_task(session, row.client, task, FactKind.TASK_RESOLVED, at=at, text=f"A task was resolved: {note}")


async def show_refunded(session: AsyncSession, row: LockedPayment, *, at: datetime) -> None:
    """The payment's status says how much of it was given back, and the tasks of failed refunds what is left to give."""
    await put_failed_refunds_right(session, row)
    parts = await paid_parts(session, row.payment)
    if parts.refundable == parts.by_card + parts.by_credit:
        shown, event = PaymentStatus.PAID, PaymentEvent.REFUND_FAILED
    elif parts.refundable:
        shown, event = PaymentStatus.PARTIALLY_REFUNDED, PaymentEvent.REFUNDED_IN_PART
    else:
        shown, event = PaymentStatus.REFUNDED, PaymentEvent.REFUNDED_IN_FULL
    # Never more than it is of: what went back twice is a person's to ask for.
    row.payment.refunded = parts.by_card + parts.by_credit - parts.refundable
    if row.payment.status is shown:
        return
    move(row.payment, event, at=at)
    tell_payment(
        session,
        row.client,
        row.payment,
        at=at,
        text="What was refunded of the payment has changed.",
        data={
            "payment_id": str(row.payment.id),
            "appointment_id": str(row.payment.appointment_id),
            "amount": row.payment.amount,
            "refundable": parts.refundable,
            "currency": row.payment.currency,
        },
    )


def tell_refund(
    session: AsyncSession,
    client: Client,
    refund: Refund,
    *,
    at: datetime,
    by: str,
    kind: FactKind,
    text: str,
    more: Mapping[str, str] | None = None,
) -> None:
    tell(
        session,
        client,
        kind,
        at=at,
        by=by,
        text=text,
        data={
            "refund_id": str(refund.id),
            "payment_id": str(refund.payment_id),
            "card_amount": refund.card_amount,
            "credit_amount": refund.credit_amount,
            "currency": refund.currency,
            **(more or {}),
        },
        words=refund.reason if kind is FactKind.REFUND_BEGUN else None,
    )
