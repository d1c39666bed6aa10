"""Telling journeys what happened to their clients elsewhere: of new tasks, and of what they have missed."""

from temporalio import exceptions, workflow

with workflow.unsafe.imports_passed_through():
    from activities.types.keeping import JourneyHears
    from workflows.messages import APPOINTMENT_REPORTED, INBOUND_EVENT, LINKS_CHANGED, OUTBOX_FILLED, journey_id


async def tell_journeys(news: tuple[JourneyHears, ...]) -> None:
    """One after the other. A journey that has ended needs nothing told: the rows have it."""
    for told in news:
        journey = workflow.get_external_workflow_handle(journey_id(told.client_id))
        try:
            if told.facts is not None:
                await journey.signal(APPOINTMENT_REPORTED, told.facts)
            if told.event_id is not None:
                await journey.signal(INBOUND_EVENT, told.event_id)
            if told.link is not None:
                await journey.signal(LINKS_CHANGED, told.link)
            if told.delivers:
                await journey.signal(OUTBOX_FILLED)
        except exceptions.FailureError:
            workflow.logger.info("the journey of client %s has ended", told.client_id)
