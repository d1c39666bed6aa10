"""Whose workflow must run, by rows alone; in pages, in the order of their keys."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import String, cast, func, null, union_all
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.events.webhooks import ON
from models.tables.archive.bulk_archive import BulkArchiveRecord
from models.tables.booking.appointment import Appointment
from models.tables.booking.outside_calendar import OutsideCalendarRow
from models.tables.booking.therapist import Therapist
from models.tables.booking.waitlist import WaitlistPlace
from models.tables.clients.client import Client
from models.tables.events.webhook import WebhookRecord
from models.tables.keeping.reencryption import Reencryption
from models.tables.mail.outbox import UNSETTLED as UNDELIVERED
from models.tables.mail.outbox import OutboxItem
from models.tables.money.payment import Payment
from models.tables.money.reconciliation import Reconciliation
from rules.enums import AppointmentStatus
from rules.keeping import Kept
from rules.money.payment_states import PENDING

WAITS = col(OutboxItem.status).in_(UNDELIVERED)


@dataclass(frozen=True, kw_only=True)
class FollowedRow:
    """A row whose workflow must run. ``key`` is the row's id, or a therapist's slug."""

    kind: Kept
    key: str
    client_id: UUID | None = None

    @property
    def workflow_id(self) -> str:
        return self.kind.id_of(self.key)


async def must_run(
    session: AsyncSession,
    kind: Kept,
    *,
    before: datetime,
    after: str = "",
    limit: int | None = None,
    only: Collection[str] | None = None,
) -> list[FollowedRow]:
    """The rows of this kind that are older than ``before``, behind the key ``after``; or of these keys alone."""

    def page(statement: Any, key: Any) -> Any:
        statement = statement.order_by(key)
        if only is not None:
            statement = statement.where(key.in_([_read(kind, each) for each in only]))
        if after:
            statement = statement.where(key > _read(kind, after))
        return statement if limit is None else statement.limit(limit)

    statement = page(*_of(kind, before)) if kind is not Kept.APPOINTMENT else _appointments(before, page)
    rows = (await session.exec(statement)).all()
    return [FollowedRow(kind=kind, key=str(key), client_id=client_id) for key, client_id in rows]


async def known_keys(session: AsyncSession, kind: Kept, keys: Collection[str]) -> set[str]:
    """Those that have a row at all, whether their workflow must run or not."""
    column: Any = {
        Kept.JOURNEY: col(Client.id),
        Kept.APPOINTMENT: col(Appointment.id),
        Kept.WAITLIST: col(Therapist.slug),
        Kept.BULK_ARCHIVE: col(BulkArchiveRecord.id),
        Kept.COMPARISON: col(Reconciliation.id),
        Kept.REENCRYPTION: col(Reencryption.id),
        Kept.WEBHOOK: col(WebhookRecord.id),
        Kept.CALENDAR: col(OutsideCalendarRow.id),
    }[kind]
    found: Sequence[Any] = (await session.exec(select(column).where(cast(column, String).in_(keys)))).all()
    return {str(key) for key in found}


async def is_open(session: AsyncSession, kind: Kept, key: str, *, now: datetime) -> FollowedRow | None:
    """The one row, if its workflow must run; it may have been written a moment ago."""
    if not is_key(kind, key):
        return None
    return next(iter(await must_run(session, kind, before=now, only=[key])), None)


def _appointments(before: datetime, page: Callable[[Any, Any], Any]) -> Any:
    """A page of the appointments that are ahead or unmarked, whose payment is pending, or of which something is to be
    delivered: a page of each, by indexes of what is open alone, and of all that the first."""
    there, booked = select(col(Appointment.id)), col(Appointment.booked_at) <= before
    undelivered = (col(OutboxItem.next_try_at).is_not(None), WAITS)
    pages = [
        page(there.where(col(Appointment.status) == AppointmentStatus.SCHEDULED, booked), col(Appointment.id)),
        page(_booked(Payment, before).where(col(Payment.status).in_(PENDING)), col(Payment.appointment_id)),
        page(_booked(OutboxItem, before).where(*undelivered), col(OutboxItem.appointment_id)),
    ]
    open_still = col(Appointment.id).in_(union_all(*pages))
    return page(select(Appointment.id, Appointment.client_id).where(open_still), col(Appointment.id))


def _booked(table: type[Payment] | type[OutboxItem], before: datetime) -> Any:
    """The appointments of a table's rows, if they were booked before."""
    of = col(table.appointment_id)
    return (
        select(of).join(Appointment, col(Appointment.id) == of).where(col(Appointment.booked_at) <= before).distinct()
    )


