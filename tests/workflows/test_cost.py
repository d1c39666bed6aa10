"""What a journey costs: events of its histories, and statements. Keeping must not be paid by every journey."""

from sqlalchemy import Engine

from tests.care.story import Care
from tests.statements import statements_of

EVENTS = 410
STATEMENTS = 865
"""At most: from the first request to the archive, with four sessions, each held, marked and charged. Before there was
an outbox it was 668 events and 928 statements; before starts of appointments, echoes of Stripe and what is no news were
left untold, 640 events. Of these here some twenty are the test's own, which makes the token that
stands beside the site's key, and some thirty write down who looked, what counts towards a budget, and words beside
their facts. Of each form signed the copy as it was shown, and which fee policy an appointment falls under, are a few
more. Each of the four receipts asks in two for what was given back of it. A webhook that comes a moment earlier
or later is a few more or less."""
EVENTS_OUT = 21
"""What the other issues add: the events for programs, one statement each time that facts are written down."""


async def test_what_four_sessions_cost(care: Care) -> None:
    with statements_of(Engine) as asked:
        sara = await care.client_in_care(sessions=4)
        for n in range(1, 5):
            await sara.session(n).occurs()
            await care.pass_time(hours=30)
        assert await care.charges_at_stripe() == [12000] * 4
        await sara.is_archived()
        await care.pass_time(days=3)
    events = 0
    for workflow in (sara.journey, *(one.workflow for one in sara.appointments)):
        events += len([event async for event in workflow.fetch_history_events()])
    assert events <= EVENTS
    of_events = [statement for statement in asked if statement.startswith("INSERT INTO event ")]
    assert len(of_events) <= EVENTS_OUT
    assert len(asked) - len(of_events) <= STATEMENTS
