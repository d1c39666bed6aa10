"""The journey's facts: what the database knows of one client, as the value that rules and workflows reason about."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import (
    Boolean,
    Integer,
    ScalarSelect,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    or_,
)
from sqlalchemy import select as select_columns
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from models.columns import Document
from models.pending import write_all_but_clients
from models.reads.care.goals import goals_to_remind_of, may_be_reminded_of_goals
from models.reads.forms.requests import FormsOf, asking_of
from models.reads.forms.texts import intake_kinds
from models.reads.money.balance import saved_card
from models.reads.money.debts import Unpaid, card_is_newer, debts_to_settle
from models.reads.outbox import next_delivery
from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from models.tables.clients.task import Task
from models.tables.forms.form import FormRequest
from models.tables.forms.text import PracticeText
from models.tables.money.payment import Payment
from rules.enums import AppointmentStatus, AppointmentType, ClientStatus, FormStatus
from rules.journey.goals import GoalReminder
from rules.journey.stage import AskedForm, JourneyFacts, OpenAppointment, OpenTask, TaskPayment, stage_of
from rules.money.disputes import has_ended
from rules.money.payment_states import UNPAID

_WAS_OR_WILL_BE = (AppointmentStatus.SCHEDULED, AppointmentStatus.OCCURRED, AppointmentStatus.NO_SHOW)


@dataclass(frozen=True, kw_only=True)
class _FormRequest:
    """A form request; ``place``: of an intake form among those."""

    id: UUID
    kind: str
    version: int
    status: FormStatus
    requested_at: datetime
    gates_from: datetime | None
    place: int | None


@dataclass(frozen=True, kw_only=True)
class _Task:
    id: str
    key: str
    kind: str
    data: dict[str, Any]
    payment: TaskPayment | None


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What the one question about a client finds. ``due``, ``due_of``: when the journey, and the one appointment that
    was asked about, have something to deliver next. The rest is what ``JourneyFacts`` is made of."""

    therapist: str | None
    time_zone: str | None
    told_at: datetime | None
    open_appointments: tuple[OpenAppointment, ...]
    intro_occurred_at: datetime | None
    unbooked_since: datetime | None
    session_booked: bool | None
    session_occurred: bool | None
    forms: list[_FormRequest]
    intake: list[str]
    tasks: list[_Task]
    unpaid: list[Unpaid]
    goals: tuple[GoalReminder, ...]
    due: datetime | None
    due_of: datetime | None


_FOUND = TypeAdapter(_Found)


async def journey_facts(session: AsyncSession, client: Client, *, now: datetime | None = None) -> JourneyFacts:
    """A snapshot of one client, as of this transaction. Which forms gate bookings is as of the newest fact, or ``now``
    for whoever must know it to the instant."""
    await write_all_but_clients(session)
    return _facts(client, await _find(session, client, None), now=now)


async def facts_before(session: AsyncSession, client: Client, *, now: datetime) -> JourneyFacts:
    """The same, at this instant, by what stands in the database and in the client's row at hand: what else the step has
    changed is not written first."""
    return _facts(client, await _find(session, client, None), now=now)


async def facts_before_and_at(
    session: AsyncSession, client: Client, *, now: datetime
) -> tuple[JourneyFacts, JourneyFacts]:
    """As of the newest fact, and at this instant, by one question."""
    await write_all_but_clients(session)
    found = await _find(session, client, None)
    return _facts(client, found), _facts(client, found, now=now)


async def project(session: AsyncSession, client: Client) -> JourneyFacts:
    """Write the stage that follows from the facts, and the one that the client side is shown; return the facts. The
    last line of every step."""
    facts, _ = await project_beside(session, client, None)
    return facts


async def project_beside(
    session: AsyncSession, client: Client, appointment_id: UUID | None
) -> tuple[JourneyFacts, datetime | None]:
    """The same, and when the workflow of one appointment has something to deliver next."""
    await write_all_but_clients(session)
    found = await _find(session, client, appointment_id)
    facts = _facts(client, found)
    client.stage, client.stage_shown = stage_of(facts), stage_of(facts, as_if_active=True)
    session.add(client)
    return facts, found.due_of


