"""What a mail is about, whether it is still wanted, and its lines: read from the database when it is sent."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.details import owner_of_address
from activities.rendering import (
    REMINDERS,
    AppointmentLine,
    MoneyLine,
    PaymentLine,
)
from activities.types import MailOrder
from models.appointment import Appointment
from models.client import Client
from models.payment import Payment
from models.snapshots import journey_facts
from models.task import Task
from models.therapist import Therapist
from rules.words import AppointmentStatus, ClientStatus, TaskKind

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
class About:
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


TASK_TITLES = {
    TaskKind.MATCH_BY_HAND: "A client needs a therapist",
    TaskKind.NO_FIRST_SESSION: "No first session is booked",
    TaskKind.OUTCOME_MISSING: "An outcome is missing",
    TaskKind.CARD_MISSING: "A card is missing",
    TaskKind.PAYMENT_OWED: "A payment is owed",
    TaskKind.PAYMENT_FAILED: "A payment failed",
    TaskKind.POSSIBLE_DUPLICATE: "Two records may be one person",
    TaskKind.MAIL_UNDELIVERABLE: "A mail could not be delivered",
}


async def read_about(session: AsyncSession, client: Client, order: MailOrder) -> About:
    ids = [UUID(id) for id in order.appointment_ids]
    found = await session.exec(
        select(Appointment).where(col(Appointment.id).in_(ids)).order_by(col(Appointment.starts_at))
    )
    appointments = tuple(found.all())
    if about_what_stands(order):
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
    return About(
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


def about_what_stands(order: MailOrder) -> bool:
    """Mails that tell of a time: nothing to tell once that is cancelled."""
    return order.template in ABOUT_WHAT_STANDS or bool(order.moves)


def not_wanted(order: MailOrder, about: About, *, now: datetime) -> str | None:
    """Why this mail is not to be sent any more, seen from what the database knows at this moment."""
    client = about.client
    allowed = order.asked_for or order.template in ALLOWED_WHILE_ARCHIVED
    if client.status is ClientStatus.ARCHIVED and not allowed:
        return "archived"
    if order.to == "client" and client.unsubscribed and order.template in REMINDERS:
        return "unsubscribed"
    if about_what_stands(order) and not about.appointments:
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


def appointment_line(appointment: Appointment, about: About, order: MailOrder) -> AppointmentLine:
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
        previous_starts_at=order.moves.get(str(appointment.id)),
    )


def late_fee(about: About) -> MoneyLine | None:
    late = [a for a in about.appointments if a.status is AppointmentStatus.LATE_CANCELLED]
    if not late or about.payment is None or about.payment.status.value == "waived":
        return None
    return MoneyLine(amount=about.payment.amount, currency=about.payment.currency)


def payment_line(about: About) -> PaymentLine | None:
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


def staff_zone(about: About) -> str:
    return about.therapist.time_zone if about.therapist else "UTC"
