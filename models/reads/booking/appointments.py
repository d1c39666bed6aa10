"""Appointments with what is shown beside them, and the therapist's calendar as a list."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func
from sqlalchemy import select as select_columns
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, one_page
from models.reads.booking.therapists import slugs_of
from models.reads.changed_since import ChangedSince
from models.reads.forms.requests import forms_by_client, outstanding_forms
from models.reads.visibility import may_see_appointment
from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.tables.money.payment import Payment
from rules.accounts.caller import Caller
from rules.enums import AppointmentStatus, Mode


@dataclass(frozen=True, kw_only=True)
class AppointmentFilter:
    therapist: str | None = None
    client: UUID | None = None
    status: AppointmentStatus | None = None
    starts_from: datetime | None = None
    starts_before: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class AppointmentRow:
    """An appointment with its client, its therapist's slug, its payment, and the forms still outstanding.

    Whoever sees an appointment, and is of the practice, knows whose it is: a former therapist too.
    """

    appointment: Appointment
    client: Client
    therapist: str
    payment: Payment | None
    outstanding_forms: tuple[str, ...]


async def visible_appointment(session: AsyncSession, caller: Caller, appointment_id: UUID) -> AppointmentRow | None:
    seen = await appointments_by_id(session, caller, [appointment_id])
    return seen[0] if seen else None


async def owner_of_appointment(session: AsyncSession, caller: Caller, appointment_id: UUID) -> tuple[UUID, str] | None:
    """The client (id) and the therapist (slug) of an appointment that the caller may see."""
    statement = (
        select(Appointment.client_id, Therapist.slug)
        .join(Therapist, col(Therapist.id) == col(Appointment.therapist_id))
        .where(col(Appointment.id) == appointment_id, may_see_appointment(caller))
    )
    return (await session.exec(statement)).first()


async def appointments_by_id(session: AsyncSession, caller: Caller, ids: Collection[UUID]) -> list[AppointmentRow]:
    """Those of these appointments that the caller may see, in the order of time."""
    statement = (
        select(Appointment)
        .where(col(Appointment.id).in_(ids), may_see_appointment(caller))
        .order_by(col(Appointment.starts_at), col(Appointment.id))
    )
    return await appointment_rows(session, (await session.exec(statement)).all())


async def list_appointments(
    session: AsyncSession, caller: Caller, wanted: AppointmentFilter, page: Page, *, newest_first: bool = False
) -> Sequence[Appointment]:
    """Appointments in the order of time, or the last one first; one more than the page holds, if there are more."""
    places = (col(Appointment.starts_at), col(Appointment.id))
    order = [place.desc() if newest_first else place.asc() for place in places]
    statement = select(Appointment).where(*_such(caller, wanted)).order_by(*order)
    return await one_page(session, statement, page, *places, descending=newest_first)


async def list_changed_appointments(
    session: AsyncSession, caller: Caller, wanted: AppointmentFilter, page: Page, changed: ChangedSince
) -> Sequence[tuple[Appointment, datetime]]:
    """Those that have changed, or whose payment has, each with when; one more than the page holds, if there are
    more."""
    statement: Any = select_columns(Appointment, changed.at).where(*_such(caller, wanted))
    statement = statement.join(changed.latest, changed.item == col(Appointment.id))
    places = (changed.at, col(Appointment.id))
    return await one_page(session, statement.order_by(*places), page, *places)


def _such(caller: Caller, wanted: AppointmentFilter) -> Iterator[ColumnElement[bool]]:
    yield may_see_appointment(caller)
    if wanted.therapist is not None:
        theirs = select(Therapist.id).where(col(Therapist.slug) == wanted.therapist)
        yield col(Appointment.therapist_id).in_(theirs)
    if wanted.client is not None:
        yield col(Appointment.client_id) == wanted.client
    if wanted.status is not None:
        yield col(Appointment.status) == wanted.status
    if wanted.starts_from is not None:
        yield col(Appointment.starts_at) >= wanted.starts_from
    if wanted.starts_before is not None:
        yield col(Appointment.starts_at) < wanted.starts_before


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


async def old_links(session: AsyncSession, *, now: datetime, limit: int) -> list[tuple[UUID, str]]:
    """Clients with an appointment ahead by Zoom whose link is not its therapist's present one, with that therapist's
    slug."""
    statement = (
        select(Appointment.client_id, Therapist.slug)
        .join(Therapist, col(Therapist.id) == col(Appointment.therapist_id))
        .where(
            col(Appointment.status) == AppointmentStatus.SCHEDULED,
            col(Appointment.mode) == Mode.ZOOM,
            col(Appointment.starts_at) > now,
            col(Appointment.join_url).is_distinct_from(col(Therapist.zoom_link)),
        )
        .distinct()
        .order_by(col(Appointment.client_id), col(Therapist.slug))
        .limit(limit)
    )
    return list((await session.exec(statement)).all())


async def appointment_rows(session: AsyncSession, appointments: Sequence[Appointment]) -> list[AppointmentRow]:
    """Each appointment with what is shown beside it, in three queries."""
    slugs = await slugs_of(session, {appointment.therapist_id for appointment in appointments})
    beside: Any = (
        select(Appointment.id, Client, Payment)
        .join(Client, col(Client.id) == col(Appointment.client_id))
        .join(Payment, col(Payment.appointment_id) == col(Appointment.id), isouter=True)
        .where(col(Appointment.id).in_([appointment.id for appointment in appointments]))
    )
    known = {id: (client, payment) for id, client, payment in await session.exec(beside)}
    forms = await forms_by_client(session, {appointment.client_id for appointment in appointments})
    missing = await outstanding_forms(session, forms)
    return [
        AppointmentRow(
            appointment=appointment,
            client=known[appointment.id][0],
            therapist=slugs[appointment.therapist_id],
            payment=known[appointment.id][1],
            outstanding_forms=missing[appointment.client_id],
        )
        for appointment in appointments
    ]
