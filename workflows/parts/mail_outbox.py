"""The outbox of mails, sent beside the story: a mail service that is away must hold up neither charge nor archive."""

from collections.abc import Callable

from temporalio import exceptions, workflow

from workflows import steps

with workflow.unsafe.imports_passed_through():
    from rules.mail.orders import MailOrder
    from rules.journey.stage import JourneyFacts
    from rules.policy import JourneyPolicy


class MailOutbox:
    """Sends the mails in ``box``, one after the other. A mail leaves the box once it is settled.

    The box belongs to the workflow's state, so what is not sent when a run ends is sent by the next. ``changed`` hears
    of the client's facts if a mail changed them, by a task that it opened; only the client's journey asks to.
    """

    def __init__(
        self,
        box: list[MailOrder],
        policy: JourneyPolicy,
        changed: Callable[[JourneyFacts], None] = lambda _: None,
    ) -> None:
        self.box = box
        self.policy = policy
        self.changed = changed
        self.is_sending = False
        self.stopping = False

    async def work(self) -> None:
        while True:
            await workflow.wait_condition(lambda: bool(self.box) or self.stopping)
            if self.stopping:
                return
            order = self.box[0]
            self.is_sending = True
            try:
                result = await steps.send_mail(order, self.policy)
                if result.facts is not None:
                    self.changed(result.facts)
            except exceptions.ActivityError as error:
                # Only what can never work ends up here, and it is seen in the history; the other mails must go out.
                workflow.logger.error("mail %s cannot be sent: %s", order.template, error.cause)
            finally:
                self.is_sending = False
            self.box.remove(order)

    def is_idle(self) -> bool:
        return not self.box and not self.is_sending

    async def finish(self) -> None:
        """Send everything that is left; for a workflow that is about to end."""
        await workflow.wait_condition(self.is_idle)
        self.stopping = True

    async def pause(self) -> None:
        """Let the mail that is on its way arrive; the others go out in the next run."""
        self.stopping = True
        await workflow.wait_condition(lambda: not self.is_sending)
