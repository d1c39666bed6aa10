"""Telling programs of a change (transactional outbox): an event, in the transaction of what changed."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.tables.events.event import Event
from rules.events.kinds import PRACTICE_ALONE, EventKind, checked


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


def publish_task(session: AsyncSession, kind: EventKind, task: Task, *, client: Client | None, at: datetime) -> None:
    """That a task was opened or resolved where no fact says so: it is nobody's, or something else's doing."""
    data = {"task_id": str(task.id), "task": task.kind.value}
    publish(session, kind, at=at, client=client, data=data)
