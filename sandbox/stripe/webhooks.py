"""Events on their way to the product: signed as Stripe signs, sent before the call that caused them is
answered.

Delivering first is what a movable clock needs: an event sent after the answer would arrive when the clock has
already jumped on. A receiver that calls back during delivery finds everything committed, and no lock in its
way. What cannot be delivered at once is tried again in the background, also after a restart.

Faults on demand make an event go missing, come twice, late, or behind the one that came after it.
"""

import asyncio
import hmac
import json
import logging
from collections.abc import Coroutine, Sequence
from hashlib import sha256

import httpx

from engine.clock import Clock
from sandbox.store import Document, Store
from sandbox.stripe.faults import Faults

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
    "checkout.session.completed",
    "checkout.session.expired",
    "payment_method.attached",
    "payment_method.automatically_updated",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.closed",
    "customer.deleted",
    "payment_method.detached",
    "payment_method.updated",
    "setup_intent.canceled",
    "setup_intent.requires_action",
    "refund.created",
    "refund.updated",
    "refund.failed",
)
_TIMEOUT_SECONDS = 5.0
_RETRY_AFTER_SECONDS = (1.0, 5.0, 15.0, 60.0)
_LOOK_EVERY_SECONDS = 0.25  # of real time, for late events whose moment has come


class Webhooks:
    def __init__(self, store: Store, clock: Clock, faults: Faults) -> None:
        self._store = store
        self._clock = clock
        self._faults = faults
        # The receiver is on this machine or in this network: no proxy of the environment's should stand
        # between.
        self._http = httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False)
        self._background: set[asyncio.Task[None]] = set()
        # What is held: until a moment (unix seconds; None: until released), or until an event of later has passed.
        self._late: dict[str, float | None] = {}
        self._behind: list[str] = []
        self._overtakes: dict[str, list[str]] = {}  # by the event that passes them
        self._watching = False

    def register(self, *, url: str | None, secret: str, events: Sequence[str] = DEFAULT_EVENTS) -> Document:
        """Sets where events go from now on; no url means nowhere."""
        endpoint: Document = {"id": "webhook", "url": url, "secret": secret, "events": list(events)}
        self._store.put("endpoint", endpoint)
        self._store.commit()
        return endpoint

    def plan(self, events: Sequence[Document]) -> list[str]:
        """Notes, in the transaction that made them, which events are to be delivered. Returns the ids of those to
        send now, in order; one that is to come twice stands there twice."""
        endpoint = self._store.get("endpoint", "webhook")
        if endpoint is None or not endpoint["url"]:
            return []
        now = []
        for event in events:
            if "*" in endpoint["events"] or event["type"] in endpoint["events"]:
                now += self._plan(event, endpoint["url"])
        return now

    def _plan(self, event: Document, url: str) -> list[str]:
        row: Document = {
            "id": event["id"],
            "type": event["type"],
            "url": url,
            "status": "pending",
            "attempts": 0,
            "last_error": None,
        }
        fault = self._faults.for_event(event)
        copies = 1
        match fault and fault["kind"]:
            case "webhook_dropped":
                row["status"], copies = "dropped", 0
            case "webhook_doubled":
                copies = 2
            case "webhook_late":
                assert fault is not None
                until = event["created"] + fault["seconds"] if "seconds" in fault else None
                row.update(status="held", until=until)
                self._late[event["id"]] = until
                copies = 0
            case "webhook_reordered":
                row.update(status="held", behind=True)
                self._behind.append(event["id"])
                copies = 0
        self._store.put("delivery", row)
        if copies and self._behind:
            self._overtakes[event["id"]], self._behind = self._behind, []
        return [event["id"]] * copies

    async def deliver(self, ids: Sequence[str]) -> None:
        """Sends planned events in order, each with those behind it that it overtakes. From the first failure on, the
        rest is left to the background."""
        waiting = list(ids)
        while waiting:
            if not await self._attempt(waiting[0]):
                self._later(self._retry([sent for id_ in waiting for sent in (id_, *self._overtakes.pop(id_, []))]))
                break
            first = waiting.pop(0)
            if first not in waiting:
                waiting[:0] = self._overtakes.pop(first, [])
        self._watch()

    async def deliver_due(self, now: float) -> None:
        """Sends the late events whose moment (unix seconds) has come."""
        due = [id_ for id_, until in self._late.items() if until is not None and until <= now]
        for id_ in due:
            del self._late[id_]
        await self.deliver(due)

    async def release(self) -> list[str]:
        """Sends everything that is held, and returns the ids."""
        held = [*self._late, *self._behind]
        self._late, self._behind = {}, []
        await self.deliver(held)
        return held

    def resume(self) -> None:
        """Takes up what an earlier process left undelivered."""
        rows = self._store.all("delivery")
        for row in (row for row in rows if row["status"] == "held"):
            if row.get("behind"):
                self._behind.append(row["id"])
            else:
                self._late[row["id"]] = row["until"]
        if left := [row["id"] for row in rows if row["status"] == "pending"]:
            self._later(self._retry(left))
        self._watch()

    def _watch(self) -> None:
        if not self._watching and any(until is not None for until in self._late.values()):
            self._watching = True
            self._later(self._until_due())

    async def _until_due(self) -> None:
        while any(until is not None for until in self._late.values()):
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            try:
                now = (await self._clock.now()).timestamp()
            except ConnectionError:
                continue  # the clock is starting anew
            await self.deliver_due(now)
        self._watching = False

    async def aclose(self) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._http.aclose()

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

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
