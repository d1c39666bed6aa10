"""The one intent of a payment: Stripe is asked which it has before one is made, whatever our own row remembers.

A row can lose its intent: its process died before it was stored, or the database was restored. Nor do Stripe's
idempotency keys help for ever: they are forgotten after a day. So the payment's id in an intent's metadata decides.
"""

from collections.abc import Callable

from activities.money.reported.cards import GoneCards
from activities.ports import GatewayUnavailable, Intent, PaymentGateway
from models.tables.clients.client import Client
from models.tables.money.payment import Payment
from models.writes.locks import lock_payment

UNCONFIRMED = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
_TAKING = ("succeeded", "processing")
_OVER = frozenset({*_TAKING, "canceled"})


class PaymentIntents(GoneCards):
    async def one_intent(
        self,
        gateway: PaymentGateway,
        payment: Payment,
        client: Client,
        customer: str,
        *,
        number: int | str,
        is_open: Callable[[Payment], bool],
    ) -> Intent | None:
        """The payment's one intent: its own, else one that Stripe has for it, else made; and stored before anything
        moves. One that has succeeded is given whatever its amount.

        ``number`` is the try's: Stripe would replay a stored failure to a key that every try shares. None if the
        payment ``is_open`` no more, or was reckoned anew, meanwhile: an intent that may still pay is called off.
        """
        amount = payment.amount - payment.credit_used
        own = await gateway.retrieve_intent(intent=payment.intent) if payment.intent is not None else None
        if own is not None:
            own = await self._only_if_it_fits(gateway, own, amount=amount, customer=customer, number=number)
            if own.status != "canceled":
                return own
        known = await gateway.intents_of(payment_id=str(payment.id), customer=customer)
        intent = await self._usable(gateway, known, amount=amount, customer=customer, number=number)
        if intent is None:
            # A cancelled intent never pays: the next one has a key of its own.
            before = known[0].id if known else payment.intent
            intent = await gateway.create_intent(
                payment_id=str(payment.id),
                client_id=str(client.id),
                customer=customer,
                amount=amount,
                currency=payment.currency,
                key=f"create:{payment.id}:{number}" + (f":{before}" if before else ""),
            )
        return await self._stored(gateway, payment, intent, number=number, is_open=is_open)

    async def call_off(self, gateway: PaymentGateway, intent: Intent, *, number: int | str) -> Intent:
        if intent.status in _OVER:
            return intent
        return await gateway.cancel_intent(intent=intent.id, key=f"cancel:{intent.id}:{number}")

    async def intent_as_it_stands(self, gateway: PaymentGateway, payment: Payment, client: Client) -> Intent | None:
        """The intent that pays, or may pay, this payment. None if there is none, or Stripe cannot say now: a deadline
        does not wait, and a webhook or the comparison tells later."""
        try:
            if payment.intent is not None:
                return await gateway.retrieve_intent(intent=payment.intent)
            known = await gateway.intents_of(payment_id=str(payment.id), customer=client.stripe_customer)
        except GatewayUnavailable:
            return None
        return next((intent for intent in known if intent.status == "succeeded"), None)

    async def _only_if_it_fits(
        self, gateway: PaymentGateway, intent: Intent, *, amount: int, customer: str, number: int | str
    ) -> Intent:
        """One that was made when there was less credit, or for the card of a record that was joined into this one, must
        not pay any more, unless it just has."""
        if intent.amount == amount and intent.customer in (None, customer):
            return intent
        return await self.call_off(gateway, intent, number=number)

    async def _usable(
        self, gateway: PaymentGateway, known: list[Intent], *, amount: int, customer: str, number: int | str
    ) -> Intent | None:
        """Of what Stripe has for the payment: what was paid, else what the bank looks at, else the newest that can pay.
        The others that can pay are called off."""
        usable = next((intent for status in _TAKING for intent in known if intent.status == status), None)
        for intent in known:
            if intent.status in _OVER:
                continue
            if usable is None:
                after = await self._only_if_it_fits(gateway, intent, amount=amount, customer=customer, number=number)
            else:
                after = await self.call_off(gateway, intent, number=number)
            if after.status in _TAKING or (usable is None and after.status != "canceled"):
                usable = after  # it may have been paid in this very moment
        return usable

    async def _stored(
        self,
        gateway: PaymentGateway,
        payment: Payment,
        intent: Intent,
        *,
        number: int | str,
        is_open: Callable[[Payment], bool],
    ) -> Intent | None:
        async with self.transaction() as session:
            stored = await lock_payment(session, payment.id)
            fits = intent.status == "succeeded" or intent.amount == stored.amount - stored.credit_used
            wanted = is_open(stored) and fits
            if wanted and stored.intent == payment.intent:
                stored.intent = intent.id
                session.add(stored)
            first = stored.intent
        if not wanted:
            if first != intent.id:  # else whoever settled it goes by this one
                await self.call_off(gateway, intent, number=number)
            return None
        if first is None or first == intent.id:
            return intent
        # A twin of this step was faster: there is one intent for a payment, and a stray one is never confirmed.
        winner = await gateway.retrieve_intent(intent=first)
        return winner or intent


def refuse_before_comparison(*, compared: bool) -> None:
    """Raises GatewayUnavailable in a database that was restored, until it was held against Stripe."""
    if not compared:
        message = "the database was restored: no money moves before the comparison with Stripe"
        raise GatewayUnavailable(message, ambiguous=False, retry_with_same_key=True)
