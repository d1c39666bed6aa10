"""What the API reads. Who may see a row is part of each query: what a caller may not see is not found.

The care team and admins see every client, and so does the booking site, which acts for them. A client sees
only their own, a therapist only the clients matched with them now, and appointments of their own besides.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, true
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.appointment import Appointment
from models.client import Client
from models.credit import Credit
from models.fact import Fact
from models.form import FormRequest
from models.match import Match
from models.paging import Page, beyond
from models.payment import Payment
from models.refund import Refund
from models.task import Task
from models.therapist import Therapist
from models.token import Token, TokenKind
from rules.forms import INTAKE_FORMS, outstanding
from rules.people import Caller
from rules.words import AppointmentStatus, ClientStatus, FormKind, FormStatus, Mode, Role, Stage, TaskKind

Row = TypeVar("Row")

# ---------------------------------------------------------------- who may see what


def _therapist_of(caller: Caller) -> ColumnElement[UUID]:
    return select(Therapist.id).where(col(Therapist.slug) == caller.therapist).scalar_subquery()


def may_see_client(caller: Caller) -> ColumnElement[bool]:
    """The condition on ``Client`` for this caller."""
    if caller.is_staff:
        return true()
    one_record = col(Client.joined_into).is_(None)  # what was joined into another is left to staff
    if caller.role is Role.BOOKING_SITE:
        return one_record
    if caller.role is Role.CLIENT and caller.client_id:
        return and_(col(Client.id) == UUID(caller.client_id), one_record)
    if caller.role is Role.THERAPIST:
        return and_(col(Client.therapist_id) == _therapist_of(caller), one_record)
    return false()


def may_see_appointment(caller: Caller) -> ColumnElement[bool]:
    """The condition on ``Appointment``: those of the clients one sees, and a therapist's own."""
    clients = exists().where(col(Client.id) == col(Appointment.client_id), may_see_client(caller))
    if caller.role is Role.THERAPIST:
        return or_(col(Appointment.therapist_id) == _therapist_of(caller), clients)
    return clients


# ---------------------------------------------------------------- therapists


async def therapist_by_slug(session: AsyncSession, slug: str) -> Therapist | None:
    return (await session.exec(select(Therapist).where(col(Therapist.slug) == slug))).first()


async def list_therapists(session: AsyncSession, *, page: Page, accepting: bool | None = None) -> Sequence[Therapist]:
    """Therapists by slug; one more than the page holds, if there are more."""
    statement = select(Therapist).order_by(col(Therapist.slug))
    if accepting is not None:
        statement = statement.where(col(Therapist.accepting_clients) == accepting)
    return await _page(session, statement, page, Therapist.slug)


async def active_clients(session: AsyncSession, therapists: Collection[UUID]) -> dict[UUID, int]:
    """How many active clients each therapist has now."""
    statement = (
        select(Client.therapist_id, func.count())
        .where(
            col(Client.therapist_id).in_(therapists),
            col(Client.status) == ClientStatus.ACTIVE,
            col(Client.closed_at).is_(None),
        )
        .group_by(col(Client.therapist_id))
    )
    return {therapist: number for therapist, number in await session.exec(statement) if therapist}


# ---------------------------------------------------------------- clients


@dataclass(frozen=True, kw_only=True)
class ClientFilter:
    """Which clients to list. ``None`` is any."""

    status: ClientStatus | None = None
    stage: Stage | None = None
    therapist: str | None = None
    group: UUID | None = None
    q: str | None = None


@dataclass(frozen=True, kw_only=True)
class ClientRow:
    """A client with what a list shows beside it."""

    client: Client
    therapist: str | None
    outstanding_forms: tuple[str, ...]
    next_appointment_at: datetime | None


async def visible_client(session: AsyncSession, caller: Caller, client_id: UUID) -> Client | None:
    statement = select(Client).where(col(Client.id) == client_id, may_see_client(caller))
    return (await session.exec(statement)).first()


