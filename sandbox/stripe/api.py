"""Every request to the Stripe stand-in passes through ``StripeApi.answer``: key, idempotency, work, events,
reply."""

import asyncio
import base64
import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl

from engine.clock import Clock
from sandbox.store import Document, KeptAnswer, Store
from sandbox.stripe import checkout as stripe_checkout
from sandbox.stripe import customers as stripe_customers
from sandbox.stripe import disputes as stripe_disputes
from sandbox.stripe import endpoints as stripe_endpoints
from sandbox.stripe import events as stripe_events
from sandbox.stripe import payments as stripe_payments
from sandbox.stripe import refunds as stripe_refunds
from sandbox.stripe import removals as stripe_removals
from sandbox.stripe import setups as stripe_setups
from sandbox.stripe.faults import Faults, broken, refusal
from sandbox.stripe.objects import expand, new_id
from sandbox.stripe.webhooks import Webhooks
from sandbox.stripe.wire import API_VERSION, Desk, Params, Route, StripeError, check, nested

log = logging.getLogger(__name__)

ROUTES: tuple[Route, ...] = (
    *stripe_customers.ROUTES,
    *stripe_removals.ROUTES,
    *stripe_setups.ROUTES,
    *stripe_checkout.ROUTES,
    *stripe_payments.ROUTES,
    *stripe_refunds.ROUTES,
    *stripe_disputes.ROUTES,
    *stripe_events.ROUTES,
    *stripe_endpoints.ROUTES,
)
KEYS_KEPT_SECONDS = 24 * 3600
REPLAYED = "Idempotent-Replayed"


@dataclass(frozen=True, kw_only=True)
class StripeRequest:
    """One HTTP request. ``path`` starts at ``/v1``; header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class StripeAnswer:
    """One answer. ``hangs_up``: it never gets out, because the connection is dropped instead."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)
    hangs_up: bool = False


@dataclass(frozen=True, kw_only=True)
class _Call:
    """One request, understood: the route and the object's id in it, its parameters, and the fault it meets."""

    desk: Desk
    route: Route
    id: str
    path: str
    raw: Params
    fault: Document | None


HUNG_UP = StripeAnswer(status=0, body="", hangs_up=True)


class StripeApi:
    def __init__(self, store: Store, clock: Clock, webhooks: Webhooks, faults: Faults) -> None:
        self._store = store
        self._clock = clock
        self._webhooks = webhooks
        self._faults = faults
        self._in_flight: set[str] = set()

    async def answer(self, asked: StripeRequest) -> StripeAnswer:
        request_id = new_id("req", 14)
        headers = {
            "Request-Id": request_id,
            "Stripe-Version": asked.headers.get("stripe-version", API_VERSION),
        }
        try:
            told = await self._answer(asked, request_id)
        except StripeError as problem:
            told = StripeAnswer(status=problem.status, body=_error_body(problem, request_id))
        return replace(told, headers={**headers, **told.headers})

    async def _answer(self, asked: StripeRequest, request_id: str) -> StripeAnswer:
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
        await self._webhooks.deliver_due(now)
        key = asked.headers.get("idempotency-key") if asked.method == "POST" else None
        call = _Call(
            path=asked.path,
            route=route,
            id=id_,
            raw=raw,
            fault=self._faults.for_call(route, asked.path, key=key),
            desk=Desk(
                store=self._store,
                now=now,
                version=asked.headers.get("stripe-version", API_VERSION),
                request_id=request_id,
                idempotency_key=key,
                client_secret=raw.get("client_secret") if isinstance(raw.get("client_secret"), str) else None,
                from_browser=from_browser,
                base_url=f"http://{asked.headers.get('host', '127.0.0.1')}/stripe",
            ),
        )
        if call.fault is None:
            return await self._do(call)
        return await self._with_fault(call, call.fault)

    async def _with_fault(self, call: _Call, fault: Document) -> StripeAnswer:
        if fault["kind"] == "lost_request":
            return HUNG_UP
        if instead := refusal(fault):
            raise instead
        try:
            told = await self._do(call)
        except StripeError:
            # Refused before it was begun: the fault had nothing to befall.
            self._faults.give_back(fault)
            raise
        if fault["kind"] == "lost_answer":
            return HUNG_UP
        if fault["kind"] == "error_after" and (told.status != 500 or REPLAYED in told.headers):
            self._faults.give_back(fault)
        return told

    async def _do(self, call: _Call) -> StripeAnswer:
        if call.desk.idempotency_key is None:
            return await self._work(call, keep=None)
        return await self._once(call, call.desk.idempotency_key)

    async def _once(self, call: _Call, key: str) -> StripeAnswer:
        """The same key and parameters get the same answer; whatever differs is refused."""
        if not 0 < len(key) <= 255:
            raise StripeError(400, "Idempotency keys may be at most 255 characters long.", executed=False)
        fingerprint = hashlib.sha256(json.dumps(call.raw, sort_keys=True).encode()).hexdigest()
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
        if kept is not None and call.desk.now - kept.kept_at < KEYS_KEPT_SECONDS:
            return _replay(kept, path=call.path, fingerprint=fingerprint)
        self._in_flight.add(key)
        try:
            return await self._work(call, keep=(key, fingerprint))
        finally:
            self._in_flight.discard(key)

    async def _work(self, call: _Call, *, keep: tuple[str, str] | None) -> StripeAnswer:
        """Does it, and keeps the answer under the key and fingerprint given."""
        desk, route, fault = call.desk, call.route, call.fault
        if fault and fault["kind"] == "slow":
            await asyncio.sleep(fault["seconds"])
        executed = True
        try:
            params = check(call.raw, takes=route.takes, needs=route.needs)
            paths = [str(path) for path in params.pop("expand", [])]
            status, body = 200, json.dumps(expand(desk, route.handler(desk, params, call.id), paths))
        except StripeError as problem:
            status, body, executed = problem.status, _error_body(problem, desk.request_id), problem.executed
        except Exception:
            log.exception("The Stripe stand-in broke at %s %s", route.method, route.path)
            self._store.rollback()
            desk.events.clear()
            status, body = 500, _error_body(broken(), desk.request_id)
        if not executed:
            self._store.rollback()
            return StripeAnswer(status=status, body=body)
        if fault and fault["kind"] == "error_after":
            status, body = 500, _error_body(broken(), desk.request_id)
        planned = self._webhooks.plan(desk.events)
        headers = {}
        answer = None
        if keep is not None:
            key, fingerprint = keep
            headers["Idempotency-Key"] = key
            answer = KeptAnswer(
                key=key,
                path=call.path,
                fingerprint=fingerprint,
                status=status,
                body=body,
                request_id=desk.request_id or "",
                kept_at=desk.now,
            )
        self._store.commit(answer)
        await self._webhooks.deliver(planned)
        return StripeAnswer(status=status, body=body, headers=headers)


def _route(asked: StripeRequest) -> tuple[Route, str]:
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


def _replay(kept: KeptAnswer, *, path: str, fingerprint: str) -> StripeAnswer:
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
        REPLAYED: "true",
        "Idempotency-Key": kept.key,
        "Original-Request": kept.request_id,
    }
    return StripeAnswer(status=kept.status, body=kept.body, headers=headers)


def _error_body(problem: StripeError, request_id: str | None) -> str:
    link = f"https://dashboard.stripe.com/test/logs/{request_id}"
    return json.dumps({"error": {**problem.error, "request_log_url": link}})
