"""One endpoint, its receiver, and events to tell of."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import col, select

from activities.base import Dependencies
from activities.events.webhooks import WebhookActivities
from activities.types.events import WebhooksDelivered
from engine.codec import PayloadKeys
from models.database import Sessions
from models.reads.events.events import settled_up_to
from models.tables import Client, Event, Task, WebhookDelivery, WebhookRecord
from models.writes.events.publish import publish
from models.writes.events.webhooks import lock_endpoint, order_test, switch_on, tell_again
from rules.events.kinds import EventKind
from rules.events.webhooks import EndpointSide
from tests.care.defaults import dependencies
from tests.care.outside.webhook_receiver import Receiver, receiving
from tests.care.practice import MovableClock, Post
from tests.care.rows import NOW, Rows

SECRET = "whsec_" + "YWJj" * 8


class Told:
    def __init__(self, sessions: Sessions, receiver: Receiver) -> None:
        self.sessions, self.receiver = sessions, receiver
        self.clock = MovableClock(NOW)
        self.deps: Dependencies = dependencies(
            sessions=sessions,
            clock=self.clock,
            payments=None,  # type: ignore[arg-type]
            mailer=Post(),
            keys=PayloadKeys((("tests", bytes(32)),)),
            public_url="http://portal.example",
        )
        self.id = uuid4()
        self.rows = Rows(sessions)
        self._therapist: UUID | None = None

    async def begins(self, *, side: EndpointSide = EndpointSide.PRACTICE, kinds: tuple[EventKind, ...] = ()) -> None:
        self.receiver.secrets.append(SECRET)
        async with self.sessions() as session:
            row = WebhookRecord(
                id=self.id,
                url=self.receiver.url,
                side=side,
                kinds=[kind.value for kind in kinds],
                secret=SECRET,
                cursor=await settled_up_to(session),
                made_at=self.clock.instant,
                made_by="admin:root",
            )
            session.add(row)
            await session.commit()

    async def client(self) -> Client:
        if self._therapist is None:
            self._therapist = (await self.rows.therapist("ana")).id
        async with self.sessions() as session:
            therapist = await self.rows.therapist(f"t{uuid4().hex[:8]}")
            _ = session
        return await self.rows.client(therapist)

    async def happens(
        self,
        *clients: Client | None,
        kind: EventKind = EventKind.CARD_SAVED,
        for_site: bool = True,
        data: dict[str, Any] | None = None,
    ) -> list[str]:
        """One event of each of these clients, in order; their ids as programs know them."""
        ids = []
        for client in clients:
            async with self.sessions() as session:
                event = publish(session, kind, at=self.clock.instant, client=client, data=data, for_site=for_site)
                await session.commit()
                ids.append(str(event.id))
        return ids

    async def delivers(self) -> WebhooksDelivered:
        return await WebhookActivities(self.deps).deliver_webhooks(str(self.id))

    async def passes(self, **time: float) -> WebhooksDelivered:
        self.clock.instant += timedelta(**time)
        return await self.delivers()

    async def at(self, instant: datetime | None) -> WebhooksDelivered:
        assert instant is not None
        self.clock.instant = max(self.clock.instant, instant)
        return await self.delivers()

    async def deliveries(self) -> list[WebhookDelivery]:
        async with self.sessions() as session:
            statement = select(WebhookDelivery).order_by(col(WebhookDelivery.event_id))
            return list((await session.exec(statement)).all())

    async def endpoint(self) -> WebhookRecord:
        async with self.sessions() as session:
            return await session.get_one(WebhookRecord, self.id)

    async def tasks(self) -> list[Task]:
        async with self.sessions() as session:
            return list((await session.exec(select(Task))).all())

    async def is_switched_on(self) -> None:
        async with self.sessions() as session:
            row = await lock_endpoint(session, self.id)
            assert row is not None
            await switch_on(session, row, at=self.clock.instant)
            await session.commit()

    async def is_told_again(self, *, after: int) -> None:
        async with self.sessions() as session:
            row = await lock_endpoint(session, self.id)
            assert row is not None
            await tell_again(session, row, after=after, at=self.clock.instant)
            await session.commit()

    async def is_tested(self) -> UUID:
        id = uuid4()
        async with self.sessions() as session:
            row = await lock_endpoint(session, self.id)
            assert row is not None
            await order_test(session, row, id=id, at=self.clock.instant)
            await session.commit()
        return id

    def with_door(self, **how: Any) -> None:
        self.deps = replace(self.deps, door=type(self.deps.door)(private=True, **how))


@pytest.fixture
async def told(sessions: Sessions) -> AsyncIterator[Told]:
    async with receiving() as receiver:
        yield Told(sessions, receiver)


__all__ = ["Event", "Told"]
