"""News that was accepted and stored, and told to a journey that was lost before it could act: found by the rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

import structlog
from sqlalchemy.exc import DBAPIError

from activities.base import Dependencies, heartbeat
from activities.care.chats import ChatActivities
from activities.money.stripe_events import ASKED, RECORDED, InboundActivities
from activities.ports import GatewayUnavailable
from activities.types.booking import LinksOrder
from activities.types.care import ChatLook
from activities.types.keeping import JourneyHears, NewLink
from activities.types.workflow_ids import LINKS_CHANGED, journey_id
from models.reads.booking.appointments import old_links
from models.reads.care.untold_messages import untold_messages
from models.reads.mail.events import client_of_event, events_left
from models.tables.mail.inbound_event import InboundEvent
from rules.accounts.caller import SYSTEM
from rules.accounts.vouching import vouched
from rules.keeping import A_DAY, NOT_YET
from rules.mail.events import VENDOR as MAIL_SERVICE

log = structlog.get_logger(__name__)

_PAGE, _PAGES = 50, 10  # of events, in one round: what is more waits for the next
_MESSAGES, _LINKS = 200, 200


@dataclass(frozen=True)
class UnheardNews:
    deps: Dependencies
    keeping_id: str

    async def find(self, *, at: datetime) -> tuple[JourneyHears, ...]:
        """What journeys must hear of it."""
        return (*await self._events(at=at), *await self._messages(at=at), *await self._links(at=at))

    async def _events(self, *, at: datetime) -> list[JourneyHears]:
        """Act on what vendors reported more than a minute ago, whether the client's record is open or closed: what is
        recorded needs no journey. An open one is told of it, and tells the appointment."""
        news: list[JourneyHears] = []
        after, stripe_is_away = "", False
        for _ in range(_PAGES):
            async with self.deps.sessions() as session:
                events = await events_left(session, before=at - NOT_YET, after=after, limit=_PAGE)
            for event in events:
                heartbeat()
                if stripe_is_away and event.vendor != MAIL_SERVICE:
                    continue
                try:
                    await InboundActivities(self.deps).handle_inbound_event(event.id)
                except GatewayUnavailable:
                    stripe_is_away = True
                except DBAPIError:
                    raise
                except Exception:
                    log.exception("an event could not be acted on: the next round tries again", event_id=event.id)
                else:
                    news += await self._told(event.id)
            if len(events) < _PAGE:
                break
            after = events[-1].id
        return news

    async def _told(self, event_id: str) -> Sequence[JourneyHears]:
        async with self.deps.sessions() as session:
            event = await session.get_one(InboundEvent, event_id)
            client = await client_of_event(session, event)
        acted_on = (event.outcome or "").startswith((RECORDED, ASKED))
        if not acted_on or client is None or client.closed_at is not None:
            return ()
        return (JourneyHears(client_id=str(client.id), event_id=event_id),)

    async def _messages(self, *, at: datetime) -> list[JourneyHears]:
        """Messages that wait unread, and of which no mail was ordered: it is ordered, and their journeys deliver it."""
        async with self.deps.sessions() as session:
            found = await untold_messages(session, since=at - A_DAY, before=at - NOT_YET, limit=_MESSAGES)
        news: list[JourneyHears] = []
        for client_id, chat_id in found:
            heartbeat()
            look = ChatLook(client_id=str(client_id), chat_id=str(chat_id))
            if (await ChatActivities(self.deps).look_at_chat(look)).deliver_at is not None:
                news.append(JourneyHears(client_id=str(client_id), delivers=True))
        return news

    async def _links(self, *, at: datetime) -> list[JourneyHears]:
        """Appointments ahead that have not got their therapist's link: their journeys put it there, and mail it."""
        async with self.deps.sessions() as session:
            found = await old_links(session, now=at, limit=_LINKS)
        return [self._link(client_id, therapist) for client_id, therapist in found]

    def _link(self, client_id: UUID, therapist: str) -> JourneyHears:
        request_id = str(uuid5(UUID(self.keeping_id), f"link/{client_id}/{therapist}"))
        order = LinksOrder(client_id=str(client_id), request_id=request_id, therapist=therapist, by=SYSTEM)
        workflow_id = journey_id(order.client_id)
        signed = vouched(order, workflow_id=workflow_id, message=LINKS_CHANGED, sign=self.deps.vouching.sign)
        assert signed.voucher is not None
        link = NewLink(request_id=request_id, therapist=therapist, by=SYSTEM, voucher=signed.voucher)
        return JourneyHears(client_id=str(client_id), link=link)
