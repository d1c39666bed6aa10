"""What becomes of mails, told as SendGrid tells it: lists of events, signed with ECDSA over timestamp and raw body.

SendGrid tells of every delivery; the stand-in tells only what it is asked to, and what happens by itself to mails for
some domains. That is told before the call that sent the mail is answered, because a movable clock jumps on afterwards.
"""

import base64
import json
import logging
from collections.abc import Sequence
from typing import Literal

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key
from pydantic import BaseModel, Field

from engine.clock import Clock
from sandbox.store import Document, Store
from sandbox.stripe.objects import new_id
from sandbox.stripe.wire import StripeError

log = logging.getLogger(__name__)

# Public, as every development value: the public half of it is the product's development setting.
SIGNING_KEY = (
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgVEFiDtkBQncGWVRyPY2+9wPUwfR0K995Aq36uqgOis2hRANCAAQRYDxQvGMEVM16"
    "HROhXODd3a6rGFqwdDNP3UMCbazvTkvCiIU0nuHV9Yoq71sJq6+0Zgz8G5BmHxyYnjfE2Kdz"
)
BY_DOMAIN = {"bounce.example": "bounce", "blocked.example": "blocked", "spam.example": "spamreport"}
_HOW: dict[str, Document] = {
    "bounce": {"type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 The account does not exist."},
    "blocked": {"event": "bounce", "type": "blocked", "status": "4.0.0", "reason": "421 Try again later."},
    "dropped": {"reason": "Bounced Address"},
    "deferred": {"attempt": "1", "response": "450 Try again later."},
    "delivered": {"response": "250 OK"},
}
_TIMEOUT_SECONDS = 10.0

Event = Literal[
    "processed", "deferred", "delivered", "open", "click", "bounce", "blocked", "dropped", "spamreport", "unsubscribe",
    "group_unsubscribe", "group_resubscribe",
]  # fmt: skip


class WantedEvent(BaseModel, extra="forbid"):
    """About the mail with this ``message_id``, or else the newest one ``to`` this address. ``id`` lets an event come
    again; ``times`` is how often it stands in the list."""

    event: Event
    message_id: str | None = None
    to: str | None = None
    template: str | None = None
    reason: str | None = None
    id: str | None = None
    times: int = Field(default=1, ge=1, le=100)


class MailEvents:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        # The receiver is on this machine or in this network: no proxy of the environment's should stand between.
        self._http = httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False)

    async def aclose(self) -> None:
        await self._http.aclose()

    def register(self, *, url: str | None) -> Document:
        """Sets where events go from now on; no url means nowhere."""
        endpoint: Document = {"id": "mail_events", "url": url}
        self._store.put("endpoint", endpoint)
        self._store.commit()
        return endpoint

    async def tell(self, wanted: WantedEvent) -> Document:
        """Makes the event and sends it. Raises StripeError when there is no such mail."""
        mail = self._mail(wanted)
        event = await self._event(mail, wanted.event, reason=wanted.reason, id=wanted.id)
        return await self.send([event] * wanted.times)

    async def of_sending(self, mail: Document) -> None:
        """What happens by itself to a mail for one of the domains above."""
        domain = mail["to"].rpartition("@")[2].lower()
        if domain in BY_DOMAIN:
            await self.send([await self._event(mail, BY_DOMAIN[domain])])

    async def send(self, events: Sequence[Document]) -> Document:
        """Signs and sends a list of events, once. ``status``: what was answered, or None when nobody was there."""
        endpoint = self._store.get("endpoint", "mail_events")
        sent: Document = {"id": new_id("sg", 22), "events": list(events), "status": None}
        if endpoint is not None and endpoint["url"]:
            body = json.dumps(list(events)).encode()
            try:
                headers = sign(body, timestamp=int((await self._clock.now()).timestamp()))
                answer = await self._http.post(endpoint["url"], content=body, headers=headers)
                sent["status"] = answer.status_code
            except (httpx.HTTPError, ConnectionError) as problem:
                log.warning("An event about a mail could not be delivered: %s", type(problem).__name__)
        self._store.put("mail_event", sent)
        self._store.commit()
        return sent

    def all(self) -> list[Document]:
        """Every list that was sent, oldest first."""
        return self._store.all("mail_event")

    def _mail(self, wanted: WantedEvent) -> Document:
        if wanted.message_id is None and wanted.to is None:
            raise StripeError(400, "message_id or to: say which mail", param="message_id", executed=False)
        for mail in reversed(self._store.all("mail")):
            if (
                wanted.message_id in (None, mail["message_id"])
                and (wanted.to or mail["to"]).lower() == mail["to"].lower()
                and wanted.template in (None, mail["template"])
            ):
                return mail
        raise StripeError(400, "message_id: no such mail was sent", param="message_id", executed=False)

    async def _event(self, mail: Document, event: str, *, reason: str | None = None, id: str | None = None) -> Document:
        return {
            "email": mail["to"],
            "timestamp": int((await self._clock.now()).timestamp()),
            "event": event,
            "category": [mail["template"]] if mail["template"] else [],
            "sg_event_id": id or new_id("sg", 22)[3:],
            "sg_message_id": f"{mail['message_id']}.recvd-stand-in-0",
            "smtp-id": f"<{mail['message_id']}@stand-in>",
            **mail["custom_args"],
            **_HOW.get(event, {}),
            **({"reason": reason} if reason else {}),
        }


def public_key() -> str:
    """By which these events are believed, as SendGrid shows it: base64 of its DER form."""
    key = load_der_private_key(base64.b64decode(SIGNING_KEY), None).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def sign(body: bytes, *, timestamp: int) -> dict[str, str]:
    """The headers that belong to this body at this moment."""
    key = load_der_private_key(base64.b64decode(SIGNING_KEY), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signature = key.sign(str(timestamp).encode() + body, ec.ECDSA(SHA256()))
    return {
        "Content-Type": "application/json",
        "User-Agent": "SendGrid Event API (stand-in)",
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": str(timestamp),
    }
