"""The outbox of what a journey still has to do at Stripe: refunds to make, and intents to call off.

Like mails, its errands run beside the story, one after the other: Stripe may be away for long, and no reminder should
wait for it.
"""

import asyncio
from collections.abc import Callable

from temporalio import exceptions, workflow

from workflows import steps

with workflow.unsafe.imports_passed_through():
    from activities.types.money import Settled, StripeErrand


class StripeOutbox:
    """Does the errands in ``box``, one after the other. An errand leaves the box once it is done.

    The box belongs to the workflow's state, so what is not done when a run ends is done by the next. ``changed`` is
    told what an errand has changed.
    """

    def __init__(self, client_id: str, box: list[StripeErrand], changed: Callable[[Settled], None]) -> None:
        self.client_id = client_id
        self.box = box
        self.changed = changed
        self.under_way: asyncio.Task[None] | None = None
        self.stopping = False

    def add(self, errand: StripeErrand) -> None:
        """Have something done, once."""
        if not self.is_pending(errand):
            self.box.append(errand)

    def is_pending(self, errand: StripeErrand) -> bool:
        return errand in self.box

    async def work(self) -> None:
        while True:
            await workflow.wait_condition(lambda: bool(self.box) or self.stopping)
            if self.stopping:
                return
            errand = self.box[0]
            self.under_way = asyncio.create_task(self._do(errand))
            if await self._is_done(self.under_way):
                self.box.remove(errand)
            self.under_way = None

    async def finish(self) -> None:
        """Do everything that is left; for a workflow that is about to end."""
        await workflow.wait_condition(lambda: not self.box and self.under_way is None)
        self.stopping = True

    async def pause(self) -> None:
        """Let go of the errand that is under way, without waiting for a Stripe that may be away: the next run does it.

        Whatever of it was done by then is found there: a refund by its own id, a cancelled intent as it stands.
        """
        self.stopping = True
        if self.under_way is not None:
            self.under_way.cancel()
        await workflow.wait_condition(lambda: self.under_way is None)

    async def _do(self, errand: StripeErrand) -> None:
        if errand.intent is not None:
            self._take(await steps.cancel_intent(self.client_id, errand.intent))
        if errand.refund_id is not None:
            self._take(await steps.send_refund(errand.refund_id))

    def _take(self, settled: Settled | None) -> None:
        if settled is not None:
            self.changed(settled)

    async def _is_done(self, errand: asyncio.Task[None]) -> bool:
        """False if this run was about to end and let go of it."""
        try:
            await errand
        except asyncio.CancelledError:
            return False
        except exceptions.ActivityError as error:
            if self.stopping and exceptions.is_cancelled_exception(error):
                return False
            # What Stripe refuses, or no step can do, is seen in the history, and by the comparison of the books; the
            # others must go on.
            workflow.logger.error("an errand at Stripe cannot be done: %s", error.cause)
        return True
