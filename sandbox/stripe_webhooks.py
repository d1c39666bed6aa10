"""Events on their way to the product: signed as Stripe signs, sent before the call that caused them is
answered.

Delivering first is what a movable clock needs: an event sent after the answer would arrive when the clock has
already jumped on. A receiver that calls back during delivery finds everything committed, and no lock in its
way. What cannot be delivered at once is tried again in the background, also after a restart.
"""

import asyncio
import hmac
import json
import logging
from collections.abc import Sequence
from hashlib import sha256

import httpx

from engine.clock import Clock
from sandbox.store import Document, Store

log = logging.getLogger(__name__)

# What an endpoint gets when it does not name its events.
DEFAULT_EVENTS = (
    "payment_intent.created",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "payment_intent.requires_action",
    "setup_intent.succeeded",
    "setup_intent.setup_failed",
    "payment_method.attached",
    "charge.refunded",
)
_TIMEOUT_SECONDS = 5.0
_RETRY_AFTER_SECONDS = (1.0, 5.0, 15.0, 60.0)


class Webhooks:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        # The receiver is on this machine or in this network: no proxy of the environment's should stand
        # between.
        self._http = httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False)
        self._retries: set[asyncio.Task[None]] = set()

    def register(self, *, url: str | None, secret: str, events: Sequence[str] = DEFAULT_EVENTS) -> Document:
        """Sets where events go from now on; no url means nowhere."""
        endpoint: Document = {"id": "webhook", "url": url, "secret": secret, "events": list(events)}
        self._store.put("endpoint", endpoint)
        self._store.commit()
        return endpoint

    def plan(self, events: Sequence[Document]) -> list[str]:
        """Notes, in the transaction that made them, which events are to be delivered. Returns their ids."""
        endpoint = self._store.get("endpoint", "webhook")
        if endpoint is None or not endpoint["url"]:
            return []
        wanted = [event for event in events if "*" in endpoint["events"] or event["type"] in endpoint["events"]]
        for event in wanted:
            self._store.put(
                "delivery",
                {
                    "id": event["id"],
                    "type": event["type"],
                    "url": endpoint["url"],
                    "status": "pending",
                    "attempts": 0,
                    "last_error": None,
                },
            )
        return [event["id"] for event in wanted]

    async def deliver(self, ids: Sequence[str]) -> None:
        """Sends planned events in order. From the first failure on, the rest is left to the background."""
        for position, id_ in enumerate(ids):
            if not await self._attempt(id_):
                self._retry_later(ids[position:])
                return

    def resume(self) -> None:
        """Takes up what an earlier process left undelivered."""
        if left := [row["id"] for row in self._store.all("delivery") if row["status"] == "pending"]:
            self._retry_later(left)

    async def aclose(self) -> None:
        for task in self._retries:
            task.cancel()
        await asyncio.gather(*self._retries, return_exceptions=True)
        await self._http.aclose()

    def _retry_later(self, ids: Sequence[str]) -> None:
        task = asyncio.create_task(self._retry(list(ids)))
        self._retries.add(task)
        task.add_done_callback(self._retries.discard)

    async def _retry(self, ids: list[str]) -> None:
        for pause in _RETRY_AFTER_SECONDS:
            await asyncio.sleep(pause)
            ids = [id_ for id_ in ids if not await self._attempt(id_)]
            if not ids:
                return
        for id_ in ids:
            if row := self._store.get("delivery", id_):
                self._store.put("delivery", {**row, "status": "failed"})
        self._store.commit()
        log.warning("Gave up delivering %d webhook events", len(ids))

    async def _attempt(self, id_: str) -> bool:
        row, event = self._store.get("delivery", id_), self._store.get("event", id_)
        if row is None or event is None:
            return True
        # The endpoint may have moved since: a restart may have given it another port.
        endpoint = self._store.get("endpoint", "webhook")
        if endpoint is None or not endpoint["url"]:
            return True
        row["url"] = endpoint["url"]
        problem = await self._post(endpoint["url"], endpoint["secret"], event)
        self._store.put(
            "delivery",
            {
                **row,
                "status": "pending" if problem else "delivered",
                "attempts": row["attempts"] + 1,
                "last_error": problem,
            },
        )
        self._store.commit()
        return problem is None

    async def _post(self, url: str, secret: str, event: Document) -> str | None:
        """Sends one event; what went wrong, or None."""
        body = json.dumps(event, indent=2).encode()
        try:
            header = sign(body, secret=secret, timestamp=int((await self._clock.now()).timestamp()))
            answer = await self._http.post(
                url,
                content=body,
                headers={
                    "Content-Type": "application/json; charset=utf-8",
                    "Stripe-Signature": header,
                    "User-Agent": "Stripe/1.0 (stand-in)",
                },
            )
        except (httpx.HTTPError, ConnectionError) as problem:
            return f"{type(problem).__name__}: {problem}"
        return None if answer.is_success else f"HTTP {answer.status_code}"


def sign(body: bytes, *, secret: str, timestamp: int) -> str:
    """The ``Stripe-Signature`` header for this body at this moment."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, sha256).hexdigest()
    return f"t={timestamp},v1={digest}"