async def _find(session: AsyncSession, client: Client, appointment_id: UUID | None) -> _Found:
    """All of it in one question. Of what is over, which only grows, it brings sums; and what is known of the client
    itself, whose row is at hand, it takes from there: that need not be written yet."""
    asked = {
        "of_client": client.id,
        "therapist": client.therapist_id,
        "newest_fact": client.fact_seq,
        "card": client.stripe_payment_method,
        "never_booked": client.first_booked_at is None,
        "goals_mailed": may_be_reminded_of_goals(client),
        "of_appointment": appointment_id,
    }
    statement = _question(beside=appointment_id is not None)
    with session.no_autoflush:
        return _FOUND.validate_python((await session.exec(statement, params=asked)).one()._asdict())


class _AnyClient:
    """A client of whom nothing is known yet: what the question needs of the row is named, and given as it is asked."""

    id = bindparam("of_client", type_=Uuid())
    therapist_id = bindparam("therapist", type_=Uuid())
    fact_seq = bindparam("newest_fact", type_=Integer())
    stripe_payment_method = bindparam("card", type_=Text())


@cache
def _question(*, beside: bool) -> Any:
    """Made once: making it anew, and its key for what is compiled already, took longer than all else of a step's read.
    ``beside``: also about one appointment's workflow."""
    client: Any = _AnyClient
    appointment: Any = bindparam("of_appointment", type_=Uuid()) if beside else None
    past = _past(client).subquery("past")
    never_booked = bindparam("never_booked", type_=Boolean())
    return (
        select_columns(
            col(Therapist.slug).label("therapist"),
            col(Therapist.time_zone),
            col(Fact.at).label("told_at"),
            *past.c,
            _rows(_open_appointments(client)).label("open_appointments"),
            _rows(_forms(client)).label("forms"),
            func.array(intake_kinds().where(never_booked).scalar_subquery()).label("intake"),
            _rows(_tasks(client)).label("tasks"),
            _rows(_unpaid(client)).label("unpaid"),
            _rows(goals_to_remind_of(client.id, bindparam("goals_mailed", type_=Boolean()))).label("goals"),
            next_delivery(client.id, None).label("due"),
            next_delivery(client.id, appointment).label("due_of"),
        )
        .select_from(past)  # one row, whatever there is
        .join(Therapist, col(Therapist.id) == client.therapist_id, isouter=True)
        .join(Fact, and_(col(Fact.client_id) == client.id, col(Fact.seq) == client.fact_seq), isouter=True)
    )


def _rows(statement: Select[*tuple[Any, ...]]) -> ScalarSelect[Any]:
    """The rows of a smaller question, in its order, as a list of documents by the names of its columns."""
    row = func.to_jsonb(statement.subquery().table_valued())
    return select_columns(func.coalesce(func.jsonb_agg(row), literal([], Document), type_=Document)).scalar_subquery()


def _past(client: Client) -> Select[*tuple[Any, ...]]:
    """One row about all appointments that there ever were. Of one with nothing of a kind, the sum is null."""
    at = col(Appointment.status)
    is_session = col(Appointment.type) == AppointmentType.SESSION
    intro_occurred = and_(
        col(Appointment.type) == AppointmentType.INTRO_CALL,
        at == AppointmentStatus.OCCURRED,
        col(Appointment.therapist_id) == client.therapist_id,
    )
    return select_columns(
        func.max(Appointment.ends_at).filter(intro_occurred).label("intro_occurred_at"),
        func.max(func.greatest(Appointment.outcome_at, Appointment.cancelled_at)).label("unbooked_since"),
        func.bool_or(and_(is_session, at.in_(_WAS_OR_WILL_BE))).label("session_booked"),
        func.bool_or(and_(is_session, at == AppointmentStatus.OCCURRED)).label("session_occurred"),
    ).where(col(Appointment.client_id) == client.id)


def _open_appointments(client: Client) -> Select[*tuple[Any, ...]]:
    return (
        select_columns(
            col(Appointment.id),
            col(Appointment.type),
            col(Appointment.starts_at),
            col(Appointment.ends_at),
            col(Appointment.planned_at),
        )
        .where(col(Appointment.client_id) == client.id, col(Appointment.status) == AppointmentStatus.SCHEDULED)
        .order_by(col(Appointment.starts_at), col(Appointment.id))
    )


