"""All that archiving one client could touch, read from the database: the preview and the archive both start here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, false
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.care.chats import waiting_for
from models.reads.journey import journey_facts
from models.reads.money.balance import credits_of_all, payment_line, pays_in
from models.reads.money.payments import is_stopped
from models.tables.booking.appointment import Appointment
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.booking.therapist import Therapist
from models.tables.booking.waitlist import WaitlistPlace
from models.tables.care.chat import Chat, ChatMember
from models.tables.care.goal import Goal
from models.tables.clients.client import Client
from models.tables.forms.form import FormRequest
from models.tables.mail.outbox import OutboxItem, OutboxStatus
from models.tables.money.credit import Credit
from models.tables.money.payment import Payment
from rules.archive.plan import (
    AppointmentLine,
    ArchiveSituation,
    ChatLine,
    FormLine,
    GoalLine,
    HoldLine,
    ReminderLine,
    TaskLine,
    WaitlistLine,
)
from rules.enums import AppointmentStatus, FormStatus, GoalStatus, Role, TaskKind
from rules.journey.reminders import APPOINTMENT_STARTS, appointment_plan, journey_plan, open_plan
from rules.mail.kinds import Mail
from rules.money.payment_states import UNPAID
from rules.policy import JourneyPolicy


@dataclass(frozen=True, kw_only=True)
class ArchiveLook:
    """What an archive would find, and the rows that it would change: appointments by id, requested forms, and whether
    mails about messages wait."""

    situation: ArchiveSituation
    appointments: Mapping[str, Appointment]
    forms: Sequence[FormRequest]
    mails_wait: bool


async def archive_situation(
    session: AsyncSession, client: Client, *, policy: JourneyPolicy, now: datetime
) -> ArchiveSituation:
    """What an archive at this instant would find; with the client's row locked, it stays true."""
    return (await archive_look(session, client, policy=policy, now=now)).situation


async def archive_look(session: AsyncSession, client: Client, *, policy: JourneyPolicy, now: datetime) -> ArchiveLook:
    """The same with its rows. Of what few clients have, one statement asks whether there is any."""
    there = await _there(session, client)
    booked = await _booked(session, client)
    appointments = [appointment for appointment, *_ in booked]
    payments = sorted((payment for _, payment, _ in booked if payment), key=lambda p: (p.due_at, p.id))
    forms = await _forms(session, client) if there.forms else ()
    facts = await journey_facts(session, client)
    plan = open_plan(journey_plan(facts, policy=policy, now=now), done=())
    due = [ReminderLine(kind=due.kind, at=due.at) for due in plan if due.kind != APPOINTMENT_STARTS]
    due += [line for appointment in appointments for line in _timers_of(appointment, policy=policy)]
    due += await _mails_about_messages(session, client) if there.mails else ()
    therapist = await session.get(Therapist, client.therapist_id) if client.therapist_id else None
    situation = ArchiveSituation(
        appointments=tuple(appointment_line(appointment, slug) for appointment, _, slug in booked),
        payments=tuple(payment_line(payment, frozen=client.charges_frozen) for payment in payments),
        forms=tuple(FormLine(kind=form.kind, status=form.status) for form in forms),
        reminders=tuple(sorted((r for r in due if r.at > now), key=lambda r: (r.at, r.kind, r.about, r.chat))),
        waitlist=tuple(await _waitlist(session, client)) if there.waitlist else (),
        holds=tuple(await _holds(session, client, now=now)) if there.holds else (),
        chats=tuple(await _chats(session, client)) if there.chats else (),
        goals=tuple(_reminding(await _goals(session, client))) if there.goals else (),
        tasks=tuple(TaskLine(id=task.id, kind=TaskKind(task.kind)) for task in facts.open_tasks),
        currency=there.currency,
        credits=await credits_of_all(session, client.id) if there.credits else {},
        reachable=client.email is not None,
        time_zone=therapist.time_zone if therapist else "UTC",
    )
    return ArchiveLook(
        situation=situation,
        appointments={str(appointment.id): appointment for appointment in appointments},
        forms=forms,
        mails_wait=there.mails,
    )


class _There(NamedTuple):
    """What there is of a client at all, and what they pay in."""

    forms: bool
    waitlist: bool
    holds: bool
    chats: bool
    goals: bool
    mails: bool
    credits: bool
    currency: str


async def _there(session: AsyncSession, client: Client) -> _There:
    id = client.id
    found: Any = select(  # type: ignore[call-overload]
        exists().where(_is_asked_for(id)),
        exists().where(_waits(id)),
        exists().where(held_by(id)),
        exists().where(_is_in(id)),
        exists().where(_is_open(id)) if client.portal_settings.get("goals", True) else false(),
        exists().where(_tells_of_messages(id)),
        exists().where(col(Credit.client_id) == id, col(Credit.remaining) > 0),
        pays_in(client),
    )
    return _There(*(await session.exec(found)).one())


async def _booked(session: AsyncSession, client: Client) -> Sequence[tuple[Appointment, Payment | None, str]]:
    """The appointments that are ahead or not marked yet, and those whose payment matters; each with the slug of its
    therapist, in time order."""
    statement: Any = (
        select(Appointment, Payment, Therapist.slug)
        .join(Therapist, col(Therapist.id) == col(Appointment.therapist_id))
        .join(Payment, col(Payment.appointment_id) == col(Appointment.id), isouter=True)
        .where(
            col(Appointment.client_id) == client.id,
            or_(col(Appointment.status) == AppointmentStatus.SCHEDULED, matters_to_an_archive()),
        )
        .order_by(col(Appointment.starts_at), col(Appointment.id))
    )
    found: Sequence[tuple[Appointment, Payment | None, str]] = (await session.exec(statement)).all()
    return found


