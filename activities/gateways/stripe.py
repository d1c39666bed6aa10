"""The payment gateway, through Stripe's own client library. Against a stand-in only the address differs."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from typing import Any, NoReturn, TypeVar

import httpx
import stripe

from activities.ports import Card, Decline, GatewayRejected, GatewayUnavailable, Intent, SetupIntent

T = TypeVar("T")

# The library logs request bodies when asked to be talkative; those belong in no log of ours.
logging.getLogger("stripe").setLevel(logging.WARNING)

_FINAL = ("succeeded", "processing", "canceled")


class Transport(stripe.HTTPXClient):
    """The library's own transport, save that a form goes out as content: httpx deprecates text as data."""

    def _get_request_args_kwargs(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | None
    ) -> list[Any]:
        args, kwargs = super()._get_request_args_kwargs(method, url, headers, None)
        return [args, {**kwargs, "content": post_data} if post_data else kwargs]


class StripeGateway:
    """Implements ``activities.ports.PaymentGateway``. Close it with ``aclose`` on the event loop that used
    it."""

    def __init__(self, *, api_key: str, api_base: str | None = None, timeout_seconds: float = 10.0) -> None:
        """``api_base`` is None for Stripe itself, or a stand-in's root such as
        ``http://127.0.0.1:8400/stripe``."""
        self._timeout = timeout_seconds
        self._http = Transport(timeout=httpx.Timeout(timeout_seconds, connect=min(5.0, timeout_seconds)))
        self._stripe = stripe.StripeClient(
            api_key,
            base_addresses={"api": api_base.rstrip("/")} if api_base else None,
            # Retrying is the workflow's decision: it knows whether the same key may be used again.
            max_network_retries=0,
            http_client=self._http,
        )

    async def aclose(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def create_customer(self, *, client_ref: str, key: str) -> str:
        customer = await self._ask(
            self._stripe.v1.customers.create_async({"metadata": {"client_ref": client_ref}}, {"idempotency_key": key})
        )
        return customer.id

    async def create_setup_intent(self, *, customer: str, key: str) -> SetupIntent:
        return _setup_intent(
            await self._ask(
                self._stripe.v1.setup_intents.create_async(
                    {"customer": customer, "usage": "off_session", "allowed_payment_method_types": ["card"]},
                    {"idempotency_key": key},
                )
            )
        )

    async def retrieve_setup_intent(self, *, id: str) -> SetupIntent | None:
        try:
            return _setup_intent(await self._ask(self._stripe.v1.setup_intents.retrieve_async(id)))
        except GatewayRejected as rejected:
            _raise_unless_missing(rejected)
            return None

    async def card(self, *, payment_method: str) -> Card | None:
        try:
            found = await self._ask(self._stripe.v1.payment_methods.retrieve_async(payment_method))
        except GatewayRejected as rejected:
            _raise_unless_missing(rejected)
            return None
        if found.type != "card" or found.card is None:
            return None
        return Card(
            payment_method=found.id,
            brand=found.card.brand,
            last4=found.card.last4 or "",
            exp_month=found.card.exp_month,
            exp_year=found.card.exp_year,
        )

    async def create_intent(
        self, *, payment_id: str, client_id: str, customer: str, amount: int, currency: str, key: str
    ) -> Intent:
        return _intent(
            await self._ask(
                self._stripe.v1.payment_intents.create_async(
                    {
                        "amount": amount,
                        "currency": currency.lower(),
                        "customer": customer,
                        "allowed_payment_method_types": ["card"],
                        "capture_method": "automatic",
                        "metadata": {"payment_id": payment_id, "client_id": client_id},
                    },
                    {"idempotency_key": key},
                )
            )
        )

    async def confirm_intent(self, *, intent: str, payment_method: str, key: str) -> Intent:
        try:
            return _intent(
                await self._ask(
                    self._stripe.v1.payment_intents.confirm_async(
                        intent,
                        {"payment_method": payment_method, "off_session": True},
                        {"idempotency_key": key},
                    )
                )
            )
        except stripe.CardError as declined:
            return await self._declined(intent, declined)
        except GatewayRejected as rejected:
            return await self._as_it_stands(intent, rejected)

    async def retrieve_intent(self, *, intent: str) -> Intent | None:
        try:
            return _intent(await self._ask(self._stripe.v1.payment_intents.retrieve_async(intent)))
        except GatewayRejected as rejected:
            _raise_unless_missing(rejected)
            return None

    async def cancel_intent(self, *, intent: str, key: str) -> Intent:
        try:
            return _intent(
                await self._ask(self._stripe.v1.payment_intents.cancel_async(intent, {}, {"idempotency_key": key}))
            )
        except GatewayRejected as rejected:
            return await self._as_it_stands(intent, rejected)

    async def _ask(self, request: Awaitable[T]) -> T:
        """One request; what goes wrong becomes one of the port's exceptions. A decline passes through as it
        is."""
        try:
            # The library's timeout is per read; this one bounds the whole, however slowly an answer drips in.
            return await asyncio.wait_for(request, self._timeout * 2)
        except stripe.CardError:
            raise
        except TimeoutError as problem:
            raise GatewayUnavailable(
                "Stripe did not answer in time", ambiguous=True, retry_with_same_key=True
            ) from problem
        except stripe.StripeError as problem:
            _raise(problem)

    async def _declined(self, intent: str, declined: stripe.CardError) -> Intent:
        told = declined.json_body.get("error", {}) if isinstance(declined.json_body, dict) else {}
        reason = Decline(
            code=declined.code,
            decline_code=told.get("decline_code"),
            message=declined.user_message or "Declined.",
        )
        snapshot = told.get("payment_intent")
        if isinstance(snapshot, dict):
            return _intent(stripe.PaymentIntent.construct_from(snapshot, None), declined=reason)
        now = await self.retrieve_intent(intent=intent)
        if now is None:
            raise GatewayRejected(f"no such intent: {intent}", code="resource_missing")
        return Intent(
            id=now.id,
            status=now.status,
            amount=now.amount,
            currency=now.currency,
            customer=now.customer,
            payment_method=now.payment_method,
            client_secret=now.client_secret,
            decline=reason,
        )

    async def _as_it_stands(self, intent: str, rejected: GatewayRejected) -> Intent:
        """An intent that is over already is an answer, not an error; anything else is."""
        if rejected.code == "payment_intent_unexpected_state":
            now = await self.retrieve_intent(intent=intent)
            if now is not None and now.status in _FINAL:
                return now
        raise rejected


def _raise_unless_missing(rejected: GatewayRejected) -> None:
    if rejected.code != "resource_missing":
        raise rejected


def _raise(problem: stripe.StripeError) -> NoReturn:
    status = problem.http_status
    message = f"{type(problem).__name__} {status or ''} {problem.code or ''}: {problem.user_message or problem}"
    if isinstance(problem, stripe.APIConnectionError):
        refused = isinstance(problem.__cause__, httpx.ConnectError | httpx.ConnectTimeout)
        raise GatewayUnavailable(message, ambiguous=not refused, retry_with_same_key=True) from problem
    if status == 409:
        raise GatewayUnavailable(message, ambiguous=True, retry_with_same_key=True) from problem
    if status in (401, 403):
        # A wrong or restricted key is the practice's trouble, not this payment's: it waits until that is mended.
        raise GatewayUnavailable(message, ambiguous=False, retry_with_same_key=True) from problem
    if status == 429 or isinstance(problem, stripe.RateLimitError):
        raise GatewayUnavailable(message, ambiguous=False, retry_with_same_key=False) from problem
    if status is None or status < 400 or status >= 500:
        raise GatewayUnavailable(message, ambiguous=True, retry_with_same_key=False) from problem
    raise GatewayRejected(message, code=problem.code) from problem


def _id(value: Any) -> str | None:
    """Stripe sends an id, or the whole object where it was asked to expand it."""
    if value is None or isinstance(value, str):
        return value
    return str(value.id)


def _setup_intent(told: stripe.SetupIntent) -> SetupIntent:
    return SetupIntent(
        id=told.id,
        customer=_id(told.customer),
        status=told.status,
        client_secret=told.client_secret,
        payment_method=_id(told.payment_method),
        usage=told.usage,
    )


def _intent(told: stripe.PaymentIntent, *, declined: Decline | None = None) -> Intent:
    error = told.last_payment_error
    method = _id(told.payment_method)
    if told.status == "requires_payment_method" and error is not None:
        declined = declined or Decline(
            code=getattr(error, "code", None),
            decline_code=getattr(error, "decline_code", None),
            message=getattr(error, "message", None) or "Declined.",
        )
        method = method or _id(getattr(error, "payment_method", None))
    return Intent(
        id=told.id,
        status=told.status,
        amount=told.amount,
        currency=told.currency.upper(),
        customer=_id(told.customer),
        payment_method=method,
        client_secret=told.client_secret,
        decline=declined,
    )
