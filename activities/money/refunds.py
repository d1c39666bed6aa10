"""Refunds: written down first, then asked of Stripe, then recorded. Each step is safe to run twice."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.answers import AnsweredOnce
from activities.base import Activities, derived_id
from activities.locked import NO_PAYMENT, LockedPayment, locked_payment
from activities.money.approval.second_person import Wanted, must_wait, standing
from activities.money.intents import refuse_before_comparison
from activities.money.payments import move, tell_payment
from activities.ports import GatewayRejected, GatewayUnavailable, RefundMade
from activities.tasks import open_task_once
from activities.types.clients import Done
from activities.types.money import RefundOrder, Settled
from models.reads.journey import project
from models.tables.clients.client import Client
from models.tables.mail.outbox import OutboxKind
from models.tables.money.credit import Credit
from models.tables.money.payment import Payment
from models.tables.money.refund import Dispute, Refund
from models.writes.outbox import order_errands
from models.writes.timeline import tell
from rules.accounts.caller import STRIPE, SYSTEM
from rules.enums import ApprovalAct, CreditSource, PaymentStatus, RefundStatus, TaskKind
from rules.money.credits import PaidParts, split_refund
from rules.money.fees import Money
from rules.money.payment_states import Act, PaymentEvent, may
from rules.refusals import REASON_REQUIRED, Problem, Refusal
from rules.timeline import FactKind

BEGUN = AnsweredOnce("begin_refund", Done)
LOST = "lost"  # Stripe's word for a dispute whose money went back to the client
_COUNTS = (RefundStatus.PENDING, RefundStatus.SUCCEEDED)


class RefundActivities(Activities):
    @activity.defn
    async def begin_refund(self, order: RefundOrder) -> Done:
        """Write down what is to be given back, or say why it cannot be. Credit is given at once, in the same step.

        A refund that was refused is on the timeline too, once: somebody tried to give money back that was not there. So
        this refusal is an answer that is stored, unlike others.
        """
        now = await self.now()
        async with self.transaction() as session:
            row = await locked_payment(session, UUID(order.payment_id))
            if str(row.client.id) != order.client_id:
                return Done(refusal=NO_PAYMENT, changed=False)
            given = await BEGUN.given(session, row.client, order)
            if given is not None:
                return given
            asked = await standing(session, row.client, order, ApprovalAct.REFUND, at=now)
            if isinstance(asked, Done):
                return asked
            order = asked.order
            if not order.reason.strip():
                return Done(refusal=REASON_REQUIRED, changed=False)
            parts = await _refuse(session, row.payment) or split_refund(
                parts=await paid_parts(session, row.payment), amount=order.amount, to=order.to
            )
            if isinstance(parts, Refusal) and asked.approval is not None:
                return Done(refusal=parts, changed=False)  # it waits on, and may be approved another day
            if isinstance(parts, Refusal):
                _tell_refused(session, row, order, parts, at=now)
                refused = Done(refusal=parts, facts=await project(session, row.client), changed=False)
                return BEGUN.keep(session, row.client, order, refused, at=now)
            amount = Money(parts.to_card + parts.to_credit, row.payment.currency)
            wanted = Wanted(ApprovalAct.REFUND, amount, row.payment)
            waits = await must_wait(session, row.client, asked, wanted, deps=self.deps, at=now)
            if waits is not None:
                return waits
            id = UUID(order.refund_id)
            refund = Refund(
                id=id,
                payment_id=row.payment.id,
                client_id=row.client.id,
                card_amount=parts.to_card,
                credit_amount=parts.to_credit,
                currency=row.payment.currency,
                status=RefundStatus.PENDING if parts.to_card else RefundStatus.SUCCEEDED,
                reason=order.reason,
                asked_by=order.by.actor,
                approved_by=asked.approved_by,
                asked_at=now,
                finished_at=None if parts.to_card else now,
            )
            session.add(refund)
            if parts.to_card:
                await order_errands(
                    session, row.client.id, OutboxKind.SEND_REFUND, [order.refund_id], reason=order.request_id, at=now
                )
            if parts.to_credit:
                credit = Credit(
                    id=id,
                    client_id=row.client.id,
                    amount=parts.to_credit,
                    remaining=parts.to_credit,
                    currency=refund.currency,
                    source=CreditSource.REFUND,
                    reason=order.reason,
                    given_by=order.by.actor,
                    approved_by=asked.approved_by,
                    given_at=now,
                )
                session.add(credit)
            _tell_refund(
                session,
                row.client,
                refund,
                at=now,
                by=order.by.actor,
                kind=FactKind.REFUND_BEGUN,
                text="A refund was begun.",
                more=asked.told,
            )
            await session.flush()
            await _show(session, row, at=now)
            return BEGUN.keep(session, row.client, order, Done(facts=await project(session, row.client)), at=now)

    async def send_refund(self, refund_id: str) -> Settled | None:
        """Have Stripe give the card's part back, and record its answer. None if nothing is left to do."""
        now = await self.now()
        async with self.transaction() as session:
            refund = await session.get_one(Refund, UUID(refund_id))
            payment = await session.get_one(Payment, refund.payment_id)
            client = await session.get_one(Client, refund.client_id)
            await refuse_before_comparison(session)
        if refund.status is not RefundStatus.PENDING or refund.stripe_refund is not None or payment.intent is None:
            return None
        gateway = self.gateway_for(client)
        try:
            # The run before may have been told nothing of what it did: look first.
            made = await gateway.find_refund(intent=payment.intent, refund_id=refund_id)
            if made is None:
                made = await gateway.refund(
                    intent=payment.intent,
                    refund_id=refund_id,
                    amount=refund.card_amount,
                    currency=refund.currency,
                    key=f"refund:{refund.id}:{refund.tries}",
                )
        except GatewayUnavailable as unavailable:
            if not unavailable.retry_with_same_key:
                await self._next_key(refund.id, refund.tries)
            raise
        except GatewayRejected as rejected:
            made = RefundMade(id=None, status="failed", because=rejected.code)
        async with self.transaction() as session:
            return await record_refund(session, refund.id, made, at=now)

    async def _next_key(self, id: UUID, tries: int) -> None:
        """Stripe replays a stored failure to the same key."""
        async with self.transaction() as session:
            refund = await session.get_one(Refund, id, with_for_update=True)
            refund.tries = tries + 1
            session.add(refund)


