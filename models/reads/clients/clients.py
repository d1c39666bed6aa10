"""Clients: one, the list, and what a list shows beside each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, one_page
from models.reads.booking.therapists import slugs_of
from models.reads.forms.requests import forms_by_client, outstanding_forms
from models.reads.visibility import may_oversee_client, may_see_client
from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from rules.accounts.caller import Caller
from rules.enums import AppointmentStatus, ClientStatus, Stage


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


async def overseen_client(session: AsyncSession, caller: Caller, client_id: UUID) -> Client | None:
    """For what is told of who looked, and for openings."""
    statement = select(Client).where(col(Client.id) == client_id, may_oversee_client(caller))
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
    return await one_page(session, statement, page, Client.created_at, Client.id, descending=True)


async def with_context(session: AsyncSession, clients: Sequence[Client], *, now: datetime) -> list[ClientRow]:
    """Each client with therapist, outstanding forms and next appointment, in three queries, or four."""
    ids = [client.id for client in clients]
    slugs = await slugs_of(session, {client.therapist_id for client in clients if client.therapist_id})
    missing = await outstanding_forms(session, await forms_by_client(session, ids), now=now)
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
