"""What every group of requests has in common: the journey, and nothing else of the workflow."""

from collections.abc import Awaitable

from temporalio import exceptions, workflow

from workflows import steps
from workflows.parts.journey import Journey

with workflow.unsafe.imports_passed_through():
    from activities.types.clients import Done
    from rules.refusals import Problem, Refusal


class Requests:
    """A group of message handlers of a client's journey: updates and signals about one subject.

    Temporal looks for handlers among a workflow's methods, so ClientJourney inherits every group. No group knows of
    another: what they share is the journey's.
    """

    journey: Journey


async def asked_of_the_card_service(step: Awaitable[Done]) -> Done:
    """Whoever waits for it is told soon if Stripe is away. What is broken fails the request."""
    try:
        return await step
    except exceptions.ActivityError as error:
        if not steps.may_pass(error):
            raise
        return Done(refusal=_CARD_SERVICE_AWAY)


_CARD_SERVICE_AWAY = Refusal(
    name=Problem.ENGINE_UNAVAILABLE,
    detail="The card service cannot be reached at the moment; nothing was changed. Please try again shortly.",
)
