"""What is news to a therapist, and in which words."""

from typing import Any

import pytest

from rules.care.feed import FeedKind, may_be_put_together, message_from, news_of, put_together

AT = "2026-03-02T14:00:00+00:00"
ONE = {"appointment_id": "a1", "request_id": "r"}
PAID = {"payment_id": "p1", "appointment_id": "a1", "amount": 12000, "currency": "USD"}


def booked(type: str, number: int) -> dict[str, Any]:
    return {"type": type, "appointments": [{"id": f"a{n}", "starts_at": AT, "ends_at": AT} for n in range(number)]}


@pytest.mark.parametrize(
    ("fact", "data", "kind", "text"),
    [
        ("booked", booked("intro_call", 1), FeedKind.BOOKED, "An intro call with Sara Lind was booked."),
        ("booked", booked("session", 1), FeedKind.BOOKED, "A session with Sara Lind was booked."),
        ("booked", booked("session", 4), FeedKind.BOOKED, "4 sessions with Sara Lind were booked."),
        ("appointment_cancelled", ONE, FeedKind.CANCELLED, "An appointment with Sara Lind was cancelled."),
        (
            "appointment_rescheduled",
            {**ONE, "from": AT, "to": AT},
            FeedKind.MOVED,
            "An appointment with Sara Lind was moved.",
        ),
        ("form_completed", {"form": "informed_consent"}, FeedKind.FORM_COMPLETED, "Sara Lind completed a form."),
        (
            "payment_failed",
            {**PAID, "because": "declined"},
            FeedKind.PAYMENT_NEEDS_ATTENTION,
            "A payment of Sara Lind needs attention: the bank declined, and it will be tried again.",
        ),
        (
            "payment_failed",
            {**PAID, "because": "no_card"},
            FeedKind.PAYMENT_NEEDS_ATTENTION,
            "A payment of Sara Lind needs attention: there is no card.",
        ),
        (
            "payment_failed",
            PAID,
            FeedKind.PAYMENT_NEEDS_ATTENTION,
            "A payment of Sara Lind needs attention: it failed.",
        ),
        (
            "payment_owed",
            PAID,
            FeedKind.PAYMENT_NEEDS_ATTENTION,
            "A payment of Sara Lind needs attention: it could not be made in time, and is owed.",
        ),
        (
            "payment_requires_action",
            PAID,
            FeedKind.PAYMENT_NEEDS_ATTENTION,
            "A payment of Sara Lind needs attention: the client has to confirm it.",
        ),
        (
            "dispute_opened",
            {"payment_id": "p1", "status": "needs_response"},
            FeedKind.PAYMENT_NEEDS_ATTENTION,
            "A payment of Sara Lind needs attention: the client's bank disputes it.",
        ),
        ("unarchived", {"request_id": "r"}, FeedKind.CLIENT_BACK, "Sara Lind is an active client again."),
    ],
)
def test_these_facts_are_news(fact: str, data: dict[str, Any], kind: FeedKind, text: str) -> None:
    news = news_of(fact, data, client="Sara Lind")
    assert news is not None
    assert (news.kind, news.text) == (kind, text)
    assert not {"amount", "currency", "request_id"} & news.data.keys()
    about_an_appointment = fact not in ("form_completed", "unarchived", "dispute_opened")
    assert ("appointment_ids" in news.data) is about_an_appointment


@pytest.mark.parametrize(
    ("fact", "data"),
    [
        ("archived", {}),
        ("mail_sent", {"template": "welcome"}),
        ("matched", {"therapist": "ana"}),
        ("outcome_recorded", ONE),
        ("payment_paid", PAID),
        ("payment_scheduled", PAID),
        ("payment_failed", {**PAID, "because": "new_card"}),
        ("payment_failed", {**PAID, "because": "tried_by_hand"}),
        ("never heard of", {}),
    ],
)
def test_these_are_none(fact: str, data: dict[str, Any]) -> None:
    assert news_of(fact, data, client="Sara Lind") is None


def test_a_series_is_told_of_once() -> None:
    parts = [news_of("appointment_cancelled", {"appointment_id": id}, client="Sara") for id in ("a1", "a2", "a3")]
    first, second, third = (part for part in parts if part is not None)
    assert may_be_put_together(first)
    both = put_together(first.data, second, client="Sara")
    all_three = put_together(both.data, third, client="Sara")
    assert (all_three.text, all_three.data["appointment_ids"]) == (
        "3 appointments with Sara were cancelled.", ["a1", "a2", "a3"]
    )  # fmt: skip
    one_form = news_of("form_completed", {"form": "x"}, client="Sara")
    assert one_form is not None
    assert not may_be_put_together(one_form)


def test_a_message_is_told_of_without_its_words() -> None:
    assert message_from("Sara Lind") == "Sara Lind has written to you."
