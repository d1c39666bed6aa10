"""Entries of the therapists' feeds: written with the facts and messages that make them, and marked as read."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID, uuid5

from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.care.feed import may_see_notification
from models.tables.booking.appointment import Appointment
from models.tables.care.notification import Notification
from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from models.tables.money.payment import Payment
from rules.accounts.caller import Caller
from rules.care.feed import FeedItem, FeedKind, may_be_put_together, news_of, put_together


async def notify(
    session: AsyncSession,
    *,
    therapist_id: UUID,
    client_id: UUID | None,
    kind: str,
    text: str,
    data: dict[str, Any],
    at: datetime,
    id: UUID,
    actor: str | None = None,
) -> None:
    """Add an entry to a therapist's feed, in the running transaction; once per id.

    ``data`` must be JSON. ``actor`` is who did it: therapists are not told what they did themselves.
    """
    row = insert(Notification).values(
        id=id, therapist_id=therapist_id, client_id=client_id, kind=kind, text=text, data=data, actor=actor, at=at
    )
    await session.exec(row.on_conflict_do_nothing(index_elements=[col(Notification.id)]))


async def notify_of_message(
    session: AsyncSession,
    *,
    therapist_id: UUID,
    client_id: UUID | None,
    chat_id: UUID,
    seq: int,
    text: str,
    at: datetime,
    id: UUID,
    actor: str,
) -> None:
    """Tell of a client's message, or the care team's: one unread entry for each chat, which moves up with every further
    message."""
    unread = (
        select(Notification)
        .where(
            col(Notification.therapist_id) == therapist_id,
            col(Notification.client_id) == client_id,
            col(Notification.kind) == FeedKind.MESSAGE.value,
            col(Notification.data)["chat_id"].astext == str(chat_id),
            col(Notification.read_at).is_(None),
        )
        .order_by(col(Notification.at).desc(), col(Notification.id).desc())
        .limit(1)
        .with_for_update()
    )
    data = {"chat_id": str(chat_id), "seq": seq}
    entry = (await session.exec(unread)).first()
    if entry is None:
        kind = FeedKind.MESSAGE.value
        await notify(
            session,
            therapist_id=therapist_id,
            client_id=client_id,
            kind=kind,
            text=text,
            data=data,
            at=at,
            id=id,
            actor=actor,
        )
        return
    entry.text, entry.data, entry.at, entry.actor = text, data, at, actor
    session.add(entry)


def add_news(session: AsyncSession, client: Client, fact: Fact) -> None:
    """Add the entry that a new fact makes, if it makes any, to the feed of the therapist whom it concerns."""
    news = news_of(fact.kind, fact.data, client=client.full_name)
    if news is None:
        return
    therapist = _concerned(client, news)
    if therapist is None or _said_with_another(session, client, fact, news):
        return
    entry = Notification(
        id=_id_of(fact),
        therapist_id=therapist,
        client_id=client.id,
        kind=news.kind.value,
        text=news.text,
        data=news.data,
        actor=fact.actor,
        at=fact.at,
    )
    session.add(entry)
    session.info[_key(fact)] = entry


def _id_of(fact: Fact) -> UUID:
    """Follows from the fact. Facts of one moment keep their order in lists, which are sorted by time and id."""
    return UUID(bytes=uuid5(fact.client_id, "feed").bytes[:10] + fact.seq.to_bytes(6, "big"))


def _said_with_another(session: AsyncSession, client: Client, fact: Fact, news: FeedItem) -> bool:
    """What one request does to a whole series is one entry, and not one for each appointment."""
    entry = session.info.get(_key(fact))
    if "request_id" not in fact.data or not may_be_put_together(news) or entry is None or entry not in session:
        return False
    both = put_together(entry.data, news, client=client.full_name)
    entry.text, entry.data = both.text, both.data
    return True


def _key(fact: Fact) -> tuple[str, str, str | None]:
    return "feed", fact.kind, fact.data.get("request_id")


def _concerned(client: Client, news: FeedItem) -> UUID | None:
    """The therapist of the appointment (or the paid one) that it is about, else the client's present therapist.

    An appointment's therapist is looked up by the insert itself: most facts are no news, and the others need no
    query more.
    """
    if "appointment_ids" in news.data:
        about = UUID(news.data["appointment_ids"][0])
        return cast("UUID", _therapist_of(col(Appointment.id) == about))
    if "payment_id" in news.data:
        paid = select(Payment.appointment_id).where(col(Payment.id) == UUID(news.data["payment_id"]))
        return cast("UUID", _therapist_of(col(Appointment.id).in_(paid)))
    return client.therapist_id


def _therapist_of(appointment: ColumnElement[bool]) -> ColumnElement[UUID]:
    return select(Appointment.therapist_id).where(appointment).scalar_subquery()


async def mark_read(
    session: AsyncSession, caller: Caller, notification_id: UUID, *, at: datetime
) -> Notification | None:
    """Mark an entry as read, if it was not already; None if the caller may not see it."""
    statement = (
        select(Notification)
        .where(col(Notification.id) == notification_id, may_see_notification(caller))
        .with_for_update(of=Notification)
    )
    row = (await session.exec(statement)).first()
    if row is not None and row.read_at is None:
        row.read_at = at
        session.add(row)
    return row


async def mark_all_read(session: AsyncSession, caller: Caller, *, until: datetime | None, at: datetime) -> int:
    """Mark what the caller may see as read, up to an instant (included), or all of it; how many were not already."""
    unread = [may_see_notification(caller), col(Notification.read_at).is_(None)]
    if until is not None:
        unread.append(col(Notification.at) <= until)
    # In one order: two who say so at once do not wait for one another in a circle.
    rows = select(Notification.id).where(*unread).order_by(col(Notification.id)).with_for_update(of=Notification)
    ids = (await session.exec(rows)).all()
    await session.exec(update(Notification).where(col(Notification.id).in_(ids)).values(read_at=at))
    return len(ids)