async def list_clients(session: AsyncSession, caller: Caller, wanted: ClientFilter, page: Page) -> Sequence[Client]:
    """Clients, newest first; one more than the page holds, if there are more."""
    statement = (
        select(Client)
        .where(may_see_client(caller), col(Client.joined_into).is_(None))
        .order_by(col(Client.created_at).desc(), col(Client.id).desc())
    )
    if wanted.status is not None:
        statement = statement.where(col(Client.status) == wanted.status)
    if wanted.stage is not None:
        seen = Client.stage if caller.is_practice else Client.stage_shown
        statement = statement.where(col(seen) == wanted.stage)
    if wanted.therapist is not None:
        theirs = select(Therapist.id).where(col(Therapist.slug) == wanted.therapist)
        statement = statement.where(col(Client.therapist_id).in_(theirs))
    if wanted.group is not None:
        statement = statement.where(col(Client.group_id) == wanted.group)
    if wanted.q:
        name = func.concat_ws(" ", Client.first_name, Client.last_name)
        looked_in = (name, col(Client.email), col(Client.ref), col(Client.phone))
        statement = statement.where(or_(*(text.icontains(wanted.q, autoescape=True) for text in looked_in)))
    return await _page(session, statement, page, Client.created_at, Client.id, descending=True)


async def with_context(session: AsyncSession, clients: Sequence[Client], *, now: datetime) -> list[ClientRow]:
    """Each client with therapist, outstanding forms and next appointment, in three queries."""
    ids = [client.id for client in clients]
    slugs = await _slugs(session, {client.therapist_id for client in clients if client.therapist_id})
    missing = await outstanding_forms(session, ids)
    ahead = (
        select(Appointment.client_id, func.min(Appointment.starts_at))
        .where(
            col(Appointment.client_id).in_(ids),
            col(Appointment.status) == AppointmentStatus.SCHEDULED,
            col(Appointment.starts_at) > now,
        )
        .group_by(col(Appointment.client_id))
    )
    next_starts = dict((await session.exec(ahead)).all())
    return [
        ClientRow(
            client=client,
            therapist=slugs.get(client.therapist_id) if client.therapist_id else None,
            outstanding_forms=missing[client.id],
            next_appointment_at=next_starts.get(client.id),
        )
        for client in clients
    ]


async def outstanding_forms(session: AsyncSession, clients: Collection[UUID]) -> dict[UUID, tuple[str, ...]]:
    """The intake forms each client has still to complete."""
    statement = select(FormRequest.client_id, FormRequest.kind, FormRequest.version).where(
        col(FormRequest.client_id).in_(clients), col(FormRequest.status) == FormStatus.COMPLETE
    )
    complete: dict[UUID, dict[str, int]] = {client_id: {} for client_id in clients}
    for client_id, kind, version in await session.exec(statement):
        complete[client_id][kind] = max(version, complete[client_id].get(kind, 0))
    return {client_id: outstanding(versions) for client_id, versions in complete.items()}


async def present_match(session: AsyncSession, client_id: UUID) -> Match | None:
    statement = select(Match).where(col(Match.client_id) == client_id, col(Match.ended_at).is_(None))
    return (await session.exec(statement)).first()


async def client_of_customer(session: AsyncSession, customer: str) -> Client | None:
    """The client whom Stripe knows as this customer, or whom that one was joined into."""
    known = select(func.coalesce(Client.joined_into, Client.id)).where(col(Client.stripe_customer) == customer)
    return (await session.exec(select(Client).where(col(Client.id).in_(known)))).first()


async def client_of_intent(session: AsyncSession, intent: str) -> Client | None:
    """The client whose payment Stripe knows as this PaymentIntent."""
    statement = select(Client).join(Payment, col(Payment.client_id) == col(Client.id))
    return (await session.exec(statement.where(col(Payment.intent) == intent))).first()


async def client_who_signs_in(session: AsyncSession, email_folded: str) -> Client | None:
    statement = select(Client).where(col(Client.email_folded) == email_folded, col(Client.account_active).is_(True))
    return (await session.exec(statement)).first()


# ---------------------------------------------------------------- a client's timeline


async def facts_of(session: AsyncSession, client_id: UUID, *, after_seq: int, limit: int) -> Sequence[Fact]:
    statement = (
        select(Fact)
        .where(col(Fact.client_id) == client_id, col(Fact.seq) > after_seq)
        .order_by(col(Fact.seq))
        .limit(limit)
    )
    return (await session.exec(statement)).all()


async def fact_of_request(session: AsyncSession, client_id: UUID, request_id: str) -> Fact | None:
    """The fact that records what this request did, once it is done."""
    statement = (
        select(Fact)
        .where(col(Fact.client_id) == client_id, col(Fact.data)["request_id"].astext == request_id)
        .order_by(col(Fact.seq))
    )
    return (await session.exec(statement)).first()


