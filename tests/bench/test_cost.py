"""What a journey costs is held: whoever raises a figure changes it here, in the same change, and says why.

Keeping, mails and what the practice sees must not be paid by every journey. Most figures are the same on every run; a
webhook that comes a moment earlier or later than the worker's own answer is a few statements or one workflow task.
"""

import httpx

from bench.cost import cost_of_journeys
from rules.policy import JourneyPolicy
from tests.care.defaults import NO_LIMITS
from tests.care.house import open_house
from tests.care.story import Care

STATEMENTS = {
    "start with a match": 12,
    "first booking with all its mails": 42,
    "three forms and a card": 40,
    "outcome of a session": 11,
    "charge, webhook and receipt": 36,
    "archive of a client with 5 sessions ahead": 32,
}
"""At most, of the work itself: neither of the access log nor of events for programs, kept answers and budgets."""
TRANSACTIONS = {
    "start with a match": 3,
    "first booking with all its mails": 8,
    "three forms and a card": 16,
    "outcome of a session": 2,
    "charge, webhook and receipt": 9,
    "archive of a client with 5 sessions ahead": 13,
}
BESIDE = 30
OF_A_JOURNEY = 603
TRANSACTIONS_OF_A_JOURNEY = 141
"""The work itself of six sessions, matching to last receipt, and what is beside it, ``BESIDE_A_JOURNEY``. A run has
597, 135 and 63; each of the six charges may have one more, for a webhook that comes a moment earlier."""
BESIDE_A_JOURNEY = 66
EVENTS = 538
ACTIONS = 119
BYTES = 127_500
"""Of the histories of six sessions, matching to last receipt: 529, 118 and 126,000. A workflow task more, for what
comes a moment earlier or later, is three events; how short ids and times become differs by some bytes."""


async def test_no_journey_costs_more_than_is_said_here(database_url: str) -> None:
    async with (
        open_house(database_url, JourneyPolicy(**NO_LIMITS)) as house,
        httpx.AsyncClient(timeout=120, trust_env=False) as http,
    ):
        cost = await cost_of_journeys(Care(house, http))
    assert cost.stages.keys() == STATEMENTS.keys() == TRANSACTIONS.keys()
    dearer = {
        stage: (one.own, one.transactions)
        for stage, one in cost.stages.items()
        if one.own > STATEMENTS[stage] or one.transactions > TRANSACTIONS[stage]
    }
    assert not dearer, "\n".join(cost.lines())
    assert cost.journey.own <= OF_A_JOURNEY, "\n".join(cost.lines())
    assert cost.journey.transactions <= TRANSACTIONS_OF_A_JOURNEY
    assert cost.journey.beside.total() <= BESIDE_A_JOURNEY
    assert sum(one.beside.total() for one in cost.stages.values()) <= BESIDE
    assert cost.histories.events.total() <= EVENTS
    assert cost.histories.actions.total() <= ACTIONS
    assert cost.histories.bytes.total() <= BYTES
