"""Calendars that therapists keep elsewhere: added, taken away, and what was read from them. The therapist is locked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import delete, insert, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.booking.outside import busy_rows
from models.tables.booking.outside_calendar import OutsideBusy, OutsideCalendarRow
from rules.booking.outside import BusySpan, within_bounds
from rules.enums import CalendarKind

_There = tuple[UUID, bool, bool]  # id, all_day, tentative


def add_calendar(
    session: AsyncSession,
    *,
    id: UUID,
    therapist_id: UUID,
    kind: CalendarKind,
    label: str | None,
    access: Mapping[str, Any],
    by: str,
    at: datetime,
) -> OutsideCalendarRow:
    row = OutsideCalendarRow(
        id=id, therapist_id=therapist_id, kind=kind, label=label, access=dict(access), made_by=by, made_at=at
    )
    session.add(row)
    return row


async def lock_calendar(session: AsyncSession, therapist_id: UUID, calendar_id: UUID) -> OutsideCalendarRow | None:
    """One of this therapist's that was not taken away, so that what it is read with stays as it is seen."""
    statement = select(OutsideCalendarRow).where(
        col(OutsideCalendarRow.id) == calendar_id,
        col(OutsideCalendarRow.therapist_id) == therapist_id,
        col(OutsideCalendarRow.ended_at).is_(None),
    )
    statement = statement.with_for_update().execution_options(populate_existing=True)
    return (await session.exec(statement)).first()


async def end_calendar(session: AsyncSession, row: OutsideCalendarRow, *, at: datetime) -> None:
    """Take it away: from this moment on nothing is busy because of it, and nothing can be read with what it had."""
    row.ended_at, row.access, row.known = at, {}, None
    row.channel_id = row.channel = row.channel_until = None
    session.add(row)
    await session.exec(delete(OutsideBusy).where(col(OutsideBusy.calendar_id) == row.id))


@dataclass(frozen=True, kw_only=True)
class BusyChange:
    """The busy times that were not there before, and those that are not there any more, by their ids."""

    came: Mapping[UUID, BusySpan] = field(default_factory=dict)
    gone: Mapping[UUID, BusySpan] = field(default_factory=dict)

    def instead_of(self, came: UUID, starts_at: datetime, ends_at: datetime) -> UUID | None:
        """The gone one of the same event that took all of what this one takes of the stretch: nothing is new there."""
        new = self.came[came]
        first, last = max(new.starts_at, starts_at), min(new.ends_at, ends_at)
        return next(
            (
                id
                for id, old in self.gone.items()
                if old.event == new.event and old.starts_at <= first <= last <= old.ends_at
            ),
            None,
        )


async def put_busy(session: AsyncSession, row: OutsideCalendarRow, spans: Iterable[BusySpan]) -> BusyChange:
    """What is busy by this calendar from now on. A busy time that was there keeps its id; one that comes back after it
    was gone has a new one, and is news again."""
    wanted = {(span.event, span.starts_at, span.ends_at): span for span in map(within_bounds, spans)}
    there: dict[tuple[str, datetime, datetime], _There] = {}
    for id, event, starts_at, ends_at, all_day, tentative in await busy_rows(session, row.id):
        there[event, starts_at, ends_at] = (id, all_day, tentative)
    gone = {
        there[key][0]: BusySpan(event=key[0], starts_at=key[1], ends_at=key[2]) for key in there.keys() - wanted.keys()
    }
    came: list[dict[str, Any]] = [
        {
            "id": uuid5(row.id, f"{row.looks}/{event}/{starts_at.isoformat()}/{ends_at.isoformat()}"),
            "calendar_id": row.id,
            "therapist_id": row.therapist_id,
            "event": event,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "all_day": span.all_day,
            "tentative": span.tentative,
        }
        for (event, starts_at, ends_at), span in wanted.items()
        if (event, starts_at, ends_at) not in there
    ]
    if gone:
        await session.exec(delete(OutsideBusy).where(col(OutsideBusy.id).in_(list(gone))))
    if came:
        await (await session.connection()).execute(insert(OutsideBusy), came)
    for key in there.keys() & wanted.keys():
        id, *told = there[key]
        now = [wanted[key].all_day, wanted[key].tentative]
        if told != now:
            change = update(OutsideBusy).where(col(OutsideBusy.id) == id)
            await session.exec(change.values(all_day=now[0], tentative=now[1]))
    new = {each["id"]: wanted[each["event"], each["starts_at"], each["ends_at"]] for each in came}
    return BusyChange(came=new, gone=gone)
