"""Delivering what no open journey delivers: what is in no client's outbox, and what waits for closed records."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from temporalio import activity

from activities.base import Activities, heartbeat
from activities.delivery.outbox import DeliveryActivities
from activities.failures import MAY_PASS
from activities.mail.own_mails import OwnMails
from activities.types.keeping import PracticeMailed
from activities.types.mail import DeliverOrder
from activities.types.workflow_ids import LOOK_AGAIN, journey_id
from models.reads.keeping.must_run import undelivered_of_closed, undelivered_of_nobody
from rules.keeping import PRACTICE_MAIL_ID

log = structlog.get_logger(__name__)

_AT_ONCE = 20  # records of one step: it is to end in minutes
_STILL_ENDING = timedelta(seconds=30)
_PAUSE = timedelta(minutes=5)  # after what could not be delivered at all


class PracticeMailActivities(Activities):
    @activity.defn
    async def leave_to_practice_mail(self, _: str) -> None:
        """Have what a journey leaves behind delivered by PracticeMail, which is no child of a journey that ends."""
        assert self.deps.executions is not None, "who leaves something to others can reach them"
        await self.deps.executions.wake(PRACTICE_MAIL_ID, LOOK_AGAIN)

    @activity.defn
    async def deliver_practice_mail(self, _: str) -> PracticeMailed:
        """Deliver all that is due. A journey that is about to end delivers its own: it is left to do so."""
        assert self.deps.executions is not None, "who delivers for others looks whether they do"
        await OwnMails(self.deps).deliver()
        now = await self.now()
        async with self.transaction() as session:
            waiting = await undelivered_of_closed(session)
        delivering = DeliveryActivities(self.deps)
        later: dict[UUID, datetime] = {}
        for client_id, at in waiting[:_AT_ONCE]:
            if at > now:
                break
            heartbeat()
            journey = await self.deps.executions.look_at(journey_id(str(client_id)))
            if journey is not None and journey.runs:
                later[client_id] = now + _STILL_ENDING
                continue
            try:
                await delivering.deliver(DeliverOrder(client_id=str(client_id)))
            except MAY_PASS:
                raise
            except Exception:
                log.exception("the outbox of a closed record cannot be delivered")
                later[client_id] = now + _PAUSE
        async with self.transaction() as session:
            left = [later.get(client_id, at) for client_id, at in await undelivered_of_closed(session)]
            own = await undelivered_of_nobody(session)
        return PracticeMailed(look_at=min([*left, *([own] if own is not None else [])], default=None))
