"""Who sent a message that does not say so."""

from temporalio import activity

from activities.base import Activities
from activities.types.accounts import MessageLook, Sender
from rules.accounts.caller import Voucher, through_temporal
from rules.accounts.vouching import sworn


class SenderActivities(Activities):
    @activity.defn
    async def message_sender(self, look: MessageLook) -> Sender:
        """The sender by the identity in the engine's own record, if it tells one."""
        identity = None
        if self.deps.record is not None:
            identity = await self.deps.record.sender_of(
                workflow_id=look.workflow_id,
                run_id=look.run_id,
                message=look.message,
                update_id=look.update_id,
                events=look.events,
            )
        by = through_temporal(identity)
        about = sworn(
            by.actor if look.update_id is None else by,
            workflow_id=look.workflow_id,
            message=look.message,
            request_id=look.request,
            content=look.content,
        )
        return Sender(by=by, voucher=Voucher(message=look.message, mac=self.deps.vouching.sign(about)))
