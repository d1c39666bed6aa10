"""What can be asked of a journey about money: cards, confirmations, credit, refunds, waivers, debts."""

from datetime import timedelta

from temporalio import workflow

from workflows import steps
from workflows.handling.handlers import takes_signal, takes_update
from workflows.parts.appointment import notify_appointment
from workflows.requests.base import Requests, asked_of_the_card_service

with workflow.unsafe.imports_passed_through():
    from activities.types.clients import Done
    from activities.types.money import (
        ApprovalRefusal,
        CardSetupOrder,
        ConfirmationOrder,
        GrantOrder,
        LetGoOrder,
        RefundOrder,
        RetryOrder,
        Settled,
    )
    from rules.enums import RefundTo
    from workflows.messages import (
        GRANT_CREDIT,
        INBOUND_EVENT,
        PREPARE_CONFIRMATION,
        REFUND,
        REFUSE_APPROVAL,
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
        async with self.journey.own_turn():
            return await self.journey.apply(await steps.grant_credit(order))

    @takes_update(REFUND, "Give back what a payment took, to the card or as credit.")
    async def refund(self, order: RefundOrder) -> Done:
        """Written down at once; Stripe is asked by the outbox, and waited for as long as a person would."""
        outbox = self.journey.outbox
        if order.to is RefundTo.CREDIT or order.approval is not None:
            # Credit is given here and now: Stripe is asked first whether the same money went back there.
            await self.journey.ready()
            looked = await self.journey.apply(await asked_of_the_card_service(steps.look_for_refunds(order)))
            if looked.refusal is not None:
                return looked
        async with self.journey.own_turn():
            done = await self.journey.apply(await steps.begin_refund(order))
            if done.refusal is not None or done.approval is not None:
                return done
        try:
            await workflow.wait_condition(
                lambda: outbox.stopping or not (outbox.busy or outbox.is_due()),
                timeout=_PATIENCE,
                timeout_summary="Stripe's answer",
            )
        except TimeoutError:
            workflow.logger.info("a refund is still on its way")
        return done

    @takes_update(WAIVE_PAYMENT, "Waive a payment that is not made yet, with a reason.")
    async def waive_payment(self, order: LetGoOrder) -> Done:
        async with self.journey.own_turn():
            return await self.journey.apply(await steps.waive_payment(order))

    @takes_update(WRITE_OFF_PAYMENT, "Write a debt off, with a reason.")
    async def write_off_payment(self, order: LetGoOrder) -> Done:
        async with self.journey.own_turn():
            return await self.journey.apply(await steps.write_off_payment(order))

    @takes_update(REFUSE_APPROVAL, "Refuse what somebody asked for and may not decide alone.")
    async def refuse_approval(self, order: ApprovalRefusal) -> Done:
        async with self.journey.own_turn():
            return await self.journey.apply(await steps.refuse_approval(order))

    @takes_update(RETRY_PAYMENT, "Try a payment that failed, or a debt, again now.")
    async def retry_payment(self, order: RetryOrder) -> Done:
        async with self.journey.own_turn():
            return await self.journey.apply(await steps.retry_payment(order))

    @takes_update(SET_UP_CARD, "Prepare the saving of a card at Stripe.")
    async def set_up_card(self, order: CardSetupOrder) -> Done:
        await self.journey.ready()
        return await asked_of_the_card_service(steps.set_up_card(order))

    @takes_update(PREPARE_CONFIRMATION, "Prepare a payment that the client is to confirm.")
    async def prepare_confirmation(self, order: ConfirmationOrder) -> Done:
        await self.journey.ready()
        return await self.journey.apply(await asked_of_the_card_service(steps.prepare_confirmation(order)))

    @takes_signal(INBOUND_EVENT, "Stripe or the mail service reported something: look at it.")
    async def inbound_event(self, event_id: str) -> None:
        if not await self.journey.can_act():
            return
        handled = await steps.handle_inbound_event(event_id)
        if handled.settled is not None:
            await self._payment_changed(handled.settled)
        if handled.facts is not None:
            self.journey.take(handled.facts)
        for appointment in handled.told:
            await notify_appointment(appointment)

    async def _payment_changed(self, settled: Settled) -> None:
        """A payment changed by Stripe's word: its appointment is told."""
        self.journey.take(settled.journey)
        await notify_appointment(settled.appointment)
