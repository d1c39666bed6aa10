"""Stripe's webhook: verified on the raw body, stored once, handed on to the journey, answered quickly."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows_no_client
from api.deps import Now, Svc
from api.problems import refusals, responses, wrong_fields
from api.webhooks import Received, hand_on, not_believed
from models.reads.mail.mails import unhandled_events
from models.reads.money.payments import client_of_card, client_of_customer, client_of_intent, is_heard_by_its_try
from models.tables.clients.client import Client
from models.writes.mail.inbound_events import store_event
from rules.money.stripe_events import Reaction, act_on
from rules.money.webhook_signature import SignatureInvalid, SignedEvent, verify_webhook
from rules.plain_text import is_storable
from rules.refusals import Problem

router = APIRouter(prefix="/v1", tags=["webhooks"], dependencies=[shows_no_client("Stripe tells, and is told nothing")])

_VENDOR = "stripe"
_LONGEST_ID = 255
_LONGEST_TYPE = 100


@router.post(
    "/webhooks/stripe",
    summary="Events from Stripe",
    responses={**responses(), 400: refusals("The signature does not fit", [Problem.VALIDATION_FAILED])},
)
async def receive_stripe_event(*, request: Request, services: Svc, now: Now) -> Received:
    try:
        event = verify_webhook(
            payload=await request.body(),
            header=request.headers.get("stripe-signature"),
            secret=services.settings.stripe_webhook_secret,
            now=now,
        )
    except SignatureInvalid as error:
        raise not_believed("Stripe-Signature", error) from error
    if len(event.id) > _LONGEST_ID or len(event.type) > _LONGEST_TYPE:
        raise wrong_fields([("id", "is not an event's")])
    act = act_on(event.type)
    async with services.sessions() as session:
        to_hand_on = await _store(session, event, act, now)
        client = await _client(session, act, event.object) if to_hand_on and act else None
        await session.commit()
    if to_hand_on:
        await hand_on(services, event.id, client, otherwise="no client of ours", now=now)
    return Received()


async def _store(session: AsyncSession, event: SignedEvent, act: Reaction | None, now: datetime) -> bool:
    """Store it once; one to which nothing is done is done with. Whether it must be handed on: an event that was stored,
    but lost then, must."""
    row = {"id": event.id, "vendor": _VENDOR, "type": event.type, "payload": _kept(event), "received_at": now}
    if act is None:
        row |= {"handled_at": now, "outcome": "nothing to act on"}
    elif await _is_no_news(session, event, act):
        row |= {"handled_at": now, "outcome": "the running try records it"}
    is_new = await store_event(session, row)
    if act is None or is_new:
        return "handled_at" not in row
    return event.id in await unhandled_events(session, [event.id])


async def _is_no_news(session: AsyncSession, event: SignedEvent, act: Reaction) -> bool:
    """Most of what Stripe tells is the echo of a charge of our own: no workflow is woken for that."""
    intent, took = event.object.get("id"), event.object.get("amount")
    return act is Reaction.PAYMENT and is_storable(intent) and await is_heard_by_its_try(session, intent, took=took)


def _kept(event: SignedEvent) -> dict[str, Any]:
    """What is needed to fetch the object again; the rest of the event is not believed anyway."""
    kept = {name: event.object.get(name) for name in ("id", "object", "status", "customer", "payment_intent")}
    plain = {name: value for name, value in kept.items() if is_storable(value)}
    return {"id": event.id, "type": event.type, "created": event.created, "data": {"object": plain}}


async def _client(session: AsyncSession, act: Reaction, told: Mapping[str, Any]) -> Client | None:
    """Whom an object is about. Refunds and disputes name no customer, but the intent of the payment; a card that was
    taken off its customer names nobody."""
    id, customer, intent = told.get("id"), told.get("customer"), told.get("payment_intent")
    if act is Reaction.CARD:
        return await client_of_card(session, id) if is_storable(id) else None
    if act is Reaction.CUSTOMER:
        return await client_of_customer(session, id) if is_storable(id) else None
    found = await client_of_customer(session, customer) if is_storable(customer) else None
    paid_by = id if act is Reaction.PAYMENT else intent
    if found is None and is_storable(paid_by):  # its customer may be deleted
        return await client_of_intent(session, paid_by)
    return found
