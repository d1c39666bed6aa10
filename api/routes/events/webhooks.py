"""Webhooks: programs that are told of events as they happen; made, changed and ended by an admin. A secret is shown
once."""

import base64
import secrets
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID, uuid5

import structlog
from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, Field, StrictInt
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.acts import Acts
from api.access_log.declared import shows_no_client
from api.bodies import Body, Flag, Instant
from api.deps import Admin, ByTime, Now, RequestId, Services, Svc
from api.idempotency import IdempotentRoute
from api.problems import EngineUnavailable, must_find, responses, wrong_fields
from api.views.lists import Listed, cut, listed
from models.reads.events.events import EventsGone, events_after, settled_up_to
from models.reads.events.webhooks import (
    count_endpoints,
    count_waiting,
    delivery,
    last_event_before,
    list_deliveries,
    list_endpoints,
    webhook,
)
from models.sealing import opened_aside
from models.tables.events.event import Event
from models.tables.events.webhook import WebhookDelivery, WebhookRecord
from models.writes.clients.tasks import close_own_tasks
from models.writes.events.webhooks import (
    lock_endpoint,
    order_test,
    rotate_secret,
    switch_off,
    switch_on,
    tell_again,
)
from rules.accounts.accesses import AccessEvent
from rules.enums import TaskKind
from rules.events.kinds import PRACTICE_ALONE, EventKind
from rules.events.webhooks import (
    BOTH_SIGN,
    MOST_ENDPOINTS,
    SECRET_BYTES,
    SECRET_PREFIX,
    TEST_KIND,
    DeliveryState,
    EndpointOff,
    EndpointSide,
)
from rules.outbound import LONGEST_ADDRESS, Trouble, trouble_with
from rules.refusals import Problem

log = structlog.get_logger(__name__)
router = APIRouter(
    prefix="/v1",
    tags=["webhook-endpoints"],
    route_class=IdempotentRoute,
    dependencies=[shows_no_client("addresses of programs, and ids of events")],
)


_ON = "It was switched on again."
_REMOVED = "It was removed."


def _in_order(kinds: list[EventKind]) -> list[EventKind]:
    return [kind for kind in EventKind if kind in kinds]


Address = Annotated[str, Field(min_length=1, max_length=LONGEST_ADDRESS)]
Kinds = Annotated[list[EventKind], Field(max_length=len(EventKind)), AfterValidator(_in_order)]


class NewWebhook(Body):
    """``for`` is whose program it is. Without ``kinds`` it is told of all that its side may know of."""

    url: Address
    kinds: Kinds = Field(default_factory=list)
    side: EndpointSide = Field(alias="for")


class WebhookChange(Body):
    """What is left out stays. Switched on again, it is sent what it missed."""

    url: Address | None = None
    kinds: Kinds | None = None
    on: Flag | None = None


class Replay(Body):
    """``since`` is the id of an event, behind which it begins, or a time, at which it does."""

    since: StrictInt | Instant


class WebhookView(BaseModel):
    id: UUID
    url: str
    kinds: list[EventKind]
    side: EndpointSide = Field(serialization_alias="for")
    on: bool
    off_at: datetime | None
    off_because: EndpointOff | None
    waiting: int
    former_until: datetime | None
    made_at: datetime
    made_by: str

    @classmethod
    def of(cls, row: WebhookRecord, *, waiting: int, now: datetime, **more: Any) -> Self:
        shown = row.model_dump(include=set(cls.model_fields))
        ended = row.former_until is not None and row.former_until <= now
        return cls(**shown | {"on": row.is_on, "waiting": waiting} | ({"former_until": None} if ended else {}) | more)


class NewWebhookView(WebhookView):
    """``secret`` is shown this once."""

    secret: str


class WebhookTryView(BaseModel):
    at: datetime
    status: int | None
    reason: Trouble | None
    took_ms: int


class WebhookDeliveryView(BaseModel):
    id: UUID
    event_id: int | None
    kind: str
    status: DeliveryState
    made_at: datetime
    delivered_at: datetime | None
    next_try_at: datetime | None
    tried: int
    tries: list[WebhookTryView]

    @classmethod
    def of(cls, row: WebhookDelivery, event: Event | None) -> Self:
        kind = event.kind.value if event else TEST_KIND
        return cls(**row.model_dump(include=set(cls.model_fields)), kind=kind, status=row.state)


class Replayed(BaseModel):
    """``after``: the id of the event behind which all is sent again."""

    after: int


