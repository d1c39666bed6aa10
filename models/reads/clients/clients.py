"""Clients: one, the list, and what a list shows beside each."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, String, func, literal_column, or_
from sqlalchemy import select as select_columns
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select

from models.paging import Page, one_page
from models.reads.booking.therapists import slugs_of
from models.reads.changed_since import ChangedSince
from models.reads.forms.requests import FormsOf, forms_by_client, outstanding_forms
from models.reads.visibility import may_oversee_client, may_see_client
from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import FOLDED_NAME, NAMELESS, Client
from models.tables.clients.group import ClientGroup
from models.tables.forms.form import FormRequest
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


class ClientSort(StrEnum):
    """``newest``: by when the journey began. ``name``: by last name, then first name, without regard to case and
    accents; who has said none comes last."""

    NEWEST = "newest"
    NAME = "name"

    @property
    def kinds(self) -> tuple[type, ...]:
        """Of the values by which a page of such a list goes on."""
        return (int, str, UUID) if self is ClientSort.NAME else (datetime, UUID)


@dataclass(frozen=True, kw_only=True)
class Totals:
    """How many clients each tab of a list has, and how many groups there are."""

    active: int
    archived: int
    groups: int


@dataclass(frozen=True, kw_only=True)
class ClientRow:
    """A client with what a list shows beside it. ``until``: when time alone makes another of it, if ever."""

    client: Client
    therapist: str | None
    outstanding_forms: tuple[str, ...]
    next_appointment_at: datetime | None
    until: datetime | None


async def visible_client(session: AsyncSession, caller: Caller, client_id: UUID) -> Client | None:
    statement = select(Client).where(col(Client.id) == client_id, may_see_client(caller))
    return (await session.exec(statement)).first()


async def visible_clients(session: AsyncSession, caller: Caller, ids: Collection[UUID]) -> dict[UUID, Client]:
    statement = select(Client).where(col(Client.id).in_(ids), may_see_client(caller))
    return {client.id: client for client in await session.exec(statement)}


async def overseen_client(session: AsyncSession, caller: Caller, client_id: UUID) -> Client | None:
    """For what is told of who looked, and for openings."""
    statement = select(Client).where(col(Client.id) == client_id, may_oversee_client(caller))
    return (await session.exec(statement)).first()


Place = tuple[datetime | UUID | str | int, ...]
Chosen = Select[UUID, int]  # clients, by a statement that finds their ids and numbers them


async def list_clients(
    session: AsyncSession, caller: Caller, wanted: ClientFilter, page: Page, *, sort: ClientSort
) -> Sequence[tuple[Client, Place]]:
    """Clients, each with its place in the list; one more than the page holds, if there are more."""
    places, newest = _places(sort), sort is ClientSort.NEWEST
    statement: Any = select_columns(Client, *places).where(*_of_status(wanted), *_conditions(caller, wanted))
    statement = statement.order_by(*(place.desc() if newest else place for place in places))
    rows: Sequence[Any] = await one_page(session, statement, page, *places, descending=newest)
    return [(client, tuple(place)) for client, *place in rows]


async def list_changed_clients(
    session: AsyncSession, caller: Caller, wanted: ClientFilter, page: Page, changed: ChangedSince
) -> Sequence[tuple[Client, Place]]:
    """Those whose record has changed, each with when; one more than the page holds, if there are more. Who was let go,
    or joined into another record, is in no list."""
    statement: Any = select_columns(Client, changed.at).join(changed.latest, changed.item == col(Client.id))
    places = (changed.at, col(Client.id))
    statement = statement.where(*_of_status(wanted), *_conditions(caller, wanted)).order_by(*places)
    rows: Sequence[Any] = await one_page(session, statement, page, *places)
    return [(client, (at, client.id)) for client, at in rows]


def all_that_match(caller: Caller, wanted: ClientFilter) -> Chosen:
    """The ids of all whom a filter lists, numbered in the order of the list: the newest first."""
    newest = (col(Client.created_at).desc(), col(Client.id).desc())
    return numbered(*newest).where(*_of_status(wanted), *_conditions(caller, wanted))


def numbered(*order: Any) -> Chosen:
    """The ids of clients in this order; the caller says which."""
    return select(Client.id, func.row_number().over(order_by=order)).order_by(*order)


async def ids_of(session: AsyncSession, whom: Sequence[UUID] | Chosen, *, limit: int) -> Sequence[UUID]:
    if isinstance(whom, Select):
        return [id for id, _ in await session.exec(whom.limit(limit))]
    return whom


async def totals_of(session: AsyncSession, caller: Caller, wanted: ClientFilter) -> Totals:
    """Of the clients who are listed with this filter, whatever their status."""
    status = col(Client.status)
    counted = select(
        func.count().filter(status == ClientStatus.ACTIVE),
        func.count().filter(status == ClientStatus.ARCHIVED),
        select(func.count()).select_from(ClientGroup).scalar_subquery(),
    ).select_from(Client)
    active, archived, groups = (await session.exec(counted.where(*_conditions(caller, wanted)))).one()
    return Totals(active=active, archived=archived, groups=groups)


def _places(sort: ClientSort) -> tuple[Any, ...]:
    """What a list is sorted by, and a page goes on behind."""
    if sort is ClientSort.NEWEST:
        return col(Client.created_at), col(Client.id)
    return literal_column(NAMELESS, Integer), literal_column(FOLDED_NAME, String), col(Client.id)


def _of_status(wanted: ClientFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.status is not None:
        yield col(Client.status) == wanted.status


def _conditions(caller: Caller, wanted: ClientFilter) -> Iterator[ColumnElement[bool]]:
    """All that a filter says, but the status. Who was let go, or joined into another record, is in no list."""
    yield may_see_client(caller)
    yield col(Client.joined_into).is_(None)
    yield col(Client.closed_at).is_(None)
    if wanted.stage is not None:
        yield col(Client.stage if caller.is_practice else Client.stage_shown) == wanted.stage
    if wanted.therapist is not None:
        theirs = select(Therapist.id).where(col(Therapist.slug) == wanted.therapist)
        yield col(Client.therapist_id).in_(theirs)
    if wanted.group is not None:
        yield col(Client.group_id) == wanted.group
    if wanted.q:
        name = func.concat_ws(" ", Client.first_name, Client.last_name)
        looked_in = (name, col(Client.email), col(Client.ref), col(Client.phone))
        yield or_(*(column.icontains(wanted.q, autoescape=True) for column in looked_in))


async def with_context(session: AsyncSession, clients: Sequence[Client], *, now: datetime) -> list[ClientRow]:
    """Each client with therapist, outstanding forms and next appointment, in three queries, or four."""
    ids = [client.id for client in clients]
    slugs = await slugs_of(session, {client.therapist_id for client in clients if client.therapist_id})
    forms = await forms_by_client(session, ids)
    missing = await outstanding_forms(session, forms, now=now)
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
            until=min(_instants(forms[client.id], next_starts.get(client.id), now=now), default=None),
        )
        for client in clients
    ]


def _instants(forms: FormsOf[FormRequest], next_start: datetime | None, *, now: datetime) -> Iterator[datetime]:
    """At which a row becomes another by itself: what is ahead begins, or a form keeps from booking from then on."""
    if next_start is not None:
        yield next_start
    for form in forms.requests:
        if form.gates_from is not None and form.gates_from > now:
            yield form.gates_from
