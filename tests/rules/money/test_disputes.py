"""Disputes and inquiries by Stripe's words, all of which the pinned client library names."""

import inspect
import re

import stripe

from rules.money.disputes import ENDED, INQUIRIES, NOT_TAKEN, advice, freezes, has_ended, is_inquiry

_DOC = re.search(r"Possible values include:([^.]*)\.", inspect.getsource(stripe.Dispute))
assert _DOC is not None
STATUSES = set(re.findall(r"`([a-z_]+)`", _DOC.group(1)))


def test_each_word_is_one_that_stripe_says() -> None:
    assert STATUSES >= ENDED | INQUIRIES | NOT_TAKEN
    assert {status for status in STATUSES if is_inquiry(status)} == {s for s in STATUSES if s.startswith("warning_")}
    assert {status for status in STATUSES if not freezes(status)} == INQUIRIES | {"prevented"}
    assert {status for status in STATUSES if has_ended(status)} == {"won", "lost", "warning_closed", "prevented"}


def test_advice_is_for_how_it_stands() -> None:
    said = {
        status: advice(ref="C-1", status=status, reason="not_received", answer_by="2026-03-09 15:00 UTC")
        for status in STATUSES
    }
    assert {status for status, text in said.items() if "Refund all of it to the card" in text} == {
        "warning_needs_response"
    }
    assert {status for status, text in said.items() if "nswer it in Stripe by 2026-03-09" in text} == {
        "needs_response", "appeal_needs_response", "warning_needs_response"
    }  # fmt: skip
    assert {status for status, text in said.items() if "Nothing is charged" in text} == STATUSES - INQUIRIES
    assert "do not refund it" in said["lost"]
