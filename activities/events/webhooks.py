"""Delivering events to one endpoint: each at least once, those of one client in order, and nobody held up by another.

What is to be delivered are rows, and what became of each is written before the next one of its lane is taken. Done
twice at once it says some things twice, in the same order, with the same ids.
"""

import asyncio
from collections import deque
from datetime import UTC, datetime
from time import monotonic
from typing import TypeAlias
from uuid import UUID

import structlog
from sqlalchemy.exc import NoResultFound
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.base import Activities, Dependencies, heartbeat
from activities.events.signing import Target, body_of, headers_of, message_id, target_of
from activities.gateways.outbound.failures import OutboundFailure
from activities.types.events import WebhooksDelivered
from models.reads.events.webhooks import due_deliveries, next_due
from models.tables.events.event import Event
from models.tables.events.webhook import WebhookDelivery, WebhookRecord
from models.writes.clients.tasks import open_own_task
from models.writes.events.webhooks import Try, lock_endpoint, note_try, switch_off, take_over
from rules.enums import TaskKind
from rules.events.webhooks import DeliveryState, EndpointOff, next_try

log = structlog.get_logger(__name__)

AT_ONCE = 20  # deliveries of one endpoint that are under way
STEP_SECONDS = 60.0  # after which a step takes nothing new: what is left is another's
_EVENTS = 500  # taken over at once
_WRITING = 3  # connections to the database that one step has at once
_LOOK_EVERY = 1.0  # seconds, for a sign of life
Due: TypeAlias = tuple[WebhookDelivery, Event | None, bool]  # of a test client


class WebhookActivities(Activities):
    @activity.defn
    async def deliver_webhooks(self, endpoint_id: str) -> WebhooksDelivered:
        """Deliver all that is due, and what comes meanwhile, for a minute or so."""
        delivering = _Delivering(self.deps, UUID(endpoint_id))
        more = await delivering.deliver()
        async with self.transaction() as session:
            at = await next_due(session, delivering.id) if delivering.on else None
        return WebhooksDelivered(on=delivering.on, look_at=at, more=more)


class _Delivering:
    def __init__(self, deps: Dependencies, id: UUID) -> None:
        self._deps = deps
        self.id = id
        self.on = True
        self._target: Target | None = None
        self._due: deque[Due] = deque()
        self._under_way: dict[UUID, asyncio.Task[None]] = {}  # by lane
        self._writing = asyncio.Semaphore(_WRITING)

    async def deliver(self) -> bool:
        """Whether there is more to do now. What is under way when something is broken is waited for, too."""
        try:
            more = await self._deliver_until(monotonic() + STEP_SECONDS)
        finally:
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        for task in self._under_way.values():
            task.result()
        return more

    async def _deliver_until(self, end: float) -> bool:
        while True:
            heartbeat()
            left = len(self._under_way) < AT_ONCE and not self._due and await self._look()
            while self._due and len(self._under_way) < AT_ONCE:
                due = self._due.popleft()
                self._under_way[due[0].lane] = asyncio.create_task(self._send(due))
            if monotonic() >= end:
                return True
            if not self._under_way and not left:
                return False
            await self._one_has_ended()

    async def _one_has_ended(self) -> None:
        if not self._under_way:
            return
        done, _ = await asyncio.wait(self._under_way.values(), timeout=_LOOK_EVERY, return_when=asyncio.FIRST_COMPLETED)
        for lane, task in list(self._under_way.items()):
            if task in done:
                del self._under_way[lane]
                task.result()

    async def _look(self) -> bool:
        """Make deliveries of new events, and see which are due; whether there may be more of either."""
        now = await self._deps.clock.now()
        async with self._deps.sessions() as session:
            endpoint = await lock_endpoint(session, self.id, removed=True)
            if endpoint is None:
                raise NoResultFound
            self.on = endpoint.is_on
            if endpoint.removed_at is not None:
                return False
            taken = await take_over(session, endpoint, limit=_EVENTS, at=now) if self.on else None
            if taken is not None and taken.gone_up_to is not None:
                log.warning("events were not kept until a webhook could tell of them", webhook=str(self.id))
            self._target = target_of(endpoint, now=now)
            await session.commit()
        async with self._deps.sessions() as session:
            found = await due_deliveries(
                session,
                self.id,
                now=now,
                but=list(self._under_way),
                limit=2 * AT_ONCE,
                tests_alone=not self.on,
            )
            self._due.extend(found)
        return bool(found) or (taken is not None and taken.more)

    async def _send(self, due: Due) -> None:
        delivery, event, test = due
        target = self._target
        assert target is not None, "it was read with what is due"
        body, id = body_of(delivery, event, test=test), message_id(delivery)
        at, began = await self._deps.clock.now(), monotonic()
        status: int | None = None
        reason: str | None = None
        try:
            answer = await self._deps.door.call(
                "POST",
                target.url,
                headers=headers_of(id, body, target.secrets, at=datetime.now(UTC)),
                content=body.encode(),
                head_alone=True,
            )
            status = answer.status
        except OutboundFailure as failure:
            reason = failure.reason.value
        tried = Try(at=at, took_ms=int((monotonic() - began) * 1000), status=status, reason=reason)
        await self._note(delivery, tried, accepted=status is not None and 200 <= status < 300)

    async def _note(self, delivery: WebhookDelivery, this: Try, *, accepted: bool) -> None:
        now = await self._deps.clock.now()
        policy = self._deps.policy
        again = next_try(
            delivery.tried + 1,
            first_at=delivery.first_try_at or this.at,
            now=now,
            retries=policy.webhook_retries,
            then_every=policy.webhook_retry_every,
            for_as_long_as=policy.webhook_gives_up,
        )
        failed = DeliveryState.FAILED if delivery.event_id is None else DeliveryState.WAITING
        state = DeliveryState.DELIVERED if accepted else failed
        async with self._writing, self._deps.sessions() as session:
            gives_up = state is DeliveryState.WAITING and again is None
            endpoint = await lock_endpoint(session, self.id) if gives_up else None
            noted = await note_try(session, delivery, this, state=state, next_try_at=again)
            if noted and endpoint is not None and endpoint.is_on:
                await _give_up(session, endpoint, delivery, at=now)
            await session.commit()


async def _give_up(session: AsyncSession, endpoint: WebhookRecord, delivery: WebhookDelivery, *, at: datetime) -> None:
    """Nothing more is sent there by itself, and a person is told. What waits, waits on."""
    switch_off(session, endpoint, because=EndpointOff.GAVE_UP, at=at)
    await open_own_task(
        session,
        key=f"webhook-off:{endpoint.id}:{at.isoformat()}",
        kind=TaskKind.WEBHOOK_OFF,
        text=(
            f"The webhook {endpoint.id} is off: the event {delivery.event_id} could not be delivered for as long as one"
            " is tried. What it missed is sent once it is switched on again."
        ),
        at=at,
        data={"webhook_id": str(endpoint.id)},
    )
