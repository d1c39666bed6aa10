"""The tables of Stripe's events, compared with the rules; and the events that an endpoint is to be registered for."""

import re

from rules.money.stripe_events import ACTED_UPON, IGNORED
from sandbox.stripe.webhooks import DEFAULT_EVENTS
from tests.docs.pages import ROOT, table, words

PAGE = (ROOT / "docs/stripe-events.md").read_text()


def test_what_is_acted_upon() -> None:
    rows = table(PAGE, "event", "what is done")
    assert {words(event)[0]: done for event, done in rows} == {event: text for event, (_, text) in ACTED_UPON.items()}


def test_what_is_ignored() -> None:
    assert {words(event)[0]: why for event, why in table(PAGE, "event", "why")} == {
        event: reason.value for event, reason in IGNORED.items()
    }


def test_production_registers_for_what_is_acted_upon() -> None:
    page = (ROOT / "docs/production.md").read_text()
    [_, named] = page.split("`https://<your API>/v1/webhooks/stripe` for the events", 1)
    assert set(re.findall(r"`([a-z_]+\.[a-z_.]+)`", named.split("(others")[0])) == set(ACTED_UPON)


def test_the_stand_in_tells_of_what_is_acted_upon_by_itself() -> None:
    """But of what another event tells as well, and of Checkout, whose page tells of its own."""
    twins = {"charge.refund.updated", "charge.dispute.funds_reinstated"}
    sessions = {event for event in ACTED_UPON if event.startswith("checkout.")}
    assert set(ACTED_UPON) - set(DEFAULT_EVENTS) - sessions == twins
