"""What can be asked of a journey about forms: the intake forms, and those that the practice has made."""

from temporalio import exceptions, workflow

from workflows import steps
from workflows.requests.base import CARD_SERVICE_AWAY, Requests

with workflow.unsafe.imports_passed_through():
    from activities.types.clients import Done, FormAsking, FormCompletion, FormSubmission
    from rules.mail.kinds import Mail
    from workflows.messages import COMPLETE_FORM, REQUEST_FORM, SUBMIT_FORM


class FormRequests(Requests):
    """Requests about forms."""

    @workflow.update(name=SUBMIT_FORM.name, description="Complete a form; Billing Info also saves the card.")
    async def submit_form(self, order: FormSubmission) -> Done:
        async with self.journey.turn_for(order):
            try:
                done = await steps.submit_form(order)
            except exceptions.ActivityError:
                return Done(refusal=CARD_SERVICE_AWAY)
            return await self.journey.apply(done)

    @workflow.update(name=REQUEST_FORM.name, description="Ask the client for a form that the practice has made.")
    async def request_form(self, order: FormAsking) -> Done:
        async with self.journey.turn_for(order):
            done = await self.journey.apply(await steps.request_form(order))
            if done.changed and done.document is not None:
                form = str(done.document["form_id"])
                self.journey.mails.write(Mail.FORMS_REQUESTED, key=form, form_id=form)
            return done

    @workflow.update(name=COMPLETE_FORM.name, description="Complete a form that the practice has made and asked for.")
    async def complete_form(self, order: FormCompletion) -> Done:
        async with self.journey.turn_for(order):
            return await self.journey.apply(await steps.complete_form(order))
