"""The table of Stripe's events, held to the names that the pinned client library knows."""

import inspect
import re

import stripe

from rules.money.stripe_events import ACTED_UPON, IGNORED, Ignored, act_on

FAMILIES = {"payment_intent", "charge", "refund", "setup_intent", "payment_method", "customer", "dispute", "checkout"}
NAMES = set(re.findall(r'"([a-z_]+(?:\.[a-z0-9_]+)+)"', inspect.getsource(stripe.Event)))


def family(event: str) -> str:
    """The object's; Stripe tells of disputes under the charge's name."""
    return "dispute" if event.startswith("charge.dispute.") else event.split(".", maxsplit=1)[0]


def test_every_event_of_these_objects_has_one_row() -> None:
    known = {name for name in NAMES if family(name) in FAMILIES}
    assert {family(name) for name in known} == FAMILIES  # the library names some of each
    assert set(ACTED_UPON) | set(IGNORED) == known
    assert not set(ACTED_UPON) & set(IGNORED)


def test_what_is_ignored_has_a_reason_and_changes_nothing() -> None:
    assert set(IGNORED.values()) == set(Ignored)
    assert {act_on(event) for event in IGNORED} == {act_on("invoice.paid")} == {None}