# ---------------------------------------------------------------- appointments


@dataclass(frozen=True, kw_only=True)
class AppointmentFilter:
    therapist: str | None = None
    client: UUID | None = None
    status: AppointmentStatus | None = None
    starts_from: datetime | None = None
    starts_before: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class AppointmentRow:
    """An appointment with its therapist's slug, its payment, and the forms still outstanding."""

    appointment: Appointment
    therapist: str
    payment: Payment | None
    outstanding_forms: tuple[str, ...]


async def visible_appointment(session: AsyncSession, caller: Caller, appointment_id: UUID) -> AppointmentRow | None:
    seen = await appointments_by_id(session, caller, [appointment_id])
    return seen[0] if seen else None


async def appointments_by_id(session: AsyncSession, caller: Caller, ids: Collection[UUID]) -> list[AppointmentRow]:
    """Those of these appointments that the caller may see, in the order of time."""
    statement = (
        select(Appointment)
        .where(col(Appointment.id).in_(ids), may_see_appointment(caller))
        .order_by(col(Appointment.starts_at), col(Appointment.id))
    )
    return await appointment_rows(session, (await session.exec(statement)).all())


async def appointments_of_series(session: AsyncSession, caller: Caller, series_id: UUID) -> list[AppointmentRow]:
    """Those of a series that the caller may see, in the order of weeks."""
    statement = (
        select(Appointment)
        .where(col(Appointment.series_id) == series_id, may_see_appointment(caller))
        .order_by(col(Appointment.week))
    )
    return await appointment_rows(session, (await session.exec(statement)).all())


async def list_appointments(
    session: AsyncSession, caller: Caller, wanted: AppointmentFilter, page: Page
) -> Sequence[Appointment]:
    """Appointments in the order of time; one more than the page holds, if there are more."""
    statement = (
        select(Appointment).where(may_see_appointment(caller)).order_by(col(Appointment.starts_at), col(Appointment.id))
    )
    if wanted.therapist is not None:
        theirs = select(Therapist.id).where(col(Therapist.slug) == wanted.therapist)
        statement = statement.where(col(Appointment.therapist_id).in_(theirs))
    if wanted.client is not None:
        statement = statement.where(col(Appointment.client_id) == wanted.client)
    if wanted.status is not None:
        statement = statement.where(col(Appointment.status) == wanted.status)
    if wanted.starts_from is not None:
        statement = statement.where(col(Appointment.starts_at) >= wanted.starts_from)
    if wanted.starts_before is not None:
        statement = statement.where(col(Appointment.starts_at) < wanted.starts_before)
    return await _page(session, statement, page, Appointment.starts_at, Appointment.id)


def _on_zoom_ahead(therapist_id: UUID, *, now: datetime) -> ColumnElement[bool]:
    """Booked appointments of a therapist that are still to begin on the therapist's own link."""
    return and_(
        col(Appointment.therapist_id) == therapist_id,
        col(Appointment.status) == AppointmentStatus.SCHEDULED,
        col(Appointment.mode) == Mode.ZOOM,
        col(Appointment.starts_at) > now,
    )


async def zoom_appointments_ahead(session: AsyncSession, therapist_id: UUID, *, now: datetime) -> int:
    """How many booked appointments of a therapist are still to begin on the therapist's own link."""
    return (await session.exec(select(func.count()).where(_on_zoom_ahead(therapist_id, now=now)))).one()


async def clients_with_an_old_link(session: AsyncSession, therapist: Therapist, *, now: datetime) -> Sequence[UUID]:
    """The clients who have an appointment ahead by Zoom whose link is not the therapist's present one."""
    old = col(Appointment.join_url).is_distinct_from(therapist.zoom_link)
    statement = select(Appointment.client_id).where(_on_zoom_ahead(therapist.id, now=now), old)
    return (await session.exec(statement.distinct().order_by(col(Appointment.client_id)))).all()


async def appointment_rows(session: AsyncSession, appointments: Sequence[Appointment]) -> list[AppointmentRow]:
    """Each appointment with what is shown beside it, in three queries."""
    slugs = await _slugs(session, {appointment.therapist_id for appointment in appointments})
    of_these = col(Payment.appointment_id).in_([appointment.id for appointment in appointments])
    payments = {payment.appointment_id: payment for payment in await session.exec(select(Payment).where(of_these))}
    missing = await outstanding_forms(session, {appointment.client_id for appointment in appointments})
    return [
        AppointmentRow(
            appointment=appointment,
            therapist=slugs[appointment.therapist_id],
            payment=payments.get(appointment.id),
            outstanding_forms=missing[appointment.client_id],
        )
        for appointment in appointments
    ]


