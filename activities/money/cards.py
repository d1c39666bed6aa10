"""Saved cards after they were saved: which are never asked again, and which the bank has renewed by itself."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.ports import Card
from models.tables.clients.client import Client
from models.tables.money.payment import Payment, PaymentTry
from models.writes.timeline import tell
from rules.accounts.caller import STRIPE
from rules.enums import DeclineClass
from rules.timeline import FactKind


def fingerprint_of(client: Client) -> str | None:
    """The saved card's, the same for the same number however often that is typed in."""
    return (client.card or {}).get("fingerprint")


def is_the_saved_card(client: Client, tried: PaymentTry | None) -> bool:
    """Whether a try asked the very card that is saved now, or one of the same number. Without a try: yes."""
    if tried is None or tried.payment_method == client.stripe_payment_method:
        return True
    return tried.fingerprint is not None and tried.fingerprint == fingerprint_of(client)


def block_if_hard(session: AsyncSession, client: Client, decline: DeclineClass, tried: PaymentTry | None) -> None:
    """The bank reported this card as lost, stolen or misused: it is never asked again. A newer one is not blamed."""
    if decline is DeclineClass.HARD and is_the_saved_card(client, tried):
        client.card_blocked = True
        session.add(client)


async def is_never_asked_again(session: AsyncSession, client: Client, method: str, fingerprint: str | None) -> bool:
    """Whether a bank reported this card of the client's, saved anew or not, as lost, stolen or misused."""
    return bool((await session.exec(select(never_asked_again(client.id, method, fingerprint)))).one())


def never_asked_again(client_id: UUID, method: str, fingerprint: str | None) -> ColumnElement[bool]:
    """The same, for a statement that is asked anyway."""
    same = col(PaymentTry.payment_method) == method
    if fingerprint is not None:
        same = or_(same, col(PaymentTry.fingerprint) == fingerprint)
    return (
        select(PaymentTry.id)
        .join(Payment, col(Payment.id) == col(PaymentTry.payment_id))
        .where(col(Payment.client_id) == client_id, same, col(PaymentTry.result) == DeclineClass.HARD.value)
        .exists()
    )


def shown_of(card: Card) -> dict[str, str | int]:
    """What is kept of a card with its client."""
    shown: dict[str, str | int] = {
        "brand": card.brand,
        "last4": card.last4,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
    }
    return shown if card.fingerprint is None else {**shown, "fingerprint": card.fingerprint}


def renew(session: AsyncSession, client: Client, card: Card, *, at: datetime) -> bool:
    """Write down what Stripe says of the saved card now. False if that is known, or it is another card."""
    shown = shown_of(card)
    if client.stripe_payment_method != card.payment_method or client.card == shown:
        return False
    client.card = shown
    session.add(client)
    tell(
        session,
        client,
        FactKind.CARD_RENEWED,
        at=at,
        by=STRIPE,
        text="The bank has renewed the saved card.",
        data={"brand": card.brand, "last4": card.last4},
    )
    return True
