"""Every request to the Stripe stand-in passes through ``StripeApi.answer``: key, idempotency, work, events,
reply."""

import base64
import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from engine.clock import Clock
from sandbox import stripe_customers, stripe_payments, stripe_refunds, stripe_setups
from sandbox.store import Document, KeptAnswer, Store
from sandbox.stripe_cards import BY_NAME
from sandbox.stripe_objects import expand, new_id
from sandbox.stripe_webhooks import Webhooks
from sandbox.stripe_wire import API_VERSION, Desk, Params, Route, StripeError, check, nested

log = logging.getLogger(__name__)

ROUTES: tuple[Route, ...] = (
    *stripe_customers.ROUTES,
    *stripe_setups.ROUTES,
    *stripe_payments.ROUTES,
    *stripe_refunds.ROUTES,
)
KEYS_KEPT_SECONDS = 24 * 3600
_KINDS = ("customer", "payment_method", "setup_intent", "payment_intent", "charge", "refund", "event")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One HTTP request. ``path`` starts at ``/v1``; header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Told:
    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)


class StripeApi:
    def __init__(self, store: Store, clock: Clock, webhooks: Webhooks) -> None:
        self._store = store
        self._clock = clock
        self._webhooks = webhooks
        self._in_flight: set[str] = set()

    async def answer(self, asked: Asked) -> Told:
        request_id = new_id("req", 14)
        headers = {
            "Request-Id": request_id,
            "Stripe-Version": asked.headers.get("stripe-version", API_VERSION),
        }
        try:
            told = await self._answer(asked, request_id)
        except StripeError as problem:
            told = Told(status=problem.status, body=_error_body(problem, request_id))
        return Told(status=told.status, body=told.body, headers={**headers, **told.headers})

    async def _answer(self, asked: Asked, request_id: str) -> Told:
        from_browser = _authenticate(asked.headers)
        route, id_ = _route(asked)
        text = asked.body.decode(errors="replace") if asked.method == "POST" else asked.query
        raw = nested(parse_qsl(text, keep_blank_values=True))
        if from_browser and not route.browser:
            raise StripeError(
                403,
                "This API call cannot be made with a publishable API key. Please use a secret API key.",
                code="secret_key_required",
                executed=False,
            )
        try:
            now = int((await self._clock.now()).timestamp())
        except ConnectionError as problem:
            raise StripeError(
                503, f"The clock cannot be read: {problem}", type_="api_error", executed=False
            ) from problem
        desk = Desk(
            store=self._store,
            now=now,
            version=asked.headers.get("stripe-version", API_VERSION),
            request_id=request_id,
            idempotency_key=asked.headers.get("idempotency-key") if asked.method == "POST" else None,
            client_secret=raw.get("client_secret") if isinstance(raw.get("client_secret"), str) else None,
            from_browser=from_browser,
        )
        if desk.idempotency_key is None:
            return await self._work(desk, route, id_, raw, keep=None)
        return await self._once(desk, asked, route, id_, raw)

    async def _once(self, desk: Desk, asked: Asked, route: Route, id_: str, raw: Params) -> Told:
        """The same key and parameters get the same answer; whatever differs is refused."""
        key = desk.idempotency_key or ""
        if not 0 < len(key) <= 255:
            raise StripeError(400, "Idempotency keys may be at most 255 characters long.", executed=False)
        fingerprint = hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()
        if key in self._in_flight:
            raise StripeError(
                409,
                "There is currently another in-progress request using this Idempotent Key (that probably "
                "means you "
                f"submitted twice, and the other request is still going through): {key}. Please try again "
                "later.",
                type_="idempotency_error",
                code="idempotency_key_in_use",
                executed=False,
            )
        kept = self._store.kept_answer(key)
        if kept is not None and desk.now - kept.kept_at < KEYS_KEPT_SECONDS:
            return _replay(kept, path=asked.path, fingerprint=fingerprint)
        self._in_flight.add(key)
        try:
            return await self._work(desk, route, id_, raw, keep=(key, asked.path, fingerprint))
        finally:
            self._in_flight.discard(key)

    async def _work(
        self, desk: Desk, route: Route, id_: str, raw: Params, *, keep: tuple[str, str, str] | None
    ) -> Told:
        executed = True
        try:
            params = check(raw, takes=route.takes, needs=route.needs)
            paths = [str(path) for path in params.pop("expand", [])]
            status, body = 200, json.dumps(expand(desk, route.handler(desk, params, id_), paths))
        except StripeError as problem:
            status, body, executed = problem.status, _error_body(problem, desk.request_id), problem.executed
        except Exception:
            log.exception("The Stripe stand-in broke at %s %s", route.method, route.path)
            self._store.rollback()
            desk.events.clear()
            status, body = (
                500,
                json.dumps({"error": {"type": "api_error", "message": "An unknown error occurred"}}),
            )
        if not executed:
            self._store.rollback()
            return Told(status=status, body=body)
        planned = self._webhooks.plan(desk.events)
        headers = {}
        answer = None
        if keep is not None:
            key, path, fingerprint = keep
            headers["Idempotency-Key"] = key
            answer = KeptAnswer(
                key=key,
                path=path,
                fingerprint=fingerprint,
                status=status,
                body=body,
                request_id=desk.request_id or "",
                kept_at=desk.now,
            )
        self._store.commit(answer)
        await self._webhooks.deliver(planned)
        return Told(status=status, body=body, headers=headers)

    # ------------------------------------------------------------ what only a stand-in has

    async def authenticate(self, id_: str, *, succeeds: bool) -> Document:
        """Plays the client at the bank's 3-D Secure page. Raises StripeError when nothing waits for it."""

        def act(desk: Desk) -> Document:
            kind = "setup_intent" if id_.startswith("seti_") else "payment_intent"
            act_on = stripe_setups.authenticate if kind == "setup_intent" else stripe_payments.authenticate
            return act_on(desk, desk.find(kind, id_), succeeds=succeeds)

        return await self._by_hand(act)

    async def instruct_bank(self, id_: str, *, card: str | None, decline_code: str | None) -> Document:
        """From now on the bank treats a saved card like the named test card, or declines with this code
        (None: no longer). A StripeError names what is unknown."""

        def act(desk: Desk) -> Document:
            bank = desk.find("bank", id_)
            if card is None:
                bank["declines"] = decline_code
            elif card in BY_NAME:
                bank.update(declines=BY_NAME[card].declines, asks=BY_NAME[card].asks.value)
            else:
                raise StripeError(400, f"Unknown test card: {card}", param="card", executed=False)
            desk.store.put("bank", bank)
            return bank

        return await self._by_hand(act)

    def state(self) -> Document:
        """Every object there is, oldest first, by the plural of its kind."""
        everything: dict[str, Any] = {f"{kind}s": self._store.all(kind) for kind in _KINDS}
        endpoint = self._store.get("endpoint", "webhook")
        everything["webhook"] = {"url": endpoint["url"], "events": endpoint["events"]} if endpoint else None
        everything["deliveries"] = self._store.all("delivery")
        return everything

    async def _by_hand(self, act: Callable[[Desk], Document]) -> Document:
        desk = Desk(store=self._store, now=int((await self._clock.now()).timestamp()))
        try:
            done = act(desk)
            planned = self._webhooks.plan(desk.events)
            self._store.commit()
        except BaseException:
            self._store.rollback()
            raise
        await self._webhooks.deliver(planned)
        return done


