"""Sending one mail for one reason: claim the key, see whether it is still wanted, render, send, record.

The mail service knows no idempotency. A claim that was made and never settled means that nobody knows whether the mail
went out: activation and payment mails are then sent again, all others are not, because one missing reminder is better
than two.
"""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.calendar_file import CalendarEntry, calendar_file
from activities.core import Activities, derived_id, open_task_once
from activities.details import owner_of_address
from activities.ports import Attachment, MailerUnavailable, MailRejected, OutgoingMail
from activities.rendering import (
    REMINDERS,
    AppointmentLine,
    MailContext,
    MoneyLine,
    PaymentLine,
    TaskLine,
    TherapistLine,
    render,
)
from activities.types import MailOrder, MailResult
from models.appointment import Appointment
from models.client import Client
from models.locks import lock_client
from models.mail import MailStatus, SentMail
from models.payment import Payment
from models.snapshots import journey_facts, project
from models.task import Task
from models.therapist import Therapist
from models.timeline import append_fact
from models.token import Token, TokenKind
from rules.policy import JourneyPolicy
from rules.stage import JourneyFacts
from rules.words import AppointmentStatus, AppointmentType, ClientStatus, TaskKind

NOTICE_MAILS = frozenset({"booking_confirmation"})
ALLOWED_WHILE_ARCHIVED = frozenset({"appointment_cancelled", "appointment_changed", "task_opened"})
WITH_ACTIVATION_LINK = frozenset({"welcome", "activation_reminder"})
ABOUT_WHAT_STANDS = frozenset({"booking_confirmation", "appointment_booked", "appointment_rescheduled"})
WITH_CALENDAR_FILE = frozenset(
    {
        "booking_confirmation",
        "appointment_rescheduled",
        "appointment_cancelled",
        "appointment_booked",
        "appointment_changed",
    }
)


@dataclass(frozen=True, kw_only=True)
class _About:
    """The rows that a mail is about, read in one transaction."""

    client: Client
    therapist: Therapist | None
    appointments: tuple[Appointment, ...]
    payment: Payment | None
    paid_for: Appointment | None
    task: Task | None
    outstanding: tuple[str, ...]
    session_booked: bool
    address_is_anothers: bool  # of a client with an account, or whom staff made


@dataclass(frozen=True, kw_only=True)
class _Recipient:
    address: str
    name: str | None
    greeting: str
    time_zone: str


