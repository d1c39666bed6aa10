"""WaitlistOffer: one therapist's line. A time that becomes free is offered to the first, then to the next."""

import asyncio
from dataclasses import replace

from temporalio import workflow

from workflows import steps
from workflows.handling.handlers import answers_query, takes_signal
from workflows.parts import details
from workflows.parts.cancelling import heedless
from workflows.parts.mail_outbox import MailOutbox
from workflows.parts.search_attributes import THERAPIST_SLUG, SearchAttributes
from workflows.parts.ui_text import describe_line
from workflows.parts.wait import Wait

with workflow.unsafe.imports_passed_through():
    from activities.types.booking import LineLook, OfferMade
    from activities.types.mail import mail_order
    from rules.mail.kinds import Mail
    from workflows.messages import LOOK_AGAIN, WAITLIST_OFFER, WAITLIST_QUERY, WaitlistInput, WaitlistProgress


_INSTEAD = (
    "to take somebody off the line, send the update `leave_waitlist` to their journey; it ends with the last one."
)


@workflow.defn(name=WAITLIST_OFFER)
class WaitlistOffer:
    """Runs while anybody waits for the therapist: each place ends by a booking, by leaving, or by an archive.

    The database decides who is offered what; the time offered is a hold there. This workflow sends the mails, keeps the
    time until an offer runs out, and looks again whenever it is told that something has changed.
    """

    @workflow.init
    def __init__(self, start: WaitlistInput) -> None:
        self.therapist = start.therapist
        self.policy = start.policy
        self.wait = Wait(start.policy)
        self.search_attributes = SearchAttributes()
        self.seen = start.seen or LineLook(line=())
        self.told = set(start.told)  # offers whose mail was ordered
        self.mail_outbox = MailOutbox(list(start.mails), self.policy)

    @workflow.run
    async def run(self, start: WaitlistInput) -> None:
        await heedless(self.follow(start), instead=_INSTEAD)

    async def follow(self, start: WaitlistInput) -> None:
        if start.seen is not None:
            self.show()
        outbox = asyncio.create_task(self.mail_outbox.work())
        while await self.offer_what_is_free():
            if self.wait.history_is_long():
                await self.continue_as_new()
        await outbox
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def offer_what_is_free(self) -> bool:
        """Look at the line, tell whoever was offered something, and wait. False once nobody waits any more."""
        before = self.wait.changes
        self.seen = await steps.look_at_line(self.therapist, self.policy)
        self.show()
        self.tell_of_offers()
        if self.wait.changes != before:
            pass  # told meanwhile: look again at once
        elif self.seen.line:
            await self.wait.until(self.seen.look_at, label="the next look at the line")
        else:
            await workflow.wait_condition(lambda: self.mail_outbox.is_idle() or self.wait.changes != before)
            if self.wait.changes == before:
                self.mail_outbox.stopping = True
                return False
        return True

    @takes_signal(LOOK_AGAIN, "Time was freed, or somebody joined or left: look at the line again.")
    def look_again(self) -> None:
        self.wait.note_change()

    @answers_query(WAITLIST_QUERY, "Who waits, in which order, and what is offered to whom.")
    def progress(self) -> WaitlistProgress:
        return WaitlistProgress(therapist=self.therapist, line=list(self.seen.line), next_look_at=self.seen.look_at)

    # ------------------------------------------------------------ how it is done

    def tell_of_offers(self) -> None:
        """Mail every open offer that was not mailed yet: also one whose making was answered to nobody."""
        for offer in self.seen.offers:
            if offer.offer_id not in self.told:
                self.mail(offer)
        self.told = {offer.offer_id for offer in self.seen.offers}

    def mail(self, offer: OfferMade) -> None:
        self.mail_outbox.box.append(
            replace(
                mail_order(Mail.SLOT_OFFERED, key=f"{Mail.SLOT_OFFERED}:{offer.offer_id}", client_id=offer.client_id),
                therapist=self.therapist,
                offer_id=offer.offer_id,
                asked_for=offer.asked_for,
            )
        )

    def show(self) -> None:
        details.show(describe_line(self.therapist, self.seen))
        self.search_attributes.upsert({THERAPIST_SLUG: self.therapist})

    async def continue_as_new(self) -> None:
        await self.mail_outbox.pause()
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(
            WaitlistInput(
                therapist=self.therapist,
                policy=self.policy,
                seen=self.seen,
                mails=tuple(self.mail_outbox.box),
                told=tuple(sorted(self.told)),
            )
        )