async def record_refund(session: AsyncSession, refund_id: UUID, made: RefundMade, *, at: datetime) -> Settled:
    """Write down what became of a refund. Told again, it changes nothing; a failure may come after a success."""
    row = await locked_payment(session, (await session.get_one(Refund, refund_id)).payment_id)
    refund = await session.get_one(Refund, refund_id, populate_existing=True)
    before = refund.status
    refund.stripe_refund = refund.stripe_refund or made.id
    if made.status == "succeeded" and before is RefundStatus.PENDING:
        refund.status, refund.finished_at = RefundStatus.SUCCEEDED, at
        _tell_refund(
            session, row.client, refund, at=at, by=SYSTEM, kind=FactKind.REFUND_MADE, text="The refund was made."
        )
    elif made.status in ("failed", "canceled") and before is not RefundStatus.FAILED:
        refund.status, refund.finished_at = RefundStatus.FAILED, at
        # What went to credit stays given: only the card's part has failed.
        _tell_refund(
            session, row.client, refund, at=at, by=SYSTEM, kind=FactKind.REFUND_FAILED, text="The refund failed."
        )
        await open_task_once(
            session,
            row.client,
            key=f"refund_failed:{refund.id}",
            kind=TaskKind.REFUND_FAILED,
            text=f"A refund to the card of client {row.client.ref} failed; refund it as credit, or by hand.",
            at=at,
            payment_id=row.payment.id,
        )
    session.add(refund)
    await session.flush()
    await _show(session, row, at=at)
    return await row.settled(session, changed=refund.status is not before)


