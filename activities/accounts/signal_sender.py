"""Who sent a signal that says nothing of it."""

from temporalio import activity

from activities.base import Activities
from activities.types.archive import SignalLook


class SenderActivities(Activities):
    @activity.defn
    async def signal_sender(self, look: SignalLook) -> str | None:
        """The sender's identity by the engine's own record, if it tells one."""
        if self.deps.signals is None:
            return None
        return await self.deps.signals.sender_of(
            workflow_id=look.workflow_id, run_id=look.run_id, signal=look.signal, events=look.events
        )
