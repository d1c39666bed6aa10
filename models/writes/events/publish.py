"""Telling programs of a change (transactional outbox): an event, in the transaction of what changed."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.clients.client import Client
from models.tables.events.event import Event
from rules.enums import TaskKind
from rules.events.kinds import PRACTICE_ALONE, EventKind, TherapistPart, checked

LOST_AT_MOST = 100_000  # events, with a database that is put back from a copy


def publish(
    session: AsyncSession,
    kind: EventKind,
    *,
    at: datetime,
    client: Client | None = None,
    data: Mapping[str, Any] | None = None,
    for_site: bool = True,
) -> Event:
    """Add one event, in the running transaction. What a fact says is published by ``tell`` itself; this is the door for
    what changes without one.

    ``client``'s row is locked, so that events of one client stand in the order of what happened. ``data`` must be JSON:
    ids, states, times and amounts, and no other names than `rules.events.kinds.FIELDS` has. Of kinds for the practice
    alone the client's side is never told, whatever ``for_site`` says. Raises FieldNotForEvents.
    """
    plain: dict[str, Any] = json.loads(json.dumps(dict(data or {})))
    checked(kind, frozenset(plain))
    event = Event(
        kind=kind,
        at=at,
        client_id=client.id if client else None,
        ref=client.ref if client else None,
        data=plain,
        for_site=for_site and kind not in PRACTICE_ALONE,
    )
    session.add(event)
    return event


async def skip_ids(session: AsyncSession) -> None:
    """This database was put back: programs have seen events with ids that it does not know of, and would take others of
    the same ids for these."""
    ids = func.nextval(func.pg_get_serial_sequence("event", "id"))
    await session.exec(select(func.count(ids)).select_from(func.generate_series(1, LOST_AT_MOST)))


def publish_therapist(session: AsyncSession, slug: str, what: TherapistPart, *, at: datetime) -> None:
    """That a therapist's profile or hours have changed, by whoever keeps them: no client's timeline tells of it."""
    publish(session, EventKind.THERAPIST_CHANGED, at=at, data={"therapist": slug, "what": what.value})


def publish_task(
    session: AsyncSession, kind: EventKind, id: UUID, task: TaskKind, *, client: Client | None, at: datetime
) -> None:
    """That a task was opened or resolved where no fact says so: it is nobody's, or something else's doing."""
    data = {"task_id": str(id), "task": task.value}
    publish(session, kind, at=at, client=client, data=data)
