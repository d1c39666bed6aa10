"""Signed events about mails: the stand-in's signatures, SendGrid's own library and ours, held to each other."""

import asyncio
import base64
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sendgrid.helpers.eventwebhook import EventWebhook

from activities.gateways.sendgrid import SendGridMailer, _document
from config.development import DEV_SENDGRID_WEBHOOK_PUBLIC_KEY
from engine.event_key import EventKey, InvalidEventKey
from rules.mail.unsubscribe import list_unsubscribe
from sandbox.sendgrid.events import sign
from tests.gateways.test_sendgrid import MAIL
from tests.sandbox.process import Sandbox, running_sandbox
from tests.sandbox.receiver import receiver

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
KEY = EventKey.parse(DEV_SENDGRID_WEBHOOK_PUBLIC_KEY)
BODY = b'[{"event":"bounce","sg_event_id":"\xc3\xbc"}]\r\n'


def public(key: Any) -> str:
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def test_the_vendor_s_library_and_ours_believe_the_same() -> None:
    headers = sign(BODY, timestamp=1796115600)
    signature, timestamp = headers[SIGNATURE], headers[TIMESTAMP]
    other = sign(BODY, timestamp=1796115601)[SIGNATURE]
    theirs = EventWebhook(DEV_SENDGRID_WEBHOOK_PUBLIC_KEY)
    for body, made, at, genuine in [
        (BODY, signature, timestamp, True),
        (BODY, other, timestamp, False),
        (BODY, signature, "1796115601", False),
        (BODY + b" ", signature, timestamp, False),
    ]:
        assert theirs.verify_signature(body.decode(), made, at) is genuine
        assert KEY.has_signed(body, timestamp=at, signature=made) is genuine
    stranger = EventKey.parse(public(ec.generate_private_key(ec.SECP256R1())))
    assert not stranger.has_signed(BODY, timestamp=timestamp, signature=signature)
    for odd in ("", "no base64", "é", base64.b64encode(b"short").decode(), signature[:-4]):
        assert not KEY.has_signed(BODY, timestamp=timestamp, signature=odd)


def test_a_key_is_read_as_it_is_shown_and_nothing_else_is_a_key() -> None:
    lines = f"-----BEGIN PUBLIC KEY-----\n{KEY.text[:64]}\n{KEY.text[64:]}\n-----END PUBLIC KEY-----\n"
    assert EventKey.parse(lines) == KEY
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for wrong in ("", "MFkw", "no key", "é", public(ec.generate_private_key(ec.SECP384R1())), public(rsa_key)):
        with pytest.raises(InvalidEventKey):
            EventKey.parse(wrong)


async def test_the_stand_in_tells_what_became_of_a_mail_as_sendgrid_does() -> None:
    told: list[tuple[bytes, dict[str, str]]] = []

    async def receive(body: bytes, headers: dict[str, str]) -> int:
        told.append((body, headers))
        return 200

    async with receiver(receive) as url:
        with running_sandbox("--mail-events-url", url) as sandbox:
            mailer = SendGridMailer(api_key="SG.tests", host=sandbox.sendgrid)
            message_id = await mailer.send(MAIL)
            assert told == []  # it tells of nothing by itself
            sent = await _tell(sandbox, {"event": "bounce", "message_id": message_id, "times": 2})
            [(body, headers)] = told
            assert sent["status"] == 200
            first, second = events = json.loads(body)
            assert events == sent["events"]
            assert first == second
            assert {name: first[name] for name in ("email", "event", "type", "status", "key", "category")} == {
                "email": "sara@example.org",
                "event": "bounce",
                "type": "bounce",
                "status": "5.1.1",
                "key": "mail-1",
                "category": ["booking_confirmation"],
            }
            assert first["sg_message_id"].startswith(f"{message_id}.")
            stamp = headers[TIMESTAMP.lower()]
            assert KEY.has_signed(body, timestamp=stamp, signature=headers[SIGNATURE.lower()])

            again = await _tell(sandbox, {"event": "spamreport", "to": "SARA@example.org", "id": first["sg_event_id"]})
            assert again["events"][0]["sg_event_id"] == first["sg_event_id"]
            for wrong in (
                {"event": "bounce"},
                {"event": "exploded", "to": "sara@example.org"},
                {"event": "bounce", "to": "nobody@example.org"},
                {"event": "bounce", "to": "sara@example.org", "times": 0},
            ):
                refused = await asyncio.to_thread(
                    httpx.post, f"{sandbox.sendgrid}/_events", json=wrong, trust_env=False
                )
                assert refused.status_code == 400
                assert refused.json()["error"]["message"]
            assert len(told) == len(sandbox.get("/sendgrid/_events")) == 2

            # Mails to this domain come back by themselves, before the call that sent them is answered.
            headers_sent = list_unsubscribe("https://care.example/unsubscribe/t")
            await mailer.send(replace(MAIL, to="ben@bounce.example", attachments=(), headers=headers_sent))
            assert sandbox.get("/outbox", to="ben@bounce.example")[0]["headers"] == headers_sent
            assert json.loads(told[-1][0])[0]["email"] == "ben@bounce.example"
            await asyncio.to_thread(sandbox.post, "/sendgrid/_webhook", {"url": None})
            assert (await _tell(sandbox, {"event": "delivered", "message_id": message_id}))["status"] is None


def test_mails_that_nobody_can_unsubscribe_from_pass_the_service_s_own_list() -> None:
    vital, reminder = _document(MAIL), _document(replace(MAIL, headers=list_unsubscribe("https://care.example/u/t")))
    assert vital["mail_settings"] == {"bypass_unsubscribe_management": {"enable": True}}
    assert "mail_settings" not in reminder
    for document in (vital, reminder):
        assert document["tracking_settings"]["subscription_tracking"] == {"enable": False}
    named = _document(replace(MAIL, to_name='Eve\r\nBcc: all@evil.example "x" \u202eevil'))
    assert named["personalizations"][0]["to"][0]["name"] == 'Eve Bcc: all@evil.example "x" evil'


async def _tell(sandbox: Sandbox, wanted: dict[str, Any]) -> Any:
    return await asyncio.to_thread(sandbox.post, "/sendgrid/_events", wanted)
