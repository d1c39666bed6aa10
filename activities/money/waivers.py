"""Waivers and write-offs: a person decides that nothing is taken, says why, and it is recorded who and when."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.answers import AnsweredOnce
from activities.base import Activities
from activities.locked import NO_PAYMENT, LockedPayment, locked_payment
from activities.money.approval.second_person import Wanted, must_wait, standing
from activities.money.credits import give_back
from activities.money.fee import waiver_record
from activities.money.payments import close_payment_tasks, move, tell_payment
from activities.types.clients import Done
from activities.types.money import LetGoOrder
from models.tables.mail.outbox import OutboxKind
from models.writes.outbox import order_errands
from rules.enums import ApprovalAct, PaymentStatus
from rules.money.fees import Money
from rules.money.payment_states import Act, Because, PaymentEvent, may
from rules.refusals import REASON_REQUIRED, Problem, Refusal

_LET_GO = {Act.WAIVE: AnsweredOnce("waive_payment", Done), Act.WRITE_OFF: AnsweredOnce("write_off_payment", Done)}
_ASKED = {Act.WAIVE: ApprovalAct.WAIVE, Act.WRITE_OFF: ApprovalAct.WRITE_OFF}


class WaiverActivities(Activities):
    @activity.defn
    async def waive_payment(self, order: LetGoOrder) -> Done:
        """Take nothing for it: whatever is open, or was only stopped by an archive."""
        return await self._let_go(
            order, Act.WAIVE, PaymentEvent.WAIVED, end=PaymentStatus.WAIVED, text="The fee was waived."
        )

    @activity.defn
    async def write_off_payment(self, order: LetGoOrder) -> Done:
        """Give a debt up: what is owed, has failed past its deadline, or was only stopped by an archive."""
        return await self._let_go(
            order,
            Act.WRITE_OFF,
            PaymentEvent.WRITTEN_OFF,
            end=PaymentStatus.WRITTEN_OFF,
            text="The debt was written off.",
        )

    async def _let_go(self, order: LetGoOrder, act: Act, event: PaymentEvent, *, end: PaymentStatus, text: str) -> Done:
        now = await self.now()
        async with self.transaction() as session:
            row = await locked_payment(session, UUID(order.payment_id))
            payment = row.payment
            if str(row.client.id) != order.client_id:
                return Done(refusal=NO_PAYMENT, changed=False)
            given = await _LET_GO[act].given(session, row.client, order)
            if given is not None:
                return given
            asked = await standing(session, row.client, order, _ASKED[act], at=now)
            if isinstance(asked, Done):
                return asked
            order = asked.order
            if not order.reason.strip():
                return Done(refusal=REASON_REQUIRED, changed=False)
            if payment.status is end and asked.approval is None:
                done = await answer_of(session, row, changed=False)
                return _LET_GO[act].keep(session, row.client, order, done, at=now)
            if not may(act, status=payment.status, because=payment.because, past_deadline=now > payment.deadline):
                return Done(refusal=not_open(row), changed=False)
            wanted = Wanted(_ASKED[act], Money(payment.amount, payment.currency), payment)
            waits = await must_wait(session, row.client, asked, wanted, deps=self.deps, at=now)
            if waits is not None:
                return waits
            move(payment, event, because=Because.WAIVED if act is Act.WAIVE else None, at=now)
            payment.exception = await waiver_record(session, row.client, by=order.by.actor, at=now, told=asked.told)
            payment.exception_why = order.reason
            await give_back(session, payment, at=now)
            by, words = order.by.actor, order.reason
            tell_payment(session, row.client, payment, at=now, text=text, by=by, words=words)
            await close_payment_tasks(session, row.client, payment, at=now, note=text)
            if payment.intent is not None:
                kind, reason = OutboxKind.CANCEL_INTENT, order.request_id
                await order_errands(session, row.client.id, kind, [payment.intent], reason=reason, at=now)
            return _LET_GO[act].keep(session, row.client, order, await answer_of(session, row), at=now)


async def answer_of(session: AsyncSession, row: LockedPayment, *, changed: bool = True) -> Done:
    settled = await row.settled(session)
    return Done(
        facts=settled.journey,
        changed=changed,
        resumed=(settled.appointment,),
    )


def not_open(row: LockedPayment) -> Refusal:
    status = row.payment.status.value
    return Refusal(
        name=Problem.PAYMENT_NOT_OPEN,
        detail=f"This cannot be done with a payment that is {status.replace('_', ' ')}.",
        data={"payment_status": status},
    )
