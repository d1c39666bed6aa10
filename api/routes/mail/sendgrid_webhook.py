"""SendGrid's event webhook: verified on the raw body, each event stored once, what matters handed on to the journey.

A journey hears of two things alone: a mail that did not arrive, or one that was not wanted. All else is stored and
done with; who opened what is not asked for.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from fastapi import APIRouter, Request

from api.access_log.declared import shows_no_client
from api.deps import Now, Services, Svc
from api.problems import refusals, responses
from api.webhooks import Received, hand_on, not_believed
from models.reads.mail.mails import find_mail, unhandled_events, whom_it_is_about
from models.writes.clients.tasks import open_own_task
from models.writes.mail.inbound_events import store_events
from rules.enums import TaskKind
from rules.mail.events import VENDOR, MailEvent, Meaning, check_age, meaning_of, read_mail_events
from rules.money.webhook_signature import SignatureInvalid
from rules.refusals import Problem

log = structlog.get_logger(__name__)

router = APIRouter(
    prefix="/v1", tags=["webhooks"], dependencies=[shows_no_client("the mail service tells, and is told nothing")]
)

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
_AT_ONCE = 20


@router.post(
    "/webhooks/sendgrid",
    summary="Events from SendGrid",
    responses={**responses(), 400: refusals("The signature does not fit", [Problem.VALIDATION_FAILED])},
)
async def receive_sendgrid_events(*, request: Request, services: Svc, now: Now) -> Received:
    body = await request.body()
    try:
        _verify(services, request.headers, body, now=now)
        events, left_out = read_mail_events(body)
    except SignatureInvalid as error:
        raise not_believed(SIGNATURE, error) from error
    if left_out:
        log.warning("events without an id or a type were left out", number=left_out)
    if events:
        fresh = await _store(services, events, now)
        for start in range(0, len(fresh), _AT_ONCE):
            part = fresh[start : start + _AT_ONCE]
            await asyncio.gather(*(_hand_on(services, event, now) for event in part))
    return Received()


def _verify(services: Services, headers: Mapping[str, str], body: bytes, *, now: datetime) -> None:
    """Raises SignatureInvalid unless the mail service signed this body, less than five minutes ago."""
    key, signature = services.settings.mail_event_key, headers.get(SIGNATURE)
    if key is None:
        raise SignatureInvalid("no public key of the mail service is set")
    if not signature:
        raise SignatureInvalid("the signature header is missing")
    timestamp = check_age(headers.get(TIMESTAMP), now=now)
    if not key.has_signed(body, timestamp=timestamp, signature=signature):
        raise SignatureInvalid("the signature does not fit the body")


async def _store(services: Services, events: Sequence[MailEvent], now: datetime) -> list[MailEvent]:
    """Store each once. Those that must be handed on: what nobody has acted on yet, lost before or new."""
    rows = [_row(event, now) for event in events]
    ids = [event.id for event in events]
    async with services.sessions() as session:
        await store_events(session, rows)
        await session.commit()
        waiting = await unhandled_events(session, ids)
    return [event for event in {event.id: event for event in events}.values() if event.id in waiting]


def _row(event: MailEvent, now: datetime) -> dict[str, Any]:
    """Only what is acted on is kept: neither addresses nor what foreign servers said."""
    matters = event.meaning is not Meaning.NOTHING
    kept = {"key": event.key, "message_id": event.message_id, "at": event.at, "because": event.because}
    return {
        "id": event.id,
        "vendor": VENDOR,
        "type": event.type,
        "payload": {name: value for name, value in kept.items() if value is not None},
        "received_at": now,
        "handled_at": None if matters else now,
        "outcome": None if matters else "nothing to act on",
    }


async def _hand_on(services: Services, event: MailEvent, now: datetime) -> None:
    """Wake the journey of the client whom the mail was about. Of one that is about nobody, and did not arrive, a task
    tells; any other event is done with."""
    async with services.sessions() as session:
        mail = await find_mail(session, key=event.key, message_id=event.message_id)
        client = await whom_it_is_about(session, mail) if mail else None
        if mail is not None and client is None and meaning_of(event.type) is Meaning.NOT_ARRIVED:
            _ = await open_own_task(
                session,
                key=f"own-mail:{mail.key}",
                kind=TaskKind.MAIL_UNDELIVERABLE,
                text=f"The mail {mail.key} did not arrive: {event.because or 'it was turned away'}.",
                at=now,
            )
            await session.commit()
    otherwise = "not about a mail of ours" if mail is None else "not about a client"
    await hand_on(services, event.id, client, otherwise=otherwise, now=now)
