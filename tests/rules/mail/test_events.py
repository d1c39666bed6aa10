"""What a mail service reports, read: which types matter, what is left out, and how old a signature may be."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from rules.mail.events import MOST_EVENTS, Meaning, check_age, meaning_of, read_mail_events
from rules.mail.unsubscribe import address_mark, list_unsubscribe
from rules.money.webhook_signature import SignatureInvalid

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


def entry(**changes: Any) -> dict[str, Any]:
    usual = {"sg_event_id": "e1", "event": "bounce", "timestamp": 1796115600, "key": "welcome:1:first"}
    return {**usual, "sg_message_id": "m1.recvd-5f.0", "email": "sara@example.org", **changes}


@pytest.mark.parametrize(
    ("type", "meaning"),
    [
        ("bounce", Meaning.NOT_ARRIVED),
        ("blocked", Meaning.NOT_ARRIVED),
        ("dropped", Meaning.NOT_ARRIVED),
        ("spamreport", Meaning.UNWANTED),
        ("unsubscribe", Meaning.UNWANTED),
        ("group_unsubscribe", Meaning.UNWANTED),
        *((type, Meaning.NOTHING) for type in ("processed", "delivered", "deferred", "open", "click")),
        ("group_resubscribe", Meaning.NOTHING),
        ("of next year", Meaning.NOTHING),
    ],
)
def test_only_what_somebody_must_hear_of_matters(type: str, meaning: Meaning) -> None:
    assert meaning_of(type) is meaning
    [event], _ = read_mail_events(json.dumps([entry(event=type)]).encode())
    assert event.meaning is meaning
    assert (event.because is not None) == (meaning is Meaning.NOT_ARRIVED)


def test_an_event_is_read_and_what_it_says_of_foreign_servers_is_not() -> None:
    [event], left_out = read_mail_events(json.dumps([entry(reason="550 <sara@example.org> unknown")]).encode())
    assert left_out == 0
    assert (event.id, event.type, event.at) == ("sendgrid:e1", "bounce", 1796115600)
    assert (event.key, event.message_id) == ("welcome:1:first", "m1")
    assert event.because == "the address does not take mail"


@pytest.mark.parametrize(
    ("more", "because"),
    [
        ({"event": "bounce", "type": "blocked"}, "turned it away"),
        ({"event": "dropped", "reason": "Bounced Address"}, "came back before"),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, "reported as spam"),
        ({"event": "dropped", "reason": "Spam Content"}, "did not send it"),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, "unsubscribed at the mail service"),
        ({"event": "dropped", "reason": ["odd"]}, "did not send it"),
    ],
)
def test_why_a_mail_did_not_arrive_is_said_in_our_own_words(more: dict[str, Any], because: str) -> None:
    [event], _ = read_mail_events(json.dumps([entry(**more)]).encode())
    assert event.because is not None
    assert because in event.because


@pytest.mark.parametrize(
    "broken",
    [
        None,
        "bounce",
        [],
        entry(sg_event_id=None),
        entry(sg_event_id=""),
        entry(sg_event_id="x" * 201),
        entry(sg_event_id="a\0b"),
        entry(sg_event_id="\ud800"),
        entry(event=7),
        entry(event="x" * 101),
    ],
)
def test_what_is_no_event_is_left_out_and_the_others_are_read(broken: Any) -> None:
    events, left_out = read_mail_events(json.dumps([entry(sg_event_id="a"), broken, entry(sg_event_id="b")]).encode())
    assert ([event.id for event in events], left_out) == (["sendgrid:a", "sendgrid:b"], 1)


@pytest.mark.parametrize("odd", [None, 7, "", "x" * 300, {"a": 1}])
def test_an_event_that_names_no_mail_is_an_event(odd: Any) -> None:
    [event], _ = read_mail_events(json.dumps([entry(key=odd, sg_message_id=odd, timestamp=odd)]).encode())
    assert (event.key, event.message_id) == (None, None)
    assert event.at in (None, 7)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"null", b"[", b"\xff", b"[" * 100_000, json.dumps([{}] * (MOST_EVENTS + 1)).encode()]
)
def test_a_body_that_is_no_list_of_events_is_refused(body: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        read_mail_events(body)


def test_five_minutes_either_way_are_allowed() -> None:
    at = int(NOW.timestamp())
    for seconds in (-300, 0, 300):
        assert check_age(str(at + seconds), now=NOW) == str(at + seconds)
    for stamp in (None, "", "soon", "-1", "1.5", "١٢٣", "9" * 13, str(at - 301), str(at + 301)):
        with pytest.raises(SignatureInvalid):
            check_age(stamp, now=NOW)


def test_an_address_has_one_mark_however_it_is_written() -> None:
    assert address_mark("Sara@Example.org ") == address_mark("sara@example.org")
    assert address_mark("sara@example.org") != address_mark("sara@example.com")
    assert "sara" not in address_mark("sara@example.org")


def test_the_headers_of_one_click() -> None:
    assert list_unsubscribe("https://care.example/unsubscribe/t") == {
        "List-Unsubscribe": "<https://care.example/unsubscribe/t>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
