"""Webhooks: the endpoints, what was delivered to each, and what is to be delivered now."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, one_page
from models.tables.clients.client import Client
from models.tables.events.event import Event
from models.tables.events.webhook import WebhookDelivery, WebhookRecord
from rules.events.webhooks import DeliveryState, EndpointSide

ON = (col(WebhookRecord.off_at).is_(None), col(WebhookRecord.removed_at).is_(None))


async def list_endpoints(session: AsyncSession, *, page: Page) -> Sequence[WebhookRecord]:
    """One more than the page holds, the newest first; those that were removed left out."""
    newest_first = (col(WebhookRecord.made_at).desc(), col(WebhookRecord.id).desc())
    there = select(WebhookRecord).where(col(WebhookRecord.removed_at).is_(None)).order_by(*newest_first)
    return await one_page(session, there, page, WebhookRecord.made_at, WebhookRecord.id, descending=True)


async def count_endpoints(session: AsyncSession) -> int:
    there = select(func.count()).select_from(WebhookRecord).where(col(WebhookRecord.removed_at).is_(None))
    return (await session.exec(there)).one()


async def webhook(session: AsyncSession, id: UUID) -> WebhookRecord | None:
    statement = select(WebhookRecord).where(col(WebhookRecord.id) == id, col(WebhookRecord.removed_at).is_(None))
    return (await session.exec(statement)).first()


async def list_deliveries(
    session: AsyncSession, endpoint_id: UUID, *, state: DeliveryState | None, page: Page
) -> Sequence[tuple[WebhookDelivery, Event | None]]:
    """One more than the page holds, the newest first, each with its event; a test has none."""
    statement: Any = (
        select(WebhookDelivery, Event)
        .join(Event, col(Event.id) == col(WebhookDelivery.event_id), isouter=True)
        .where(col(WebhookDelivery.endpoint_id) == endpoint_id)
        .order_by(col(WebhookDelivery.made_at).desc(), col(WebhookDelivery.id).desc())
    )
    if state is not None:
        statement = statement.where(col(WebhookDelivery.state) == state)
    return await one_page(session, statement, page, WebhookDelivery.made_at, WebhookDelivery.id, descending=True)


async def delivery(session: AsyncSession, id: UUID) -> WebhookDelivery:
    """Raises NoResultFound."""
    return (await session.exec(select(WebhookDelivery).where(col(WebhookDelivery.id) == id))).one()


async def last_event_before(session: AsyncSession, at: datetime) -> int:
    """The id behind which are all events of this instant and later; 0 where all are."""
    first = (await session.exec(select(func.min(Event.id)).where(col(Event.at) >= at))).one()
    if first is not None:
        return first - 1
    return (await session.exec(select(func.max(Event.id)))).one() or 0


async def count_waiting(session: AsyncSession, endpoint_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many deliveries wait, of each endpoint that has any."""
    statement = (
        select(WebhookDelivery.endpoint_id, func.count())
        .where(
            col(WebhookDelivery.endpoint_id).in_(endpoint_ids),
            col(WebhookDelivery.state) == DeliveryState.WAITING,
        )
        .group_by(col(WebhookDelivery.endpoint_id))
    )
    return dict((await session.exec(statement)).all())


def _heads(endpoint_id: UUID) -> Any:
    """The first that waits in each lane: whatever comes later in it has to wait for that one. Of those behind the
    cursor, after a replay, none: deliveries before them may still have to be made."""
    cursor = select(WebhookRecord.cursor).where(col(WebhookRecord.id) == endpoint_id).scalar_subquery()
    event_id = col(WebhookDelivery.event_id)
    return (
        select(WebhookDelivery.id, WebhookDelivery.lane, WebhookDelivery.tried, WebhookDelivery.next_try_at)
        .where(
            col(WebhookDelivery.endpoint_id) == endpoint_id,
            col(WebhookDelivery.state) == DeliveryState.WAITING,
            or_(event_id.is_(None), event_id <= cursor),
        )
        .ext(distinct_on(col(WebhookDelivery.lane)))
        .order_by(col(WebhookDelivery.lane), event_id)
        .subquery()
    )


async def due_deliveries(
    session: AsyncSession, endpoint_id: UUID, *, now: datetime, but: Collection[UUID], limit: int, tests_alone: bool
) -> Sequence[tuple[WebhookDelivery, Event | None, bool]]:
    """Those that may be sent now, one of a lane at most, those first that have failed least; none of the lanes ``but``,
    where one is on its way. Each with its event, and whether that is of a test client."""
    heads = _heads(endpoint_id)
    statement: Any = (
        select(WebhookDelivery, Event, func.coalesce(Client.test, False))
        .join(heads, heads.c.id == col(WebhookDelivery.id))
        .join(Event, col(Event.id) == col(WebhookDelivery.event_id), isouter=True)
        .join(Client, col(Client.id) == col(Event.client_id), isouter=True)
        .where(heads.c.next_try_at <= now)
        .order_by(heads.c.tried, col(WebhookDelivery.event_id))
        .limit(limit)
    )
    if but:
        statement = statement.where(heads.c.lane.not_in(but))
    if tests_alone:
        statement = statement.where(col(WebhookDelivery.event_id).is_(None))
    found: Sequence[tuple[WebhookDelivery, Event | None, bool]] = (await session.exec(statement)).all()
    return found


async def next_due(session: AsyncSession, endpoint_id: UUID) -> datetime | None:
    """When the next delivery is to be tried; None while none waits to be."""
    heads = _heads(endpoint_id)
    at: datetime | None = (await session.exec(select(func.min(heads.c.next_try_at)))).one()
    return at


async def endpoints_behind(session: AsyncSession, *, settled: int) -> list[tuple[UUID, int]]:
    """Endpoints that are on and have no delivery yet of an event up to this one, with how far each has come."""
    wanted = _wanted(settled)
    statement = select(WebhookRecord.id, WebhookRecord.cursor).where(*ON, wanted)
    return list((await session.exec(statement)).all())


def _wanted(settled: int) -> Any:
    """Whether there is an event behind an endpoint's cursor that is for it."""
    kinds = col(WebhookRecord.kinds)
    for_it = select(Event.id).where(
        col(Event.id) > col(WebhookRecord.cursor),
        col(Event.id) <= settled,
        or_(col(WebhookRecord.side) == EndpointSide.PRACTICE, col(Event.for_site)),
        or_(func.cardinality(kinds) == 0, col(Event.kind) == func.any(kinds)),
    )
    return for_it.correlate(WebhookRecord).exists()


wanted_events = _wanted
