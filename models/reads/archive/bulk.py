"""Archives of many clients: whom a caller may archive, what it would come to, and how far each is.

A therapist archives only clients of their own, and sees only the archives that they asked for themselves.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, cast, func, true
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, one_page
from models.reads.archive.situation import appointment_line, matters_to_an_archive
from models.reads.clients.clients import Chosen, numbered
from models.reads.money.balance import credits_of_clients, currencies_of_clients, payment_line
from models.reads.visibility import may_see_client
from models.tables.archive.bulk_archive import BulkArchiveLine, BulkArchiveRecord
from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.tables.money.payment import Payment
from rules.accounts.caller import Caller
from rules.archive.plan import AppointmentLine, ArchiveSituation, PaymentLine
from rules.enums import AppointmentStatus, ArchiveResult

# ---------------------------------------------------------------- whom


def all_of_group(caller: Caller, group_id: UUID) -> Chosen:
    """The clients of a group that the caller may see, oldest first."""
    oldest = numbered(col(Client.created_at), col(Client.id))
    return oldest.where(col(Client.group_id) == group_id, may_see_client(caller))


# ---------------------------------------------------------------- what it would come to

_AT_ONCE = 500  # clients of whom everything is read together


async def some_after_others(session: AsyncSession, ids: Sequence[UUID]) -> AsyncIterator[Sequence[Client]]:
    """These clients, in this order, so many at once that others are answered in between."""
    for start in range(0, len(ids), _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        found = {client.id: client for client in await session.exec(select(Client).where(col(Client.id).in_(part)))}
        yield [found[id] for id in part if id in found]
        session.expunge_all()


async def situations(session: AsyncSession, clients: Sequence[Client]) -> dict[UUID, ArchiveSituation]:
    """Appointments, payments and money of each client, as an archive finds them; forms and reminders are left out.

    A handful of queries for all of them, however many they are.
    """
    ids = [client.id for client in clients]
    appointments: dict[UUID, list[AppointmentLine]] = {id: [] for id in ids}
    booked = (
        select(Appointment, Therapist.slug)
        .join(Therapist, col(Therapist.id) == col(Appointment.therapist_id))
        .where(col(Appointment.client_id).in_(ids), col(Appointment.status) == AppointmentStatus.SCHEDULED)
        .order_by(col(Appointment.starts_at), col(Appointment.id))
    )
    for appointment, slug in await session.exec(booked):
        appointments[appointment.client_id].append(appointment_line(appointment, slug))
    payments: dict[UUID, list[PaymentLine]] = {id: [] for id in ids}
    open_payments = (
        select(Payment)
        .where(col(Payment.client_id).in_(ids), matters_to_an_archive())
        .order_by(col(Payment.due_at), col(Payment.id))
    )
    for payment in await session.exec(open_payments):
        payments[payment.client_id].append(payment_line(payment))
    currencies = await currencies_of_clients(session, clients)
    credits = await credits_of_clients(session, ids)
    return {
        id: ArchiveSituation(
            appointments=tuple(appointments[id]),
            payments=tuple(payments[id]),
            forms=(),
            reminders=(),
            currency=currencies[id],
            credits=credits.get(id, {}),
        )
        for id in ids
    }


# ---------------------------------------------------------------- its rows


async def open_lines(
    session: AsyncSession, id: UUID, *, asked: Collection[UUID], limit: int
) -> Sequence[tuple[BulkArchiveLine, Client]]:
    """The lines still open: all that were asked, and of the others the first ones, in their order."""
    pending = (
        select(BulkArchiveLine, Client)
        .join(Client, col(Client.id) == col(BulkArchiveLine.client_id))
        .where(col(BulkArchiveLine.archive_id) == id, col(BulkArchiveLine.result) == ArchiveResult.PENDING)
        .order_by(col(BulkArchiveLine.number))
    )
    were_asked = (await session.exec(pending.where(col(BulkArchiveLine.client_id).in_(asked)))).all()
    others = (await session.exec(pending.where(col(BulkArchiveLine.client_id).not_in(asked)).limit(limit))).all()
    return [*were_asked, *others]


async def lines_not_archived(session: AsyncSession, id: UUID) -> Sequence[BulkArchiveLine]:
    statement = select(BulkArchiveLine).where(
        col(BulkArchiveLine.archive_id) == id, col(BulkArchiveLine.result) != ArchiveResult.ARCHIVED
    )
    return (await session.exec(statement)).all()


async def numbers(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, dict[ArchiveResult, int]]:
    """How many lines of each archive have which result."""
    statement = (
        select(BulkArchiveLine.archive_id, BulkArchiveLine.result, func.count())
        .where(col(BulkArchiveLine.archive_id).in_(ids))
        .group_by(col(BulkArchiveLine.archive_id), col(BulkArchiveLine.result))
    )
    found: dict[UUID, dict[ArchiveResult, int]] = {id: {} for id in ids}
    for archive_id, result, number in await session.exec(statement):
        found[archive_id][ArchiveResult(result)] = number
    return found


# ---------------------------------------------------------------- what became of it


@dataclass(frozen=True, kw_only=True)
class ArchiveRow:
    """An archive of many, with how many clients have which result."""

    archive: BulkArchiveRecord
    numbers: dict[ArchiveResult, int]


def _may_see(caller: Caller) -> ColumnElement[bool]:
    return true() if caller.is_care_team else col(BulkArchiveRecord.asked_by) == caller.actor


async def visible_archive(session: AsyncSession, caller: Caller, id: UUID) -> ArchiveRow | None:
    statement = select(BulkArchiveRecord).where(col(BulkArchiveRecord.id) == id, _may_see(caller))
    archive = (await session.exec(statement)).first()
    if archive is None:
        return None
    return ArchiveRow(archive=archive, numbers=(await numbers(session, [id]))[id])


async def list_archives(session: AsyncSession, caller: Caller, page: Page) -> Sequence[ArchiveRow]:
    """Archives of many, newest first; one more than the page holds, if there are more."""
    statement = (
        select(BulkArchiveRecord)
        .where(_may_see(caller))
        .order_by(col(BulkArchiveRecord.asked_at).desc(), col(BulkArchiveRecord.id).desc())
    )
    found = await one_page(session, statement, page, BulkArchiveRecord.asked_at, BulkArchiveRecord.id, descending=True)
    counted = await numbers(session, [archive.id for archive in found])
    return [ArchiveRow(archive=archive, numbers=counted[archive.id]) for archive in found]


async def lines_of(
    session: AsyncSession, caller: Caller, id: UUID, page: Page, *, result: ArchiveResult | None = None
) -> Sequence[tuple[BulkArchiveLine, Client]]:
    """The clients of an archive whom the caller may see today: those who failed first, then in the order asked for; one
    more than the page holds, if there are more.

    Whoever asked for it may have clients in it who were matched to somebody else since.
    """
    places = (cast(col(BulkArchiveLine.result) != ArchiveResult.FAILED, Integer), col(BulkArchiveLine.number))
    statement: Any = (
        select(BulkArchiveLine, Client)
        .join(Client, col(Client.id) == col(BulkArchiveLine.client_id))
        .where(col(BulkArchiveLine.archive_id) == id, may_see_client(caller))
        .order_by(*places)
    )
    if result is not None:
        statement = statement.where(col(BulkArchiveLine.result) == result)
    found: Sequence[tuple[BulkArchiveLine, Client]] = await one_page(session, statement, page, *places)
    return found


def place_of(line: BulkArchiveLine) -> tuple[int, int]:
    """Behind which a page of such lines goes on."""
    return int(line.result is not ArchiveResult.FAILED), line.number
