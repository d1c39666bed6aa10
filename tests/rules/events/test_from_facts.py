"""Which events a fact makes, and what of them the client's side is told."""

import re
from pathlib import Path
from typing import Any

import pytest

from rules.enums import PaymentStatus
from rules.events.from_facts import events_of
from rules.events.kinds import FIELDS, PRACTICE_ALONE, EventKind
from rules.money.payment_states import Because
from rules.timeline import FactKind

NOT_FROM_FACTS = {EventKind.MESSAGE_WAITS, EventKind.THERAPIST_CHANGED, EventKind.CALENDAR_FAILED}
SILENT = {
    # Of the account and what is inside of the practice.
    *("nobody_fits", "journey_resumed", "epoch_began", "record_joined", "group_changed", "portal_settings_changed"),
    *("unsubscribed", "subscribed", "account_password_changed", "account_locked", "account_unlocked"),
    *("second_factor_added", "second_factor_removed", "recovery_codes_made", "recovery_code_used"),
    *("opening_begun", "opening_ended", "cancellation_asked", "approval_asked", "approval_refused"),
    # Of appointments, forms and waitlists: what stands in another event, or is the practice's own.
    *("links_changed", "outcome_unmarked", "outcome_breach", "forms_gate_opened", "forms_incomplete_at_start"),
    *("waitlist_joined", "waitlist_wish_changed", "waitlist_left", "form_gates"),
    *("offer_booked", "offer_ran_out", "offer_declined", "offer_withdrawn"),
    # Of money: on its way, stopped, or what the payment's own events come to.
    *("payment_processing", "payment_cancelled", "payment_retry_asked", "charge_breach"),
    *("card_renewed", "card_removed", "card_setup_unfinished", "customer_deleted", "credit_granted", "credit_reversed"),
    *("refund_begun", "refund_made", "refund_failed", "refund_found", "refund_refused"),
    *("dispute_opened", "dispute_changed", "dispute_closed"),
    # Of care, which is between client and therapist, and of mails.
    *("document_shared", "document_unshared", "note_shared", "note_unshared"),
    *("goal_set", "goal_changed", "goal_completed", "goal_reopened"),
    *("mail_sent", "mail_uncertain", "mail_undeliverable"),
}
FULL: dict[str, Any] = {
    "appointments": [{"id": "1", "starts_at": "t", "ends_at": "t", "type": "session", "therapist": "ana"}],
    "tasks_closed": [{"id": "3", "kind": "match_by_hand"}],
    "asked": [{"form": "billing_info", "version": 1, "form_id": "4"}],
    "outcome": "occurred",
    "from": "t",
    "to": "t",
    "reason": "a secret",
    "name": "Sara",
    "because": Because.ARCHIVED.value,
}


def test_each_fact_makes_events_or_is_silent_on_purpose() -> None:
    told = {kind for kind in FactKind if events_of(kind, FULL)}
    assert {kind.value for kind in FactKind if kind not in told} == SILENT
    made = {event.kind for kind in told for event in events_of(kind, FULL)}
    assert made | {EventKind.APPOINTMENT_NO_SHOW} == set(EventKind) - NOT_FROM_FACTS


@pytest.mark.parametrize("fact", FactKind)
def test_no_event_has_more_than_its_kind_may_tell(fact: FactKind) -> None:
    for event in events_of(fact, FULL):
        assert event.data.keys() <= FIELDS[event.kind]
        assert "a secret" not in str(event.data)
        assert "Sara" not in str(event.data)


def test_a_series_is_an_event_for_each_appointment() -> None:
    data = {
        "type": "session",
        "mode": "video",
        "therapist": "ana",
        "appointments": [{"id": id, "starts_at": f"{id}s", "ends_at": f"{id}e"} for id in "ab"],
        "exceptions": [],
    }
    events = events_of(FactKind.BOOKED, data)
    assert [event.data["appointment_id"] for event in events] == ["a", "b"]
    assert events[1].data == {
        "appointment_id": "b",
        "type": "session",
        "mode": "video",
        "therapist": "ana",
        "starts_at": "bs",
        "ends_at": "be",
    }


def test_of_an_archive_the_site_hears_its_cancellations_as_of_any_other() -> None:
    line = {"id": "a", "type": "session", "therapist": "ana", "starts_at": "s", "ends_at": "e", "status": "scheduled"}
    archived = events_of(FactKind.ARCHIVED, {**FULL, "appointments": [line], "payments": [{"id": "p"}]})
    heard = [event for event in archived if event.for_site and event.kind not in PRACTICE_ALONE]
    cancelled = {"appointment_id": "a", "type": "session", "therapist": "ana", "starts_at": "s"}
    assert heard == list(events_of(FactKind.APPOINTMENT_CANCELLED, {**cancelled, "late": False}))
    assert [event.kind for event in archived if event not in heard] == [
        EventKind.TASK_RESOLVED,
        EventKind.CLIENT_ARCHIVED,
    ]


MONEY = {"payment_id": "p", "appointment_id": "a", "amount": 12000, "currency": "USD", "attempts": 1}


@pytest.mark.parametrize(
    ("fact", "more", "told", "for_site"),
    [
        ("payment_scheduled", {}, "payment.scheduled", True),
        ("payment_scheduled", {"restored": True}, "payment.scheduled", False),
        ("payment_paid", {}, "payment.paid", True),
        ("payment_paid", {"refundable": 12000}, "payment.refunded", True),  # the refund failed after all
        ("payment_failed", {"because": "declined"}, "payment.failed", True),
        ("payment_failed", {"because": "new_card"}, None, True),
        ("payment_requires_action", {}, "payment.needs_client", True),
        ("payment_owed", {"because": "deadline_passed"}, "payment.owed", True),
        ("payment_owed", {"because": "archived"}, "payment.owed", False),
        ("payment_owed", {"because": "tried_by_hand"}, "payment.owed", False),
        ("payment_cancelled", {"because": "archived"}, None, True),
        ("payment_waived", {}, "payment.waived", True),
        ("payment_written_off", {}, "payment.waived", True),
        ("payment_partially_refunded", {"refundable": 1}, "payment.refunded", True),
    ],
)
def test_payments(fact: str, more: dict[str, Any], told: str | None, for_site: bool) -> None:
    events = events_of(FactKind(fact), MONEY | more)
    assert [event.kind.value for event in events] == ([told] if told else [])
    for event in events:
        assert event.for_site == for_site
        assert event.data["status"] == fact.removeprefix("payment_")
        assert PaymentStatus(event.data["status"])
        assert "because" not in event.data


def test_the_page_has_every_kind_with_what_it_tells() -> None:
    page = (Path(__file__).parents[3] / "docs/events.md").read_text()
    rows = dict(re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \|[^|]*\|([^|]*)\|", page, re.MULTILINE))
    assert rows.keys() == {kind.value for kind in EventKind}
    for kind in EventKind:
        assert set(re.findall(r"`(\w+)`", rows[kind.value])) == FIELDS[kind], kind
