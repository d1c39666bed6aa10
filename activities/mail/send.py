"""Sending one mail for one reason: claim the key, see whether it is still wanted, render, send, record.

The mail service knows no idempotency. A claim that was made and never settled means that nobody knows whether the mail
went out: activation and payment mails are then sent again, all others are not, because one missing reminder is better
than two.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.base import Activities, derived_id
from activities.clients.tasks import open_task_once
from activities.mail.content import (
    NOTICE_MAILS,
    TASK_TITLES,
    WITH_ACTIVATION_LINK,
    WITH_CALENDAR_FILE,
    About,
    appointment_line,
    card_line,
    forms_told,
    is_stopped_by_unsubscribing,
    not_wanted,
    offer_line,
    payment_line,
    read_about,
    staff_zone,
)
from activities.mail.rendering import Links, MailContext, MailTask, MailTherapist, render
from activities.ports import Attachment, MailerUnavailable, MailRejected, OutgoingMail
from activities.types.mail import MailOrder, MailResult
from calendars.appointment_file import Attendee, calendar_file, entry_of
from models.reads.journey import project
from models.tables.accounts.token import Token, TokenKind
from models.tables.clients.client import Client
from models.tables.mail.mail import MailStatus, SentMail
from models.writes.locks import lock_client
from models.writes.timeline import tell
from rules.enums import AppointmentType, TaskKind
from rules.journey.goals import GOAL_REMINDER
from rules.journey.stage import JourneyFacts
from rules.mail.unsubscribe import address_mark, list_unsubscribe
from rules.policy import JourneyPolicy
from rules.timeline import FactKind


@dataclass(frozen=True, kw_only=True)
class _Recipient:
    address: str
    name: str | None
    greeting: str
    time_zone: str


_PAGES: Mapping[str, Callable[[Links], str]] = {
    "forms_requested": Links.forms,
    "forms_reminder": Links.forms,
    GOAL_REMINDER: Links.goals,
    "document_shared": Links.documents,
    "new_message": Links.chats,
    "payment_failed": Links.card,
    "card_expiring": Links.card,
}
"""Where a mail's button leads that is the same for every client."""


