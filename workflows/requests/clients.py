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
    from workflows.messages import ACTIVATE, CHANGE_DETAILS, MATCH_BY_HAND, RESOLVE_TASK, SEND_ACTIVATION_LINK


class ClientRequests(Requests):
    """Requests about the match, the account, the details and the tasks of the client."""

    @takes_update(MATCH_BY_HAND, "Assign a therapist by hand, with a reason.")
    async def match_by_hand(self, order: MatchOrder) -> Matched:
        journey = self.journey
        async with journey.own_turn():
            result = await steps.match_by_hand(order)
            if result.facts is not None:
                journey.take(result.facts)
            for appointment in result.cancelled:
                await notify_appointment(appointment)
            await waitlist.wake(result.lines)
            return result

    @takes_update(ACTIVATE, "Activate the client's account with a mailed link.")
    async def activate(self, order: ActivationOrder) -> Done:
        async with self.journey.own_turn():
            return await self.journey.apply(await steps.activate_account(order))

    @takes_update(SEND_ACTIVATION_LINK, "Mail a new activation link.")
    async def send_activation_link(self, order: LinkOrder) -> Done:
        async with self.journey.own_turn():
            return await self.journey.apply(await steps.send_activation_link(order))

    @takes_update(CHANGE_DETAILS, "Change details, portal settings or the subscription.")
    async def change_details(self, order: DetailsOrder) -> Done:
        async with self.journey.own_turn():
            return await self.journey.apply(await steps.change_details(order))

    @takes_update(RESOLVE_TASK, "Resolve one of the care team's tasks.")
    async def resolve_task(self, order: TaskResolution) -> Done:
        async with self.journey.own_turn():
            return await self.journey.apply(await steps.resolve_task(order))