# ---------------------------------------------------------------- forms, payments, tasks


async def forms_of(session: AsyncSession, client_id: UUID) -> Sequence[FormRequest]:
    """A client's forms as they were asked for; those of one moment in the order in which they are filled in."""
    order = list(INTAKE_FORMS)
    found = await session.exec(select(FormRequest).where(col(FormRequest.client_id) == client_id))

    def place(form: FormRequest) -> tuple[datetime, int, str, int]:
        known = form.kind in INTAKE_FORMS
        return form.requested_at, order.index(FormKind(form.kind)) if known else len(order), form.kind, form.version

    return sorted(found, key=place)


async def payments_of(session: AsyncSession, client_id: UUID, page: Page) -> Sequence[Payment]:
    """A client's payments by due time; one more than the page holds, if there are more."""
    statement = (
        select(Payment).where(col(Payment.client_id) == client_id).order_by(col(Payment.due_at), col(Payment.id))
    )
    return await _page(session, statement, page, Payment.due_at, Payment.id)


async def credits_of(session: AsyncSession, client_id: UUID, page: Page) -> Sequence[Credit]:
    """A client's credits, oldest first; one more than the page holds, if there are more."""
    statement = select(Credit).where(col(Credit.client_id) == client_id).order_by(col(Credit.given_at), col(Credit.id))
    return await _page(session, statement, page, Credit.given_at, Credit.id)


async def refunds_of(session: AsyncSession, payment_id: UUID, page: Page) -> Sequence[Refund]:
    """A payment's refunds, oldest first; one more than the page holds, if there are more."""
    statement = (
        select(Refund).where(col(Refund.payment_id) == payment_id).order_by(col(Refund.asked_at), col(Refund.id))
    )
    return await _page(session, statement, page, Refund.asked_at, Refund.id)


async def all_payments_of(session: AsyncSession, client_id: UUID) -> Sequence[Payment]:
    return (await session.exec(select(Payment).where(col(Payment.client_id) == client_id))).all()


async def list_tasks(
    session: AsyncSession,
    *,
    page: Page,
    resolved: bool | None,
    kind: TaskKind | None,
    client: UUID | None,
) -> Sequence[Task]:
    """Tasks, oldest first; one more than the page holds, if there are more."""
    statement = select(Task).order_by(col(Task.opened_at), col(Task.id))
    if resolved is not None:
        done = col(Task.resolved_at)
        statement = statement.where(done.is_not(None) if resolved else done.is_(None))
    if kind is not None:
        statement = statement.where(col(Task.kind) == kind)
    if client is not None:
        statement = statement.where(col(Task.client_id) == client)
    return await _page(session, statement, page, Task.opened_at, Task.id)


# ---------------------------------------------------------------- tokens


@dataclass(frozen=True, kw_only=True)
class KnownToken:
    token: Token
    therapist: str | None


async def token_by_hash(session: AsyncSession, token_hash: str, kinds: Collection[TokenKind]) -> KnownToken | None:
    statement = (
        select(Token, Therapist.slug)
        .join(Therapist, col(Therapist.id) == col(Token.therapist_id), isouter=True)
        .where(col(Token.hash) == token_hash, col(Token.kind).in_(kinds))
    )
    found = (await session.exec(statement)).first()
    return KnownToken(token=found[0], therapist=found[1]) if found else None


# ---------------------------------------------------------------- parts


async def _slugs(session: AsyncSession, therapists: Collection[UUID]) -> dict[UUID, str]:
    statement = select(Therapist.id, Therapist.slug).where(col(Therapist.id).in_(therapists))
    return dict((await session.exec(statement)).all())


async def _page(
    session: AsyncSession,
    statement: SelectOfScalar[Row],
    page: Page,
    *columns: Any,
    descending: bool = False,
) -> Sequence[Row]:
    behind = beyond(page, *columns, descending=descending)
    if behind is not None:
        statement = statement.where(behind)
    return (await session.exec(statement.limit(page.limit + 1))).all()
