"""What a mail is about, whether it is still wanted, and its lines: read from the database when it is sent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.clients.details import owner_of_address
from activities.mail.rendering import (
    REMINDERS,
    STOPPED_WITH_THEM,
    MailAppointment,
    MailCard,
    MailMoney,
    MailOffer,
    MailPayment,
)
from activities.mail.wording import is_intake_form
from activities.types import MailOrder
from models.reads.booking.waitlist import offers_of, unanswered
from models.reads.care.chats import WaitingMessage, waiting_for
from models.reads.care.documents import is_shared
from models.reads.care.goals import still_reminded_of
from models.reads.journey import journey_facts
from models.reads.money.balance import saved_card
from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.booking.waitlist import WaitlistOfferRecord, WaitlistPlace
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.tables.forms.form import FormRequest
from models.tables.money.payment import Payment
from rules.booking.waitlist import counts_if_unanswered, is_given_up
from rules.care.chats import TOLD_WHILE_ARCHIVED
from rules.enums import AppointmentStatus, ClientStatus, FormStatus, PaymentStatus, TaskKind
from rules.journey.goals import GOAL_REMINDER, GoalReminder

NOTICE_MAILS = frozenset({"booking_confirmation"})
ALLOWED_WHILE_ARCHIVED = frozenset({"appointment_cancelled", "appointment_changed", "task_opened"})
ABOUT_FORMS = frozenset({"forms_requested", "forms_reminder"})
WITH_ACTIVATION_LINK = frozenset({"welcome", "activation_reminder"})
UNTIL_A_SESSION_IS_BOOKED = frozenset({"book_first_session", "book_next"})
ABOUT_WHAT_STANDS = frozenset(
    {"booking_confirmation", "appointment_booked", "appointment_rescheduled", "appointment_updated"}
)
# The part of the portal that a mail leads the client to: where it is switched off, it would lead nowhere.
PART_OF_PORTAL: Mapping[str, str] = {
    "book_first": "schedule_appointments",
    "book_first_session": "schedule_appointments",
    "slot_offered": "schedule_appointments",
    "forms_requested": "forms",
    "forms_reminder": "forms",
    "document_shared": "documents",
    "goal_reminder": "goals",
}
WITH_CALENDAR_FILE = frozenset(
    {
        "booking_confirmation",
        "appointment_rescheduled",
        "appointment_updated",
        "appointment_cancelled",
        "appointment_booked",
        "appointment_changed",
    }
)


_OWN_FORM = "A form from your practice"


@dataclass(frozen=True, kw_only=True)
class Offered:
    """A time that the waitlist offers. ``unanswered``: how many this place has let go by before it."""

    offer: WaitlistOfferRecord
    place: WaitlistPlace
    unanswered: int


@dataclass(frozen=True, kw_only=True)
class About:
    """The rows that a mail is about, read in one transaction: those that its template asks for.

    ``late_fees``: what is due, by appointment.
    """

    client: Client
    therapist: Therapist | None
    appointments: tuple[Appointment, ...]
    late_fees: Mapping[UUID, MailMoney]
    offered: Offered | None
    payment: Payment | None
    paid_for: Appointment | None
    task: Task | None
    outstanding: tuple[str, ...]
    forms: tuple[FormRequest, ...]  # that the order names
    goals: tuple[GoalReminder, ...]  # that still stand
    session_booked: bool
    owner: Client | None  # of the client's address, where another client has it, with an account or made by staff
    message: WaitingMessage | None = None  # what waits to be read in the chat that the mail is about
    shared: bool  # the document that was, still is


TASK_TITLES = {
    TaskKind.MATCH_BY_HAND: "A client needs a therapist",
    TaskKind.NO_FIRST_SESSION: "No first session is booked",
    TaskKind.OUTCOME_MISSING: "An outcome is missing",
    TaskKind.CARD_MISSING: "A card is missing",
    TaskKind.PAYMENT_OWED: "A payment is owed",
    TaskKind.PAYMENT_FAILED: "A payment failed",
    TaskKind.POSSIBLE_DUPLICATE: "Two records may be one person",
    TaskKind.MAIL_UNDELIVERABLE: "A mail could not be delivered",
    TaskKind.DISPUTE: "A client's bank disputes a charge",
    TaskKind.REFUND_FAILED: "A refund failed",
    TaskKind.LEDGER_DIFFERENCE: "The ledger and Stripe differ",
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
    about_task = order.template == "task_opened"
    task = (await session.exec(select(Task).where(col(Task.key) == order.text))).first() if about_task else None
    offered = await _offered(session, client, order)
    therapist: Therapist | None = None
    if order.therapist is not None:
        therapist = (await session.exec(select(Therapist).where(col(Therapist.slug) == order.therapist))).first()
    elif appointments or paid_for:
        therapist = await session.get(Therapist, (appointments[0] if appointments else paid_for).therapist_id)  # type: ignore[union-attr]
    elif offered is not None:
        therapist = await session.get(Therapist, offered.place.therapist_id)
    elif client.therapist_id is not None:
        therapist = await session.get(Therapist, client.therapist_id)
    facts = await journey_facts(session, client) if _depends_on_the_journey(order, appointments) else None
    of_account = order.template in WITH_ACTIVATION_LINK or order.template == "already_known"
    return About(
        client=client,
        therapist=therapist,
        appointments=appointments,
        late_fees=await _late_fees(session, appointments),
        offered=offered,
        payment=payment,
        paid_for=paid_for,
        task=task,
        outstanding=facts.outstanding_forms if facts else (),
        forms=await _forms(session, order),
        goals=await still_reminded_of(session, client, order.goals),
        session_booked=facts is not None and facts.session_booked,
        owner=await owner_of_address(session, client.email, other_than=client) if client.email and of_account else None,
        message=await waiting_for(session, client, UUID(order.chat_id)) if order.chat_id else None,
        shared=order.share_id is not None and await is_shared(session, UUID(order.share_id), client),
    )


async def _forms(session: AsyncSession, order: MailOrder) -> tuple[FormRequest, ...]:
    ids = [UUID(id) for id in (order.form_id, *order.form_ids) if id]
    found = [await session.get(FormRequest, id) for id in ids]
    return tuple(form for form in found if form is not None)


def _depends_on_the_journey(order: MailOrder, appointments: Iterable[Appointment]) -> bool:
    """Whether it matters to this mail which forms are outstanding, or whether a session is booked."""
    return (
        order.template in ABOUT_FORMS
        or order.template in UNTIL_A_SESSION_IS_BOOKED
        or any(a.complete_forms_in_session for a in appointments)
    )


async def _late_fees(session: AsyncSession, appointments: Iterable[Appointment]) -> dict[UUID, MailMoney]:
    """Of several cancelled at once only those inside the notice window cost anything, and none that was waived."""
    late = [a.id for a in appointments if a.status is AppointmentStatus.LATE_CANCELLED]
    if not late:
        return {}
    due = await session.exec(
        select(Payment).where(col(Payment.appointment_id).in_(late), col(Payment.status) != PaymentStatus.WAIVED)
    )
    return {p.appointment_id: MailMoney(amount=p.amount, currency=p.currency) for p in due}


async def _offered(session: AsyncSession, client: Client, order: MailOrder) -> Offered | None:
    offer = await session.get(WaitlistOfferRecord, UUID(order.offer_id)) if order.offer_id else None
    place = await session.get(WaitlistPlace, offer.place_id) if offer else None
    if offer is None or place is None or place.client_id != client.id:
        return None
    before = [other for other in (await offers_of(session, [place.id]))[place.id] if other.id != offer.id]
    return Offered(offer=offer, place=place, unanswered=unanswered(before))


def about_what_stands(order: MailOrder) -> bool:
    """Mails that tell of a time: nothing to tell once that is cancelled."""
    return order.template in ABOUT_WHAT_STANDS or bool(order.moves)


def not_wanted(order: MailOrder, about: About, *, now: datetime) -> str | None:
    """Why this mail is not to be sent any more, seen from what the database knows at this moment."""
    return _not_to_them(order, about) or _not_any_more(order, about, now=now)


def _not_to_them(order: MailOrder, about: About) -> str | None:
    """Mails of this kind do not go to this client now: archived, unsubscribed, or that part of the portal is off."""
    client = about.client
    allowed = order.asked_for or order.template in ALLOWED_WHILE_ARCHIVED or _a_person_wrote(about)
    if client.status is ClientStatus.ARCHIVED and not allowed:
        return "archived"
    if client.unsubscribed and is_stopped_by_unsubscribing(order):
        return "unsubscribed"
    part = PART_OF_PORTAL.get(order.template)
    if order.to == "client" and part is not None and not client.portal_settings.get(part, True):
        return "this part of the portal is switched off"
    return None


def is_stopped_by_unsubscribing(order: MailOrder) -> bool:
    """Such a mail has the link by which to unsubscribe, and the headers for it."""
    of_own_form = order.template in STOPPED_WITH_THEM and order.form_id is not None  # intake forms go by form_ids
    return order.to == "client" and (order.template in REMINDERS or of_own_form)


def _not_any_more(order: MailOrder, about: About, *, now: datetime) -> str | None:
    """What the mail would tell is over, or was never so."""
    client = about.client
    if about_what_stands(order) and not about.appointments:
        return "nothing of it is on any more"
    if order.only_if_starts_at is not None and not _is_on_then(order, about, now=now):
        return "the appointment has changed"
    if order.template in WITH_ACTIVATION_LINK and client.account_active:
        return "the account is active"
    if client.joined_into is not None and not (order.appointment_ids or order.payment_id):
        return "the client was joined into another record"
    if order.template == "already_known" and about.owner is None:
        return "nobody else has this address any more"
    if order.template in WITH_ACTIVATION_LINK and about.owner is not None:
        return "the address belongs to another client"  # whose double this is: the link could not work
    if order.template in ABOUT_FORMS and not forms_told(order, about):
        return "the forms are complete"
    if order.template == "book_first" and client.first_booked_at is not None:
        return "something is booked"
    if order.template in UNTIL_A_SESSION_IS_BOOKED and about.session_booked:
        return "a session is booked"
    if order.template == "task_opened" and (about.task is None or about.task.resolved_at is not None):
        return "the task is resolved"
    if order.template == "slot_offered" and not _is_held(about.offered, now=now):
        return "the time is not held for them any more"
    return _nothing_waits(order, about) or _other_card(order, client)


def _nothing_waits(order: MailOrder, about: About) -> str | None:
    """Mails about what waits for the client in the portal."""
    if order.template == GOAL_REMINDER and not about.goals:
        return "no such reminder is wanted any more"
    if order.template == "document_shared" and not about.shared:
        return "it is not shared any more"
    if order.template == "new_message" and about.message is None:
        return "no message waits to be read"
    return None


def _a_person_wrote(about: About) -> bool:
    """To this very client: that is told also while they are archived, and says nothing of it."""
    return about.message is not None and about.message.kind in TOLD_WHILE_ARCHIVED


def _other_card(order: MailOrder, client: Client) -> str | None:
    if order.template != "card_expiring":
        return None
    card = saved_card(client)
    return "that card is not charged any more" if card is None or card.key != order.text else None


def _is_on_then(order: MailOrder, about: About, *, now: datetime) -> bool:
    on = [
        a
        for a in about.appointments
        if a.status is AppointmentStatus.SCHEDULED and a.starts_at == order.only_if_starts_at
    ]
    return bool(on) and (order.template != "appointment_reminder" or on[0].starts_at > now)


def _is_held(offered: Offered | None, *, now: datetime) -> bool:
    return offered is not None and offered.offer.closed_at is None and offered.offer.expires_at > now


def forms_told(order: MailOrder, about: About) -> tuple[str, ...]:
    """The forms that a mail asks for. One that the practice has made is not named: its title could tell anything."""
    if order.template not in ABOUT_FORMS:
        return ()
    if order.form_id is None and not order.form_ids:
        return about.outstanding
    wanted = [form.kind for form in about.forms if form.status is FormStatus.REQUESTED]
    return tuple(kind if is_intake_form(kind) else _OWN_FORM for kind in wanted)


def appointment_line(appointment: Appointment, about: About, order: MailOrder) -> MailAppointment:
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
        outstanding_forms=tuple(kind for kind in appointment.forms_outstanding_when_booked if kind in about.outstanding)
        if appointment.complete_forms_in_session
        else (),
        previous_starts_at=order.moves.get(str(appointment.id)),
        late_fee=about.late_fees.get(appointment.id),
    )


def offer_line(about: About) -> MailOffer | None:
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


def payment_line(about: About) -> MailPayment | None:
    payment, appointment = about.payment, about.paid_for
    if payment is None or appointment is None:
        return None
    card = about.client.card or {}
    by_card = payment.amount - payment.credit_used
    return MailPayment(
        reference=str(payment.id)[:8],
        kind=payment.kind,
        total=MailMoney(amount=payment.amount, currency=payment.currency),
        appointment_starts_at=appointment.starts_at,
        card_charged=MailMoney(amount=by_card, currency=payment.currency) if by_card else None,
        credit_used=MailMoney(amount=payment.credit_used, currency=payment.currency) if payment.credit_used else None,
        card_brand=card.get("brand"),
        card_last4=card.get("last4"),
        paid_at=payment.paid_at,
    )


def card_line(about: About, *, now: datetime) -> MailCard | None:
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


def staff_zone(about: About) -> str:
    return about.therapist.time_zone if about.therapist else "UTC"
