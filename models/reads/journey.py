"""The journey's facts: what the database knows of one client, as the value that rules and workflows reason about."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid, and_, cast
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.care.goals import goals_to_remind_of, has_reminders
from models.reads.forms.requests import FormsOf, asking_of, forms_by_client, outstanding_forms
from models.reads.money.balance import saved_card
from models.reads.money.debts import debts_to_settle
from models.reads.outbox import next_delivery
from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.tables.money.payment import Payment
from rules.enums import AppointmentStatus, AppointmentType, ClientStatus, FormStatus
from rules.journey.stage import AskedForm, JourneyFacts, OpenAppointment, OpenTask, TaskPayment, stage_of
from rules.money.disputes import has_ended
from rules.money.payment_states import UNPAID


@dataclass(frozen=True)
class _Pending:
    """What waits of one client. ``unpaid``: payments that are not settled, by due time. ``due``, ``due_of``: when the
    journey, and the one appointment that was asked about, have something to deliver next."""

    unpaid: Sequence[Payment]
    due: datetime | None
    due_of: datetime | None
    reminders: bool


async def journey_facts(session: AsyncSession, client: Client, *, now: datetime | None = None) -> JourneyFacts:
    """A snapshot of one client, as of this transaction. Which forms gate bookings is as of the newest fact, or ``now``
    for whoever must know it to the instant."""
    await session.flush()
    return await _facts(session, client, await _pending(session, client, None), now=now)


async def _pending(session: AsyncSession, client: Client, appointment_id: UUID | None) -> _Pending:
    statement = (
        select(
            Payment,
            next_delivery(client.id, None),
            next_delivery(client.id, appointment_id),
            has_reminders(client.id),
        )
        .select_from(Client)
        .join(Payment, and_(col(Payment.client_id) == Client.id, col(Payment.status).in_(UNPAID)), isouter=True)
        .where(col(Client.id) == client.id)
        .order_by(col(Payment.due_at), col(Payment.id))
    )
    found: Sequence[tuple[Payment | None, datetime | None, datetime | None, bool]]
    found = (await session.exec(statement)).all()
    unpaid: list[Payment | None] = [payment for payment, *_ in found]
    _, due, due_of, reminders = found[0]
    return _Pending([payment for payment in unpaid if payment is not None], due, due_of, reminders)


async def _facts(
    session: AsyncSession, client: Client, pending: _Pending, *, now: datetime | None = None
) -> JourneyFacts:
    therapist = await session.get(Therapist, client.therapist_id) if client.therapist_id else None
    appointments: Sequence[Appointment] = ()
    if client.first_booked_at is not None:
        appointments = (await session.exec(select(Appointment).where(col(Appointment.client_id) == client.id))).all()
    forms = (await forms_by_client(session, [client.id]))[client.id]
    tasks = (
        await session.exec(
            select(Task, Payment)
            .join(Payment, col(Payment.id) == cast(col(Task.data)["payment_id"].astext, Uuid), isouter=True)
            .where(col(Task.client_id) == client.id, col(Task.resolved_at).is_(None))
            .order_by(col(Task.opened_at), col(Task.key))
        )
    ).all()
    sessions = [a for a in appointments if a.type is AppointmentType.SESSION]
    return JourneyFacts(
        version=client.fact_seq,
        ref=client.ref,
        archived=client.status is ClientStatus.ARCHIVED,
        first_name=client.first_name,
        created_at=client.created_at,
        therapist=therapist.slug if therapist else None,
        matched_at=client.matched_at,
        anonymous=not any((client.first_name, client.last_name, client.email, client.phone)),
        reachable=client.email is not None,
        known_since=client.reachable_since,
        account_active=client.account_active,
        first_booked_at=client.first_booked_at,
        forms_requested_at=max(
            (form.requested_at for form in forms.requests if forms.is_first_asking(form)), default=None
        ),
        outstanding_forms=(await outstanding_forms(session, {client.id: forms}, now=now))[client.id],
        open_appointments=tuple(
            OpenAppointment(
                id=str(a.id), type=a.type, starts_at=a.starts_at, ends_at=a.ends_at, planned_at=a.planned_at
            )
            for a in sorted(appointments, key=lambda a: a.starts_at)
            if a.status is AppointmentStatus.SCHEDULED
        ),
        intro_occurred_at=max(
            (
                a.ends_at
                for a in appointments
                if a.type is AppointmentType.INTRO_CALL
                and a.status is AppointmentStatus.OCCURRED
                and a.therapist_id == client.therapist_id
            ),
            default=None,
        ),
        unbooked_since=max(
            (at for a in appointments for at in (a.outcome_at, a.cancelled_at) if at is not None), default=None
        ),
        session_booked=any(
            a.status in (AppointmentStatus.SCHEDULED, AppointmentStatus.OCCURRED, AppointmentStatus.NO_SHOW)
            for a in sessions
        ),
        session_occurred=any(a.status is AppointmentStatus.OCCURRED for a in sessions),
        open_tasks=tuple(_open_task(task, payment) for task, payment in tasks),
        card=saved_card(client),
        payment_open=bool(pending.unpaid),
        time_zone=client.time_zone or (therapist.time_zone if therapist else "UTC"),
        goals=await goals_to_remind_of(session, client) if pending.reminders else (),
        asked_forms=tuple(_asked_forms(forms, as_of=now or forms.as_of)),
        active_since=client.active_since,
        debts=await debts_to_settle(session, client, pending.unpaid),
        deliver_at=pending.due,
    )


def _open_task(task: Task, payment: Payment | None) -> OpenTask:
    about = None
    if payment is not None:
        about = TaskPayment(
            id=str(payment.id),
            status=payment.status,
            amount=payment.amount,
            currency=payment.currency,
            deadline=payment.deadline,
            because=payment.because,
            refunded=payment.refunded,
        )
    return OpenTask(
        key=task.key,
        kind=task.kind.value,
        id=str(task.id),
        appointment_id=task.data.get("appointment_id"),
        payment=about,
        other_id=task.data.get("other_id"),
        amount=task.data.get("amount"),
        over=has_ended(task.data.get("state", "")),
    )


def _asked_forms(forms: FormsOf, *, as_of: datetime) -> Iterator[AskedForm]:
    """Those that are reminded of one by one, in the order in which they were asked for."""
    for form in sorted(forms.requests, key=lambda form: (form.requested_at, form.id)):
        if form.status is not FormStatus.REQUESTED or forms.is_first_asking(form):
            continue
        later = form.gates_from is not None and not asking_of(form).gates(as_of)
        yield AskedForm(
            id=str(form.id),
            asked_at=form.requested_at,
            intake=forms.is_intake(form),
            gates_from=form.gates_from if later else None,
        )


async def project(session: AsyncSession, client: Client) -> JourneyFacts:
    """Write the stage that follows from the facts, and the one that the client side is shown; return the facts. The
    last line of every step."""
    facts, _ = await project_beside(session, client, None)
    return facts


async def project_beside(
    session: AsyncSession, client: Client, appointment_id: UUID | None
) -> tuple[JourneyFacts, datetime | None]:
    """The same, and when the workflow of one appointment has something to deliver next."""
    await session.flush()
    pending = await _pending(session, client, appointment_id)
    facts = await _facts(session, client, pending)
    client.stage, client.stage_shown = stage_of(facts), stage_of(facts, as_if_active=True)
    session.add(client)
    return facts, pending.due_of
