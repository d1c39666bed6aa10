"""The rows that a mail is about: read from the database at the moment of sending."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.details import owner_of_address
from activities.mail.context import MailMoney
from activities.practice import Practice
from models.reads.accounts.makers import tester_of
from models.reads.booking.leaves import leave_stands
from models.reads.booking.waitlist import offers_of, unanswered
from models.reads.care.chats import WaitingMessage, waiting_for
from models.reads.care.documents import is_shared
from models.reads.care.goals import still_reminded_of
from models.reads.forms.requests import asking_of
from models.reads.forms.texts import intake_titles
from models.reads.journey import journey_facts
from models.reads.money.balance import saved_card
from models.reads.money.receipts import PaidFor, receipt_of
from models.tables.booking.appointment import Appointment
from models.tables.booking.leave import Leave
from models.tables.booking.therapist import Therapist
from models.tables.booking.waitlist import WaitlistOfferRecord, WaitlistPlace
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.tables.forms.form import FormRequest
from models.tables.money.payment import Payment
from rules.care.chats import TOLD_WHILE_ARCHIVED
from rules.enums import AppointmentStatus, ClientStatus, FormStatus, PaymentStatus
from rules.journey.goals import GoalReminder
from rules.journey.stage import JourneyFacts
from rules.mail.kinds import MAILS, Mail, MailKind
from rules.mail.orders import MailOrder
from rules.mail.terms import Topic
from rules.mail.until import MailSituation
from rules.money.payment_states import CONFIRMABLE
from rules.money.receipts import Receipt

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
    receipt: Receipt | None
    leave: Leave | None  # that still stands
    task: Task | None
    outstanding: tuple[str, ...]
    titles: Mapping[str, str]  # of the intake forms, by kind
    forms: tuple[FormRequest, ...]  # that the order names
    goals: tuple[GoalReminder, ...]  # that still stand
    session_booked: bool
    owner: Client | None  # of the client's address, where another client has it, with an account or made by staff
    message: WaitingMessage | None  # what waits to be read in the chat that the mail is about
    shared: bool  # the document that was, still is


@dataclass(frozen=True, kw_only=True)
class ReadAhead:
    """What several mails of one client are about, each row read once for all of them. ``payments``: each with the
    appointment that it is for. ``facts``, ``titles`` and ``owner`` are there if one of the mails depends on them.
    ``tester``: where every mail of a test client goes."""

    appointments: Mapping[UUID, Appointment]
    therapists: dict[UUID, Therapist]
    payments: Mapping[UUID, tuple[Payment, Appointment]]
    forms: Mapping[UUID, FormRequest]
    facts: JourneyFacts | None
    titles: Mapping[str, str]
    owner: Client | None
    tester: str | None


async def read_ahead(
    session: AsyncSession,
    client: Client,
    orders: Collection[MailOrder],
    *,
    practice: Practice,
    with_owner: bool = False,
) -> ReadAhead:
    """What these mails are about. Of one that makes no sense nothing is read: it fails when it is composed.
    ``with_owner``: the address is asked about in any case."""
    kinds = [MAILS[Mail(order.template)] for order in orders if order.template in MAILS]
    named, paid = _ids(id for order in orders for id in order.appointment_ids), _ids(o.payment_id for o in orders)
    booked, settled = await _appointments(session, named), await _payments(session, paid)
    appointments = {appointment.id: appointment for appointment, _ in booked}
    depends = any(_depends_on_the_journey(kind, appointments.values()) for kind in kinds)
    of_account = with_owner or any(Topic.ADDRESS in kind.about for kind in kinds)
    forms = _ids(id for order in orders for id in (order.form_id, *order.form_ids))
    found = (await session.exec(select(FormRequest).where(col(FormRequest.id).in_(forms)))).all() if forms else ()
    return ReadAhead(
        appointments=appointments,
        therapists={one.id: one for one in (*(each[-1] for each in booked), *(each[-1] for each in settled))},
        payments={payment.id: (payment, appointment) for payment, appointment, _ in settled},
        forms={form.id: form for form in found},
        facts=await journey_facts(session, client) if depends else None,
        titles=await intake_titles(session) if depends else {},
        owner=await owner_of_address(session, client.email, other_than=client) if client.email and of_account else None,
        tester=await tester_of(session, client, care_team=practice.care_team_email),
    )


async def _appointments(session: AsyncSession, ids: set[UUID]) -> Sequence[tuple[Appointment, Therapist]]:
    if not ids:
        return ()
    statement = (
        select(Appointment, Therapist)
        .join(Therapist, col(Therapist.id) == Appointment.therapist_id)
        .where(col(Appointment.id).in_(ids))
        .order_by(col(Appointment.starts_at))
    )
    return (await session.exec(statement)).all()


async def _payments(session: AsyncSession, ids: set[UUID]) -> Sequence[tuple[Payment, Appointment, Therapist]]:
    if not ids:
        return ()
    statement = (
        select(Payment, Appointment, Therapist)
        .join(Appointment, col(Appointment.id) == Payment.appointment_id)
        .join(Therapist, col(Therapist.id) == Appointment.therapist_id)
        .where(col(Payment.id).in_(ids))
    )
    return (await session.exec(statement)).all()


def _ids(said: Iterable[str | None]) -> set[UUID]:
    ids = set()
    for id in said:
        with suppress(ValueError):
            ids.add(UUID(id or ""))
    return ids


async def read_about(
    session: AsyncSession, client: Client, order: MailOrder, kind: MailKind, ahead: ReadAhead
) -> About:
    """The rows of one order, as they stand now: those that it names, and those that its kind asks for. Read ``ahead``
    was this order among others."""
    ids = {UUID(id) for id in order.appointment_ids}
    appointments = tuple(appointment for id, appointment in ahead.appointments.items() if id in ids)
    if kind.tells_times or order.is_of_what_is_on:
        appointments = tuple(a for a in appointments if a.status is AppointmentStatus.SCHEDULED)
    leave = await _leave(session, order) if Topic.LEAVE in kind.about else None
    if leave is not None:
        appointments = tuple(a for a in appointments if a.starts_at < leave.ends_at and leave.starts_at < a.ends_at)
    payment, paid_for = ahead.payments.get(UUID(order.payment_id), (None, None)) if order.payment_id else (None, None)
    about_task = Topic.TASK in kind.about
    task = (await session.exec(select(Task).where(col(Task.key) == order.text))).first() if about_task else None
    offered = await _offered(session, client, order)
    therapist: Therapist | None = None
    if order.therapist is not None:
        therapist = (await session.exec(select(Therapist).where(col(Therapist.slug) == order.therapist))).first()
    elif appointments or paid_for:
        therapist = ahead.therapists[(appointments[0] if appointments else paid_for).therapist_id]  # type: ignore[union-attr]
    elif offered is not None:
        therapist = await _therapist(session, offered.place.therapist_id, ahead)
    elif client.therapist_id is not None:
        therapist = await _therapist(session, client.therapist_id, ahead)
    facts = ahead.facts if _depends_on_the_journey(kind, appointments) else None
    of_account = Topic.ADDRESS in kind.about
    return About(
        client=client,
        therapist=therapist,
        appointments=appointments,
        late_fees=await _late_fees(session, appointments),
        offered=offered,
        payment=payment,
        paid_for=paid_for,
        receipt=await _receipt(session, payment, paid_for, client) if Topic.RECEIPT in kind.about else None,
        leave=leave,
        task=task,
        outstanding=facts.outstanding_forms if facts else (),
        titles=ahead.titles if facts else {},
        forms=_forms(order, ahead),
        goals=await still_reminded_of(session, client, order.goals),
        session_booked=facts is not None and facts.session_booked,
        owner=ahead.owner if of_account else None,
        message=await waiting_for(session, client, UUID(order.chat_id)) if order.chat_id else None,
        shared=order.share_id is not None and await is_shared(session, UUID(order.share_id), client),
    )


async def _therapist(session: AsyncSession, id: UUID, ahead: ReadAhead) -> Therapist:
    if id not in ahead.therapists:
        ahead.therapists[id] = await session.get_one(Therapist, id)
    return ahead.therapists[id]


async def _receipt(
    session: AsyncSession, payment: Payment | None, paid_for: Appointment | None, client: Client
) -> Receipt | None:
    if payment is None or paid_for is None:
        return None
    return await receipt_of(session, PaidFor(payment=payment, appointment=paid_for, client=client))


def _depends_on_the_journey(kind: MailKind, appointments: Iterable[Appointment]) -> bool:
    """Whether it matters to this mail which forms are outstanding, or whether a session is booked."""
    return (
        Topic.FORMS in kind.about
        or Topic.BOOKINGS in kind.about
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


async def _leave(session: AsyncSession, order: MailOrder) -> Leave | None:
    return (await session.exec(select(Leave).where(col(Leave.id) == UUID(order.text), leave_stands()))).first()


async def _offered(session: AsyncSession, client: Client, order: MailOrder) -> Offered | None:
    offer = await session.get(WaitlistOfferRecord, UUID(order.offer_id)) if order.offer_id else None
    place = await session.get(WaitlistPlace, offer.place_id) if offer else None
    if offer is None or place is None or place.client_id != client.id:
        return None
    before = [other for other in (await offers_of(session, [place.id]))[place.id] if other.id != offer.id]
    return Offered(offer=offer, place=place, unanswered=unanswered(before))


def situation_of(order: MailOrder, about: About, *, now: datetime) -> MailSituation:
    """What decides whether the mail is still wanted."""
    client, task, message = about.client, about.task, about.message
    return MailSituation(
        now=now,
        asked_for=order.asked_for,
        by_person=message is not None and message.kind in TOLD_WHILE_ARCHIVED,
        archived=client.status is ClientStatus.ARCHIVED,
        unsubscribed=client.unsubscribed,
        account_active=client.account_active,
        joined=client.joined_into is not None,
        portal=client.portal_settings,
        own_form=order.form_id is not None,  # intake forms go by form_ids
        names_rows=bool(order.appointment_ids or order.payment_id),
        moves=order.is_of_what_is_on,
        only_if_starts_at=order.only_if_starts_at,
        scheduled=tuple(a.starts_at for a in about.appointments if a.status is AppointmentStatus.SCHEDULED),
        address_is_anothers=about.owner is not None,
        forms_wanted=bool(forms_told(order, about)),
        first_booked=client.first_booked_at is not None,
        session_booked=about.session_booked,
        task_open=task is not None and task.resolved_at is None,
        time_held=_is_held(about.offered, now=now),
        leave_stands=about.leave is not None,
        goals_stand=bool(about.goals),
        shared=about.shared,
        message_waits=message is not None,
        card_charged=_is_charged(client, card=order.text),
        payment_waits=about.payment is not None and about.payment.status in CONFIRMABLE,
    )


def _forms(order: MailOrder, ahead: ReadAhead) -> tuple[FormRequest, ...]:
    ids = [UUID(id) for id in (order.form_id, *order.form_ids) if id]
    return tuple(ahead.forms[id] for id in ids if id in ahead.forms)


def titles_of_outstanding(about: About, *, of: Collection[str] | None = None) -> tuple[str, ...]:
    """The titles of the intake forms that are outstanding, of all or of these."""
    return tuple(about.titles[kind] for kind in about.outstanding if of is None or kind in of)


def forms_told(order: MailOrder, about: About) -> tuple[str, ...]:
    """The forms that a mail asks for. One that the practice has made is not named: its title could tell anything."""
    if order.form_id is None and not order.form_ids:
        return titles_of_outstanding(about)
    wanted = [form.kind for form in about.forms if form.status is FormStatus.REQUESTED]
    return tuple(about.titles.get(kind, _OWN_FORM) for kind in wanted)


def forms_gate(order: MailOrder, about: About, *, now: datetime) -> tuple[bool, datetime | None]:
    """Whether the client's own bookings wait for the forms that a mail asks for; if not yet, from when on they will.

    Forms that are not named are those of the first booking. One that the practice has made never gates.
    """
    if order.form_id is None and not order.form_ids:
        return bool(about.outstanding), None
    asked = [form for form in about.forms if form.status is FormStatus.REQUESTED]
    intake = [asking_of(form) for form in asked if form.gates_from is not None or str(form.id) in order.form_ids]
    if any(asking.gates(now) for asking in intake):
        return True, None
    return False, min((asking.gates_from for asking in intake if asking.gates_from is not None), default=None)


def _is_held(offered: Offered | None, *, now: datetime) -> bool:
    return offered is not None and offered.offer.closed_at is None and offered.offer.expires_at > now


def _is_charged(client: Client, *, card: str) -> bool:
    """Whether ``card``, by its key, is the one that is saved."""
    saved = saved_card(client)
    return saved is not None and saved.key == card
