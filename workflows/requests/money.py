"""What can be asked of a journey about money: cards, confirmations, credit, refunds, waivers, debts."""

from datetime import timedelta

from temporalio import exceptions, workflow

from workflows import steps
from workflows.parts import payment as money
from workflows.parts.journey import Journey
from workflows.parts.validation import admit

with workflow.unsafe.imports_passed_through():
    from activities.types import (
        ConfirmationOrder,
        Done,
        Errand,
        GrantOrder,
        LetGoOrder,
        LinkOrder,
        RefundOrder,
        RetryOrder,
        Settled,
    )
    from rules.mail.kinds import Mail
    from rules.refusals import Problem, Refusal
    from workflows.messages import (
        GRANT_CREDIT,
        INBOUND_EVENT,
        PREPARE_CONFIRMATION,
        REFUND,
        RETRY_PAYMENT,
        SET_UP_CARD,
        WAIVE_PAYMENT,
        WRITE_OFF_PAYMENT,
    )

_PATIENCE = timedelta(seconds=8)  # of a person who asked for a refund; Stripe's answer is recorded in any case


class MoneyRequests(Journey):
    """Requests about money. A payment that is still open is told to its appointment's workflow, which settles it."""

    @workflow.update(name=GRANT_CREDIT.name, description="Credit an amount to the client, with a reason.")
    async def grant_credit(self, order: GrantOrder) -> Done:
        async with self.turn_for(order):
            return self.adopt(await steps.grant_credit(order))

    @workflow.update(name=REFUND.name, description="Give back what a payment took, to the card or as credit.")
    async def refund(self, order: RefundOrder) -> Done:
        """Written down at once; Stripe is asked beside the story, and waited for as long as a person would."""
        async with self.turn_for(order):
            done = self.adopt(await steps.begin_refund(order))
            if done.refusal is not None:
                return done
            errand = Errand(refund_id=order.refund_id)
            self.do(errand)
        try:
            await workflow.wait_condition(
                lambda: not self.errands.is_pending(errand) or self.errands.stopping,
                timeout=_PATIENCE,
                timeout_summary="Stripe's answer",
            )
        except TimeoutError:
            workflow.logger.info("a refund is still on its way")
        return done

    @workflow.update(name=WAIVE_PAYMENT.name, description="Waive a payment that is not made yet, with a reason.")
    async def waive_payment(self, order: LetGoOrder) -> Done:
        async with self.turn_for(order):
            return await self.settle_by_hand(await steps.waive_payment(order))

    @workflow.update(name=WRITE_OFF_PAYMENT.name, description="Write a debt off, with a reason.")
    async def write_off_payment(self, order: LetGoOrder) -> Done:
        async with self.turn_for(order):
            return await self.settle_by_hand(await steps.write_off_payment(order))

    @workflow.update(name=RETRY_PAYMENT.name, description="Try a payment that failed, or a debt, again now.")
    async def retry_payment(self, order: RetryOrder) -> Done:
        async with self.turn_for(order):
            return await self.settle_by_hand(await steps.retry_payment(order))

    @workflow.update(name=SET_UP_CARD.name, description="Prepare the saving of a card at Stripe.")
    async def set_up_card(self, order: LinkOrder) -> Done:
        await self.ready()
        admit(order, client_id=self.client_id)
        try:
            return await steps.set_up_card(order)
        except exceptions.ActivityError:
            return Done(refusal=CARD_SERVICE_AWAY)

    @workflow.update(name=PREPARE_CONFIRMATION.name, description="Prepare a payment that the client is to confirm.")
    async def prepare_confirmation(self, order: ConfirmationOrder) -> Done:
        await self.ready()
        admit(order, client_id=self.client_id)
        try:
            return await self.settle_by_hand(await steps.prepare_confirmation(order))
        except exceptions.ActivityError:
            return Done(refusal=CARD_SERVICE_AWAY)

    @workflow.signal(name=INBOUND_EVENT, description="Stripe or the mail service reported something: look at it.")
    async def inbound_event(self, event_id: str) -> None:
        if not await self.can_hear(event_id):
            return
        handled = await steps.handle_inbound_event(event_id)
        if handled.settled is not None:
            await self.hear(handled.settled)
        if handled.facts is not None:
            self.take(handled.facts)
        for appointment in handled.told:
            await self.tell(appointment)

    async def hear(self, settled: Settled) -> None:
        """A payment changed by Stripe's word: its appointment is told, or the client is, if that has ended."""
        self.take(settled.journey)
        payment = settled.appointment.payment
        # One of the two writes the receipt: both at once might each take the other's mail for one that was lost.
        if not await self.tell(settled.appointment) and payment is not None:
            self.state.mails.append(money.mail_about(Mail.RECEIPT, payment, client_id=self.client_id))

    async def settle_a_debt(self) -> None:
        """A new card has come: what is owed is charged, one debt at a time."""
        debt = self.state.debts.pop(0)
        settled = await money.attempt(debt, self.policy, began=lambda begun: self.take(begun.journey))
        self.state.mails.extend(money.mails_about(debt, settled.appointment))
        self.take(settled.journey)
        self.owe(settled.debts)

    async def settle_by_hand(self, done: Done) -> Done:
        """A person changed a payment: its appointment is told, debts are settled, open intents called off."""
        self.adopt(done)
        for appointment in done.resumed:
            await self.tell(appointment)
        self.owe(done.debts)
        for intent in done.intents:
            self.do(Errand(intent=intent))
        return done


CARD_SERVICE_AWAY = Refusal(
    name=Problem.ENGINE_UNAVAILABLE,
    detail="The card service cannot be reached at the moment; nothing was changed. Please try again shortly.",
)
