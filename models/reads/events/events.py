"""Reading events, in an order in which none is ever missed.

Ids are given when events are written, and events are seen when their transactions commit: not in the same order.
Whoever has read up to 11 would miss a 10 that is committed later. So nothing is shown behind an id that a running
transaction may still bring: each says, by an advisory lock that it has until it ends, above which id its own are
(`settled_events` in the first schema), and who reads goes up to the lowest of these.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.events.event import Event, EventsRemoved
from rules.events.kinds import EventKind

_UTC = "+00:00"


def document_of(event: Event) -> dict[str, Any]:
    """An event as every program is told it."""
    return {
        "id": event.id,
        "kind": event.kind.value,
        "at": as_instant(event.at),
        "client_id": str(event.client_id) if event.client_id else None,
        "ref": event.ref,
        "data": {name: _told(value) for name, value in event.data.items()},
    }


def as_instant(at: datetime) -> str:
    told: str = _told(at.astimezone(UTC).isoformat())
    return told


def _told(value: Any) -> Any:
    """Instants end in Z, as in all answers. Events have them in UTC, and no other text that ends so."""
    is_instant = isinstance(value, str) and value.endswith(_UTC)
    return value.removesuffix(_UTC) + "Z" if is_instant else value


@dataclass(frozen=True)
class EventsRead:
    """Events in order. ``after``: up to where was looked; the next reading goes on from there. ``more``: there are
    others behind it already."""

    events: Sequence[Event]
    after: int
    more: bool


class EventsGone(LookupError):
    """Some of the events that were asked for are not kept any more: those up to ``up_to``."""

    def __init__(self, up_to: int) -> None:
        super().__init__(f"events up to {up_to} are not kept any more")
        self.up_to = up_to


async def settled_up_to(session: AsyncSession) -> int:
    """The id up to which all that there will ever be can be seen by the next statement; 0 where there is none."""
    return int((await session.exec(text("SELECT settled_events()"))).scalar_one())  # type: ignore[call-overload]


async def events_after(
    session: AsyncSession,
    after: int | None,
    kinds: Collection[EventKind] | None = None,
    *,
    for_site: bool,
    client: UUID | None = None,
    limit: int,
) -> EventsRead:
    """Up to ``limit`` events behind an id, or from the oldest that is kept; ``for_site``: those alone that the client's
    side may know of.

    Needs a transaction that sees what others commit (READ COMMITTED). Raises EventsGone: events behind ``after`` are
    not kept any more.
    """
    settled = await settled_up_to(session)
    behind = after or 0
    wanted = (
        select(Event).where(col(Event.id) > behind, col(Event.id) <= settled).order_by(col(Event.id)).limit(limit + 1)
    )
    if for_site:
        wanted = wanted.where(col(Event.for_site))
    if kinds is not None:
        wanted = wanted.where(col(Event.kind).in_(kinds))
    if client is not None:
        wanted = wanted.where(col(Event.client_id) == client)
    found = (await session.exec(wanted)).all()
    # After the events: what is removed while they are looked for is missed by nobody unseen.
    removed = (await session.exec(select(EventsRemoved.up_to))).first()
    if after is not None and removed is not None and after < removed:
        raise EventsGone(removed)
    events, more = found[:limit], len(found) > limit
    last = events[-1].id if more else settled
    return EventsRead(events=events, after=max(last or 0, behind), more=more)
