"""What can be asked of a journey about the client: therapist, account, details, and the care team's tasks."""

from temporalio import workflow

from workflows import steps
from workflows.handling.handlers import takes_update
from workflows.parts import waitlist
from workflows.parts.appointment import notify_appointment
from workflows.requests.base import Requests

with workflow.unsafe.imports_passed_through():
    from activities.types.clients import (
        ActivationOrder,
        DetailsOrder,
        Done,
        LinkOrder,
        Matched,
        MatchOrder,
        TaskResolution,
    )
    from rules.mail.kinds import Mail
    from rules.refusals import Problem, Refusal
    from workflows.messages import ACTIVATE, CHANGE_DETAILS, MATCH_BY_HAND, RESOLVE_TASK, SEND_ACTIVATION_LINK


class ClientRequests(Requests):
    """Requests about the match, the account, the details and the tasks of the client."""

    @takes_update(MATCH_BY_HAND, "Assign a therapist by hand, with a reason.")
    async def match_by_hand(self, order: MatchOrder) -> Matched:
        journey = self.journey
        async with journey.turn_for(order):
            result = await steps.match_by_hand(order)
            if result.facts is not None:
                journey.take(result.facts)
            for appointment in result.cancelled:
                journey.mails.of_cancellation(appointment)
                await notify_appointment(appointment)
            await waitlist.wake(result.lines, journey.policy)
            return result

    @takes_update(ACTIVATE, "Activate the client's account with a mailed link.")
    async def activate(self, order: ActivationOrder) -> Done:
        async with self.journey.turn_for(order):
            return await self.journey.apply(await steps.activate_account(order))

    @takes_update(SEND_ACTIVATION_LINK, "Mail a new activation link.")
    async def send_activation_link(self, order: LinkOrder) -> Done:
        journey = self.journey
        await journey.ready()
        if journey.facts.account_active:
            detail = "The account is active already; the client can sign in."
            return Done(refusal=Refusal(name=Problem.ACTIVATION_LINK_INVALID, detail=detail))
        if not journey.facts.reachable:
            return Done(refusal=_NO_ADDRESS)
        journey.mails.write(Mail.WELCOME, key=f"again:{order.request_id}", asked_for=True)
        return Done(facts=journey.facts)

    @takes_update(CHANGE_DETAILS, "Change details, portal settings or the subscription.")
    async def change_details(self, order: DetailsOrder) -> Done:
        journey = self.journey
        async with journey.turn_for(order):
            done = await steps.change_details(order)
            if done.facts is not None:
                journey.take(done.facts)
            if done.refusal is None:
                journey.note_address(order.details, order.by)
            await waitlist.wake(done.lines, journey.policy)
            return done

    @takes_update(RESOLVE_TASK, "Resolve one of the care team's tasks.")
    async def resolve_task(self, order: TaskResolution) -> Done:
        async with self.journey.turn_for(order):
            return await self.journey.apply(await steps.resolve_task(order))


_NO_ADDRESS = Refusal(
    name=Problem.CLIENT_DETAILS_REQUIRED,
    detail="No e-mail address is known to send a link to.",
    data={"missing": ["email"]},
)
