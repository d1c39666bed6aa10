"""Saved cards after they were saved: which are never asked again, and which the bank has renewed by itself."""

from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.ports import Card
from models.client import Client
from models.payment import Payment, PaymentTry
from models.timeline import append_fact
from rules.words import DeclineClass


async def is_never_asked_again(session: AsyncSession, client: Client, method: str) -> bool:
    """Whether a bank reported this card of the client's as lost, stolen or misused when it was charged."""
    statement = (
        select(PaymentTry.id)
        .join(Payment, col(Payment.id) == col(PaymentTry.payment_id))
        .where(
            col(Payment.client_id) == client.id,
            col(PaymentTry.payment_method) == method,
            col(PaymentTry.result) == DeclineClass.HARD.value,
        )
        .limit(1)
    )
    return (await session.exec(statement)).first() is not None


def renew(session: AsyncSession, client: Client, card: Card, *, at: datetime) -> bool:
    """Write down what Stripe says of the saved card now. False if that is known, or it is another card."""
    shown = {"brand": card.brand, "last4": card.last4, "exp_month": card.exp_month, "exp_year": card.exp_year}
    if client.stripe_payment_method != card.payment_method or client.card == shown:
        return False
    client.card = shown
    session.add(client)
    append_fact(
        session,
        client,
        at=at,
        actor="stripe",
        kind="card_renewed",
        text="The bank has renewed the saved card.",
        data={"brand": card.brand, "last4": card.last4},
    )
    return True
