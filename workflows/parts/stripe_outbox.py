"""The outbox of what a journey still has to do at Stripe: refunds to make, and intents to call off.

Like mails, they run beside the story, one after the other: Stripe may be away for long, and no reminder should wait
for it.
"""

import asyncio
from collections.abc import Callable

from temporalio import exceptions, workflow

from workflows import steps

with workflow.unsafe.imports_passed_through():
    from activities.types import Errand, Settled


class StripeOutbox:
    """Does the errands in ``box``, one after the other. An errand leaves the box once it is done.

    The box belongs to the workflow's state, so what is not done when a run ends is done by the next.
    """

    def __init__(self, client_id: str, box: list[Errand], learn: Callable[[Settled], None]) -> None:
        self.client_id = client_id
        self.box = box
        self.learn = learn
        self.out: asyncio.Task[None] | None = None  # the one that is under way
        self.stopping = False

    async def work(self) -> None:
        while True:
            await workflow.wait_condition(lambda: bool(self.box) or self.stopping)
            if self.stopping:
                return
            errand = self.box[0]
            self.out = asyncio.create_task(self.do(errand))
            done = await self.is_done(self.out)
            if done:
                self.box.remove(errand)
            self.out = None

    async def is_done(self, errand: asyncio.Task[None]) -> bool:
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

    async def do(self, errand: Errand) -> None:
        if errand.intent is not None:
            self.hear(await steps.cancel_intent(self.client_id, errand.intent))
        if errand.refund_id is not None:
            self.hear(await steps.send_refund(errand.refund_id))

    def hear(self, settled: Settled | None) -> None:
        if settled is not None:
            self.learn(settled)

    def is_pending(self, errand: Errand) -> bool:
        return errand in self.box

    async def finish(self) -> None:
        """Do everything that is left; for a workflow that is about to end."""
        await workflow.wait_condition(lambda: not self.box and self.out is None)
        self.stopping = True

    async def pause(self) -> None:
        """Let go of the errand that is under way, without waiting for a Stripe that may be away: the next run does it.

        Whatever of it was done by then is found there: a refund by its own id, a cancelled intent as it stands.
        """
        self.stopping = True
        if self.out is not None:
            self.out.cancel()
        await workflow.wait_condition(lambda: self.out is None)
