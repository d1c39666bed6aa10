"""Webhook signatures: Stripe's scheme, held against Stripe's own library, with the product's clock."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import stripe

from rules.money.webhook_signature import SignatureInvalid, SignedEvent, signature, verify_webhook

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
SECRET = "whsec_tests"
BODY = json.dumps(
    {
        "id": "evt_1",
        "object": "event",
        "type": "payment_intent.succeeded",
        "created": 1796115600,
        "data": {"object": {"id": "pi_1"}},
    }
).encode()


def signed(at: datetime = NOW, *, body: bytes = BODY, secret: str = SECRET) -> str:
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, int(at.timestamp()))
    return str(header)


def test_a_genuine_event_is_read() -> None:
    event = verify_webhook(payload=BODY, header=signed(), secret=SECRET, now=NOW)
    assert event == SignedEvent(id="evt_1", type="payment_intent.succeeded", created=1796115600, object={"id": "pi_1"})


def test_one_fitting_signature_of_several_is_enough() -> None:
    digest = signature(payload=BODY, secret=SECRET, timestamp=int(NOW.timestamp()))
    header = f"t={int(NOW.timestamp())},v1=0000,v0=zzzz,v1={digest}"
    assert verify_webhook(payload=BODY, header=header, secret=SECRET, now=NOW).id == "evt_1"


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_either_way_are_allowed(seconds: int) -> None:
    header = signed(NOW + timedelta(seconds=seconds))
    assert verify_webhook(payload=BODY, header=header, secret=SECRET, now=NOW).id == "evt_1"


@pytest.mark.parametrize("seconds", [-301, 301, -86400, 86400 * 365])
def test_stale_and_future_events_are_refused(seconds: int) -> None:
    with pytest.raises(SignatureInvalid, match="outside"):
        verify_webhook(payload=BODY, header=signed(NOW + timedelta(seconds=seconds)), secret=SECRET, now=NOW)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        "t=,v1=",
        f"t={int(NOW.timestamp())}",
        "v1=abc",
        "t=-1,v1=abc",
        "t=١٢٣,v1=abc",
        "t=9" + "9" * 40 + ",v1=abc",
        f"t={int(NOW.timestamp())},v1=ü",
        f"t={int(NOW.timestamp())},v1=abc",
        f"t={int(NOW.timestamp())},v0=" + "0" * 64,
    ],
)
def test_bad_headers_are_refused(header: str | None) -> None:
    with pytest.raises(SignatureInvalid):
        verify_webhook(payload=BODY, header=header, secret=SECRET, now=NOW)


def test_another_body_or_secret_is_refused() -> None:
    with pytest.raises(SignatureInvalid, match="no signature fits"):
        verify_webhook(payload=BODY + b" ", header=signed(), secret=SECRET, now=NOW)
    with pytest.raises(SignatureInvalid, match="no signature fits"):
        verify_webhook(payload=BODY, header=signed(secret="whsec_other"), secret=SECRET, now=NOW)
    with pytest.raises(SignatureInvalid, match="no webhook secret"):
        verify_webhook(payload=BODY, header=signed(secret=""), secret="", now=NOW)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'"x"', b'{"id": 1, "type": 2, "created": 3}', b"null"])
def test_a_signed_body_that_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(SignatureInvalid, match="not an event"):
        verify_webhook(payload=body, header=signed(body=body), secret=SECRET, now=NOW)