@router.post("/webhooks", status_code=201, summary="Have a program told of events", responses=responses())
async def make_webhook(
    *, body: NewWebhook, services: Svc, caller: Admin, acts: Acts, request_id: RequestId, now: Now
) -> NewWebhookView:
    """It is told of what happens from now on."""
    secret, id = _new_secret(), uuid5(request_id, "webhook")
    async with services.sessions() as session:
        row = await lock_endpoint(session, id)
        if row is None:
            _check(services, url=body.url, kinds=body.kinds, side=body.side)
            if await count_endpoints(session) >= MOST_ENDPOINTS:
                raise wrong_fields([("url", f"there are {MOST_ENDPOINTS} webhooks already: remove one first")])
            row = WebhookRecord(
                id=id,
                url=body.url,
                side=body.side,
                kinds=[kind.value for kind in body.kinds],
                secret=secret,
                cursor=await settled_up_to(session),
                made_at=now,
                made_by=caller.actor,
            )
        row.secret = secret  # where the same request's answer was lost, nobody was told the first one
        session.add(row)
        await acts.note(session, (AccessEvent.WEBHOOK_MADE, str(id)))
        view = NewWebhookView.of(row, waiting=0, now=now, secret=secret)
        await session.commit()
    await _wake(services, id)
    return view


@router.get("/webhooks", summary="Programs that are told of events", responses=responses())
async def list_webhooks(*, services: Svc, _: Admin, page: ByTime, now: Now) -> Listed[WebhookView]:
    async with services.sessions() as session:
        rows, last = cut(await list_endpoints(session, page=page), page)
        waiting = await count_waiting(session, [row.id for row in rows])
    views = [WebhookView.of(row, waiting=waiting.get(row.id, 0), now=now) for row in rows]
    return listed(views, (last.made_at, last.id) if last else None)


@router.get("/webhooks/{webhook_id}", summary="One of them", responses=responses(Problem.NOT_FOUND))
async def get_webhook(*, webhook_id: UUID, services: Svc, _: Admin, now: Now) -> WebhookView:
    async with services.sessions() as session:
        return await _view(session, must_find("webhook", await webhook(session, webhook_id)), now=now)


@router.patch(
    "/webhooks/{webhook_id}",
    summary="Change where it is, what it is told, or whether it is",
    responses=responses(Problem.NOT_FOUND),
)
async def change_webhook(
    *, webhook_id: UUID, body: WebhookChange, services: Svc, caller: Admin, acts: Acts, now: Now
) -> WebhookView:
    """Switched on again, it is sent what it missed, in order."""
    async with services.sessions() as session:
        row = await _locked(session, webhook_id)
        _check(services, url=body.url, kinds=body.kinds or [], side=row.side)
        if body.url is not None:
            row.url = body.url
        if body.kinds is not None:
            row.kinds = [kind.value for kind in body.kinds]
        session.add(row)
        if body.on is True:
            await switch_on(session, row, at=now)
            await close_own_tasks(session, TaskKind.WEBHOOK_OFF, about=str(row.id), by=caller.actor, at=now, note=_ON)
        if body.on is False:
            switch_off(session, row, because=EndpointOff.BY_HAND, at=now)
        await acts.note(session, (AccessEvent.WEBHOOK_CHANGED, str(row.id)))
        view = await _view(session, row, now=now)
        await session.commit()
    await _wake(services, webhook_id)
    return view


@router.delete(
    "/webhooks/{webhook_id}",
    status_code=204,
    summary="Tell a program nothing more",
    responses=responses(Problem.NOT_FOUND),
)
async def remove_webhook(*, webhook_id: UUID, services: Svc, caller: Admin, acts: Acts, now: Now) -> None:
    async with services.sessions() as session:
        row = await _locked(session, webhook_id)
        row.removed_at = now
        session.add(row)
        await close_own_tasks(session, TaskKind.WEBHOOK_OFF, about=str(row.id), by=caller.actor, at=now, note=_REMOVED)
        await acts.note(session, (AccessEvent.WEBHOOK_REMOVED, str(row.id)))
        await session.commit()
    await _wake(services, webhook_id)


@router.post(
    "/webhooks/{webhook_id}/rotate",
    status_code=201,
    summary="Give it another secret; the former one signs too, for a day",
    responses=responses(Problem.NOT_FOUND),
)
async def rotate_webhook(
    *, webhook_id: UUID, services: Svc, _: Admin, acts: Acts, request_id: RequestId, now: Now
) -> NewWebhookView:
    secret = _new_secret()
    async with services.sessions() as session:
        row = await _locked(session, webhook_id)
        former = opened_aside(row, "secret")
        rotate_secret(session, row, secret, former=former, rotation_id=request_id, until=now + BOTH_SIGN)
        await acts.note(session, (AccessEvent.WEBHOOK_ROTATED, str(row.id)))
        waiting = await count_waiting(session, [row.id])
        view = NewWebhookView.of(row, waiting=waiting.get(row.id, 0), now=now, secret=secret)
        await session.commit()
    return view


