"""What a person decides about a payment: waive it, write a debt off, or try it again now."""

from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.answers import AnsweredOnce
from activities.base import Activities
from activities.clients.tasks import close_tasks
from activities.money.credits import at_hand, give_back
from activities.money.fee import exception_of
from activities.money.payments import LockedPayment, locked, say
from activities.snapshots import payment_facts
from activities.types import Done, LetGoOrder, RetryOrder
from models.writes.timeline import tell
from rules.enums import ClientStatus, PaymentStatus, TaskKind
from rules.money.payment_states import Act, may
from rules.refusals import Problem, Refusal, invalid
from rules.timeline import FactKind

LET_GO = {
    PaymentStatus.WAIVED: AnsweredOnce("waive_payment", Done),
    PaymentStatus.WRITTEN_OFF: AnsweredOnce("write_off_payment", Done),
}
TRIED_AGAIN = AnsweredOnce("retry_payment", Done)
WAIVED = "waived"
RETRIED = "tried_by_hand"
_LETS_GO = {PaymentStatus.WAIVED: Act.WAIVE, PaymentStatus.WRITTEN_OFF: Act.WRITE_OFF}


class ExceptionActivities(Activities):
    @activity.defn
    async def waive_payment(self, order: LetGoOrder) -> Done:
        """Take nothing for it: whatever is open, or was only stopped by an archive."""
        return await self._let_go(order, PaymentStatus.WAIVED, text="The fee was waived.")

    @activity.defn
    async def write_off_payment(self, order: LetGoOrder) -> Done:
        """Give a debt up: what is owed, has failed past its deadline, or was only stopped by an archive."""
        return await self._let_go(order, PaymentStatus.WRITTEN_OFF, text="The debt was written off.")

    async def _let_go(self, order: LetGoOrder, status: PaymentStatus, *, text: str) -> Done:
        now = await self.now()
        if not order.reason.strip():
            return Done(refusal=invalid("reason", "is required: it is kept with who decided, and when"), changed=False)
        async with self.transaction() as session:
            row = await locked(session, UUID(order.payment_id))
            payment = row.payment
            if str(row.client.id) != order.client_id:
                return Done(refusal=_NO_PAYMENT, changed=False)
            given = await LET_GO[status].given(session, row.client, order)
            if given is not None:
                return given
            if payment.status is status:
                done = await _answer(session, row, changed=False)
                return LET_GO[status].keep(session, row.client, order, done, at=now)
            if not may(
                _LETS_GO[status], status=payment.status, because=payment.because, past_deadline=now > payment.deadline
            ):
                return Done(refusal=_not_open(row), changed=False)
            payment.status, payment.next_try_at = status, None
            payment.because = WAIVED if status is PaymentStatus.WAIVED else None
            payment.exception = await exception_of(session, row.client, by=order.by.actor, why=order.reason, at=now)
            await give_back(session, payment, at=now)
            say(session, row, at=now, text=text, by=order.by.actor)
            await close_tasks(
                session,
                row.client,
                about=str(payment.id),
                kinds=(TaskKind.CARD_MISSING, TaskKind.PAYMENT_OWED, TaskKind.PAYMENT_FAILED),
                at=now,
                note=text,
            )
            return LET_GO[status].keep(session, row.client, order, await _answer(session, row), at=now)

    @activity.defn
    async def retry_payment(self, order: RetryOrder) -> Done:
        """Try a payment that has failed, or a debt, again now; with credit first, as always. What an archive stopped,
        and is not restored, is a debt from now on.
        """
        now = await self.now()
        async with self.transaction() as session:
            row = await locked(session, UUID(order.payment_id))
            payment, client = row.payment, row.client
            if str(client.id) != order.client_id:
                return Done(refusal=_NO_PAYMENT, changed=False)
            given = await TRIED_AGAIN.given(session, client, order)
            if given is not None:
                return given
            refusal = await _refuse_retry(session, row)
            if refusal is not None:
                return Done(refusal=refusal, changed=False)
            if payment.status is PaymentStatus.FAILED:
                payment.because, payment.next_try_at = RETRIED, now
                session.add(payment)
            elif payment.status is PaymentStatus.CANCELLED:
                payment.status, payment.because = PaymentStatus.OWED, RETRIED
                session.add(payment)
                text = "The client is active again: the amount is owed, and is to be paid."
                say(session, row, at=now, text=text, by=order.by.actor)
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
            answer = await _answer(session, row)
            if payment.status is PaymentStatus.OWED:
                answer = Done(facts=answer.facts, debts=(payment_facts(payment, client),))
            return TRIED_AGAIN.keep(session, client, order, answer, at=now)


async def by_credit_alone(session: AsyncSession, row: LockedPayment, *, at: datetime, by: str) -> Done:
    """The client came to pay, and credit covers all of it by now: it is tried at once, and nothing is asked of them."""
    payment = row.payment
    if payment.status is not PaymentStatus.OWED:
        payment.status, payment.because, payment.next_try_at = PaymentStatus.FAILED, RETRIED, at
        session.add(payment)
        say(session, row, at=at, text="The client came to pay, and credit covers all of it: it is made now.", by=by)
    answer = await _answer(session, row)
    refusal = Refusal(name=Problem.PAYMENT_NOT_OPEN, detail="Credit covers this payment; it is being made from it.")
    if payment.status is PaymentStatus.OWED:
        return Done(refusal=refusal, facts=answer.facts, debts=(payment_facts(payment, row.client),))
    return Done(refusal=refusal, facts=answer.facts, resumed=answer.resumed)


async def _refuse_retry(session: AsyncSession, row: LockedPayment) -> Refusal | None:
    payment, client = row.payment, row.client
    if not may(Act.RETRY, status=payment.status, because=payment.because):
        return _not_open(row)
    detail = None
    if client.status is ClientStatus.ARCHIVED:
        detail = "This client is archived: nothing is charged until the client is active again."
    elif client.charges_frozen:
        detail = "A dispute is open: nothing is charged until its task is resolved."
    elif (client.stripe_payment_method is None or client.card_blocked) and (
        await at_hand(session, payment) < payment.amount
    ):
        detail = "There is no card to charge; ask the client for one."
    return Refusal(name=Problem.PAYMENT_NOT_OPEN, detail=detail) if detail else None


async def _answer(session: AsyncSession, row: LockedPayment, *, changed: bool = True) -> Done:
    settled = await row.settled(session)
    intent = row.payment.intent
    return Done(
        facts=settled.journey,
        changed=changed,
        resumed=(settled.appointment,),
        intents=(intent,) if intent and row.payment.status in _LETS_GO else (),
    )


def _not_open(row: LockedPayment) -> Refusal:
    status = row.payment.status.value
    return Refusal(
        name=Problem.PAYMENT_NOT_OPEN,
        detail=f"This cannot be done with a payment that is {status.replace('_', ' ')}.",
        data={"payment_status": status},
    )


_NO_PAYMENT = Refusal(name=Problem.NOT_FOUND, detail="There is no such payment.")
