"""A calendar that cannot be read: people are told after a day, and what they were told settles itself."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import derived_id
from models.reads.booking.outside import failure_tasks
from models.tables.booking.outside_calendar import OutsideCalendarRow
from models.tables.booking.therapist import Therapist
from models.writes.clients.tasks import open_own_task
from models.writes.events.publish import publish, publish_task
from models.writes.feed import notify
from models.writes.outbox import order_practice_mail
from rules.accounts.caller import SYSTEM
from rules.care.feed import FeedKind, calendar_failed
from rules.enums import TaskKind
from rules.events.kinds import EventKind
from rules.mail.kinds import Mail
from rules.mail.orders import mail_order


async def note_failure(
    session: AsyncSession, row: OutsideCalendarRow, therapist: Therapist, *, at: datetime, told_after: timedelta
) -> bool:
    """Tell the care team and the therapist, once per failure that has lasted for so long; whether it was told now."""
    if row.told_at is not None or row.failing_since is None or at < row.failing_since + told_after:
        return False
    row.told_at = at
    data = {"calendar": str(row.id), "therapist": therapist.slug}
    _ = await open_own_task(
        session,
        key=f"calendar-failed:{row.id}:{row.looks}",
        kind=TaskKind.CALENDAR_FAILED,
        text=f"A calendar that {therapist.name} keeps elsewhere cannot be read any more. What was read last still"
        " counts: times may be offered that are not free. Please ask the therapist to look at their calendars.",
        at=at,
        data=data,
    )
    publish(
        session,
        EventKind.CALENDAR_FAILED,
        at=at,
        data={"therapist": therapist.slug, "calendar_id": str(row.id)},
    )
    await notify(
        session,
        therapist_id=therapist.id,
        client_id=None,
        kind=FeedKind.CALENDAR_FAILED.value,
        text=calendar_failed(),
        data={"calendar_id": str(row.id)},
        at=at,
        id=derived_id(row.id, "failed", row.looks),
    )
    order = mail_order(Mail.CALENDAR_UNREADABLE, key=f"{Mail.CALENDAR_UNREADABLE}:{row.id}:{row.looks}", client_id="")
    mail = replace(order, therapist=therapist.slug)
    await order_practice_mail(session, mail, at=at, recipient=therapist.email)
    return True


async def note_success(session: AsyncSession, row: OutsideCalendarRow, *, at: datetime) -> None:
    """It can be read again, or was taken away: whatever was told of it is settled."""
    if row.told_at is not None:
        note = "It was taken away." if row.ended_at is not None else "It can be read again."
        for task in await failure_tasks(session, row.id):
            task.resolved_at, task.resolved_by, task.note = at, SYSTEM, note
            session.add(task)
            publish_task(session, EventKind.TASK_RESOLVED, task.id, task.kind, client=None, at=at)
    row.failing_since = row.trouble = row.told_at = None
