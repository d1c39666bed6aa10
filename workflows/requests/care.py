"""What can be asked of a journey about care between sessions: forms that the practice has made, and goals."""

from temporalio import workflow

from workflows import steps
from workflows.parts.journey import Journey

with workflow.unsafe.imports_passed_through():
    from activities.types import Done, FormAsking, FormCompletion, GoalChange, GoalOrder
    from rules.journey.reminders import Due
    from workflows.messages import (
        CHANGE_GOAL,
        COMPLETE_FORM,
        CREATE_GOAL,
        FORM_VERSION_PUBLISHED,
        REQUEST_FORM,
        FormVersionSignal,
    )


class CareRequests(Journey):
    """Requests about the practice's own forms and about goals, and the weekly reminders of goals."""

    @workflow.update(name=REQUEST_FORM.name, description="Ask the client for a form that the practice has made.")
    async def request_form(self, order: FormAsking) -> Done:
        async with self.turn_for(order):
            done = self.adopt(await steps.request_form(order))
            if done.changed and done.document is not None:
                form = str(done.document["form_id"])
                self.letters.write("forms_requested", key=form, form_id=form)
            return done

    @workflow.update(name=COMPLETE_FORM.name, description="Complete a form that the practice has made and asked for.")
    async def complete_form(self, order: FormCompletion) -> Done:
        async with self.turn_for(order):
            return self.adopt(await steps.complete_form(order))

    @workflow.signal(
        name=FORM_VERSION_PUBLISHED,
        description="A form has a new version: the client is asked again, if an older one was asked for.",
    )
    async def form_version_published(self, news: FormVersionSignal) -> None:
        if not await self.can_hear(news.kind):
            return
        async with self.turn:
            if self.closed:
                return
            result = await steps.request_new_versions(self.client_id)
            self.take(result.facts)
            self.letters.of_forms(result.asked)

    @workflow.update(name=CREATE_GOAL.name, description="Set a goal, with a weekly reminder or none.")
    async def create_goal(self, order: GoalOrder) -> Done:
        async with self.turn_for(order):
            return self.adopt(await steps.create_goal(order))

    @workflow.update(name=CHANGE_GOAL.name, description="Change a goal or its reminder, or complete it.")
    async def change_goal(self, order: GoalChange) -> Done:
        async with self.turn_for(order):
            return self.adopt(await steps.change_goal(order))

    def remind_of_goals(self, due: Due) -> None:
        """One mail for all goals that are due at this instant. From then on next week's reminders are planned."""
        together = {due.about, *(d.about for d in self.state.plan if (d.kind, d.at) == (due.kind, due.at))}
        goals = [goal for goal in self.facts.goals if goal.id in together]
        self.state.plan = [d for d in self.state.plan if (d.kind, d.at) != (due.kind, due.at)]
        self.state.reminded |= {goal.id: due.at for goal in goals}
        if goals:
            self.letters.of_goals(goals, key=due.key)
        self._replan()
