"""Receiving webhooks: each is verified by the stock library, with the secrets that were handed over, and kept."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook, WebhookVerificationError

from engine.clock import Clock
from sandbox.store import Document, Store

_SECRET, _RECEIVED = "hook_secret", "hook_received"  # kinds in the store
_OF_THE_HOOK = ("webhook-id", "webhook-timestamp", "webhook-signature")


class Hooks:
    """``received``: what came, oldest first; of what does not verify, that something came."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def learn(self, secret: str) -> Document:
        """One more secret: after a rotation messages are signed with both, and then with the new one alone. Raises
        ValueError for what is none."""
        try:
            Webhook(secret)
        except EmptyWebhookSecretError as error:
            raise ValueError("it is empty") from error
        self._store.put(_SECRET, {"id": secret})
        self._store.commit()
        return self.known()

    def known(self) -> Document:
        return {"secrets": len(self._store.all(_SECRET))}

    async def receive(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether it is what it says. The same message again is counted."""
        told = self._verified(body, dict(headers))
        id = headers.get("webhook-id", "")
        place = id if told is not None else f"refused {len(self._store.all(_RECEIVED))}"
        before = self._store.get(_RECEIVED, place)
        self._store.put(
            _RECEIVED,
            {
                "id": place,
                "verified": told is not None,
                "body": told,
                "received_at": (await self._clock.now()).isoformat(),
                "times": (before["times"] if before else 0) + 1,
                "headers": {name: headers[name] for name in _OF_THE_HOOK if name in headers},
            },
        )
        self._store.commit()
        return told is not None

    def received(self) -> list[Document]:
        return self._store.all(_RECEIVED)

    def _verified(self, body: bytes, headers: dict[str, str]) -> Any:
        for secret in self._store.all(_SECRET):
            with suppress(WebhookVerificationError, ValueError):
                return Webhook(secret["id"]).verify(body, headers)
        return None
