"""Programs that are told of events, and what was sent to each."""

from typing import Any

_URL = "https://booking.example/hooks/practice"
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw8f3s0Yb1m2k="  # noqa: S105 - an example

WORDS: dict[str, tuple[Any, ...]] = {
    "NewWebhook.url": ("Where it is told: https, and of the public Internet.", _URL),
    "WebhookChange.url": ("Where it is told: https, and of the public Internet.", _URL),
    "WebhookView.url": ("Where it is told.", _URL),
    "NewWebhookView.url": ("Where it is told.", _URL),
    "kinds": ("Which kinds of events; all that it may know of, if empty.", ["appointment.booked", "appointment.moved"]),
    "for": ("Whose program it is: the site's hears nothing that clients must not know of.",),
    "on": ("Whether it is told of anything.",),
    "off_at": ("Since when it is told nothing; null while it is on.", "2026-03-12T09:00:00Z"),
    "off_because": ("Why: by hand, or because it has not answered for three days.",),
    "waiting": ("How many deliveries wait: for their turn, or for the next try.", 3),
    "WebhookView.former_until": ("How long the secret before the last rotation signs, too.", "2026-04-02T08:00:00Z"),
    "NewWebhookView.former_until": ("How long the secret before the last rotation signs, too.", "2026-04-02T08:00:00Z"),
    "NewWebhookView.secret": ("What messages are signed with (Standard Webhooks): shown this once.", _SECRET),
    "Replay.since": ("An event's id, behind which it begins; or a time, at which it does.", 40213),
    "Replayed.after": ("The id of the event behind which all is sent again.", 40213),
    "webhook_id": ("Which webhook.", "5b0c3a62-0c3e-4f5b-8a4e-0a3f8f0b7c11"),
    "event_id": ("Which event; null for a test.", 40213),
    "WebhookDeliveryView.kind": ("Of the event, or `webhook.test`.", "appointment.booked"),
    "WebhookDeliveryView.status": ("Whether it waits, was delivered, or, of a test, failed.",),
    "delivered_at": ("When it was answered with 2xx.", "2026-03-09T15:00:02Z"),
    "next_try_at": ("When it is tried next; null where it is not, by itself.", "2026-03-09T15:01:02Z"),
    "tried": ("How often it was tried, since it was last asked for again.", 2),
    "tries": ("Its newest tries, oldest first.",),
    "WebhookTryView.status": ("The status that was answered; null where nothing was.", 503),
    "WebhookTryView.reason": ("Why nothing was answered.",),
    "X-Goog-Channel-ID": ("Which channel: the id by which it was opened.", "0b6f3a86-3f1c-5d0e-9d5e-3f6f8d1c2a77"),
    "X-Goog-Channel-Token": ("The secret with which it was opened.", "kq3Zb1cJ5mJr0cYd2rJ8pW"),
    "X-Goog-Resource-State": ("`sync` when the channel opens, and something else when the calendar changed.", "exists"),
    "took_ms": ("How long it took, in thousandths of a second.", 143),
}