def matters_to_an_archive() -> ColumnElement[bool]:
    """The condition on ``Payment``: whatever an archive stops, waits for, or counts as owed."""
    return or_(col(Payment.status).in_(UNPAID), is_stopped())


def holds_of(client_id: UUID) -> str:
    """The ``made_by`` of the times that a client holds; what the booking site holds is nobody's yet, and runs out."""
    return f"{Role.CLIENT.value}:{client_id}"


def held_by(client_id: UUID) -> ColumnElement[bool]:
    """The condition on ``OccupiedTime``: held by the client, whether or not the hold has run out."""
    return and_(col(OccupiedTime.made_by) == holds_of(client_id), col(OccupiedTime.expires_at).is_not(None))


def appointment_line(appointment: Appointment, therapist: str) -> AppointmentLine:
    return AppointmentLine(
        id=str(appointment.id),
        type=appointment.type,
        status=appointment.status,
        therapist=therapist,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
    )


def _timers_of(appointment: Appointment, *, policy: JourneyPolicy) -> list[ReminderLine]:
    if appointment.status is not AppointmentStatus.SCHEDULED:
        return []
    plan = appointment_plan(
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        type=appointment.type,
        policy=policy,
        charge_deadline=appointment.agreed.charge_deadline,
        since=appointment.planned_at,
    )
    return [ReminderLine(kind=due.kind, at=due.at, about=str(appointment.id)) for due in plan]


async def _mails_about_messages(session: AsyncSession, client: Client) -> list[ReminderLine]:
    """Those that are put off to a later hour, and would go then as things stand: about what is not read yet."""
    if client.email is None or client.unsubscribed:
        return []
    waiting = select(OutboxItem).where(_tells_of_messages(client.id))
    return [
        ReminderLine(kind=row.template, at=row.next_try_at, chat=str(row.order["chat_id"]))
        for row in (await session.exec(waiting)).all()
        if row.next_try_at is not None and await waiting_for(session, client, UUID(row.order["chat_id"])) is not None
    ]


def _tells_of_messages(client_id: UUID) -> ColumnElement[bool]:
    return and_(
        col(OutboxItem.client_id) == client_id,
        col(OutboxItem.template) == Mail.NEW_MESSAGE.value,
        col(OutboxItem.status) == OutboxStatus.WAITING,
    )


async def _forms(session: AsyncSession, client: Client) -> Sequence[FormRequest]:
    """Those that are asked for; what was submitted stays as it is."""
    statement = select(FormRequest).where(_is_asked_for(client.id))
    return (await session.exec(statement.order_by(col(FormRequest.kind), col(FormRequest.version)))).all()


def _is_asked_for(client_id: UUID) -> ColumnElement[bool]:
    return and_(col(FormRequest.client_id) == client_id, col(FormRequest.status) == FormStatus.REQUESTED)


async def _waitlist(session: AsyncSession, client: Client) -> list[WaitlistLine]:
    statement = (
        select(WaitlistPlace, Therapist.slug)
        .join(Therapist, col(Therapist.id) == col(WaitlistPlace.therapist_id))
        .where(_waits(client.id))
        .order_by(col(WaitlistPlace.joined_at), col(WaitlistPlace.id))
    )
    return [
        WaitlistLine(therapist=slug, type=place.type, wished_from=place.wished_from, wished_until=place.wished_until)
        for place, slug in (await session.exec(statement)).all()
    ]


def _waits(client_id: UUID) -> ColumnElement[bool]:
    return and_(col(WaitlistPlace.client_id) == client_id, col(WaitlistPlace.ended_at).is_(None))


async def _holds(session: AsyncSession, client: Client, *, now: datetime) -> list[HoldLine]:
    statement = (
        select(OccupiedTime, Therapist.slug)
        .join(Therapist, col(Therapist.id) == col(OccupiedTime.therapist_id))
        .where(held_by(client.id), col(OccupiedTime.expires_at) > now)
        .order_by(col(OccupiedTime.starts_at), col(OccupiedTime.id))
    )
    return [
        HoldLine(id=str(hold.id), therapist=slug, type=hold.type, starts_at=hold.starts_at, ends_at=hold.ends_at)
        for hold, slug in (await session.exec(statement)).all()
    ]


async def _chats(session: AsyncSession, client: Client) -> list[ChatLine]:
    statement = (
        select(Chat)
        .join(ChatMember, col(ChatMember.chat_id) == col(Chat.id))
        .where(_is_in(client.id))
        .order_by(col(Chat.made_at), col(Chat.id))
    )
    return [ChatLine(id=str(chat.id), kind=chat.kind) for chat in await session.exec(statement)]


def _is_in(client_id: UUID) -> ColumnElement[bool]:
    return and_(col(ChatMember.client_id) == client_id, col(ChatMember.left_at).is_(None))


async def _goals(session: AsyncSession, client: Client) -> Sequence[Goal]:
    statement = select(Goal).where(_is_open(client.id)).order_by(col(Goal.made_at), col(Goal.id))
    return (await session.exec(statement)).all()


def _is_open(client_id: UUID) -> ColumnElement[bool]:
    return and_(col(Goal.client_id) == client_id, col(Goal.status) == GoalStatus.OPEN)


def _reminding(goals: Iterable[Goal]) -> list[GoalLine]:
    return [
        GoalLine(id=str(goal.id), weekday=goal.remind_weekday, minute=goal.remind_minute)
        for goal in goals
        if goal.remind_weekday is not None and goal.remind_minute is not None
    ]
