"""PracticeMail: delivers what waits in the outbox for records that are closed, and so have no journey."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from temporalio import workflow

from workflows import steps
from workflows.handling.handlers import takes_signal
from workflows.parts import details
from workflows.parts.cancelling import heedless

with workflow.unsafe.imports_passed_through():
    from workflows.messages import LOOK_AGAIN, PRACTICE_MAIL

_INSTEAD = "it ends by itself when nothing waits any more."


@workflow.defn(name=PRACTICE_MAIL)
class PracticeMail:
    """Runs while something waits, and is woken by whoever leaves something behind. The keeper starts it otherwise."""

    @workflow.init
    def __init__(self, *said: Any) -> None:  # noqa: ARG002 - nothing is to be said, and whatever is changes nothing
        self.woken = False

    @workflow.run
    async def run(self, *said: Any) -> None:  # noqa: ARG002 - as __init__ takes it
        await heedless(self.deliver_all(), instead=_INSTEAD)

    async def deliver_all(self) -> None:
        while True:
            self.woken = False
            left = await steps.deliver_practice_mail("closed")
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new()
            if self.woken:
                continue
            at = left.look_at
            if at is None:
                return
            await self.wait_until(at)

    async def wait_until(self, at: datetime) -> None:
        details.show(lambda: f"**Something waits** until {at:%a %d %b %Y %H:%M} UTC.")
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self.woken, timeout=at - workflow.now(), timeout_summary="the next delivery"
            )

    @takes_signal(LOOK_AGAIN, "A record was closed while something waited for it.")
    def look_again(self) -> None:
        self.woken = True
