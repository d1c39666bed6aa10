"""WebhookEndpoint: tells one program of events, for as long as its endpoint is on."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from temporalio import workflow

from workflows import steps
from workflows.handling.handlers import takes_signal
from workflows.handling.starts import Start, has_a_row
from workflows.parts import details
from workflows.parts.cancelling import heedless

with workflow.unsafe.imports_passed_through():
    from rules.keeping import Kept
    from workflows.messages import LOOK_AGAIN, WEBHOOK_ENDPOINT, WebhookInput

_INSTEAD = "an admin switches the endpoint off, or removes it, by the API."


@workflow.defn(name=WEBHOOK_ENDPOINT)
class WebhookEndpoint:
    """Delivers what is due, and waits: for the next try, or for whoever sees that an event has come. It ends when the
    endpoint is off; what it missed is in the database."""

    @workflow.init
    def __init__(self, *said: Any) -> None:
        self.start = Start(WebhookInput, said, of=Kept.WEBHOOK, key="endpoint_id")
        self.woken = False

    @workflow.run
    async def run(self, *said: Any) -> None:  # noqa: ARG002 - as __init__ takes it
        self.start.must_be_sound()
        await heedless(self.tell_of_events(), instead=_INSTEAD)

    async def tell_of_events(self) -> None:
        endpoint_id = self.start.input.endpoint_id
        while True:
            self.woken = False
            details.show(lambda: "**A program is told** of what has happened.")
            with has_a_row():
                told = await steps.deliver_webhooks(endpoint_id)
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(self.start.input)
            if told.more or self.woken:
                continue
            if not told.on:
                details.show(lambda: "**The endpoint is off**: nothing is sent there. An admin can switch it on again.")
                return
            await self.wait_until(told.look_at)

    async def wait_until(self, at: datetime | None) -> None:
        waits = f"Something failed, and **is tried again** at {at:%a %d %b %Y %H:%M} UTC." if at else "**All is told.**"
        details.show(lambda: f"{waits} The next event wakes it; `GET /v1/webhooks/<id>/deliveries` shows each.")
        if at is None:
            await workflow.wait_condition(lambda: self.woken)
            return
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self.woken, timeout=at - workflow.now(), timeout_summary="the next try"
            )

    @takes_signal(LOOK_AGAIN, "There is something to tell.")
    def look_again(self) -> None:
        self.woken = True
