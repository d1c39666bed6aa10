"""The outbox of a workflow: delivered beside the story, which waits for no vendor.

What waits to be delivered is in the database; here is only when something of it is due next. One bounded step delivers
all that is due, and what is left has a timer.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from temporalio import exceptions, workflow

from workflows import steps

with workflow.unsafe.imports_passed_through():
    from activities.types.mail import Delivered, DeliverOrder
    from rules.mail.orders import MailOrder

_A_MOMENT = timedelta(seconds=1)
_PAUSE = timedelta(minutes=5)  # after a step that could not be carried out at all


class Outbox:
    """Delivers for one deliverer: the workflow of the appointment, if one is named, else the client's journey.

    ``changed`` hears what each delivery has changed.
    """

    def __init__(
        self,
        client_id: str,
        appointment_id: str | None = None,
        *,
        changed: Callable[[Delivered], object] = lambda _: None,
    ) -> None:
        self.client_id = client_id
        self.appointment_id = appointment_id
        self.at: datetime | None = None  # when something is due next
        self.reminders: list[MailOrder] = []  # whose time has come; no row marks them yet
        self.goals: dict[str, datetime] = {}  # that are reminded of among them
        self.busy = False
        self.stopping = False
        self._changed = changed

    def note(self, at: datetime | None) -> None:
        """Something waits, and is due at this instant. What a step has just made is due now: its clock is ahead of the
        workflow's by as long as it ran, and no timer is set for that."""
        if at is not None and at - workflow.now() < _A_MOMENT:
            at = min(at, workflow.now())
        if at is not None and (self.at is None or at < self.at):
            self.at = at

    def expect(self, at: datetime | None) -> None:
        """What waits was put off, or taken away: this instant counts, whatever was known before."""
        self.at = None
        self.note(at)

    def remind(self, orders: Iterable[MailOrder], goals: Mapping[str, datetime] | None = None) -> None:
        """The time of these mails has come. Lost with this run, they are planned again: no row marks them yet."""
        self.reminders.extend(orders)
        self.goals.update(goals or {})
        self.note(workflow.now())

    async def work(self) -> None:
        """Deliver until it is stopped."""
        while not self.stopping:
            if self.is_due():
                await self._deliver()
                continue
            await self._until_something_is_due()

    async def _until_something_is_due(self) -> None:
        seen = self.at
        try:
            await workflow.wait_condition(
                lambda: self.stopping or self.at != seen,
                timeout=None if seen is None else seen - workflow.now(),
                timeout_summary="the next delivery",
            )
        except TimeoutError:
            return

    async def _deliver(self) -> None:
        reminders, self.reminders, self.at = tuple(self.reminders), [], None
        goals, self.goals = self.goals, {}
        self.busy = True
        try:
            order = DeliverOrder(
                client_id=self.client_id, appointment_id=self.appointment_id, due=reminders, goals=goals
            )
            delivered = await steps.deliver(order)
        except exceptions.ActivityError as error:
            if exceptions.is_cancelled_exception(error):
                raise
            workflow.logger.error("the outbox could not be delivered: %s", error.cause)
            self.reminders[:0] = reminders
            self.goals = {**goals, **self.goals}
            self.note(workflow.now() + _PAUSE)
        else:
            self.note(delivered.deliver_at)
            self._changed(delivered)
        finally:
            self.busy = False

    def is_due(self) -> bool:
        return self.at is not None and self.at <= workflow.now()

    def is_empty(self) -> bool:
        """Whether nothing waits, be it for later."""
        return self.at is None and not self.busy

    async def finish(self) -> None:
        """Wait for what is due now; what is put off is left to whoever delivers for closed records."""
        await workflow.wait_condition(lambda: not self.busy and not self.is_due())
        self.stopping = True

    async def pause(self) -> None:
        """Let this run end: what is left is in the database, for the next."""
        self.stopping = True
        await workflow.wait_condition(lambda: not self.busy)
