"""The client at the pay link: their browser confirms the payment at Stripe, or we do while they wait (on-session).

A payment is not won for this, as a try by itself is: the client may be at the bank's page for hours, and nothing else
stands still meanwhile. What keeps it to one charge is the one intent. Whoever tries, waives or archives at the same
moment goes by that intent too: Stripe lets it succeed once, and what it took is recorded by whoever hears of it first.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.base import Dependencies, this_run
from activities.locked import NO_PAYMENT, LockedPayment, locked_payment
from activities.money.at_stripe.tries import UNKNOWN, Asking, CardTries, charged_of
from activities.money.cards import block_if_hard
from activities.money.credits import reserve
from activities.money.intents import UNCONFIRMED, refuse_before_comparison
from activities.money.payments import finish_try, move, paid, tell_payment
from activities.money.retries import COVERED_BY_CREDIT, by_credit_alone
from activities.money.stripe_events import InboundActivities
from activities.money.waivers import answer_of
from activities.ports import GatewayRejected, GatewayUnavailable, Intent
from activities.types.clients import Done
from activities.types.money import Charged, ConfirmationOrder
from models.tables.clients.client import Client
from models.tables.money.payment import Payment, PaymentTry
from models.writes.timeline import tell
from rules.enums import ClientStatus, DeclineClass, PaymentStatus
from rules.money.fees import Split, minimum_charge, split_fee
from rules.money.payment_states import CONFIRMABLE, Because, PaymentEvent, can_be_confirmed
from rules.refusals import Problem, Refusal
from rules.timeline import FactKind

_LOOKS = 3  # at a payment that others change meanwhile
_REJECTED = "rejected"  # of a try: Stripe will never take this request


@dataclass(frozen=True, kw_only=True)
class _Opened:
    """The payment as the client found it. ``asking`` is the try of the saved card, if we are to confirm."""

    payment: Payment
    client: Client
    asking: Asking | None
    by_credit: bool = False


class ConfirmationActivities(CardTries):
    def __init__(self, dependencies: Dependencies) -> None:
        super().__init__(dependencies)
        self._inbound = InboundActivities(dependencies)

    @activity.defn
    async def prepare_confirmation(self, order: ConfirmationOrder) -> Done:
        """What the client's browser needs to confirm a payment at Stripe: its one intent, made if there is none yet.
        Or, with an address to come back to, confirm it with the saved card, and say how that ended, or which page of
        the bank comes next.

        Credit that came since the last try pays its part first. Where it covers all, the payment is made at once.
        Refused if the payment was settled or let go of while Stripe was asked; looked at again if it was stopped or
        reckoned anew.
        """
        for _ in range(_LOOKS):
            opened = await self._opened(order)
            if isinstance(opened, Done):
                return opened
            done = await (self._by_credit(order, opened) if opened.by_credit else self._by_intent(order, opened))
            if done is not None:
                return done
        return Done(refusal=_DOES_NOT_WAIT)

    async def _opened(self, order: ConfirmationOrder) -> _Opened | Done:
        """Reserve credit, and open the try. What an archive stopped is a debt from now on, which no card that comes
        settles by itself."""
        now = await self.now()
        async with self.transaction() as session:
            row = await locked_payment(session, UUID(order.payment_id))
            payment, client = row.payment, row.client
            if client.id != UUID(order.client_id):
                return Done(refusal=NO_PAYMENT)
            if order.return_url is not None and payment.status in _TOLD:
                if payment.status is PaymentStatus.PAID:  # the process that heard of it may have died before it said so
                    _ = await finish_try(session, payment, Charged(intent="", status="succeeded"), at=now)
                return Done(changed=False, document={"status": _TOLD[payment.status]})
            split = _split(row)
            refusal = _refuse(order, row, split)
            if refusal is not None:
                return Done(refusal=refusal)
            if split.card == 0 and order.return_url is None and client.status is ClientStatus.ACTIVE:
                return await by_credit_alone(session, row, at=now, by=order.by.actor)
            refuse_before_comparison(compared=row.compared)
            if split.card == 0:
                return _Opened(payment=payment, client=client, asking=None, by_credit=True)
            if payment.status not in CONFIRMABLE:
                move(payment, PaymentEvent.RETRIED, because=Because.ARCHIVED, at=now)
                text = "The client came to pay what an archive had stopped: the amount is owed."
                tell_payment(session, client, payment, at=now, text=text, by=order.by.actor)
            await reserve(session, payment, amount=split.credit, at=now)
            asking = await self._asking(session, row, order) if order.return_url is not None else None
            return _Opened(payment=payment, client=client, asking=asking)

    async def _asking(self, session: AsyncSession, row: LockedPayment, order: ConfirmationOrder) -> Asking:
        """The try of the saved card: one that was begun and has not ended is gone on with, unless it asked another."""
        payment, client, now = row.payment, row.client, await self.now()
        asking = await self.open_try(session, payment, client)
        if asking.method != client.stripe_payment_method:
            await _close(session, payment.id, asking.number, result=UNKNOWN, at=now)
            asking = await self.open_try(session, payment, client)
        if asking.begun:
            tell(
                session,
                client,
                FactKind.PAYMENT_RETRY_ASKED,
                at=now,
                by=order.by.actor,
                text="The client came to pay, with the saved card.",
                data={
                    "payment_id": str(payment.id),
                    "appointment_id": str(payment.appointment_id),
                    "request_id": order.request_id,
                },
            )
        return asking

    # ------------------------------------------------------------ by the card

    async def _by_intent(self, order: ConfirmationOrder, opened: _Opened) -> Done | None:
        """None if the payment was called off or reckoned anew meanwhile."""
        payment, client = opened.payment, opened.client
        customer = await self.customer_of(client, request_id=order.request_id)
        # A key of its own: Stripe would replay a stored failure to one that every later look shares.
        mark = f"{order.request_id}:{this_run()}"
        gateway = self.gateway_for(client)
        try:
            intent = await self.one_intent(gateway, payment, client, customer, number=mark, is_open=_waits)
        except GatewayRejected:
            again = await self.customer_that_lasts(client.id, request_id=order.request_id)
            if again is None:
                raise
            intent = await self.one_intent(gateway, payment, client, again, number=mark, is_open=_waits)
        if intent is None or not await self._can_be_confirmed(payment.id, intent):
            return None
        if opened.asking is not None:
            return await self._confirmed(order, opened, intent, opened.asking)
        return Done(
            changed=False,
            document={"payment_intent": intent.id, "client_secret": intent.client_secret, "status": intent.status},
        )

    async def _can_be_confirmed(self, payment_id: UUID, intent: Intent) -> bool:
        """Whoever lets go of the payment from now on calls this intent off."""
        async with self.transaction() as session:
            payment = await session.get_one(Payment, payment_id)
        is_it = payment.intent == intent.id and (
            intent.status not in UNCONFIRMED or intent.amount == payment.amount - payment.credit_used
        )
        return is_it and _waits(payment)

    async def _confirmed(
        self, order: ConfirmationOrder, opened: _Opened, intent: Intent, asking: Asking
    ) -> Done | None:
        """Confirm on-session, unless the client is at the bank already, or the bank has answered and nobody heard."""
        payment, method, back = opened.payment, asking.method, order.return_url
        assert method is not None
        assert back is not None
        gateway = self.gateway_for(opened.client)
        is_at_bank = intent.redirect is not None and intent.redirect.return_url == back
        try:
            if (
                intent.status in UNCONFIRMED
                and not (is_at_bank and intent.payment_method == method)
                and not await self.has_said_no(gateway, intent, asking)
            ):
                where = sha256(back.encode()).hexdigest()[:16]
                key = f"on-session:{payment.id}:{asking.number}:{intent.id}:{method}:{where}"
                intent = await gateway.confirm_intent(intent=intent.id, payment_method=method, key=key, return_url=back)
        except GatewayUnavailable as unavailable:
            if not unavailable.retry_with_same_key:
                # Stripe replays a stored failure to the same key: the next run asks first, then tries under a new one.
                await self.close_try(payment.id, asking.number, result=UNKNOWN)
            raise
        except GatewayRejected:
            _ = await self.forget_what_is_gone(opened.client, method=method)
            await self.close_try(payment.id, asking.number, result=_REJECTED)
            return Done(refusal=_ANOTHER_CARD)
        if intent.status == "canceled":
            await self.close_try(payment.id, asking.number, result=UNKNOWN)
            return None
        return await self._recorded(payment.id, intent, asking)

    async def _recorded(self, payment_id: UUID, intent: Intent, asking: Asking) -> Done:
        """How the try ended; and that the payment was made, unless somebody has heard that before."""
        now, charged = await self.now(), charged_of(intent)
        if intent.status == "succeeded":
            _ = await self._inbound.settle_from(payment_id, intent, at=now)
        async with self.transaction() as session:
            row = await locked_payment(session, payment_id)
            tried = await _close(session, payment_id, asking.number, charged=charged, at=now)
            if tried is not None and intent.decline is not None:
                block_if_hard(session, row.client, DeclineClass(charged.decline or DeclineClass.SOFT), tried)
                text = "The client came to pay, and the bank declined."
                tell_payment(session, row.client, row.payment, at=now, text=text)
            done = await answer_of(session, row, changed=tried is not None)
        told: dict[str, str] = {"status": intent.status}
        if intent.status == "requires_action" and intent.redirect is not None:
            told["redirect_url"] = intent.redirect.url
        return replace(done, document=told)

    # ------------------------------------------------------------ by credit

    async def _by_credit(self, order: ConfirmationOrder, opened: _Opened) -> Done | None:
        """Credit covers all of it: it is made here and now, once no intent of an earlier try can pay any more. None if
        it was reckoned anew meanwhile."""
        now, gateway = await self.now(), self.gateway_for(opened.client)
        payment_id, made = opened.payment.id, opened.payment.intent
        intent = await gateway.retrieve_intent(intent=made) if made is not None else None
        if intent is not None:
            intent = await self.call_off(gateway, intent, number=f"{order.request_id}:{this_run()}")
        if intent is not None and intent.status != "canceled":
            handled, _ = await self._inbound.settle_from(payment_id, intent, at=now)
            settled = handled.settled
            resumed = (settled.appointment,) if settled is not None else ()
            facts = settled.journey if settled is not None else handled.facts
            return _answered(order, Done(facts=facts, resumed=resumed), status=intent.status)
        async with self.transaction() as session:
            row = await locked_payment(session, payment_id)
            split = _split(row)
            if row.payment.intent != made or split.card or _refuse(order, row, split) is not None:
                return None
            await reserve(session, row.payment, amount=split.credit, at=now)
            await paid(session, row, at=now, deps=self.deps)
            return _answered(order, await answer_of(session, row), status="succeeded")


def _answered(order: ConfirmationOrder, done: Done, *, status: str) -> Done:
    """For a browser that was to confirm it, there is nothing to confirm."""
    if order.return_url is None:
        return Done(refusal=COVERED_BY_CREDIT, facts=done.facts, resumed=done.resumed)
    return Done(facts=done.facts, resumed=done.resumed, document={"status": status})


def _split(row: LockedPayment) -> Split:
    payment = row.payment
    return split_fee(amount=payment.amount, credit=row.at_hand, minimum=minimum_charge(payment.currency))


def _waits(payment: Payment) -> bool:
    return payment.status in CONFIRMABLE


def _refuse(order: ConfirmationOrder, row: LockedPayment, split: Split) -> Refusal | None:
    payment, client = row.payment, row.client
    if not can_be_confirmed(status=payment.status, because=payment.because) or split.below_minimum:
        return _DOES_NOT_WAIT
    if split.card == 0:
        return _DOES_NOT_WAIT if client.charges_frozen else None
    no_card = client.stripe_payment_method is None or client.card_blocked
    return _ANOTHER_CARD if order.return_url is not None and no_card else None


async def _close(
    session: AsyncSession,
    payment_id: UUID,
    number: int,
    *,
    at: datetime,
    charged: Charged | None = None,
    result: str | None = None,
) -> PaymentTry | None:
    """Close one try, as the card answered or with a ``result``. None if that was done before."""
    statement = select(PaymentTry).where(
        col(PaymentTry.payment_id) == payment_id, col(PaymentTry.number) == number, col(PaymentTry.result).is_(None)
    )
    tried = (await session.exec(statement)).first()
    if tried is None:
        return None
    tried.result, tried.finished_at = result, at
    if charged is not None:
        tried.result = charged.decline or charged.status
        tried.decline_code, tried.charge = charged.decline_code, charged.charge
    session.add(tried)
    await session.flush()
    return tried


_TOLD = {PaymentStatus.PAID: "succeeded", PaymentStatus.PROCESSING: "processing"}
"""What whoever clicks once more is told: it is paid, or on its way."""

_DOES_NOT_WAIT = Refusal(name=Problem.PAYMENT_NOT_OPEN, detail="This payment does not wait for the client.")
_ANOTHER_CARD = Refusal(
    name=Problem.PAYMENT_NOT_OPEN, detail="There is no card that can be asked for it; please give one first."
)
