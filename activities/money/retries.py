"""A payment tried again because a person asked for it: the practice, or the client who came to pay."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.answers import AnsweredOnce
from activities.base import Activities
from activities.locked import NO_PAYMENT, LockedPayment, locked_payment
from activities.money.credits import at_hand
from activities.money.payments import move, put_off, tell_payment
from activities.money.waivers import answer_of, not_open
from activities.types.clients import Done
from activities.types.money import RetryOrder
from models.writes.timeline import tell
from rules.enums import PaymentStatus
from rules.money.payment_states import Act, Because, PaymentEvent, may
from rules.refusals import Problem, Refusal
from rules.timeline import FactKind

COVERED_BY_CREDIT = Refusal(
    name=Problem.PAYMENT_NOT_OPEN, detail="Credit covers this payment; it is being made from it."
)
TRIED_AGAIN = AnsweredOnce("retry_payment", Done)


class RetryActivities(Activities):
    @activity.defn
    async def retry_payment(self, order: RetryOrder) -> Done:
        """Try a payment that has failed, or a debt, again now; with credit first, as always. What an archive stopped,
        and is not restored, is a debt from now on, whether the client is active again or not: a person has decided.
        """
        now = await self.now()
        async with self.transaction() as session:
            row = await locked_payment(session, UUID(order.payment_id))
            payment, client = row.payment, row.client
            if str(client.id) != order.client_id:
                return Done(refusal=NO_PAYMENT, changed=False)
            given = await TRIED_AGAIN.given(session, client, order)
            if given is not None:
                return given
            refusal = await _refuse_retry(session, row)
            if refusal is not None:
                return Done(refusal=refusal, changed=False)
            if payment.status is PaymentStatus.FAILED:
                move(payment, PaymentEvent.RETRIED, because=Because.TRIED_BY_HAND, next_try_at=now, at=now)
            elif payment.status is PaymentStatus.CANCELLED:
                move(payment, PaymentEvent.RETRIED, because=Because.TRIED_BY_HAND, at=now)
                text = "What an archive had stopped is owed, and is to be paid."
                tell_payment(session, client, payment, at=now, text=text, by=order.by.actor)
            tell(
                session,
                client,
                FactKind.PAYMENT_RETRY_ASKED,
                at=now,
                by=order.by.actor,
                text="A person asked to try the payment again now.",
                data={
                    "payment_id": order.payment_id,
                    "appointment_id": str(payment.appointment_id),
                    "request_id": order.request_id,
                },
            )
            if payment.status is PaymentStatus.OWED:
                put_off(payment, until=now, at=now)  # the mark by which the journey finds it
            answer = await _answer(session, row)
            return TRIED_AGAIN.keep(session, client, order, answer, at=now)


async def by_credit_alone(session: AsyncSession, row: LockedPayment, *, at: datetime, by: str) -> Done:
    """The client came to pay, and credit covers all of it by now: it is tried at once, and nothing is asked of them."""
    payment = row.payment
    if payment.status is not PaymentStatus.OWED:
        move(payment, PaymentEvent.RETRIED, because=Because.TRIED_BY_HAND, next_try_at=at, at=at)
        text = "The client came to pay, and credit covers all of it: it is made now."
        tell_payment(session, row.client, payment, at=at, text=text, by=by)
    else:
        put_off(payment, until=at, at=at)
    answer = await _answer(session, row)
    return Done(refusal=COVERED_BY_CREDIT, facts=answer.facts, resumed=answer.resumed)


async def _answer(session: AsyncSession, row: LockedPayment) -> Done:
    """A debt is the journey's to try; no appointment's workflow waits for it any more."""
    answer = await answer_of(session, row)
    return replace(answer, resumed=()) if row.payment.status is PaymentStatus.OWED else answer


async def _refuse_retry(session: AsyncSession, row: LockedPayment) -> Refusal | None:
    payment, client = row.payment, row.client
    if not may(Act.RETRY, status=payment.status, because=payment.because):
        return not_open(row)
    detail = None
    if client.charges_frozen:
        detail = "A dispute is open: nothing is charged until its task is resolved."
    elif (client.stripe_payment_method is None or client.card_blocked) and (
        await at_hand(session, payment) < payment.amount
    ):
        detail = "There is no card to charge; ask the client for one."
    return Refusal(name=Problem.PAYMENT_NOT_OPEN, detail=detail) if detail else None