class MailActivities(Activities):
    @activity.defn
    async def send_mail(self, order: MailOrder, policy: JourneyPolicy) -> MailResult:
        """Send one mail, once per key. Raises only if the mail service could not be asked."""
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            about = await _about(session, client, order)
            unwanted = _not_wanted(order, about, now=now)
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
                        kind="mail_uncertain",
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

    async def _settle(self, order: MailOrder, status: MailStatus, *, message_id: str | None) -> JourneyFacts:
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            row = await session.get_one(SentMail, order.key)
            row.status, row.message_id, row.sent_at = status, message_id, now
            session.add(row)
            if status is MailStatus.SENT:
                _say(session, client, order, at=now, kind="mail_sent", text="was sent")
                return await project(session, client)
            _say(session, client, order, at=now, kind="mail_undeliverable", text="could not be delivered")
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

    def _recipient(self, order: MailOrder, about: _About) -> _Recipient | None:
        """Who reads it. Every mail of a test client goes to the staff who made that client."""
        client, therapist = about.client, about.therapist
        to: _Recipient | None = None
        if order.to == "care_team":
            to = _Recipient(
                address=self.deps.practice.care_team_email,
                name=None,
                greeting="",
                time_zone=_staff_zone(about),
            )
        elif order.to == "therapist":
            if therapist is not None:
                to = _Recipient(
                    address=therapist.email,
                    name=therapist.name,
                    greeting=therapist.name,
                    time_zone=therapist.time_zone,
                )
        elif client.email is not None:
            to = _Recipient(
                address=client.email,
                name=client.full_name,
                greeting=client.first_name or "",
                time_zone=client.time_zone or _staff_zone(about),
            )
        if to is not None and client.test and client.test_mail_to:
            to = _Recipient(address=client.test_mail_to, name=to.name, greeting=to.greeting, time_zone=to.time_zone)
        return to

    async def _write(
        self,
        session: AsyncSession,
        order: MailOrder,
        about: _About,
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
            therapist=TherapistLine(name=therapist.name, licensed_in=tuple(therapist.licensed_in))
            if therapist
            else None,
            appointments=tuple(_appointment_line(a, about, order) for a in about.appointments),
            forms=about.outstanding if order.template in ("forms_requested", "forms_reminder") else (),
            check_insurance=for_client
            and order.template == "booking_confirmation"
            and any(a.first_of_its_type for a in about.appointments),
            notice_hours=int(policy.notice_window.total_seconds() // 3600)
            if order.template in NOTICE_MAILS and any(a.type is AppointmentType.SESSION for a in about.appointments)
            else None,
            late_fee=_late_fee(about),
            change=order.text or None if order.template == "appointment_changed" else None,
            changed_by_client=order.by_client,
            payment=_payment_line(about),
            task=TaskLine(title=_TASK_TITLES[about.task.kind], text=about.task.text, client_ref=client.ref)
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
        )

    async def _link(
        self, session: AsyncSession, order: MailOrder, about: _About, *, policy: JourneyPolicy, now: datetime
    ) -> tuple[str | None, datetime | None]:
        """Where the mail's button leads, and until when."""
        links, client = self.deps.links, about.client
        if order.template in WITH_ACTIVATION_LINK:
            return await self._activation_link(session, order, client, policy=policy, now=now)
        if order.template == "already_known":
            return links.sign_in(), None
        if order.template in ("book_first", "book_first_session") and about.therapist is not None:
            return links.booking(about.therapist.slug), None
        if order.template in ("forms_requested", "forms_reminder"):
            return links.forms(), None
        if order.template == "payment_failed":
            return links.card(), None
        if order.template == "payment_needs_you" and about.payment is not None:
            return links.payment(str(about.payment.id)), None
        if order.template == "mark_outcome" and about.appointments:
            return links.appointment(str(about.appointments[0].id)), None
        if order.template == "task_opened" and about.task is not None:
            return links.task(str(about.task.id)), None
        if order.to == "therapist":
            return links.client(str(client.id)), None
        return None, None

    async def _activation_link(
        self, session: AsyncSession, order: MailOrder, client: Client, *, policy: JourneyPolicy, now: datetime
    ) -> tuple[str, datetime]:
        """The link's token follows from the mail's key: a mail that must be sent again carries the same link."""
        secret = hmac.new(self.deps.link_key, order.key.encode(), sha256).digest()
        token = urlsafe_b64encode(secret).decode().rstrip("=")
        hashed = sha256(token.encode()).hexdigest()
        known = await session.get(Token, hashed)
        if known is None:
            known = Token(
                hash=hashed,
                kind=TokenKind.ACTIVATION,
                client_id=client.id,
                made_at=now,
                expires_at=now + policy.activation_link_ttl,
            )
            session.add(known)
        return self.deps.links.activation(token), known.expires_at

    def _calendar_files(self, about: _About, to: _Recipient, *, now: datetime) -> tuple[Attachment, ...]:
        therapist = about.therapist
        if therapist is None:
            return ()
        files = []
        for number, appointment in enumerate(about.appointments, start=1):
            entry = CalendarEntry(
                id=str(appointment.id),
                sequence=appointment.sequence,
                starts_at=appointment.starts_at,
                ends_at=appointment.ends_at,
                time_zone=therapist.time_zone,
                mode=appointment.mode,
                join_url=appointment.join_url,
                organizer_email=self.deps.email_from,
                organizer_name=therapist.name,
                attendee_email=to.address,
                attendee_name=to.name or to.address,
                cancelled=appointment.status in (AppointmentStatus.CANCELLED, AppointmentStatus.LATE_CANCELLED),
                stamped_at=now,
            )
            stem, _, ending = entry.filename.partition(".")
            name = entry.filename if len(about.appointments) == 1 else f"{stem}-{number}.{ending}"
            files.append(Attachment(filename=name, type=entry.content_type, content=calendar_file(entry)))
        return tuple(files)


_TASK_TITLES = {
    TaskKind.MATCH_BY_HAND: "A client needs a therapist",
    TaskKind.NO_FIRST_SESSION: "No first session is booked",
    TaskKind.OUTCOME_MISSING: "An outcome is missing",
    TaskKind.CARD_MISSING: "A card is missing",
    TaskKind.PAYMENT_OWED: "A payment is owed",
    TaskKind.PAYMENT_FAILED: "A payment failed",
    TaskKind.POSSIBLE_DUPLICATE: "Two records may be one person",
    TaskKind.MAIL_UNDELIVERABLE: "A mail could not be delivered",
}


async def _about(session: AsyncSession, client: Client, order: MailOrder) -> _About:
    ids = [UUID(id) for id in order.appointment_ids]
    found = await session.exec(
        select(Appointment).where(col(Appointment.id).in_(ids)).order_by(col(Appointment.starts_at))
    )
    appointments = tuple(found.all())
    if _about_what_stands(order):
        # Cancelled before this mail went out: the cancellation is a mail of its own, and the last word.
        appointments = tuple(a for a in appointments if a.status is AppointmentStatus.SCHEDULED)
    payment = await session.get(Payment, UUID(order.payment_id)) if order.payment_id else None
    paid_for = await session.get(Appointment, payment.appointment_id) if payment else None
    task = (await session.exec(select(Task).where(col(Task.key) == order.text))).first() if order.text else None
    therapist: Therapist | None = None
    if order.therapist is not None:
        therapist = (await session.exec(select(Therapist).where(col(Therapist.slug) == order.therapist))).first()
    elif appointments or paid_for:
        therapist = await session.get(Therapist, (appointments[0] if appointments else paid_for).therapist_id)  # type: ignore[union-attr]
    elif client.therapist_id is not None:
        therapist = await session.get(Therapist, client.therapist_id)
    facts = await journey_facts(session, client)
    return _About(
        client=client,
        therapist=therapist,
        appointments=appointments,
        payment=payment,
        paid_for=paid_for,
        task=task,
        outstanding=facts.outstanding_forms,
        session_booked=facts.session_booked,
        address_is_anothers=client.email is not None
        and await owner_of_address(session, client.email, other_than=client) is not None,
    )


def _about_what_stands(order: MailOrder) -> bool:
    """Mails that tell of a time: nothing to tell once that is cancelled."""
    return order.template in ABOUT_WHAT_STANDS or order.moved_from is not None


def _not_wanted(order: MailOrder, about: _About, *, now: datetime) -> str | None:
    """Why this mail is not to be sent any more, seen from what the database knows at this moment."""
    client = about.client
    allowed = order.asked_for or order.template in ALLOWED_WHILE_ARCHIVED
    if client.status is ClientStatus.ARCHIVED and not allowed:
        return "archived"
    if order.to == "client" and client.unsubscribed and order.template in REMINDERS:
        return "unsubscribed"
    if _about_what_stands(order) and not about.appointments:
        return "nothing of it is on any more"
    if order.only_if_starts_at is not None:
        on = [
            a
            for a in about.appointments
            if a.status is AppointmentStatus.SCHEDULED and a.starts_at == order.only_if_starts_at
        ]
        if not on or (order.template == "appointment_reminder" and on[0].starts_at <= now):
            return "the appointment has changed"
    if order.template in WITH_ACTIVATION_LINK and client.account_active:
        return "the account is active"
    if order.template in WITH_ACTIVATION_LINK and about.address_is_anothers:
        return "the address belongs to another client"  # whose double this is: the link could not work
    if order.template == "forms_reminder" and not about.outstanding:
        return "the forms are complete"
    if order.template == "book_first" and client.first_booked_at is not None:
        return "something is booked"
    if order.template in ("book_first_session", "book_next") and about.session_booked:
        return "a session is booked"
    if order.template == "task_opened" and (about.task is None or about.task.resolved_at is not None):
        return "the task is resolved"
    return None


async def _claim(session: AsyncSession, order: MailOrder, address: str, *, at: datetime) -> bool:
    statement = (
        insert(SentMail)
        .values(
            key=order.key,
            template=order.template,
            client_id=UUID(order.client_id),
            recipient=address,
            status=MailStatus.CLAIMED,
            claimed_at=at,
        )
        .on_conflict_do_nothing(index_elements=[col(SentMail.key)])
        .returning(col(SentMail.key))
    )
    return (await session.exec(statement)).first() is not None


def _say(session: AsyncSession, client: Client, order: MailOrder, *, at: datetime, kind: str, text: str) -> None:
    append_fact(
        session,
        client,
        at=at,
        actor="system",
        kind=kind,
        text=f"The mail {order.template} to the {order.to.replace('_', ' ')} {text}.",
        data={"template": order.template, "to": order.to, "key": order.key},
    )


def _appointment_line(appointment: Appointment, about: _About, order: MailOrder) -> AppointmentLine:
    fee = MoneyLine(amount=appointment.fee_amount, currency=appointment.fee_currency)
    return AppointmentLine(
        id=str(appointment.id),
        type=appointment.type,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        mode=appointment.mode,
        join_url=appointment.join_url,
        fee=fee if appointment.fee_amount else None,
        complete_forms_in_session=appointment.complete_forms_in_session,
        outstanding_forms=tuple(kind for kind in appointment.forms_outstanding_when_booked if kind in about.outstanding)
        if appointment.complete_forms_in_session
        else (),
        previous_starts_at=order.moved_from,
    )


def _late_fee(about: _About) -> MoneyLine | None:
    late = [a for a in about.appointments if a.status is AppointmentStatus.LATE_CANCELLED]
    if not late or about.payment is None or about.payment.status.value == "waived":
        return None
    return MoneyLine(amount=about.payment.amount, currency=about.payment.currency)


def _payment_line(about: _About) -> PaymentLine | None:
    payment, appointment = about.payment, about.paid_for
    if payment is None or appointment is None:
        return None
    card = about.client.card or {}
    by_card = payment.amount - payment.credit_used
    return PaymentLine(
        reference=str(payment.id)[:8],
        kind=payment.kind,
        total=MoneyLine(amount=payment.amount, currency=payment.currency),
        appointment_starts_at=appointment.starts_at,
        card_charged=MoneyLine(amount=by_card, currency=payment.currency) if by_card else None,
        credit_used=MoneyLine(amount=payment.credit_used, currency=payment.currency) if payment.credit_used else None,
        card_brand=card.get("brand"),
        card_last4=card.get("last4"),
        paid_at=payment.paid_at,
    )


def _staff_zone(about: _About) -> str:
    return about.therapist.time_zone if about.therapist else "UTC"
