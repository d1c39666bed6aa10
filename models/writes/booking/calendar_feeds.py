"""Therapists' calendar feeds: made, replaced, ended."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.booking.calendar_feed import CalendarFeed


async def put_feed(session: AsyncSession, therapist_id: UUID, *, secret_hash: str, at: datetime, by: str) -> None:
    """Make the therapist's feed, or give it another secret: of two at once, the later one stands."""
    said = {"secret_hash": secret_hash, "made_at": at, "made_by": by}
    statement = insert(CalendarFeed).values(therapist_id=therapist_id, **said)
    await session.exec(statement.on_conflict_do_update(index_elements=[col(CalendarFeed.therapist_id)], set_=said))


async def end_feed(session: AsyncSession, therapist_id: UUID) -> bool:
    """Whether there was one."""
    statement = delete(CalendarFeed).where(col(CalendarFeed.therapist_id) == therapist_id)
    ended = await session.exec(statement.returning(col(CalendarFeed.therapist_id)))
    return ended.first() is not None


async def note_content(
    session: AsyncSession, feed: CalendarFeed, *, content_hash: str, at: datetime
) -> datetime | None:
    """Since when the feed has this content, in whole seconds; None where it has another address by now. No two contents
    that anybody was sent are of the same second, however quickly they followed each other."""
    if feed.content_hash == content_hash:
        return feed.changed_at
    changed_at = func.greatest(at.replace(microsecond=0), col(CalendarFeed.changed_at) + timedelta(seconds=1))
    statement = (
        update(CalendarFeed)
        .where(col(CalendarFeed.therapist_id) == feed.therapist_id, col(CalendarFeed.secret_hash) == feed.secret_hash)
        .values(content_hash=content_hash, changed_at=changed_at)
        .returning(col(CalendarFeed.changed_at))
    )
    return (await session.exec(statement)).scalar_one_or_none()
