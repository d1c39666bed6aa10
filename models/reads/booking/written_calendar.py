"""A therapist's whole calendar of some days as the database writes it: all that open slots follow from but the time.

Two that are equal have the same slots at the same moment, whoever changed what in between: so that what was made of one
need not be made again of the next.
"""

import json
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.booking.hours import WRITTEN_HOURS, WrittenHours, availability_of
from rules.booking.availability import Availability, Busy
from rules.enums import AppointmentType

_REACH = timedelta(days=4)  # as far as `busy_margin` goes with the longest appointments and buffers that may be set


class WrittenCalendar(NamedTuple):
    """``busy``: appointments, holds that live, and what is busy elsewhere, as JSON."""

    time_zone: str
    hours: WrittenHours
    busy: str | None

    def read(self) -> tuple[Availability, list[Busy]]:
        return availability_of(self.time_zone, self.hours), [_busy(*line) for line in json.loads(self.busy or "[]")]

    @property
    def size(self) -> int:
        """How many characters it has."""
        return sum(len(part) for part in (*self.hours, self.busy) if part)


# What is busy elsewhere is of no type, as in `load_busy`.
_WRITTEN = text(f"""
SELECT t.time_zone, {WRITTEN_HOURS}, (
    SELECT json_agg(json_build_array(type, starts_at, ends_at) ORDER BY starts_at, ends_at, type)::text FROM (
        SELECT type, starts_at, ends_at FROM occupied_time
        WHERE therapist_id = t.id AND starts_at < :starts_before AND ends_at > :ends_after
            AND (expires_at IS NULL OR expires_at > :now)
        UNION ALL
        SELECT NULL, starts_at, ends_at FROM outside_busy
        WHERE therapist_id = t.id AND starts_at < :starts_before AND ends_at > :ends_after
    ) AS busy
)
FROM therapist t WHERE t.slug = :slug
""")  # noqa: S608 - ours


async def written_calendar(
    session: AsyncSession, slug: str, *, opens: datetime, closes: datetime, now: datetime
) -> WrittenCalendar | None:
    """What bears on slots between the two, now or later, in one statement; None if there is no such therapist."""
    asked = {
        "slug": slug,
        "starts_before": closes + _REACH,
        "ends_after": max(now, opens) - _REACH,
        "now": now,
        "reasons": False,
    }
    row = (await (await session.connection()).execute(_WRITTEN, asked)).one_or_none()
    if row is None:
        return None
    time_zone, *hours, busy = row
    return WrittenCalendar(time_zone=time_zone, hours=WrittenHours(*hours), busy=busy)


def _busy(kind: str | None, starts_at: str, ends_at: str) -> Busy:
    return Busy(
        type=AppointmentType(kind) if kind else None,
        starts_at=datetime.fromisoformat(starts_at),
        ends_at=datetime.fromisoformat(ends_at),
    )
