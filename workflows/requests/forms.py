"""What can be asked of a journey about forms: the intake forms, and those that the practice has made."""

from temporalio import workflow

from workflows import steps
from workflows.handling.handlers import takes_signal, takes_update
from workflows.requests.base import Requests, asked_of_the_card_service

with workflow.unsafe.imports_passed_through():
    from activities.types.clients import Done
    from activities.types.forms import FormAsking, FormCompletion, FormSubmission
    from workflows.messages import COMPLETE_FORM, FORM_VERSION_PUBLISHED, REQUEST_FORM, SUBMIT_FORM, FormVersionSignal


class FormRequests(Requests):
    """Requests about forms."""

    @takes_update(SUBMIT_FORM, "Complete a form; Billing Info also saves the card.")
    async def submit_form(self, order: FormSubmission) -> Done:
        # No turn is kept while Stripe is asked: the step looks anew at what its answer meets.
        await self.journey.ready()
        return await self.journey.apply(await asked_of_the_card_service(steps.submit_form(order)))

    @takes_update(REQUEST_FORM, "Ask the client for a form that the practice has made.")
    async def request_form(self, order: FormAsking) -> Done:
        async with self.journey.own_turn():
            return await self.journey.apply(await steps.request_form(order))

    @takes_update(COMPLETE_FORM, "Complete a form that the practice has made and asked for.")
    async def complete_form(self, order: FormCompletion) -> Done:
        async with self.journey.own_turn():
            return await self.journey.apply(await steps.complete_form(order))

    @takes_signal(
        FORM_VERSION_PUBLISHED, "A form has a new version: the client is asked again, if an older one was asked for."
    )
    async def form_version_published(self, published: FormVersionSignal) -> None:  # noqa: ARG002 - all that is missing
        journey = self.journey
        if not await journey.can_act():
            return
        async with journey.turn:
            if journey.closed:
                return
            await journey.apply(await steps.request_new_versions(journey.client_id))
