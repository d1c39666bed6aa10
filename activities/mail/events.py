"""What a mail service says of a mail that was sent: it did not arrive, or its reader wants no more such mails.

Events come late, twice and out of order, so each is held against what is true now: an address that was changed since is
no reason to ask for another one, nor is a complaint from there a wish of whoever reads the new one.
"""

from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import derived_id
from activities.tasks import open_task_once
from activities.types.money import EventHandled
from models.reads.accounts.makers import tester_of
from models.reads.journey import project
from models.reads.mail.mails import find_mail, open_task_about, therapist_at, whom_it_is_about
from models.tables.clients.client import Client
from models.tables.mail.inbound_event import InboundEvent
from models.tables.mail.outbox import OutboxItem
from models.writes.locks import lock_client
from models.writes.timeline import tell
from rules.accounts.caller import fold_email
from rules.enums import TaskKind
from rules.mail.events import VENDOR, Meaning, meaning_of
from rules.mail.terms import Reader
from rules.mail.unsubscribe import address_mark
from rules.timeline import FactKind

RECORDED = "recorded"
_FORGOTTEN = "it went out so long ago that the address is not kept any more"


async def take_in(session: AsyncSession, event: InboundEvent, *, care_team: str, at: datetime) -> EventHandled:
    """Act on one stored event, once, in the running transaction. ``care_team`` is that mailbox's address."""
    told = event.payload
    mail = await find_mail(session, key=told.get("key"), message_id=told.get("message_id"))
    client = await whom_it_is_about(session, mail) if mail else None
    if mail is None or client is None:
        event.handled_at, event.outcome = at, "not about a mail of ours" if mail is None else "not about a client"
        session.add(event)
        return EventHandled()
    client = await lock_client(session, client.id)
    await session.refresh(event)  # another run may have had it until now
    if event.handled_at is None:
        event.handled_at = at
        if meaning_of(event.type) is Meaning.NOT_ARRIVED:
            event.outcome = await _not_arrived(session, event, mail, client, care_team=care_team, at=at)
        elif meaning_of(event.type) is Meaning.UNWANTED:
            event.outcome = await _unwanted(session, event, mail, client, care_team=care_team, at=at)
        else:
            event.outcome = "nothing to act on"
        session.add(event)
    return EventHandled(facts=await project(session, client))


async def _not_arrived(
    session: AsyncSession, event: InboundEvent, mail: OutboxItem, client: Client, *, care_team: str, at: datetime
) -> str:
    because = str(event.payload.get("because") or "it was turned away")
    tell(
        session,
        client,
        FactKind.MAIL_UNDELIVERABLE,
        at=at,
        by=VENDOR,
        text=f"The mail {mail.template} to the {mail.reader.replace('_', ' ')} did not arrive: {because}.",
        data={**_about(event, mail), "because": because},
    )
    if not mail.recipient:
        return f"{RECORDED}; {_FORGOTTEN}"
    who = await _still_reads(session, mail, client, care_team=care_team)
    if who is None:
        return "recorded; the address has been changed since"
    # One open task for each address: of the practice's own addresses, whichever client the mail was about.
    whose = client.id if mail.reader in (Reader.CLIENT, Reader.ACCOUNT) else UUID(int=0)
    prefix = f"unreachable:{derived_id(whose, 'address', address_mark(mail.recipient))}:"
    if await open_task_about(session, prefix=prefix) is None:
        await open_task_once(
            session,
            client,
            key=f"{prefix}{derived_id(client.id, 'event', event.id)}",
            kind=TaskKind.MAIL_UNDELIVERABLE,
            text=f"{who}: the mail {mail.template} did not arrive, because {because}.",
            at=at,
        )
    return RECORDED


async def _still_reads(session: AsyncSession, mail: OutboxItem, client: Client, *, care_team: str) -> str | None:
    """Who cannot be reached, in words, if the address is still the one that mails go to."""
    gone_to = fold_email(mail.recipient)
    tester = await tester_of(session, client, care_team=care_team)
    if tester is not None:
        same = fold_email(tester) == gone_to
        return f"Whoever made the test client {client.ref} cannot be reached by mail" if same else None
    if mail.reader == "care_team":
        same = fold_email(care_team) == gone_to
        return f"The care team's own address takes no mail (client {client.ref})" if same else None
    if mail.reader == "therapist":
        # By address alone: the client may have another therapist by now, and this one still gets mails.
        therapist = await therapist_at(session, mail.recipient)
        return f"Therapist {therapist.slug} cannot be reached by mail (client {client.ref})" if therapist else None
    return f"Client {client.ref} cannot be reached at their address" if client.email_folded == gone_to else None


async def _unwanted(
    session: AsyncSession, event: InboundEvent, mail: OutboxItem, client: Client, *, care_team: str, at: datetime
) -> str:
    """Only clients have something to unsubscribe from; a test client's mails are read by whoever made them."""
    present = await tester_of(session, client, care_team=care_team) or client.email
    if mail.reader != "client":
        return "not a client's mail"
    if not mail.recipient:
        return _FORGOTTEN
    if present is None or fold_email(present) != fold_email(mail.recipient):
        return "the address has been changed since"
    if client.unsubscribed:
        return "unsubscribed already"
    client.unsubscribed = True
    how = "a mail was reported as spam" if event.type == "spamreport" else "asked for at the mail service"
    tell(
        session,
        client,
        FactKind.UNSUBSCRIBED,
        at=at,
        by=VENDOR,
        text=f"Notification mails are off: {how}.",
        data=_about(event, mail),
    )
    return RECORDED


def _about(event: InboundEvent, mail: OutboxItem) -> dict[str, str]:
    return {"template": mail.template, "to": mail.reader, "key": mail.key, "event": event.type}
