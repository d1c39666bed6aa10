"""Composing a mail: the rows that it is about become the context of its templates, and its calendar files."""

from collections.abc import Mapping
from datetime import datetime

from activities.base import Dependencies
from activities.mail.about import About, forms_gate, forms_told, titles_of_outstanding
from activities.mail.buttons import unsubscribe_link
from activities.mail.context import (
    MailAppointment,
    MailCard,
    MailContext,
    MailMoney,
    MailOffer,
    MailPayment,
    MailTask,
    MailTherapist,
)
from activities.mail.outgoing import outgoing
from activities.mail.recipient import Recipient
from activities.mail.rendering import render
from activities.ports import Attachment, OutgoingMail
from calendars.appointment_file import Attendee, calendar_file, entry_of
from models.reads.money.balance import saved_card
from models.tables.booking.appointment import Appointment
from rules.accounts.openings import OpeningKind
from rules.booking.waitlist import counts_if_unanswered, is_given_up
from rules.enums import AppointmentType, PaymentStatus
from rules.mail.kinds import MailKind
from rules.mail.orders import MailOrder
from rules.mail.terms import Reader, Topic
from rules.mail.unsubscribe import list_unsubscribe
from rules.money.payment_states import WAITING, can_a_card_settle
from rules.money.receipts import receipt_number
from rules.time_words import in_words


def compose(
    order: MailOrder,
    kind: MailKind,
    about: About,
    to: Recipient,
    *,
    link: tuple[str | None, datetime | None],
    deps: Dependencies,
    now: datetime,
) -> OutgoingMail:
    """The mail as it is handed to the mail service. ``link``: where its button leads, and until when."""
    context = context_of(order, kind, about, to, link=link, deps=deps, now=now)
    return outgoing(
        order,
        render(order.template, context, deps.templates),
        to=to.address,
        to_name=to.name,
        deps=deps,
        files=_calendar_files(about, to, organizer=deps.email_from, now=now) if kind.calendar_file else (),
        headers=list_unsubscribe(context.unsubscribe_link) if context.unsubscribe_link else {},
    )


def context_of(
    order: MailOrder,
    kind: MailKind,
    about: About,
    to: Recipient,
    *,
    link: tuple[str | None, datetime | None],
    deps: Dependencies,
    now: datetime,
) -> MailContext:
    client, therapist, task = about.client, about.therapist, about.task
    gates, due = forms_gate(order, about, now=now) if Topic.FORMS in kind.about else (False, None)
    first = any(a.first_of_its_type for a in about.appointments)
    return MailContext(
        recipient_name=to.greeting,
        time_zone=to.time_zone,
        practice=deps.practice,
        test=client.test,
        link=link[0],
        link_expires_at=link[1],
        client_name=None if order.to == Reader.CLIENT else client.full_name,
        therapist=MailTherapist(name=therapist.name, licensed_in=tuple(therapist.licensed_in)) if therapist else None,
        appointments=tuple(_appointment_line(a, about, order.moves, kind) for a in about.appointments),
        forms=forms_told(order, about) if Topic.FORMS in kind.about else (),
        forms_gate=gates,
        forms_due=due,
        check_insurance=kind.asks_about_insurance and first,
        unsubscribe_link=unsubscribe_link(order, kind, client, deps=deps),
        change=order.text or None if "change" in kind.needs else None,
        changed_by_client=order.by_client,
        offer=_offer_line(about),
        payment=_payment_line(about),
        pay_link=deps.links.payment(str(about.payment.id)) if about.payment else None,
        receipt=about.receipt,
        card=_card_line(about, now=now) if Topic.CARD in kind.about else None,
        opened=opened_in(order, kind),
        task=MailTask(title=task.kind.label, text=task.text, client_ref=client.ref) if task else None,
    )


def opened_in(order: MailOrder, kind: MailKind) -> str | None:
    """What was opened of a client's record, if the mail is about that."""
    return OpeningKind(order.text).label if Topic.OPENING in kind.about else None


def _appointment_line(
    appointment: Appointment, about: About, moves: Mapping[str, datetime], kind: MailKind
) -> MailAppointment:
    tells_notice = kind.notice_window and appointment.type is AppointmentType.SESSION
    fee = MailMoney(amount=appointment.fee_amount, currency=appointment.fee_currency)
    return MailAppointment(
        id=str(appointment.id),
        type=appointment.type,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        mode=appointment.mode,
        join_url=appointment.join_url,
        fee=fee if appointment.fee_amount else None,
        complete_forms_in_session=appointment.complete_forms_in_session,
        outstanding_forms=titles_of_outstanding(about, of=appointment.forms_outstanding_when_booked)
        if appointment.complete_forms_in_session
        else (),
        every=appointment.every,
        previous_starts_at=moves.get(str(appointment.id)),
        late_fee=about.late_fees.get(appointment.id),
        notice=in_words(appointment.agreed.notice_window) if tells_notice else None,
    )


def _offer_line(about: About) -> MailOffer | None:
    if about.offered is None:
        return None
    offer, place = about.offered.offer, about.offered.place
    return MailOffer(
        type=place.type,
        starts_at=offer.starts_at,
        ends_at=offer.ends_at,
        held_until=offer.expires_at,
        last=counts_if_unanswered(starts_at=offer.starts_at, expires_at=offer.expires_at)
        and is_given_up(about.offered.unanswered + 1),
    )


def _payment_line(about: About) -> MailPayment | None:
    payment, appointment = about.payment, about.paid_for
    if payment is None or appointment is None:
        return None
    card = about.client.card or {}
    by_card = payment.amount - payment.credit_used
    return MailPayment(
        reference=receipt_number(str(payment.id)),
        kind=payment.kind,
        total=MailMoney(amount=payment.amount, currency=payment.currency),
        appointment_starts_at=appointment.starts_at,
        card_charged=MailMoney(amount=by_card, currency=payment.currency) if by_card else None,
        credit_used=MailMoney(amount=payment.credit_used, currency=payment.currency) if payment.credit_used else None,
        card_brand=card.get("brand"),
        card_last4=card.get("last4"),
        # While a dispute is open nothing is tried by itself.
        tried_again_at=None if about.client.charges_frozen else payment.next_try_at,
        deadline=payment.deadline if payment.status in WAITING else None,
        owed=payment.status is PaymentStatus.OWED,
        can_be_paid=can_a_card_settle(payment.because),
    )


def _card_line(about: About, *, now: datetime) -> MailCard | None:
    card = saved_card(about.client)
    if card is None:
        return None
    shown = about.client.card or {}
    return MailCard(
        brand=shown["brand"],
        last4=shown["last4"],
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        over=now >= card.stops_working_at,
    )


def _calendar_files(about: About, to: Recipient, *, organizer: str, now: datetime) -> tuple[Attachment, ...]:
    therapist = about.therapist
    if therapist is None:
        return ()
    files = []
    for number, appointment in enumerate(about.appointments, start=1):
        entry = entry_of(
            appointment,
            therapist,
            organizer_email=organizer,
            attendee=Attendee(email=to.address, name=to.name),
            stamped_at=now,
        )
        stem, _, ending = entry.filename.partition(".")
        name = entry.filename if len(about.appointments) == 1 else f"{stem}-{number}.{ending}"
        files.append(Attachment(filename=name, type=entry.content_type, content=calendar_file(entry)))
    return tuple(files)
