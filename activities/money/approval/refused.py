"""Approvals that are refused. What is approved is carried out by the step that was asked for it."""

from uuid import UUID

from temporalio import activity

from activities.answers import AnsweredOnce
from activities.base import Activities
from activities.money.approval.second_person import open_approval, settle
from activities.types.clients import Done
from activities.types.money import ApprovalRefusal
from activities.words import heard
from models.reads.journey import project
from models.writes.locks import lock_client
from rules.enums import ApprovalStatus

REFUSED = AnsweredOnce("refuse_approval", Done)


class ApprovalActivities(Activities):
    @activity.defn
    async def refuse_approval(self, order: ApprovalRefusal) -> Done:
        """Nothing comes of it. Who asked for it may take it back in the same way."""
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            given = await REFUSED.given(session, client, order)
            if given is not None:
                return given
            row = await open_approval(session, client, order.approval_id, by=order.by, approve=False, at=now)
            if isinstance(row, Done):
                return row
            order = await heard(session, order, about=client.id)
            await settle(session, client, row, ApprovalStatus.REFUSED, by=order.by, at=now, answer=order.reason)
            return REFUSED.keep(session, client, order, Done(facts=await project(session, client)), at=now)
