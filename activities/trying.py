"""One try of a payment, from winning it to its mail, as one step of its workflow.

Each part is a transaction, or several, of its own, safe to run twice, and finds what was done before it: a step that
dies anywhere begins anew, and goes on where it was.
"""

from dataclasses import replace

from temporalio import activity

from activities.base import heartbeat
from activities.delivery.outbox import DeliveryActivities
from activities.money.charge import PaymentActivities
from activities.types.facts import AppointmentFacts
from activities.types.mail import DeliverOrder
from activities.types.money import AttemptOrder, AttemptResult, Tried
from rules.journey.stage import is_news


class TryActivities(PaymentActivities):
    @activity.defn
    async def try_payment(self, order: AttemptOrder) -> Tried:
        """Win the payment, charge the card, record the answer, and mail what there is to tell of it. A payment that may
        not be charged is left as it stands."""
        begun = await self.start_attempt(order)
        if not begun.started:
            return Tried(appointment=begun.appointment, journey=begun.journey, is_news=True)
        heartbeat()
        charged = await self.charge_card(order)
        heartbeat()
        result = AttemptResult(payment_id=order.payment_id, attempt=order.attempt, charged=charged)
        settled = await self.finish_attempt(result)
        return Tried(
            appointment=await self._told(settled.appointment),
            journey=settled.journey,
            is_news=is_news(settled.journey, after=begun.journey),
        )

    async def _told(self, appointment: AppointmentFacts) -> AppointmentFacts:
        """With what is left to be delivered. Where that goes wrong, all of it is, and the workflow delivers it: by a
        mail no payment is held up."""
        if appointment.deliver_at is None:
            return appointment
        order = DeliverOrder(client_id=appointment.client_id, appointment_id=appointment.id)
        try:
            delivered = await DeliveryActivities(self.deps).deliver(order)
        except Exception:  # noqa: BLE001 - whatever it is, it stays in the outbox
            activity.logger.exception("the mails of a payment could not be delivered")
            return appointment
        return replace(appointment, deliver_at=delivered.deliver_at)
