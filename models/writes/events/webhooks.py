"""Webhooks: endpoints made, changed, switched on and off, and told again; deliveries made and what became of them. The
caller commits. Whoever changes an endpoint has its row locked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import ColumnElement, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.events.events import EventsGone, events_after
from models.reads.events.webhooks import ON, wanted_events
from models.tables.events.event import Event
from models.tables.events.webhook import WebhookDelivery, WebhookRecord
from rules.events.kinds import EventKind
from rules.events.webhooks import TRIES_SHOWN, DeliveryState, EndpointOff, EndpointSide


async def lock_endpoint(session: AsyncSession, id: UUID, *, removed: bool = False) -> WebhookRecord | None:
    """The endpoint, freshly read and locked; ``removed``: one that was removed, too."""
    statement = select(WebhookRecord).where(col(WebhookRecord.id) == id)
    if not removed:
        statement = statement.where(col(WebhookRecord.removed_at).is_(None))
    locked = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    return (await session.exec(locked)).first()


# ---------------------------------------------------------------- deliveries made


@dataclass(frozen=True, kw_only=True)
class TakenOver:
    """``more``: there may be further events. ``gone_up_to``: events up to this one were not kept until they could be
    delivered; None where none is missing."""

    more: bool
    gone_up_to: int | None = None


async def take_over(session: AsyncSession, endpoint: WebhookRecord, *, limit: int, at: datetime) -> TakenOver:
    """Make a delivery of each event behind the endpoint's cursor that is for it, and move the cursor. Of one event one
    is made, whoever else does so."""
    kinds = [EventKind(kind) for kind in endpoint.kinds] or None
    gone: int | None = None
    try:
        read = await _read(session, endpoint, kinds, endpoint.cursor, limit)
    except EventsGone as error:
        gone = error.up_to
        read = await _read(session, endpoint, kinds, gone, limit)
    rows = [_row(endpoint, event, at=at) for event in read.events]
    if rows:
        await session.exec(insert(WebhookDelivery).values(rows).on_conflict_do_nothing())
    if read.after != endpoint.cursor:
        endpoint.cursor = read.after
        session.add(endpoint)
    return TakenOver(more=read.more, gone_up_to=gone)


async def _read(
    session: AsyncSession, endpoint: WebhookRecord, kinds: list[EventKind] | None, after: int, limit: int
) -> Any:
    return await events_after(session, after, kinds, for_site=endpoint.side is EndpointSide.SITE, limit=limit)


def _row(endpoint: WebhookRecord, event: Event, *, at: datetime) -> dict[str, Any]:
    return {
        "id": uuid5(endpoint.id, str(event.id)),
        "endpoint_id": endpoint.id,
        "event_id": event.id,
        "lane": event.client_id or endpoint.id,
        "state": DeliveryState.WAITING,
        "made_at": at,
        "tried": 0,
        "next_try_at": at,
        "tries": [],
    }


async def order_test(session: AsyncSession, endpoint: WebhookRecord, *, id: UUID, at: datetime) -> None:
    """A delivery of no event, in a lane of its own. The same id again is the same one."""
    test = insert(WebhookDelivery).values(
        id=id,
        endpoint_id=endpoint.id,
        lane=id,
        state=DeliveryState.WAITING,
        made_at=at,
        tried=0,
        next_try_at=at,
        tries=[],
    )
    await session.exec(test.on_conflict_do_nothing())


async def pass_over(session: AsyncSession, *, settled: int) -> None:
    """Move the cursors of endpoints for which there is no event up to this one: they need not be looked at again."""
    nothing_for_it = update(WebhookRecord).where(*ON, col(WebhookRecord.cursor) < settled, ~wanted_events(settled))
    await session.exec(nothing_for_it.values(cursor=settled).execution_options(synchronize_session=False))


# ---------------------------------------------------------------- what became of one


@dataclass(frozen=True, kw_only=True)
class Try:
    """One try: ``status`` of HTTP, or the ``reason`` (of `rules.outbound.Trouble`) why there was no answer."""

    at: datetime
    took_ms: int
    status: int | None = None
    reason: str | None = None

    @property
    def shown(self) -> dict[str, Any]:
        return {"at": self.at.isoformat(), "status": self.status, "reason": self.reason, "took_ms": self.took_ms}


async def note_try(
    session: AsyncSession,
    delivery: WebhookDelivery,
    this: Try,
    *,
    state: DeliveryState,
    next_try_at: datetime | None,
) -> bool:
    """False where somebody else has noted one meanwhile, or it is to be told again: then that counts."""
    noted = (
        update(WebhookDelivery)
        .where(
            col(WebhookDelivery.id) == delivery.id,
            col(WebhookDelivery.state) == DeliveryState.WAITING,
            col(WebhookDelivery.tried) == delivery.tried,
        )
        .values(
            state=state,
            tried=delivery.tried + 1,
            first_try_at=delivery.first_try_at or this.at,
            next_try_at=next_try_at if state is DeliveryState.WAITING else None,
            delivered_at=this.at if state is DeliveryState.DELIVERED else None,
            tries=[*delivery.tries, this.shown][-TRIES_SHOWN:],
        )
        .returning(col(WebhookDelivery.id))
        .execution_options(synchronize_session=False)
    )
    return (await session.exec(noted)).first() is not None


# ---------------------------------------------------------------- on, off, and told again


def switch_off(session: AsyncSession, endpoint: WebhookRecord, *, because: EndpointOff, at: datetime) -> None:
    if endpoint.off_at is None:
        endpoint.off_at, endpoint.off_because = at, because
        session.add(endpoint)


async def switch_on(session: AsyncSession, endpoint: WebhookRecord, *, at: datetime) -> None:
    """What waits is tried again, as if for the first time; then whatever it has missed."""
    if endpoint.off_at is None:
        return
    endpoint.off_at, endpoint.off_because = None, None
    session.add(endpoint)
    await _afresh(session, endpoint, col(WebhookDelivery.state) == DeliveryState.WAITING, at=at)


async def tell_again(session: AsyncSession, endpoint: WebhookRecord, *, after: int, at: datetime) -> None:
    """Every event behind this id is delivered, whether it was before or not, in order; those that it has missed too."""
    await _afresh(session, endpoint, col(WebhookDelivery.event_id) > after, at=at)
    endpoint.cursor = min(endpoint.cursor, after)
    session.add(endpoint)


async def _afresh(session: AsyncSession, endpoint: WebhookRecord, which: ColumnElement[bool], *, at: datetime) -> None:
    again = (
        update(WebhookDelivery)
        .where(col(WebhookDelivery.endpoint_id) == endpoint.id, which)
        .values(state=DeliveryState.WAITING, tried=0, first_try_at=None, next_try_at=at, delivered_at=None)
        .execution_options(synchronize_session=False)
    )
    await session.exec(again)


def rotate_secret(
    session: AsyncSession, endpoint: WebhookRecord, secret: str, *, former: str, rotation_id: UUID, until: datetime
) -> None:
    """Both sign until an instant, the former one and the new. The same rotation again replaces what nobody was told."""
    if endpoint.rotation_id != rotation_id:
        endpoint.former_secret, endpoint.former_until = former, until
    endpoint.secret, endpoint.rotation_id = secret, rotation_id
    session.add(endpoint)
