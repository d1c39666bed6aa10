"""Unexpected charge: what Stripe took and the ledger cannot record. A person is asked at once, as by a comparison."""

from datetime import datetime
from uuid import UUID

from activities.base import Activities
from activities.locked import locked_payment
from activities.money.reconciliation.comparison import Comparison
from activities.money.reconciliation.discrepancies import open_discrepancy_task
from activities.types.money import Settled
from models.tables.clients.client import Client
from models.tables.money.payment import Payment


class UnexpectedChargeActivities(Activities):
    async def report_unexpected_charge(self, payment_id: UUID, intent: str, *, at: datetime) -> Settled | None:
        """Open a task for each discrepancy between a payment and its intents, once. What is certain is left to the
        steps that record it. None if nothing is to be asked."""
        async with self.transaction() as session:
            payment = await session.get_one(Payment, payment_id)
            client = await session.get_one(Client, payment.client_id)
        comparison = Comparison(self.deps.sessions, self.gateway_for(client), now=at)
        found = await comparison.of_payment(payment_id=str(payment_id), intent=intent)
        to_ask = [discrepancy for discrepancy in found if not discrepancy.certain]
        if not to_ask:
            return None
        async with self.transaction() as session:
            row = await locked_payment(session, payment_id)
            for discrepancy in to_ask:
                await open_discrepancy_task(session, row.client, discrepancy, at=at)
            return await row.settled(session, changed=False)