def _route(asked: Asked) -> tuple[Route, str]:
    for route in ROUTES:
        id_ = route.match(asked.method, asked.path)
        if id_ is not None:
            return route, id_
    raise StripeError(
        404,
        f"Unrecognized request URL ({asked.method}: {asked.path}). Please see https://stripe.com/docs or we "
        "can help "
        "at https://support.stripe.com/.",
        executed=False,
    )


def _authenticate(headers: Mapping[str, str]) -> bool:
    """Is it a browser's publishable key? Raises 401 for no key, an unknown one, and a live one."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    key = given.strip()
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(key, validate=True).decode().partition(":")[0]
        except ValueError:
            key = ""
    elif scheme.lower() != "bearer":
        key = ""
    if not key:
        raise StripeError(
            401,
            "You did not provide an API key. You need to provide your API key in the Authorization header, "
            "using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            executed=False,
        )
    # A live key has no business here, and must not get used to being sent here.
    if not key.startswith(("sk_", "rk_", "pk_")) or "_live_" in key:
        shown = f"{key[:7]}{'*' * 8}{key[-4:]}" if len(key) > 11 else "*" * 8
        raise StripeError(401, f"Invalid API Key provided: {shown}", executed=False)
    return key.startswith("pk_")


def _replay(kept: KeptAnswer, *, path: str, fingerprint: str) -> Told:
    if kept.path != path:
        raise StripeError(
            400,
            "Keys for idempotent requests can only be used for the same endpoint they were first used for "
            f"('{path}' vs '{kept.path}'). Try using a key other than '{kept.key}' if you meant to execute a "
            "different request.",
            type_="idempotency_error",
            executed=False,
        )
    if kept.fingerprint != fingerprint:
        raise StripeError(
            400,
            "Keys for idempotent requests can only be used with the same parameters they were first used "
            "with. Try "
            f"using a key other than '{kept.key}' if you meant to execute a different request.",
            type_="idempotency_error",
            executed=False,
        )
    headers = {
        "Idempotent-Replayed": "true",
        "Idempotency-Key": kept.key,
        "Original-Request": kept.request_id,
    }
    return Told(status=kept.status, body=kept.body, headers=headers)


def _error_body(problem: StripeError, request_id: str | None) -> str:
    link = f"https://dashboard.stripe.com/test/logs/{request_id}"
    return json.dumps({"error": {**problem.error, "request_log_url": link}})
