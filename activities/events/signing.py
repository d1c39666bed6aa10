"""What a webhook says, and its signatures (Standard Webhooks)."""

import json
from dataclasses import dataclass, field
from datetime import datetime

from standardwebhooks.webhooks import Webhook

from models.reads.events.events import as_instant, document_of
from models.sealing import opened_aside
from models.tables.events.event import Event
from models.tables.events.webhook import WebhookDelivery, WebhookRecord
from rules.events.webhooks import TEST_KIND


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where an endpoint's deliveries go, and by which secrets they are signed, newest first."""

    url: str
    secrets: tuple[str, ...] = field(repr=False)


def target_of(endpoint: WebhookRecord, *, now: datetime) -> Target:
    """The former secret signs until its time is over."""
    secrets = [opened_aside(endpoint, "secret")]
    if endpoint.former_until is not None and now < endpoint.former_until:
        secrets.append(opened_aside(endpoint, "former_secret"))
    return Target(url=endpoint.url, secrets=tuple(secrets))


def message_id(delivery: WebhookDelivery) -> str:
    """What a receiver knows a message by: of one event always the same."""
    return str(delivery.event_id) if delivery.event_id is not None else f"test-{delivery.id}"


def body_of(delivery: WebhookDelivery, event: Event | None, *, test: bool) -> str:
    """The event as `GET /v1/events` shows it; a test looks like one. ``test``: it is of a test client."""
    if event is not None:
        told = document_of(event) | ({"test": test} if event.client_id is not None else {})
    else:
        at = as_instant(delivery.made_at)
        told = {"id": message_id(delivery), "kind": TEST_KIND, "at": at, "client_id": None, "ref": None, "data": {}}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def headers_of(id: str, body: str, secrets: tuple[str, ...], *, at: datetime) -> dict[str, str]:
    """``at``: the time that the world outside has, by which a receiver judges how old the message is."""
    return {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(id, at, body) for secret in secrets),
    }
