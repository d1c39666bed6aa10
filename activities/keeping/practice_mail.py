"""Delivering what no open journey delivers: mails about accounts, and what waits for a record that was closed."""

from datetime import timedelta

from temporalio import activity

from activities.base import Activities
from activities.delivery import DeliveryActivities
from activities.mail.account_mails import AccountMails
from activities.money.comparison import heartbeat
from activities.types.keeping import PracticeMailed
from activities.types.mail import DeliverOrder
from activities.types.workflow_ids import LOOK_AGAIN, PRACTICE_MAIL_ID, journey_id
from models.reads.keeping.must_run import undelivered_of_no_journey

_STILL_ENDING = timedelta(seconds=30)


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
        await AccountMails(self.deps).deliver()
        now = await self.now()
        async with self.transaction() as session:
            waiting = await undelivered_of_no_journey(session)
        for client_id, at in waiting:
            if at > now:
                break
            if client_id is None:
                continue
            heartbeat()
            journey = await self.deps.executions.look_at(journey_id(str(client_id)))
            if journey is not None and journey.runs:
                return PracticeMailed(look_at=now + _STILL_ENDING)
            await DeliveryActivities(self.deps).deliver(DeliverOrder(client_id=str(client_id)))
        async with self.transaction() as session:
            left = await undelivered_of_no_journey(session, limit=1)
        return PracticeMailed(look_at=left[0][1] if left else None)
