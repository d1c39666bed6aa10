"""What every group of requests has in common: the journey, and nothing else of the workflow."""

from temporalio import workflow

from workflows.parts.journey import Journey

with workflow.unsafe.imports_passed_through():
    from rules.refusals import Problem, Refusal


class Requests:
    """A group of message handlers of a client's journey: updates and signals about one subject.

    Temporal looks for handlers among a workflow's methods, so ClientJourney inherits every group. No group knows of
    another: what they share is the journey's.
    """

    journey: Journey


CARD_SERVICE_AWAY = Refusal(
    name=Problem.ENGINE_UNAVAILABLE,
    detail="The card service cannot be reached at the moment; nothing was changed. Please try again shortly.",
)
