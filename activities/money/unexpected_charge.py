"""Money that Stripe took and the ledger cannot record: a person is asked at once, as by a comparison."""

from datetime import datetime
from uuid import UUID

from activities.base import Activities
from activities.money.comparison import BothBooks
from activities.money.discrepancies import ask_about
from activities.money.payments import locked
from activities.types.money import Settled
from models.tables.clients.client import Client
from models.tables.money.payment import Payment


class TakenActivities(Activities):
    async def ask_about_what_was_taken(self, payment_id: UUID, intent: str, *, at: datetime) -> Settled | None:
        """Open a task for each difference between a payment and its intents, once. What is certain is left to the
        steps that record it. None if nothing is to be asked."""
        async with self.transaction() as session:
            payment = await session.get_one(Payment, payment_id)
            client = await session.get_one(Client, payment.client_id)
        books = BothBooks(self.deps.sessions, self.gateway_for(client), now=at)
        found = await books.of_payment(payment_id=str(payment_id), intent=intent)
        to_ask = [finding for finding in found if not finding.certain]
        if not to_ask:
            return None
        async with self.transaction() as session:
            row = await locked(session, payment_id)
            for finding in to_ask:
                await ask_about(session, row.client, finding, at=at)
            return await row.settled(session, changed=False)