@router.post(
    "/webhooks/{webhook_id}/test",
    status_code=202,
    summary=f"Send it a `{TEST_KIND}`",
    responses=responses(Problem.NOT_FOUND),
)
async def try_webhook(
    *, webhook_id: UUID, services: Svc, _: Admin, request_id: RequestId, now: Now
) -> WebhookDeliveryView:
    """It is tried once, whether the webhook is on or off; the list of deliveries shows what came of it."""
    async with services.sessions() as session:
        row = await _locked(session, webhook_id)
        id = uuid5(request_id, "webhook test")
        await order_test(session, row, id=id, at=now)
        ordered = await delivery(session, id)
        view = WebhookDeliveryView.of(ordered, None)
        await session.commit()
    await _wake(services, webhook_id)
    return view


@router.post(
    "/webhooks/{webhook_id}/replay",
    status_code=202,
    summary="Tell it again, from an event or a time on",
    responses=responses(Problem.NOT_FOUND),
)
async def replay_webhook(*, webhook_id: UUID, body: Replay, services: Svc, _: Admin, acts: Acts, now: Now) -> Replayed:
    """All that is for it is sent, whether it was before or not, with the same ids, in order."""
    async with services.sessions() as session:
        row = await _locked(session, webhook_id)
        after = await _after(session, body.since)
        await tell_again(session, row, after=after, at=now)
        await acts.note(session, (AccessEvent.WEBHOOK_REPLAYED, str(row.id)))
        await session.commit()
    await _wake(services, webhook_id)
    return Replayed(after=after)


Status = Annotated[DeliveryState | None, Query(description="Those alone that stand so.")]


@router.get(
    "/webhooks/{webhook_id}/deliveries",
    summary="What was sent, or is to be, the newest first",
    responses=responses(Problem.NOT_FOUND),
)
async def list_webhook_deliveries(
    *, webhook_id: UUID, services: Svc, _: Admin, page: ByTime, status: Status = None
) -> Listed[WebhookDeliveryView]:
    async with services.sessions() as session:
        must_find("webhook", await webhook(session, webhook_id))
        found, last = cut(await list_deliveries(session, webhook_id, state=status, page=page), page)
    views = [WebhookDeliveryView.of(row, event) for row, event in found]
    return listed(views, (last[0].made_at, last[0].id) if last else None)


# ---------------------------------------------------------------- parts


async def _wake(services: Services, webhook_id: UUID) -> None:
    """What is to be told stands in rows: where the engine is away, whoever looks for news or the keeper wakes it."""
    try:
        await services.engine.wake_webhook(webhook_id)
    except EngineUnavailable:
        log.info("a webhook is not woken for now", webhook=str(webhook_id))


def _new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _check(services: Services, *, url: str | None, kinds: list[EventKind], side: EndpointSide) -> None:
    wrong = []
    if url is not None and (trouble := trouble_with(url, private=services.settings.private_addresses)):
        wrong.append(("url", trouble.sentence))
    if side is EndpointSide.SITE and (others := [kind.value for kind in kinds if kind in PRACTICE_ALONE]):
        wrong.append(("kinds", f"for the practice's programs alone: {', '.join(others)}"))
    if wrong:
        raise wrong_fields(wrong)


async def _locked(session: AsyncSession, webhook_id: UUID) -> WebhookRecord:
    return must_find("webhook", await lock_endpoint(session, webhook_id))


async def _view(session: AsyncSession, row: WebhookRecord, *, now: datetime) -> WebhookView:
    waiting = await count_waiting(session, [row.id])
    return WebhookView.of(row, waiting=waiting.get(row.id, 0), now=now)


async def _after(session: AsyncSession, since: int | datetime) -> int:
    """The id of the event behind which a replay begins. Raises Refused where some of it is not kept any more."""
    settled = await settled_up_to(session)
    # By a time it may be behind events that are still under way: those come, too.
    after = since if isinstance(since, int) else min(await last_event_before(session, since), settled)
    if not 0 <= after <= settled:
        raise wrong_fields([("since", f"there is no such event yet: the newest is {settled}")])
    try:
        await events_after(session, after, for_site=False, limit=1)
    except EventsGone as gone:
        raise wrong_fields([("since", f"events up to {gone.up_to} are not kept any more")]) from None
    return after
