"""Refunds: written down first, then asked of Stripe, then recorded. Each step is safe to run twice."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.answers import AnsweredOnce
from activities.locked import NO_PAYMENT, LockedPayment, locked_payment
from activities.money.approval.second_person import Wanted, must_wait, standing
from activities.money.intents import refuse_before_comparison
from activities.money.reported.refund_rows import (
    ANOTHER_WAY,
    close_failed_refunds,
    record_refund,
    show_refunded,
    tell_refund,
)
from activities.money.reported.refunds import ToldRefunds
from activities.ports import GatewayRejected, GatewayUnavailable, RefundMade
from activities.types.clients import Done
from activities.types.money import RefundOrder, Settled
from models.reads.epoch import epoch_is_compared
from models.reads.journey import project
from models.reads.money.given_back import certain_parts, paid_parts
from models.tables.clients.client import Client
from models.tables.mail.outbox import OutboxKind
from models.tables.money.credit import Credit
from models.tables.money.payment import Payment
from models.tables.money.refund import Dispute, Refund
from models.writes.locks import lock_client
from models.writes.outbox import order_errands
from models.writes.timeline import tell
from rules.enums import ApprovalAct, CreditSource, PaymentStatus, RefundStatus, RefundTo
from rules.money.credits import split_refund
from rules.money.disputes import LOST, has_ended, is_inquiry
from rules.money.fees import Money
from rules.money.payment_states import Act, may
from rules.refusals import REASON_REQUIRED, Problem, Refusal
from rules.timeline import FactKind

BEGUN = AnsweredOnce("begin_refund", Done)


class RefundActivities(ToldRefunds):
    @activity.defn
    async def look_for_refunds(self, order: RefundOrder) -> Done:
        """Before a refund becomes credit: learn what Stripe has given back of the payment, so that nobody gives the
        same money twice. Not for one that was begun before."""
        now = await self.now()
        payment_id = UUID(order.payment_id)
        async with self.transaction() as session:
            client = await session.get(Client, UUID(order.client_id))
            payment = await session.get(Payment, payment_id)
            if client is None or payment is None or payment.client_id != client.id:
                return Done(refusal=NO_PAYMENT, changed=False)
            begun = await session.get(Refund, UUID(order.refund_id)) is not None
        if begun or not await self.learn_what_was_given_back(payment_id, at=now):
            return Done(changed=False)
        async with self.transaction() as session:
            client = await lock_client(session, client.id)
            return Done(facts=await project(session, client), changed=False)

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
            parts = await _refuse(session, row.payment, to=order.to) or split_refund(
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
            await close_failed_refunds(session, row, refund.amount, at=now, note=ANOTHER_WAY)
            tell_refund(
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
            await show_refunded(session, row, at=now)
            return BEGUN.keep(session, row.client, order, Done(facts=await project(session, row.client)), at=now)

    async def send_refund(self, refund_id: str) -> Settled | None:
        """Have Stripe give the card's part back, and record its answer. None if nothing is left to do."""
        now = await self.now()
        async with self.transaction() as session:
            refund = await session.get_one(Refund, UUID(refund_id))
            payment = await session.get_one(Payment, refund.payment_id)
            client = await session.get_one(Client, refund.client_id)
            refuse_before_comparison(compared=await epoch_is_compared(session))
        if refund.status is not RefundStatus.PENDING or refund.stripe_refund is not None or payment.intent is None:
            return None
        gateway = self.gateway_for(client)
        try:
            # The run before may have been told nothing of what it did, and somebody may have given it back there: look
            # first.
            known = await gateway.refunds_of(intent=payment.intent)
            made = next((one for one in known if one.refund_id == refund_id), None)
            if made is None and not await self._is_still_there(refund, known, at=now):
                made = RefundMade(id=None, status="failed", because="given back already")
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
            # Stripe may have given it back already, or a bank taken it: the task must know what is left.
            await self.learn_what_was_given_back(payment.id, at=now)
        async with self.transaction() as session:
            return await record_refund(session, refund.id, made, at=now)

    async def _is_still_there(self, refund: Refund, known: Sequence[RefundMade], *, at: datetime) -> bool:
        """Whether so much is left to give, with all that Stripe has given back meanwhile."""
        for other in reversed(known):
            await self.take_in_refund(other, at=at)
        async with self.transaction() as session:
            payment = await session.get_one(Payment, refund.payment_id)
            return refund.card_amount <= (await certain_parts(session, payment)).refundable

    async def _next_key(self, id: UUID, tries: int) -> None:
        """Stripe replays a stored failure to the same key."""
        async with self.transaction() as session:
            refund = await session.get_one(Refund, id, with_for_update=True)
            refund.tries = tries + 1
            session.add(refund)


async def _refuse(session: AsyncSession, payment: Payment, *, to: RefundTo) -> Refusal | None:
    if not may(Act.REFUND, status=payment.status):
        detail = f"Only what was paid can be refunded; this payment is {payment.status.value.replace('_', ' ')}."
        if payment.status is PaymentStatus.REFUNDED:
            detail = "All that was paid has been refunded already."
        return Refusal(name=Problem.PAYMENT_NOT_REFUNDABLE, detail=detail, data={"refundable": 0})
    disputes = (await session.exec(select(Dispute).where(col(Dispute.payment_id) == payment.id))).all()
    waiting = [dispute.status for dispute in disputes if not has_ended(dispute.status)]
    if any(not is_inquiry(status) for status in waiting):
        detail = "The client's bank disputes this charge; a refund would be paid twice. Wait for its decision."
        return Refusal(name=Problem.PAYMENT_NOT_REFUNDABLE, detail=detail, data={"refundable": 0})
    if any(dispute.status == LOST for dispute in disputes):
        detail = "The client's bank has taken this charge back already; a refund would be paid twice."
        return Refusal(name=Problem.PAYMENT_NOT_REFUNDABLE, detail=detail, data={"refundable": 0})
    if waiting and to is RefundTo.CREDIT:
        detail = "The client's bank asks about this charge: a refund to the card ends that, and credit does not."
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