async def adopt_refund(session: AsyncSession, payment_id: UUID, made: RefundMade, *, at: datetime) -> Settled | None:
    """Write down a refund that somebody made at Stripe, past the ledger. Told again, it changes nothing. None if it is
    more than is left of what the card paid."""
    row = await locked_payment(session, payment_id)
    id = derived_id(payment_id, "refund", made.id)
    if await session.get(Refund, id) is None:
        parts = await paid_parts(session, row.payment)
        if made.amount > min(parts.by_card - parts.refunded_to_card, parts.refundable):
            return None
        refund = Refund(
            id=id,
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
        _tell_refund(session, row.client, refund, at=at, by=STRIPE, kind=FactKind.REFUND_FOUND, text=text)
    return await record_refund(session, id, made, at=at)


async def paid_parts(session: AsyncSession, payment: Payment) -> PaidParts:
    """What a payment took, and what of it was given back. A failed refund gave back only its credit."""
    refunds = (await session.exec(select(Refund).where(col(Refund.payment_id) == payment.id))).all()
    return PaidParts(
        by_card=payment.amount - payment.credit_used,
        by_credit=payment.credit_used,
        refunded_to_card=sum(refund.card_amount for refund in refunds if refund.status in _COUNTS),
        refunded_to_credit=sum(refund.credit_amount for refund in refunds),
    )


async def _refuse(session: AsyncSession, payment: Payment) -> Refusal | None:
    if not may(Act.REFUND, status=payment.status):
        detail = f"Only what was paid can be refunded; this payment is {payment.status.value.replace('_', ' ')}."
        if payment.status is PaymentStatus.REFUNDED:
            detail = "All that was paid has been refunded already."
        return Refusal(name=Problem.PAYMENT_NOT_REFUNDABLE, detail=detail, data={"refundable": 0})
    disputes = (await session.exec(select(Dispute).where(col(Dispute.payment_id) == payment.id))).all()
    if any(dispute.closed_at is None for dispute in disputes):
        detail = "The client's bank disputes this charge; a refund would be paid twice. Wait for its decision."
        return Refusal(name=Problem.PAYMENT_NOT_REFUNDABLE, detail=detail, data={"refundable": 0})
    if any(dispute.status == LOST for dispute in disputes):
        detail = "The client's bank has taken this charge back already; a refund would be paid twice."
        return Refusal(name=Problem.PAYMENT_NOT_REFUNDABLE, detail=detail, data={"refundable": 0})
    return None


def _tell_refused(
    session: AsyncSession, row: LockedPayment, order: RefundOrder, refusal: Refusal, *, at: datetime
) -> None:
    tell(
        session,
        row.client,
        FactKind.REFUND_REFUSED,
        at=at,
        by=order.by.actor,
        text=f"A refund was asked for and refused. {refusal.detail}",
        data={
            "payment_id": order.payment_id,
            "request_id": order.request_id,
            "amount": order.amount,
            "to": order.to.value,
            "currency": row.payment.currency,
            "refusal": refusal.name.value,
        },
        words=order.reason,
    )


async def _show(session: AsyncSession, row: LockedPayment, *, at: datetime) -> None:
    """The payment's status says how much of it was given back."""
    parts = await paid_parts(session, row.payment)
    if parts.refundable == parts.by_card + parts.by_credit:
        shown, event = PaymentStatus.PAID, PaymentEvent.REFUND_FAILED
    elif parts.refundable:
        shown, event = PaymentStatus.PARTIALLY_REFUNDED, PaymentEvent.REFUNDED_IN_PART
    else:
        shown, event = PaymentStatus.REFUNDED, PaymentEvent.REFUNDED_IN_FULL
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
        data={"payment_id": str(row.payment.id), "refundable": parts.refundable, "currency": row.payment.currency},
    )


def _tell_refund(
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