def _of(kind: Kept, before: datetime) -> tuple[Any, Any]:
    """A statement for key and client of each, and the key's column."""
    if kind is Kept.JOURNEY:
        journeys = select(Client.id, Client.id).where(col(Client.closed_at).is_(None), col(Client.created_at) <= before)
        return journeys, col(Client.id)
    if kind is Kept.WAITLIST:
        slug = col(Therapist.slug).collate("C")  # as the engine sorts
        waits = (
            select(WaitlistPlace.therapist_id)
            .where(col(WaitlistPlace.ended_at).is_(None))
            .group_by(col(WaitlistPlace.therapist_id))
            .having(func.min(col(WaitlistPlace.joined_at)) <= before)
        )
        return select(slug, null()).where(col(Therapist.id).in_(waits)), slug
    if kind is Kept.BULK_ARCHIVE:
        archives = select(BulkArchiveRecord.id, null()).where(
            col(BulkArchiveRecord.finished_at).is_(None), col(BulkArchiveRecord.asked_at) <= before
        )
        return archives, col(BulkArchiveRecord.id)
    if kind is Kept.REENCRYPTION:
        reencryptions = select(Reencryption.id, null()).where(
            col(Reencryption.finished_at).is_(None), col(Reencryption.started_at) <= before
        )
        return reencryptions, col(Reencryption.id)
    if kind is Kept.WEBHOOK:
        return select(WebhookRecord.id, null()).where(*ON, col(WebhookRecord.made_at) <= before), col(WebhookRecord.id)
    if kind is Kept.CALENDAR:
        calendars = select(OutsideCalendarRow.id, null()).where(col(OutsideCalendarRow.made_at) <= before)
        return calendars, col(OutsideCalendarRow.id)
    comparisons = select(Reconciliation.id, null()).where(
        col(Reconciliation.finished_at).is_(None), col(Reconciliation.started_at) <= before
    )
    return comparisons, col(Reconciliation.id)


def _read(kind: Kept, key: str) -> str | UUID:
    return key if kind is Kept.WAITLIST else UUID(key)


def is_key(kind: Kept, key: str) -> bool:
    """Whether a row of this kind could have it: a schedule and people give workflows ids of their own."""
    if kind is Kept.WAITLIST:
        return True
    try:
        UUID(key)
    except ValueError:
        return False
    return True


async def undelivered_of_closed(session: AsyncSession, *, limit: int | None = None) -> list[tuple[UUID, datetime]]:
    """Closed clients for whom something waits that their journey would deliver, with when it is due; soonest first."""
    due = func.min(col(OutboxItem.next_try_at))
    statement = (
        select(Client.id, due)
        .join(OutboxItem, col(Client.id) == col(OutboxItem.client_id))
        .where(
            WAITS,
            col(OutboxItem.next_try_at).is_not(None),
            col(OutboxItem.appointment_id).is_(None),
            col(Client.closed_at).is_not(None),
        )
        .group_by(col(Client.id))
        .order_by(due)
    )
    rows = (await session.exec(statement if limit is None else statement.limit(limit))).all()
    return [(client_id, at) for client_id, at in rows if at is not None]


async def undelivered_of_nobody(session: AsyncSession) -> datetime | None:
    """When the next mail about an account, or of the practice's own, is due; None while none waits."""
    theirs = (col(OutboxItem.client_id).is_(None), col(OutboxItem.next_try_at).is_not(None), WAITS)
    return (await session.exec(select(func.min(OutboxItem.next_try_at)).where(*theirs))).one()


async def practice_mail_waits(session: AsyncSession) -> bool:
    """Whether PracticeMail must run: something waits for a closed record, or for no client at all."""
    return bool(await undelivered_of_closed(session, limit=1) or await undelivered_of_nobody(session))
