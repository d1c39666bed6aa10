"""What can be asked of a journey about money: cards, confirmations, credit, refunds, waivers, debts."""

from datetime import timedelta

from temporalio import exceptions, workflow

from workflows import steps
from workflows.handling.handlers import takes_signal, takes_update
from workflows.parts import payment as money
from workflows.parts.appointment import notify_appointment
from workflows.requests.base import CARD_SERVICE_AWAY, Requests

with workflow.unsafe.imports_passed_through():
    from activities.types.clients import Done, LinkOrder
    from activities.types.money import (
        ConfirmationOrder,
        GrantOrder,
        LetGoOrder,
        RefundOrder,
        RetryOrder,
        Settled,
        StripeErrand,
    )
    from rules.mail.kinds import Mail
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


class MoneyRequests(Requests):
    """Requests about money. A payment that is still open is told to its appointment's workflow, which settles it."""

    @takes_update(GRANT_CREDIT, "Credit an amount to the client, with a reason.")
    async def grant_credit(self, order: GrantOrder) -> Done:
        async with self.journey.turn_for(order):
            return await self.journey.apply(await steps.grant_credit(order))

    @takes_update(REFUND, "Give back what a payment took, to the card or as credit.")
    async def refund(self, order: RefundOrder) -> Done:
        """Written down at once; Stripe is asked beside the story, and waited for as long as a person would."""
        outbox = self.journey.stripe_outbox
        async with self.journey.turn_for(order):
            done = await self.journey.apply(await steps.begin_refund(order))
            if done.refusal is not None:
                return done
            errand = StripeErrand(refund_id=order.refund_id)
            outbox.add(errand)
        try:
            await workflow.wait_condition(
                lambda: not outbox.is_pending(errand) or outbox.stopping,
                timeout=_PATIENCE,
                timeout_summary="Stripe's answer",
            )
        except TimeoutError:
            workflow.logger.info("a refund is still on its way")
        return done

    @takes_update(WAIVE_PAYMENT, "Waive a payment that is not made yet, with a reason.")
    async def waive_payment(self, order: LetGoOrder) -> Done:
        async with self.journey.turn_for(order):
            return await self.journey.apply(await steps.waive_payment(order))

    @takes_update(WRITE_OFF_PAYMENT, "Write a debt off, with a reason.")
    async def write_off_payment(self, order: LetGoOrder) -> Done:
        async with self.journey.turn_for(order):
            return await self.journey.apply(await steps.write_off_payment(order))

    @takes_update(RETRY_PAYMENT, "Try a payment that failed, or a debt, again now.")
    async def retry_payment(self, order: RetryOrder) -> Done:
        async with self.journey.turn_for(order):
            return await self.journey.apply(await steps.retry_payment(order))

    @takes_update(SET_UP_CARD, "Prepare the saving of a card at Stripe.")
    async def set_up_card(self, order: LinkOrder) -> Done:
        await self.journey.ready()
        try:
            return await steps.set_up_card(order)
        except exceptions.ActivityError:
            return Done(refusal=CARD_SERVICE_AWAY)

    @takes_update(PREPARE_CONFIRMATION, "Prepare a payment that the client is to confirm.")
    async def prepare_confirmation(self, order: ConfirmationOrder) -> Done:
        await self.journey.ready()
        try:
            return await self.journey.apply(await steps.prepare_confirmation(order))
        except exceptions.ActivityError:
            return Done(refusal=CARD_SERVICE_AWAY)

    @takes_signal(INBOUND_EVENT, "Stripe or the mail service reported something: look at it.")
    async def inbound_event(self, event_id: str) -> None:
        if not await self.journey.can_act_on(event_id):
            return
        handled = await steps.handle_inbound_event(event_id)
        if handled.settled is not None:
            await self._payment_changed(handled.settled)
        if handled.facts is not None:
            self.journey.take(handled.facts)
        for appointment in handled.told:
            await notify_appointment(appointment)

    async def _payment_changed(self, settled: Settled) -> None:
        """A payment changed by Stripe's word: its appointment is told, or the client is, if that has ended."""
        self.journey.take(settled.journey)
        payment = settled.appointment.payment
        # One of the two writes the receipt: both at once might each take the other's mail for one that was lost.
        if not await notify_appointment(settled.appointment) and payment is not None:
            self.journey.state.mails.append(money.mail_about(Mail.RECEIPT, payment, client_id=self.journey.client_id))
