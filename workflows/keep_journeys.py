"""KeepJourneys: what must run by the database, compared with what runs; what is lost is started again."""

from contextlib import suppress
from typing import Any

from temporalio import exceptions, workflow

from workflows import steps
from workflows.handling.handlers import takes_signal
from workflows.handling.starts import Start
from workflows.parts import details
from workflows.parts.cancelling import heedless
from workflows.parts.hearing import tell_journeys

with workflow.unsafe.imports_passed_through():
    from activities.types.keeping import (
        KeepingDone,
        KeepingEnd,
        KeepingOrder,
        PageOrder,
        Place,
        WedgedOrder,
    )
    from workflows.messages import (
        KEEP,
        KEEP_JOURNEYS,
        KEEP_JOURNEYS_ID,
        KeepingInput,
    )

BY_SCHEDULE = "schedule"
_INSTEAD = "a round ends by itself, in minutes; to have none, pause the schedule `keep-journeys`."
SUMMARY = "What must run, compared with what runs"
_ANEW = 3  # times that a round begins anew because the epoch changed


@workflow.defn(name=KEEP_JOURNEYS)
class KeepJourneys:
    """One round after the other, as long as rounds are asked for, under one id: two keepers at once would both start
    again what the engine does not know any more, and count it twice.

    A schedule gives each of its runs an id of its own. Such a run only begins the keeper; where one is under way, this
    is its round.
    """

    @workflow.init
    def __init__(self, *said: Any) -> None:
        self.start = Start(KeepingInput, said)
        self.asked = list(self.start.input.asked)
        self.taken = {order.id for order in self.asked}

    @workflow.run
    async def run(self, *said: Any) -> None:  # noqa: ARG002 - as __init__ takes it
        self.start.must_be_sound()
        if workflow.info().workflow_id != KEEP_JOURNEYS_ID:
            await self.leave_to_the_keeper()
            return
        await heedless(self.keep_all(), instead=_INSTEAD)

    async def keep_all(self) -> None:
        if not self.asked:
            self.asked.append(KeepingOrder(id=str(workflow.uuid4()), asked_by=BY_SCHEDULE))
        while self.asked:
            await self.keep(self.asked.pop(0))
            if self.asked and workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(KeepingInput(asked=tuple(self.asked)))
        await workflow.wait_condition(workflow.all_handlers_finished)

    @takes_signal(KEEP, "A round is asked for: it comes after those that were asked for before.")
    def keep_also(self, order: KeepingOrder) -> None:
        if order.id not in self.taken:
            self.taken.add(order.id)
            self.asked.append(order)

    # ------------------------------------------------------------ the story

    async def leave_to_the_keeper(self) -> None:
        with suppress(exceptions.WorkflowAlreadyStartedError):
            _ = await workflow.start_child_workflow(
                KEEP_JOURNEYS,
                KeepingInput(asked=tuple(self.asked)),
                id=KEEP_JOURNEYS_ID,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                static_summary=SUMMARY,
            )
        details.show(lambda: f"**A round is under way**: the workflow `{KEEP_JOURNEYS_ID}` shows it.")

    async def keep(self, order: KeepingOrder) -> None:
        details.show(lambda: f"**A round is under way**, asked for by {order.asked_by}.")
        began = await steps.begin_keeping(order)
        epoch = began.epoch
        looked_at = 0
        for _ in range(_ANEW):
            looked_at, now = await self.look_at_all(order, epoch)
            if now == epoch:
                break
            epoch = now
        if began.tells:
            await self.tell_settings()
        opened = await steps.keep_wedged(WedgedOrder(keeping_id=order.id, epoch=epoch, looked_at=looked_at))
        await tell_journeys(opened.news)
        await tell_journeys((await steps.note_overdue(order.id)).news)
        self.show(await steps.finish_keeping(KeepingEnd(id=order.id, looked_at=looked_at)))

    async def look_at_all(self, order: KeepingOrder, epoch: str) -> tuple[int, str]:
        """How many rows were looked at, and the epoch that is. Another one ends this: all must be looked at anew."""
        looked_at, place = 0, Place()
        while True:
            page = await steps.keep_page(PageOrder(keeping_id=order.id, epoch=epoch, place=place))
            looked_at += page.looked_at
            if page.epoch != epoch or page.place is None:
                return looked_at, page.epoch
            place = page.place

    async def tell_settings(self) -> None:
        """Everybody that runs, after what was lost runs again."""
        place: Place | None = Place()
        while place is not None:
            place = (await steps.tell_settings(place)).place

    def show(self, done: KeepingDone) -> None:
        details.show(
            lambda: (
                f"**The last round is over.** {done.looked_at} rows were looked at, {done.resumed} workflows started"
                f" again, {done.tasks} tasks opened."
            )
        )
