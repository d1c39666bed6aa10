"""All that archiving one client could touch, read from the database: the preview and the archive both start here."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.care.chats import waiting_for
from models.reads.journey import journey_facts
from models.reads.money.balance import credits_of_all, currency_of, payment_line
from models.tables.booking.appointment import Appointment
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.booking.therapist import Therapist
from models.tables.booking.waitlist import WaitlistPlace
from models.tables.care.chat import Chat, ChatMember
from models.tables.care.goal import Goal
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.tables.forms.form import FormRequest
from models.tables.mail.outbox import OutboxItem, OutboxStatus
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
from rules.enums import AppointmentStatus, GoalStatus, Role
from rules.journey.reminders import APPOINTMENT_STARTS, appointment_plan, journey_plan, open_plan
from rules.mail.kinds import Mail
from rules.policy import JourneyPolicy


async def archive_situation(
    session: AsyncSession, client: Client, *, policy: JourneyPolicy, now: datetime
) -> ArchiveSituation:
    """What an archive at this instant would find; with the client's row locked, it stays true."""
    appointments = (
        await session.exec(
            select(Appointment, Therapist.slug)
            .join(Therapist, col(Therapist.id) == col(Appointment.therapist_id))
            .where(col(Appointment.client_id) == client.id)
            .order_by(col(Appointment.starts_at), col(Appointment.id))
        )
    ).all()
    payments = (
        await session.exec(
            select(Payment).where(col(Payment.client_id) == client.id).order_by(col(Payment.due_at), col(Payment.id))
        )
    ).all()
    forms = (
        await session.exec(
            select(FormRequest)
            .where(col(FormRequest.client_id) == client.id)
            .order_by(col(FormRequest.kind), col(FormRequest.version))
        )
    ).all()
    facts = await journey_facts(session, client)
    plan = open_plan(journey_plan(facts, policy=policy, now=now), done=())
    due = [ReminderLine(kind=due.kind, at=due.at) for due in plan if due.kind != APPOINTMENT_STARTS]
    due += [line for appointment, _ in appointments for line in _timers_of(appointment, policy=policy)]
    due += await _mails_about_messages(session, client)
    therapist = await session.get(Therapist, client.therapist_id) if client.therapist_id else None
    return ArchiveSituation(
        appointments=tuple(appointment_line(appointment, slug) for appointment, slug in appointments),
        payments=tuple(payment_line(payment, frozen=client.charges_frozen) for payment in payments),
        forms=tuple(FormLine(kind=form.kind, status=form.status) for form in forms),
        reminders=tuple(sorted((r for r in due if r.at > now), key=lambda r: (r.at, r.kind, r.about, r.chat))),
        waitlist=tuple(await _waitlist(session, client)),
        holds=tuple(await _holds(session, client, now=now)),
        chats=tuple(await _chats(session, client)),
        goals=tuple(_reminding(await _goals(session, client))) if client.portal_settings.get("goals", True) else (),
        tasks=tuple(await _tasks(session, client)),
        currency=await currency_of(session, client),
        credits=await credits_of_all(session, client.id),
        reachable=client.email is not None,
        time_zone=therapist.time_zone if therapist else "UTC",
    )


def holds_of(client_id: UUID) -> str:
    """The ``made_by`` of the times that a client holds; what the booking site holds is nobody's yet, and runs out."""
    return f"{Role.CLIENT.value}:{client_id}"


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
    waiting = select(OutboxItem).where(
        col(OutboxItem.client_id) == client.id,
        col(OutboxItem.template) == Mail.NEW_MESSAGE.value,
        col(OutboxItem.status) == OutboxStatus.WAITING,
    )
    return [
        ReminderLine(kind=row.template, at=row.next_try_at, chat=str(row.order["chat_id"]))
        for row in (await session.exec(waiting)).all()
        if row.next_try_at is not None and await waiting_for(session, client, UUID(row.order["chat_id"])) is not None
    ]


async def _tasks(session: AsyncSession, client: Client) -> list[TaskLine]:
    statement = (
        select(Task)
        .where(col(Task.client_id) == client.id, col(Task.resolved_at).is_(None))
        .order_by(col(Task.opened_at), col(Task.id))
    )
    return [TaskLine(id=str(task.id), kind=task.kind) for task in await session.exec(statement)]


async def _waitlist(session: AsyncSession, client: Client) -> list[WaitlistLine]:
    statement = (
        select(WaitlistPlace, Therapist.slug)
        .join(Therapist, col(Therapist.id) == col(WaitlistPlace.therapist_id))
        .where(col(WaitlistPlace.client_id) == client.id, col(WaitlistPlace.ended_at).is_(None))
        .order_by(col(WaitlistPlace.joined_at), col(WaitlistPlace.id))
    )
    return [
        WaitlistLine(therapist=slug, type=place.type, wished_from=place.wished_from, wished_until=place.wished_until)
        for place, slug in (await session.exec(statement)).all()
    ]


async def _holds(session: AsyncSession, client: Client, *, now: datetime) -> list[HoldLine]:
    statement = (
        select(OccupiedTime, Therapist.slug)
        .join(Therapist, col(Therapist.id) == col(OccupiedTime.therapist_id))
        .where(col(OccupiedTime.made_by) == holds_of(client.id), col(OccupiedTime.expires_at) > now)
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
        .where(col(ChatMember.client_id) == client.id, col(ChatMember.left_at).is_(None))
        .order_by(col(Chat.made_at), col(Chat.id))
    )
    return [ChatLine(id=str(chat.id), kind=chat.kind) for chat in await session.exec(statement)]


async def _goals(session: AsyncSession, client: Client) -> Sequence[Goal]:
    statement = (
        select(Goal)
        .where(col(Goal.client_id) == client.id, col(Goal.status) == GoalStatus.OPEN)
        .order_by(col(Goal.made_at), col(Goal.id))
    )
    return (await session.exec(statement)).all()


def _reminding(goals: Iterable[Goal]) -> list[GoalLine]:
    return [
        GoalLine(id=str(goal.id), weekday=goal.remind_weekday, minute=goal.remind_minute)
        for goal in goals
        if goal.remind_weekday is not None and goal.remind_minute is not None
    ]
