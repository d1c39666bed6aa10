"""The payment gateway, through Stripe's own client library. Against a stand-in only the address differs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import httpx
import stripe

from activities.gateways.stripe_answers import (
    between,
    card_of,
    charge_seen,
    checkout_told,
    dispute_seen,
    intent_told,
    lasts,
    metadata,
    refund_made,
    setup_intent,
    translate,
)
from activities.ports import (
    Card,
    ChargeSeen,
    Checkout,
    Decline,
    DisputeSeen,
    GatewayRejected,
    GatewayUnavailable,
    Intent,
    RefundMade,
    SetupIntent,
)

T = TypeVar("T")
Row = TypeVar("Row", bound=stripe.StripeObject)

# The library logs request bodies when asked to be talkative; those belong in no log of ours.
logging.getLogger("stripe").setLevel(logging.WARNING)

_PAGE = 100  # the most that Stripe gives at once
_FINAL = ("succeeded", "processing", "canceled")


def _is_of(row: stripe.PaymentIntent, payment_id: str) -> bool:
    return metadata(row, "payment_id") == payment_id


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

    async def has_customer(self, *, customer: str) -> bool:
        # One that was deleted is still told of, and says so.
        return await self._found(self._stripe.v1.customers.retrieve_async(customer), lasts) or False

    async def create_setup_intent(self, *, customer: str, key: str) -> SetupIntent:
        return setup_intent(
            await self._ask(
                self._stripe.v1.setup_intents.create_async(
                    {"customer": customer, "usage": "off_session", "allowed_payment_method_types": ["card"]},
                    {"idempotency_key": key},
                )
            )
        )

    async def create_checkout(
        self, *, customer: str, client_id: str, success_url: str, cancel_url: str, key: str
    ) -> Checkout:
        return checkout_told(
            await self._ask(
                self._stripe.v1.checkout.sessions.create_async(
                    {
                        "mode": "setup",
                        "customer": customer,
                        "allowed_payment_method_types": ["card"],
                        "success_url": success_url,
                        "cancel_url": cancel_url,
                        "setup_intent_data": {"metadata": {"client_id": client_id}},
                    },
                    {"idempotency_key": key},
                )
            )
        )

    async def retrieve_checkout(self, *, id: str) -> Checkout | None:
        return await self._found(self._stripe.v1.checkout.sessions.retrieve_async(id), checkout_told)

    async def retrieve_setup_intent(self, *, id: str) -> SetupIntent | None:
        return await self._found(self._stripe.v1.setup_intents.retrieve_async(id), setup_intent)

    async def card(self, *, payment_method: str) -> Card | None:
        return await self._found(self._stripe.v1.payment_methods.retrieve_async(payment_method), card_of)

    async def create_intent(
        self,
        *,
        payment_id: str,
        client_id: str,
        customer: str,
        amount: int,
        currency: str,
        key: str,
    ) -> Intent:
        return intent_told(
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

    async def confirm_intent(
        self, *, intent: str, payment_method: str, key: str, return_url: str | None = None
    ) -> Intent:
        how: stripe.params.PaymentIntentConfirmParams = {"payment_method": payment_method}
        if return_url is None:
            how["off_session"] = True
        else:
            how["return_url"] = return_url
        try:
            return intent_told(
                await self._ask(self._stripe.v1.payment_intents.confirm_async(intent, how, {"idempotency_key": key}))
            )
        except stripe.CardError as declined:
            return await self._declined(intent, declined)
        except GatewayRejected as rejected:
            return await self._as_it_stands(intent, rejected)

    async def retrieve_intent(self, *, intent: str) -> Intent | None:
        return await self._found(self._stripe.v1.payment_intents.retrieve_async(intent), intent_told)

    async def intents_of(self, *, payment_id: str, customer: str | None) -> list[Intent]:
        found: dict[str, Intent] = {}
        if customer is not None:
            first = self._stripe.v1.payment_intents.list_async({"limit": _PAGE, "customer": customer})
            found = {row.id: intent_told(row) async for row in self._rows(first) if _is_of(row, payment_id)}
        for id in await self._searched(payment_id):
            intent = None if id in found else await self.retrieve_intent(intent=id)  # what a search shows may be old
            if intent is not None:
                found[id] = intent
        return list(found.values())

    async def _searched(self, payment_id: str) -> list[str]:
        """By metadata, whoever the customer is. Some accounts have no search: these have the list alone."""
        query = f"metadata['payment_id']:'{payment_id}'"
        try:
            told = await self._ask(self._stripe.v1.payment_intents.search_async({"query": query, "limit": _PAGE}))
        except GatewayRejected:
            return []
        return [row.id for row in told.data]

    async def cancel_intent(self, *, intent: str, key: str) -> Intent:
        try:
            return intent_told(
                await self._ask(self._stripe.v1.payment_intents.cancel_async(intent, {}, {"idempotency_key": key}))
            )
        except GatewayRejected as rejected:
            return await self._as_it_stands(intent, rejected)

    async def refund(
        self,
        *,
        intent: str,
        refund_id: str,
        amount: int,
        currency: str,
        key: str,
    ) -> RefundMade:
        # Stripe refunds in the charge's currency and asks for none: the same number of another one would go out.
        charged = await self.retrieve_intent(intent=intent)
        if charged is None:
            raise GatewayRejected(f"no such intent: {intent}", code="resource_missing")
        if charged.currency != currency.upper():
            raise GatewayRejected(f"{intent} was charged in {charged.currency}, not in {currency.upper()}")
        return refund_made(
            await self._ask(
                self._stripe.v1.refunds.create_async(
                    {
                        "payment_intent": intent,
                        "amount": amount,
                        "reason": "requested_by_customer",  # the practice's own reason stays with the practice
                        "metadata": {"refund_id": refund_id},
                    },
                    {"idempotency_key": key},
                )
            )
        )

    async def find_refund(self, *, intent: str, refund_id: str) -> RefundMade | None:
        first = self._stripe.v1.refunds.list_async({"limit": _PAGE, "payment_intent": intent})
        async for row in self._rows(first):
            if metadata(row, "refund_id") == refund_id:
                return refund_made(row)
        return None

    async def refunds_of(self, *, intent: str) -> list[RefundMade]:
        first = self._stripe.v1.refunds.list_async({"limit": _PAGE, "payment_intent": intent})
        return [refund_made(row) async for row in self._rows(first)]

    async def retrieve_refund(self, *, id: str) -> RefundMade | None:
        return await self._found(self._stripe.v1.refunds.retrieve_async(id), refund_made)

    async def retrieve_charge(self, *, id: str) -> ChargeSeen | None:
        return await self._found(self._stripe.v1.charges.retrieve_async(id), charge_seen)

    async def retrieve_dispute(self, *, id: str) -> DisputeSeen | None:
        return await self._found(self._stripe.v1.disputes.retrieve_async(id), dispute_seen)

    async def disputes_of(self, *, intent: str) -> list[DisputeSeen]:
        first = self._stripe.v1.disputes.list_async({"limit": _PAGE, "payment_intent": intent})
        return [dispute_seen(row) async for row in self._rows(first)]

    async def list_intents(self, *, since: datetime, until: datetime) -> AsyncIterator[Intent]:
        first = self._stripe.v1.payment_intents.list_async({"limit": _PAGE, "created": between(since, until)})
        async for row in self._rows(first):
            yield intent_told(row)

    async def list_refunds(self, *, since: datetime, until: datetime) -> AsyncIterator[RefundMade]:
        first = self._stripe.v1.refunds.list_async({"limit": _PAGE, "created": between(since, until)})
        async for row in self._rows(first):
            yield refund_made(row)

    async def list_disputes(self, *, since: datetime, until: datetime) -> AsyncIterator[DisputeSeen]:
        first = self._stripe.v1.disputes.list_async({"limit": _PAGE, "created": between(since, until)})
        async for row in self._rows(first):
            yield dispute_seen(row)

    async def _rows(self, first: Awaitable[stripe.ListObject[Row]]) -> AsyncIterator[Row]:
        """Every row of a list. The library's own iterator would let its errors out as they are."""
        page = await self._ask(first)
        while True:
            for row in page.data:
                yield row
            if not page.has_more:
                return
            page = await self._ask(page.next_page_async())

    async def _found(self, request: Awaitable[Row], told: Callable[[Row], T]) -> T | None:
        """What Stripe has by an id, as ``told``; None where it has nothing."""
        try:
            return told(await self._ask(request))
        except GatewayRejected as rejected:
            if rejected.code != "resource_missing":
                raise
            return None

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
            translate(problem)

    async def _declined(self, intent: str, declined: stripe.CardError) -> Intent:
        told = declined.json_body.get("error", {}) if isinstance(declined.json_body, dict) else {}
        reason = Decline(
            code=declined.code,
            decline_code=told.get("decline_code"),
            message=declined.user_message or "Declined.",
        )
        snapshot = told.get("payment_intent")
        if isinstance(snapshot, dict):
            return intent_told(stripe.PaymentIntent.construct_from(snapshot, None), declined=reason)
        now = await self.retrieve_intent(intent=intent)
        if now is None:
            raise GatewayRejected(f"no such intent: {intent}", code="resource_missing")
        return replace(now, decline=reason)

    async def _as_it_stands(self, intent: str, rejected: GatewayRejected) -> Intent:
        """An intent that is over already is an answer, not an error; anything else is."""
        if rejected.code == "payment_intent_unexpected_state":
            now = await self.retrieve_intent(intent=intent)
            if now is not None and now.status in _FINAL:
                return now
        raise rejected