def _forms(client: Client) -> Select[*tuple[Any, ...]]:
    """Intake forms, whose earlier versions count, and what of the rest is open; in the order of intake."""
    place = col(PracticeText.intake_place)
    return (
        select_columns(
            col(FormRequest.id),
            col(FormRequest.kind),
            col(FormRequest.version),
            col(FormRequest.status),
            col(FormRequest.requested_at),
            col(FormRequest.gates_from),
            place.label("place"),
        )
        .join(
            PracticeText,
            and_(col(PracticeText.kind) == FormRequest.kind, col(PracticeText.version) == FormRequest.version),
            isouter=True,
        )
        .where(
            col(FormRequest.client_id) == client.id,
            or_(place.is_not(None), col(FormRequest.status) == FormStatus.REQUESTED),
        )
        .order_by(place, col(FormRequest.kind), col(FormRequest.version), col(FormRequest.number))
    )


def _tasks(client: Client) -> Select[*tuple[Any, ...]]:
    about = func.jsonb_build_object(
        *(part for of in fields(TaskPayment) for part in (of.name, getattr(Payment, of.name)))
    )
    return (
        select_columns(
            col(Task.id),
            col(Task.key),
            col(Task.kind),
            col(Task.data),
            case((col(Payment.id).is_not(None), about)).label("payment"),
        )
        .join(Payment, col(Payment.id) == cast(col(Task.data)["payment_id"].astext, Uuid), isouter=True)
        .where(col(Task.client_id) == client.id, col(Task.resolved_at).is_(None))
        .order_by(col(Task.opened_at), col(Task.key))
    )


def _unpaid(client: Client) -> Select[*tuple[Any, ...]]:
    return (
        select_columns(
            col(Payment.id),
            col(Payment.status),
            col(Payment.because),
            col(Payment.attempts),
            col(Payment.next_try_at),
            card_is_newer(client).label("card_is_newer"),
        )
        .where(col(Payment.client_id) == client.id, col(Payment.status).in_(UNPAID))
        .order_by(col(Payment.due_at), col(Payment.id))
    )


def _facts(client: Client, found: _Found, *, now: datetime | None = None) -> JourneyFacts:
    forms = FormsOf(
        never_booked=client.first_booked_at is None,
        as_of=found.told_at or client.created_at,
        requests=found.forms,
        places={form.kind: form.place for form in found.forms if form.place is not None},
    )
    return JourneyFacts(
        version=client.fact_seq,
        ref=client.ref,
        archived=client.status is ClientStatus.ARCHIVED,
        first_name=client.first_name,
        created_at=client.created_at,
        therapist=found.therapist,
        matched_at=client.matched_at,
        anonymous=not any((client.first_name, client.last_name, client.email, client.phone)),
        reachable=client.email is not None,
        known_since=client.reachable_since,
        account_active=client.account_active,
        first_booked_at=client.first_booked_at,
        forms_requested_at=max(
            (form.requested_at for form in forms.requests if forms.is_first_asking(form)), default=None
        ),
        outstanding_forms=forms.outstanding(found.intake, now=now),
        open_appointments=found.open_appointments,
        intro_occurred_at=found.intro_occurred_at,
        unbooked_since=found.unbooked_since,
        session_booked=bool(found.session_booked),
        session_occurred=bool(found.session_occurred),
        open_tasks=tuple(_open_task(task) for task in found.tasks),
        card=saved_card(client),
        payment_open=bool(found.unpaid),
        time_zone=client.time_zone or found.time_zone or "UTC",
        goals=found.goals,
        asked_forms=tuple(_asked_forms(forms, as_of=now or forms.as_of)),
        active_since=client.active_since,
        debts=tuple(debts_to_settle(client, found.unpaid)),
        deliver_at=found.due,
    )


def _open_task(task: _Task) -> OpenTask:
    return OpenTask(
        key=task.key,
        kind=task.kind,
        id=task.id,
        appointment_id=task.data.get("appointment_id"),
        payment=task.payment,
        other_id=task.data.get("other_id"),
        amount=task.data.get("amount"),
        over=has_ended(task.data.get("state", "")),
    )


def _asked_forms(forms: FormsOf[_FormRequest], *, as_of: datetime) -> Iterator[AskedForm]:
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
