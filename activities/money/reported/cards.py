"""Cards and customers that are gone at Stripe: what is saved here is what can be charged there."""

from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import Activities
from models.tables.clients.client import Client
from models.writes.locks import lock_client
from models.writes.timeline import tell
from rules.accounts.caller import STRIPE
from rules.timeline import FactKind


class GoneCards(Activities):
    async def forget_what_is_gone(self, client: Client, *, method: str | None) -> bool:
        """Ask Stripe whether it still has the client's customer, and this card at one; forget what it has not. Whether
        anything of both is gone, forgotten now or before."""
        gateway = self.gateway_for(client)
        customer = client.stripe_customer
        customer_gone = customer is not None and not await gateway.has_customer(customer=customer)
        card = await gateway.card(payment_method=method) if method is not None else None
        card_gone = method is not None and (card is None or not card.attached)
        if not (customer_gone or card_gone):
            return False
        now = await self.now()
        async with self.transaction() as session:
            locked = await lock_client(session, client.id)
            if customer_gone and locked.stripe_customer == customer:
                forget_customer(session, locked, at=now)
            elif card_gone and locked.stripe_payment_method == method:
                forget_card(session, locked, at=now)
        return True

    async def customer_that_lasts(self, client_id: UUID, *, request_id: str) -> str | None:
        """Another customer, where Stripe has the client's no more; None if it has it still."""
        async with self.transaction() as session:
            client = await session.get_one(Client, client_id)
        if not await self.forget_what_is_gone(client, method=client.stripe_payment_method):
            return None
        async with self.transaction() as session:
            client = await session.get_one(Client, client_id)
        if client.stripe_customer is not None:
            return None  # the card alone was gone
        return await self.customer_of(client, request_id=request_id)


def forget_card(session: AsyncSession, client: Client, *, at: datetime) -> None:
    """The saved card cannot be charged any more: it was taken off its customer at Stripe."""
    told = {name: (client.card or {}).get(name) for name in ("brand", "last4")}
    _drop_card(client)
    session.add(client)
    text = "The saved card was removed at Stripe."
    tell(session, client, FactKind.CARD_REMOVED, at=at, by=STRIPE, text=text, data=told)


def forget_customer(session: AsyncSession, client: Client, *, at: datetime) -> None:
    """The client's customer was deleted at Stripe, and with it the card: the next setup makes another one."""
    had_card = client.stripe_payment_method is not None
    client.stripe_customer = None
    _drop_card(client)
    session.add(client)
    text = "The client was deleted at Stripe" + (", and the saved card with it." if had_card else ".")
    tell(session, client, FactKind.CUSTOMER_DELETED, at=at, by=STRIPE, text=text, data={"card": had_card})


def _drop_card(client: Client) -> None:
    # What a bank has reported as stolen is known by its tries, and is not taken again.
    client.stripe_payment_method, client.card, client.card_blocked = None, None, False
