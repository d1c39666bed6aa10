"""What only a stand-in has: playing the client at the bank, the bank itself, and looking at everything there is."""

from collections.abc import Callable, Mapping
from typing import Any

from engine.clock import Clock
from sandbox.store import Document, Store
from sandbox.stripe import checkout as stripe_checkout
from sandbox.stripe import disputes as stripe_disputes
from sandbox.stripe import payments as stripe_payments
from sandbox.stripe import refunds as stripe_refunds
from sandbox.stripe import setups as stripe_setups
from sandbox.stripe.cards import BY_NAME
from sandbox.stripe.customers import checked_expiry
from sandbox.stripe.objects import emit
from sandbox.stripe.webhooks import Webhooks
from sandbox.stripe.wire import Desk, StripeError

_KINDS = (
    "customer",
    "payment_method",
    "setup_intent",
    "checkout_session",
    "payment_intent",
    "charge",
    "refund",
    "dispute",
    "event",
)


class ByHand:
    """Each of these happens at once, and its webhooks are sent before it is answered. A StripeError says why not."""

    def __init__(self, store: Store, clock: Clock, webhooks: Webhooks) -> None:
        self._store = store
        self._clock = clock
        self._webhooks = webhooks

    async def authenticate(self, id_: str, *, succeeds: bool) -> Document:
        """Plays the client at the bank's 3-D Secure page."""

        def act(desk: Desk) -> Document:
            kind = _kind_of(id_)
            act_on = stripe_setups.authenticate if kind == "setup_intent" else stripe_payments.authenticate
            done = act_on(desk, desk.find(kind, id_), succeeds=succeeds)
            _ = stripe_checkout.complete(desk, done)
            return done

        return await self.carry_out(act)

    def intent(self, id_: str) -> Document:
        """A payment or setup intent as it stands."""
        return Desk(store=self._store, now=0).find(_kind_of(id_), id_)

    def session_of(self, setup: str) -> Document | None:
        """The Checkout Session that a SetupIntent belongs to, if it does."""
        belongs = self._store.get("checkout_setup", setup)
        return self._store.get("checkout_session", belongs["session"]) if belongs else None

    async def instruct_bank(self, id_: str, *, card: str | None, decline_code: str | None) -> Document:
        """From now on the bank treats a saved card like the named test card, or declines with this code
        (None: no longer)."""

        def act(desk: Desk) -> Document:
            bank = desk.find("bank", id_)
            if card is None:
                bank["declines"] = decline_code
            elif card in BY_NAME:
                like = BY_NAME[card]
                bank.update(declines=like.declines, asks=like.asks.value, refunds=like.refunds)
            else:
                raise StripeError(400, f"Unknown test card: {card}", param="card", executed=False)
            desk.store.put("bank", bank)
            return bank

        return await self.carry_out(act)

    async def set_expiry(self, id_: str, *, month: int, year: int) -> Document:
        """The card runs out at the end of that month, as if the bank had sent another piece of plastic. What it
        answers to a charge is told to it apart."""

        def act(desk: Desk) -> Document:
            method = desk.find("payment_method", id_, param="payment_method")
            method["card"]["exp_month"], method["card"]["exp_year"] = checked_expiry(month, year)
            desk.store.put("payment_method", method)
            emit(desk, "payment_method.automatically_updated", method)
            return method

        return await self.carry_out(act)

    async def settle_refund(self, id_: str, *, status: str | None) -> Document:
        """The bank's last word on a refund."""
        return await self.carry_out(lambda desk: stripe_refunds.settle(desk, desk.find("refund", id_), status=status))

    async def open_dispute(self, *, payment_intent: str, reason: str) -> Document:
        """The client asks the bank for the money back."""
        return await self.carry_out(
            lambda desk: stripe_disputes.open_dispute(desk, payment_intent=payment_intent, reason=reason)
        )

    async def open_inquiry(self, *, payment_intent: str, reason: str) -> Document:
        """The bank asks about a charge, and takes nothing."""
        return await self.carry_out(
            lambda desk: stripe_disputes.open_inquiry(desk, payment_intent=payment_intent, reason=reason)
        )

    async def close_dispute(self, id_: str, *, status: str) -> Document:
        """The bank decides who keeps it: ``won`` or ``lost`` by the practice. An inquiry is looked at, closed, or
        becomes a dispute (``needs_response``)."""
        is_inquirys = status in stripe_disputes.INQUIRY_MOVES
        move = stripe_disputes.move_inquiry if is_inquirys else stripe_disputes.close_dispute
        return await self.carry_out(lambda desk: move(desk, desk.find("dispute", id_), status=status))

    def forget_keys(self) -> None:
        """Every idempotency key, as Stripe forgets them after a day."""
        self._store.forget_answers()

    def state(self) -> Document:
        """Every object there is, oldest first, by the plural of its kind; and of each payment intent, how many
        confirms reached it and how many of them succeeded."""
        everything: dict[str, Any] = {f"{kind}s": self._store.all(kind) for kind in _KINDS}
        endpoint = self._store.get("endpoint", "webhook")
        everything["webhook"] = {"url": endpoint["url"], "events": endpoint["events"]} if endpoint else None
        everything["deliveries"] = self._store.all("delivery")
        everything["attempts"] = _attempts(everything, {row["id"]: row for row in self._store.all("tally")})
        return everything

    async def carry_out(self, act: Callable[[Desk], Document]) -> Document:
        """Do it in one transaction, and send the events that it causes."""
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


def _kind_of(id_: str) -> str:
    return "setup_intent" if id_.startswith("seti_") else "payment_intent"


def _attempts(everything: Mapping[str, Any], tallies: Mapping[str, Document]) -> dict[str, dict[str, int]]:
    """Successes are counted from the charges themselves, not from what their intents say of them."""
    attempts = {
        intent["id"]: {"confirms": tallies.get(intent["id"], {"confirms": 0})["confirms"], "successes": 0}
        for intent in everything["payment_intents"]
    }
    for charge in everything["charges"]:
        if charge["status"] == "succeeded":
            attempts[charge["payment_intent"]]["successes"] += 1
    return attempts
