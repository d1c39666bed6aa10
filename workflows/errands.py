"""What a journey still has to do at Stripe: refunds to make, and intents to call off.

Like mails, they run beside the story, one after the other: Stripe may be away for long, and no reminder should wait
for it.
"""

from collections.abc import Callable

from temporalio import exceptions, workflow

from workflows import steps

with workflow.unsafe.imports_passed_through():
    from activities.types import Errand, Settled


class Errands:
    """Does the errands in ``box``, one after the other. An errand leaves the box once it is done.

    The box belongs to the workflow's state, so what is not done when a run ends is done by the next.
    """

    def __init__(self, client_id: str, box: list[Errand], learn: Callable[[Settled], None]) -> None:
        self.client_id = client_id
        self.box = box
        self.learn = learn
        self.out = False  # one is under way
        self.stopping = False

    async def work(self) -> None:
        while True:
            await workflow.wait_condition(lambda: bool(self.box) or self.stopping)
            if self.stopping:
                return
            errand = self.box[0]
            self.out = True
            try:
                await self.do(errand)
            except exceptions.ActivityError as error:
                # Only what can never work ends up here, and it is seen in the history; the others must go on.
                workflow.logger.error("an errand at Stripe cannot be done: %s", error.cause)
            finally:
                self.out = False
            self.box.remove(errand)

    async def do(self, errand: Errand) -> None:
        if errand.intent is not None:
            await steps.cancel_intent(self.client_id, errand.intent)
        if errand.refund_id is not None:
            settled = await steps.send_refund(errand.refund_id)
            if settled is not None:
                self.learn(settled)

    def is_pending(self, errand: Errand) -> bool:
        return errand in self.box

    async def finish(self) -> None:
        """Do everything that is left; for a workflow that is about to end."""
        await workflow.wait_condition(lambda: not self.box and not self.out)
        self.stopping = True

    async def pause(self) -> None:
        """Let the errand that is under way come to its end; the others are done in the next run."""
        self.stopping = True
        await workflow.wait_condition(lambda: not self.out)
