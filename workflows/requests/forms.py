"""What can be asked of a journey about forms: the intake forms, and those that the practice has made."""

from temporalio import exceptions, workflow

from workflows import steps
from workflows.handling.handlers import takes_signal, takes_update
from workflows.requests.base import CARD_SERVICE_AWAY, Requests

with workflow.unsafe.imports_passed_through():
    from activities.types.clients import Done
    from activities.types.forms import FormAsking, FormCompletion, FormSubmission
    from rules.mail.kinds import Mail
    from workflows.messages import COMPLETE_FORM, FORM_VERSION_PUBLISHED, REQUEST_FORM, SUBMIT_FORM, FormVersionSignal


class FormRequests(Requests):
    """Requests about forms."""

    @takes_update(SUBMIT_FORM, "Complete a form; Billing Info also saves the card.")
    async def submit_form(self, order: FormSubmission) -> Done:
        async with self.journey.turn_for(order):
            try:
                done = await steps.submit_form(order)
            except exceptions.ActivityError:
                return Done(refusal=CARD_SERVICE_AWAY)
            return await self.journey.apply(done)

    @takes_update(REQUEST_FORM, "Ask the client for a form that the practice has made.")
    async def request_form(self, order: FormAsking) -> Done:
        async with self.journey.turn_for(order):
            done = await self.journey.apply(await steps.request_form(order))
            if done.changed and done.document is not None:
                form = str(done.document["form_id"])
                self.journey.mails.write(Mail.FORMS_REQUESTED, key=form, form_id=form)
            return done

    @takes_update(COMPLETE_FORM, "Complete a form that the practice has made and asked for.")
    async def complete_form(self, order: FormCompletion) -> Done:
        async with self.journey.turn_for(order):
            return await self.journey.apply(await steps.complete_form(order))

    @takes_signal(
        FORM_VERSION_PUBLISHED, "A form has a new version: the client is asked again, if an older one was asked for."
    )
    async def form_version_published(self, published: FormVersionSignal) -> None:
        journey = self.journey
        if not await journey.can_act_on(published.kind):
            return
        async with journey.turn:
            if journey.closed:
                return
            result = await steps.request_new_versions(journey.client_id)
            journey.take(result.facts)
            journey.mails.of_forms(result.asked)
