"""Stripe's own page for a card (Checkout): the way there, and its word that the card is saved, if nobody comes back."""

from datetime import datetime

from sqlmodel import col, select

from activities.base import Activities
from activities.money.at_stripe.card_saving import card_of_checkout, save_card
from activities.money.cards import is_never_asked_again
from activities.ports import Card
from activities.snapshots import facts_of_appointments
from activities.types.money import EventHandled
from models.reads.journey import project
from models.reads.money.payments import client_of_customer
from models.tables.clients.client import Client
from models.tables.money.payment import Payment
from models.writes.locks import lock_client
from rules.accounts.caller import STRIPE
from rules.money.payment_states import Because
from rules.refusals import Refusal


def way_back(return_url: str) -> str:
    """Where Checkout sends whoever has saved a card: to the address, with the session's id beside what it says."""
    return f"{return_url}{'&' if '?' in return_url else '?'}checkout_session={{CHECKOUT_SESSION_ID}}"


async def take_in_checkout(
    activities: Activities, session_id: str, *, customer: str, at: datetime
) -> tuple[EventHandled, str | None]:
    """Save the card of a session that Stripe reports as complete; the form waits for its answers all the same. Or why
    nothing came of it."""
    async with activities.transaction() as session:
        client = await client_of_customer(session, customer)
    if client is None:
        return EventHandled(), "not about a client of ours"
    card = await card_of_checkout(activities.gateway_for(client), client, session_id)
    if isinstance(card, Refusal):
        return EventHandled(), "not a card setup of ours that is complete"
    if await _is_outdated(activities, client, card):
        return EventHandled(), "a newer card is saved"
    async with activities.transaction() as session:
        client = await lock_client(session, client.id)
        if client.closed_at is not None:
            return EventHandled(), "the journey is closed"
        if await is_never_asked_again(session, client, card.payment_method, card.fingerprint):
            return EventHandled(), "a card that is never asked again"
        _ = await save_card(session, client, card, at=at, by=STRIPE)
        # All that have gone on by it, also if that was done before: whoever did it may have died before it could say.
        gone_on = select(Payment.appointment_id).where(
            col(Payment.client_id) == client.id, col(Payment.because) == Because.NEW_CARD.value
        )
        told = list((await session.exec(gone_on)).all())
        facts = await project(session, client)
        return EventHandled(facts=facts, told=await facts_of_appointments(session, client, told) if told else ()), None


async def _is_outdated(activities: Activities, client: Client, card: Card) -> bool:
    """Events come late and twice: a card that was given before the one that is saved now does not take its place."""
    saved = client.stripe_payment_method
    if saved is None or saved == card.payment_method or card.created is None:
        return False
    present = await activities.gateway_for(client).card(payment_method=saved)
    return present is not None and present.created is not None and card.created < present.created