class MailActivities(Activities):
    @activity.defn
    async def send_mail(self, order: MailOrder, policy: JourneyPolicy) -> MailResult:
        """Send one mail, once per key. Raises only if the mail service could not be asked."""
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            about = await read_about(session, client, order)
            if order.template == "welcome" and about.owner is not None:
                order = replace(order, template="already_known")  # an activation link could not work
            unwanted = not_wanted(order, about, now=now)
            if unwanted:
                return MailResult(status="not_wanted", because=unwanted)
            to = self._recipient(order, about)
            if to is None:
                return MailResult(status="not_wanted", because="there is no address")
            claimed = await _claim(session, order, to.address, at=now)
            if not claimed:
                before = await session.get_one(SentMail, order.key)
                if before.status is not MailStatus.CLAIMED:
                    return MailResult(
                        status="already_sent" if before.status is MailStatus.SENT else before.status.value
                    )
                if not order.vital:
                    before.status = MailStatus.UNCERTAIN
                    session.add(before)
                    _say(
                        session,
                        client,
                        order,
                        at=now,
                        kind=FactKind.MAIL_UNCERTAIN,
                        text="may have been sent; not repeated",
                    )
                    return MailResult(status="uncertain")
            mail = await self._write(session, order, about, to, policy=policy, now=now)
        return await self._send(order, mail)

    async def _send(self, order: MailOrder, mail: OutgoingMail) -> MailResult:
        try:
            message_id = await self.deps.mailer.send(mail)
        except MailerUnavailable as unavailable:
            if not unavailable.ambiguous:
                await self._release(order)
            raise
        except MailRejected as rejected:
            facts = await self._settle(order, MailStatus.UNDELIVERABLE, message_id=None)
            return MailResult(status="undeliverable", because=rejected.message, facts=facts)
        await self._settle(order, MailStatus.SENT, message_id=message_id)
        return MailResult(status="sent")

    async def _release(self, order: MailOrder) -> None:
        """Surely not sent: give the claim back, so that the next run may send."""
        async with self.transaction() as session:
            row = await session.get(SentMail, order.key)
            if row is not None and row.status is MailStatus.CLAIMED:
                await session.delete(row)

    async def _settle(self, order: MailOrder, status: MailStatus, *, message_id: str | None) -> JourneyFacts | None:
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            row = await session.get_one(SentMail, order.key)
            row.status, row.message_id, row.sent_at = status, message_id, now
            session.add(row)
            if status is MailStatus.SENT:
                _say(session, client, order, at=now, kind=FactKind.MAIL_SENT, text="was sent")
                return None  # nothing of the journey depends on it
            _say(session, client, order, at=now, kind=FactKind.MAIL_UNDELIVERABLE, text="could not be delivered")
            if order.template == "task_opened":
                return await project(session, client)  # a task about it would need a mail, and so on for ever
            await open_task_once(
                session,
                client,
                key=f"mail_undeliverable:{derived_id(client.id, 'mail', order.key)}",
                kind=TaskKind.MAIL_UNDELIVERABLE,
                text=f"The mail {order.template} about client {client.ref} was refused by the mail service.",
                at=now,
            )
            return await project(session, client)

    def _recipient(self, order: MailOrder, about: About) -> _Recipient | None:
        """Who reads it. Every mail of a test client goes to the staff who made that client."""
        client, therapist = about.client, about.therapist
        to: _Recipient | None = None
        if order.to == "care_team":
            to = _Recipient(
                address=self.deps.practice.care_team_email,
                name=None,
                greeting="",
                time_zone=staff_zone(about),
            )
        elif order.to == "therapist":
            if therapist is not None:
                to = _Recipient(
                    address=therapist.email,
                    name=therapist.name,
                    greeting=therapist.name,
                    time_zone=therapist.time_zone,
                )
        elif order.template == "already_known" and about.owner is not None and about.owner.email is not None:
            # To the address as its owner gave it: two spellings that compare equal may be two mailboxes.
            to = _Recipient(
                address=about.owner.email,
                name=about.owner.full_name,
                greeting=about.owner.first_name or "",
                time_zone=about.owner.time_zone or staff_zone(about),
            )
        elif client.email is not None:
            to = _Recipient(
                address=client.email,
                name=client.full_name,
                greeting=client.first_name or "",
                time_zone=client.time_zone or staff_zone(about),
            )
        if to is not None and client.test and client.test_mail_to:
            to = _Recipient(address=client.test_mail_to, name=to.name, greeting=to.greeting, time_zone=to.time_zone)
        return to

    async def _write(
        self,
        session: AsyncSession,
        order: MailOrder,
        about: About,
        to: _Recipient,
        *,
        policy: JourneyPolicy,
        now: datetime,
    ) -> OutgoingMail:
        client, therapist = about.client, about.therapist
        link, expires = await self._link(session, order, about, policy=policy, now=now)
        for_client = order.to == "client"
        context = MailContext(
            recipient_name=to.greeting,
            time_zone=to.time_zone,
            practice=self.deps.practice,
            test=client.test,
            link=link,
            link_expires_at=expires,
            client_name=None if for_client else client.full_name,
            therapist=MailTherapist(name=therapist.name, licensed_in=tuple(therapist.licensed_in))
            if therapist
            else None,
            appointments=tuple(appointment_line(a, about, order) for a in about.appointments),
            forms=forms_told(order, about),
            check_insurance=for_client
            and order.template == "booking_confirmation"
            and any(a.first_of_its_type for a in about.appointments),
            notice_hours=int(policy.notice_window.total_seconds() // 3600)
            if order.template in NOTICE_MAILS and any(a.type is AppointmentType.SESSION for a in about.appointments)
            else None,
            unsubscribe_link=self._unsubscribe_link(order, client),
            change=order.text or None if order.template == "appointment_changed" else None,
            changed_by_client=order.by_client,
            offer=offer_line(about),
            payment=payment_line(about),
            card=card_line(about, now=now) if order.template == "card_expiring" else None,
            task=MailTask(title=TASK_TITLES[about.task.kind], text=about.task.text, client_ref=client.ref)
            if about.task
            else None,
        )
        rendered = render(order.template, context)
        return OutgoingMail(
            key=order.key,
            to=to.address,
            to_name=to.name,
            from_=self.deps.email_from,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            template=order.template,
            attachments=self._calendar_files(about, to, now=now) if order.template in WITH_CALENDAR_FILE else (),
            headers=list_unsubscribe(context.unsubscribe_link) if context.unsubscribe_link else {},
        )

    def _unsubscribe_link(self, order: MailOrder, client: Client) -> str | None:
        """In the mails that an unsubscribed client does not get. It speaks for this client at this address."""
        if client.email is None or not is_stopped_by_unsubscribing(order):
            return None
        token = self.deps.unsubscribe_links.token(client.id.hex, address_mark(client.email))
        return self.deps.links.unsubscribe(token)

    async def _link(
        self, session: AsyncSession, order: MailOrder, about: About, *, policy: JourneyPolicy, now: datetime
    ) -> tuple[str | None, datetime | None]:
        """Where the mail's button leads, and until when."""
        links, client = self.deps.links, about.client
        if order.template in WITH_ACTIVATION_LINK:
            kind = TokenKind.ACTIVATION
            token, expires = await self._mailed_token(session, order, client, kind, policy=policy, now=now)
            return links.activation(token), expires
        if order.template == "already_known":
            token, expires = await self._mailed_token(session, order, client, TokenKind.JOIN, policy=policy, now=now)
            return links.join(token), expires
        if order.template in ("book_first", "book_first_session") and about.therapist is not None:
            return links.booking(about.therapist.slug), None
        if order.template == "slot_offered" and about.offered is not None and about.therapist is not None:
            offer, place = about.offered.offer, about.offered.place
            return links.offered_time(
                about.therapist.slug, type=place.type, starts_at=offer.starts_at, hold_id=str(offer.id)
            ), None
        if order.template in _PAGES:
            return _PAGES[order.template](links), None
        if order.template == "payment_needs_you" and about.payment is not None:
            return links.payment(str(about.payment.id)), None
        if order.template == "mark_outcome" and about.appointments:
            return links.appointment(str(about.appointments[0].id)), None
        if order.template == "task_opened" and about.task is not None:
            return links.task(str(about.task.id)), None
        if order.to == "therapist":
            return links.client(str(client.id)), None
        return None, None

    async def _mailed_token(
        self,
        session: AsyncSession,
        order: MailOrder,
        client: Client,
        kind: TokenKind,
        *,
        policy: JourneyPolicy,
        now: datetime,
    ) -> tuple[str, datetime]:
        """The link's token follows from the mail's key and the address: a mail that must be sent again carries the same
        link, unless the address is another by then, with which the links that were mailed before have ended."""
        reason = f"{order.key}:{address_mark(client.email or '')}"
        secret = hmac.new(self.deps.link_key, reason.encode(), sha256).digest()
        token = urlsafe_b64encode(secret).decode().rstrip("=")
        hashed = sha256(token.encode()).hexdigest()
        known = await session.get(Token, hashed)
        if known is None:
            known = Token(
                hash=hashed,
                kind=kind,
                client_id=client.id,
                made_at=now,
                expires_at=now + policy.activation_link_ttl,
            )
            session.add(known)
        return token, known.expires_at

    def _calendar_files(self, about: About, to: _Recipient, *, now: datetime) -> tuple[Attachment, ...]:
        therapist = about.therapist
        if therapist is None:
            return ()
        files = []
        for number, appointment in enumerate(about.appointments, start=1):
            entry = entry_of(
                appointment,
                therapist,
                organizer_email=self.deps.email_from,
                attendee=Attendee(email=to.address, name=to.name),
                stamped_at=now,
            )
            stem, _, ending = entry.filename.partition(".")
            name = entry.filename if len(about.appointments) == 1 else f"{stem}-{number}.{ending}"
            files.append(Attachment(filename=name, type=entry.content_type, content=calendar_file(entry)))
        return tuple(files)


async def _claim(session: AsyncSession, order: MailOrder, address: str, *, at: datetime) -> bool:
    statement = (
        insert(SentMail)
        .values(
            key=order.key,
            template=order.template,
            client_id=UUID(order.client_id),
            recipient=address,
            reader=order.to,
            status=MailStatus.CLAIMED,
            claimed_at=at,
        )
        .on_conflict_do_nothing(index_elements=[col(SentMail.key)])
        .returning(col(SentMail.key))
    )
    return (await session.exec(statement)).first() is not None


def _say(session: AsyncSession, client: Client, order: MailOrder, *, at: datetime, kind: FactKind, text: str) -> None:
    tell(
        session,
        client,
        kind,
        at=at,
        by="system",
        text=f"The mail {order.template} to the {order.to.replace('_', ' ')} {text}.",
        data={"template": order.template, "to": order.to, "key": order.key},
    )
