"""WaitlistOffer: one therapist's line. A time that becomes free is offered to the first, then to the next."""

from typing import Any

from temporalio import exceptions, workflow

from workflows import steps
from workflows.handling.handlers import answers_query, takes_signal
from workflows.handling.starts import Start
from workflows.parts import details
from workflows.parts.cancelling import heedless
from workflows.parts.search_attributes import THERAPIST_SLUG, SearchAttributes
from workflows.parts.wait import Wait
from workflows.shown.others import describe_line

with workflow.unsafe.imports_passed_through():
    from activities.types.booking import LineLook
    from rules.keeping import Kept
    from workflows.messages import (
        LOOK_AGAIN,
        OUTBOX_FILLED,
        WAITLIST_OFFER,
        WAITLIST_QUERY,
        WaitlistInput,
        WaitlistProgress,
        journey_id,
    )


_INSTEAD = (
    "to take somebody off the line, send the update `leave_waitlist` to their journey; it ends with the last one."
)


@workflow.defn(name=WAITLIST_OFFER)
class WaitlistOffer:
    """Runs while anybody waits for the therapist: each place ends by a booking, by leaving, or by an archive.

    The database decides who is offered what; the time offered is a hold there. This workflow keeps the time
    until an offer runs out, and looks again whenever it is told that something has changed.
    """

    @workflow.init
    def __init__(self, *said: Any) -> None:
        self.start = Start(WaitlistInput, said, of=Kept.WAITLIST, key="therapist")
        self.therapist = self.start.input.therapist
        self.seen = LineLook(line=())
        self.wait = Wait(lambda: self.seen.policy.history_limit)
        self.search_attributes = SearchAttributes()
        self.told = set[str]()  # offers of which the client's journey heard in this run

    @workflow.run
    async def run(self, *said: Any) -> None:  # noqa: ARG002 - as __init__ takes it
        self.start.must_be_sound()
        await heedless(self.follow(), instead=_INSTEAD)

    async def follow(self) -> None:
        while await self.offer_what_is_free():
            if self.wait.history_is_long():
                await self.continue_as_new()
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def offer_what_is_free(self) -> bool:
        """Look at the line, tell whoever was offered something, and wait. False once nobody waits any more."""
        before = self.wait.changes
        self.seen = await steps.look_at_line(self.therapist)
        self.show()
        await self.tell_of_offers()
        if self.wait.changes != before:
            return True  # told meanwhile: look again at once
        if not self.seen.line:
            return False
        await self.wait.until(self.seen.look_at, label="the next look at the line")
        return True

    @takes_signal(LOOK_AGAIN, "Time was freed, or somebody joined or left: look at the line again.")
    def look_again(self) -> None:
        self.wait.note_change()

    @answers_query(WAITLIST_QUERY, "Who waits, in which order, and what is offered to whom.")
    def progress(self) -> WaitlistProgress:
        return WaitlistProgress(therapist=self.therapist, line=list(self.seen.line), next_look_at=self.seen.look_at)

    # ------------------------------------------------------------ how it is done

    async def tell_of_offers(self) -> None:
        """The mail about an offer is in the outbox of the client's journey, which is told so."""
        for offer in self.seen.offers:
            if offer.offer_id in self.told:
                continue
            try:
                await workflow.get_external_workflow_handle(journey_id(offer.client_id)).signal(OUTBOX_FILLED)
            except exceptions.FailureError:
                workflow.logger.warning("the journey of a client who was offered a time could not be told")
        self.told = {offer.offer_id for offer in self.seen.offers}

    def show(self) -> None:
        details.show(lambda: describe_line(self.therapist, self.seen, zone=self.seen.policy.time_zone))
        self.search_attributes.upsert({THERAPIST_SLUG: self.therapist})

    async def continue_as_new(self) -> None:
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(WaitlistInput(therapist=self.therapist))
