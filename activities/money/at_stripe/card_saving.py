"""Saving a card: looked up at Stripe before it is believed, saved once, and what waited for one goes on."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, exists
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.money.cards import shown_of
from activities.money.payments import card_came
from activities.ports import Card, PaymentGateway
from models.tables.clients.client import Client
from models.tables.money.payment import Payment
from models.writes.timeline import tell
from rules.enums import ClientStatus
from rules.money.payment_states import RESUMED_BY_CARD
from rules.refusals import Refusal, invalid
from rules.timeline import FactKind

_SETUP, _CHECKOUT = "setup_intent", "checkout_session"  # the fields of the form


async def card_of_form(
    gateway: PaymentGateway, client: Client, *, setup_intent: str | None, checkout_session: str | None
) -> Card | Refusal:
    """The card that a client has saved, by either name; or what is wrong with it, by the field."""
    if checkout_session:
        return await card_of_checkout(gateway, client, checkout_session)
    if setup_intent:
        return await card_of_setup(gateway, client, setup_intent)
    return invalid(_SETUP, "is required with Billing Info; ask for a card setup first")


async def card_of_setup(
    gateway: PaymentGateway, client: Client, setup_intent: str, *, field: str = _SETUP
) -> Card | Refusal:
    setup = await gateway.retrieve_setup_intent(id=setup_intent)
    if setup is None or setup.customer is None or setup.customer != client.stripe_customer:
        return invalid(field, "is not a card setup of this client")
    if setup.status != "succeeded" or setup.payment_method is None:
        return invalid(field, f"the card is not saved yet: Stripe says {setup.status}")
    if setup.usage != "off_session":
        return invalid(field, "did not save the card for charges while the client is away")
    card = await gateway.card(payment_method=setup.payment_method)
    if card is None:
        return invalid(field, "saved something that is not a card")
    if not card.attached:
        return invalid(field, "saved a card that was removed at Stripe since; please give it again")
    return card


async def card_of_checkout(gateway: PaymentGateway, client: Client, session_id: str) -> Card | Refusal:
    """What Checkout has saved. Another program at the same account may have sessions of its own, for whomever."""
    told = await gateway.retrieve_checkout(id=session_id)
    not_theirs = invalid(_CHECKOUT, "is not a card setup of this client")
    if told is None or told.mode != "setup" or told.customer is None or told.customer != client.stripe_customer:
        return not_theirs
    if told.status == "expired":
        return invalid(_CHECKOUT, "has expired; ask for another card setup")
    if told.status != "complete" or told.setup_intent is None:
        return invalid(_CHECKOUT, "is not finished: no card is saved yet")
    if not client.test:
        setup = await gateway.retrieve_setup_intent(id=told.setup_intent)
        if setup is None or setup.client_id != str(client.id):
            return not_theirs
    return await card_of_setup(gateway, client, told.setup_intent, field=_CHECKOUT)


def waits_for_card(client_id: UUID) -> ColumnElement[bool]:
    """Whether a payment of the client's waits for a card, as part of a larger question."""
    return exists().where(*_waiting(client_id))


def _waiting(client_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return col(Payment.client_id) == client_id, col(Payment.status).in_(RESUMED_BY_CARD)


async def save_card(
    session: AsyncSession, client: Client, card: Card, *, at: datetime, by: str, awaited: bool = True
) -> list[UUID]:
    """Save the card, and try what waited for one again at once: the appointments whose payment goes on. Nothing happens
    if it is saved already: Stripe's report and the client who comes back are one card. Debts follow from it.

    ``awaited``: as `waits_for_card` says since the client is locked; without asking, something may.
    """
    resumed: list[UUID] = []
    if client.stripe_payment_method == card.payment_method and not client.card_blocked:
        return resumed
    client.stripe_payment_method, client.card = card.payment_method, shown_of(card)
    client.card_blocked = False
    session.add(client)
    tell(
        session,
        client,
        FactKind.CARD_SAVED,
        at=at,
        by=by,
        text="A card was saved.",
        data={"brand": card.brand, "last4": card.last4},
    )
    if awaited and client.status is not ClientStatus.ARCHIVED:
        waiting = select(Payment).where(*_waiting(client.id))
        with session.no_autoflush:
            payments = (await session.exec(waiting.with_for_update())).all()
        for payment in payments:
            text = "A new card has come; the payment is tried again at once."
            card_came(session, client, payment, at=at, by=by, text=text)
            resumed.append(payment.appointment_id)
    return resumed
