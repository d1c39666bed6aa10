"""What can be asked of a journey about the client: account, details, forms, and the care team's tasks."""

from temporalio import exceptions, workflow

from workflows import steps
from workflows.parts import waitlist as lines
from workflows.parts.journey import Journey
from workflows.parts.validation import admit
from workflows.requests.money import CARD_SERVICE_AWAY

with workflow.unsafe.imports_passed_through():
    from activities.types import ActivationOrder, DetailsOrder, Done, FormSubmission, LinkOrder, TaskResolution
    from rules.mail.kinds import Mail
    from rules.refusals import Problem, Refusal
    from workflows.messages import ACTIVATE, CHANGE_DETAILS, RESOLVE_TASK, SEND_ACTIVATION_LINK, SUBMIT_FORM


class AccountRequests(Journey):
    """Requests about the account, the details and the forms of the client."""

    @workflow.update(name=ACTIVATE.name, description="Activate the client's account with a mailed link.")
    async def activate(self, order: ActivationOrder) -> Done:
        async with self.turn_for(order):
            return self.adopt(await steps.activate_account(order))

    @workflow.update(name=SEND_ACTIVATION_LINK.name, description="Mail a new activation link.")
    async def send_activation_link(self, order: LinkOrder) -> Done:
        await self.ready()
        admit(order, client_id=self.client_id)
        if self.facts.account_active:
            detail = "The account is active already; the client can sign in."
            return Done(refusal=Refusal(name=Problem.ACTIVATION_LINK_INVALID, detail=detail))
        if not self.facts.reachable:
            return Done(refusal=_NO_ADDRESS)
        self.letters.write(Mail.WELCOME, key=f"again:{order.request_id}", asked_for=True)
        return Done(facts=self.facts)

    @workflow.update(name=CHANGE_DETAILS.name, description="Change details, portal settings or the subscription.")
    async def change_details(self, order: DetailsOrder) -> Done:
        async with self.turn_for(order):
            done = self.adopt(await steps.change_details(order))
            if done.refusal is None:
                self.heard_of(order.details, order.by)
            await lines.wake(done.lines, self.policy)
            return done

    @workflow.update(name=SUBMIT_FORM.name, description="Complete a form; Billing Info also saves the card.")
    async def submit_form(self, order: FormSubmission) -> Done:
        async with self.turn_for(order):
            try:
                done = self.adopt(await steps.submit_form(order))
            except exceptions.ActivityError:
                return Done(refusal=CARD_SERVICE_AWAY)
            for appointment in done.resumed:
                await self.tell(appointment)
            self.owe(done.debts)
            await lines.wake(done.lines, self.policy)
            return done

    @workflow.update(name=RESOLVE_TASK.name, description="Resolve one of the care team's tasks.")
    async def resolve_task(self, order: TaskResolution) -> Done:
        async with self.turn_for(order):
            done = self.adopt(await steps.resolve_task(order))
            for appointment in done.resumed:
                await self.tell(appointment)
            self.owe(done.debts)
            return done


_NO_ADDRESS = Refusal(
    name=Problem.CLIENT_DETAILS_REQUIRED,
    detail="No e-mail address is known to send a link to.",
    data={"missing": ["email"]},
)
