"""Taking the money: win the payment in the database, ask Stripe, record the answer. Each step is safe to run twice.

A payment must win ``processing`` before it may touch a card; that compare-and-set is where archive, correction and
charge meet. The intent is created unconfirmed, its id stored, then confirmed under a key made of the payment's id and
the stored number of the try. Whatever fails in between, the next run asks Stripe first, and only then acts.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from temporalio import activity

from activities.locked import LockedPayment, locked_payment
from activities.money.at_stripe.tries import UNKNOWN, CardTries, charged_of
from activities.money.cards import block_if_hard
from activities.money.credits import give_back, reserve
from activities.money.intents import UNCONFIRMED, refuse_before_comparison
from activities.money.late_charge import note_lateness
from activities.money.payments import (
    card_gone,
    declined,
    finish_try,
    move,
    new_try,
    no_card,
    owe,
    paid,
    put_off,
    tell_payment,
)
from activities.ports import GatewayRejected, GatewayUnavailable, PaymentGateway
from activities.types.money import AttemptOrder, AttemptResult, AttemptStarted, Charged, Settled
from models.tables.mail.outbox import OutboxKind
from models.tables.money.payment import Payment
from models.writes.outbox import order_errands
from rules.enums import ClientStatus, DeclineClass, PaymentStatus
from rules.money.fees import minimum_charge, split_fee
from rules.money.payment_states import CHARGEABLE, WAITING, Because, PaymentEvent, before, is_asked_for

REJECTED = "rejected"  # of a try: Stripe will never take this request
CARD_GONE = "card_gone"  # of a try: Stripe has the card no more, or its customer
LOOK_AGAIN = timedelta(minutes=5)  # at what waits for the comparison after a restore


def _is_tried_at_once(row: LockedPayment, *, at: datetime) -> bool:
    payment = row.payment
    is_new = payment.status is PaymentStatus.FAILED and payment.because == Because.NEW_CARD
    return is_new and payment.next_try_at is not None and payment.next_try_at <= at and not row.client.charges_frozen


def _runs(order: AttemptOrder) -> Callable[[Payment], bool]:
    return lambda payment: payment.status is PaymentStatus.PROCESSING and payment.attempts == order.attempt


class StillProcessing(GatewayUnavailable):
    """The bank has not answered yet; asked again later."""

    def __init__(self, intent: str) -> None:
        super().__init__(f"the bank has not answered yet for {intent}", ambiguous=True, retry_with_same_key=True)


class PaymentActivities(CardTries):
    @activity.defn
    async def start_attempt(self, order: AttemptOrder) -> AttemptStarted:
        """Win the payment for one try, or learn that it may not be charged any more, or not yet: after a restore, not
        before the comparison with Stripe has run. Without a card: failed and a task.
        """
        now = await self.now()
        async with self.transaction() as session:
            row = await locked_payment(session, UUID(order.payment_id))
            payment, client = row.payment, row.client
            if payment.status in before(PaymentEvent.PUT_OFF) and not row.compared:
                put_off(payment, until=now + LOOK_AGAIN, at=now)
                return await row.started(session, False)
            if payment.status is PaymentStatus.PROCESSING and payment.attempts == order.attempt:
                return await row.started(session, True)
            held = client.charges_frozen or (
                client.status is ClientStatus.ARCHIVED and not is_asked_for(payment.status, payment.next_try_at)
            )
            if held or payment.status not in CHARGEABLE or payment.attempts + 1 != order.attempt:
                return await row.started(session, False)
            note_lateness(session, row, at=now)
            split = split_fee(
                amount=payment.amount,
                credit=row.at_hand,
                minimum=minimum_charge(payment.currency),
            )
            if split.below_minimum:
                await owe(session, row, at=now, because=Because.BELOW_MINIMUM)
            elif split.card == 0 and payment.intent is None:
                await reserve(session, payment, amount=split.credit, at=now)
                await paid(session, row, at=now, deps=self.deps)
            elif split.card and (
                client.stripe_payment_method is None or client.stripe_customer is None or client.card_blocked
            ):
                await no_card(session, row, at=now)
            else:
                await reserve(session, payment, amount=split.credit, at=now)
                because = Because.DEBT if payment.status is PaymentStatus.OWED else None
                move(payment, PaymentEvent.TRY_BEGUN, because=because, at=now)
                payment.attempts = order.attempt
                await new_try(session, payment, client, number=row.last_try + 1, at=now)
                tell_payment(session, client, payment, at=now, text="The payment is being made.")
            return await row.started(session, payment.status is PaymentStatus.PROCESSING)

    @activity.defn
    async def charge_card(self, order: AttemptOrder) -> Charged | None:
        """Create, store, confirm; or find out how that already ended. None if this try is not running any more."""
        async with self.transaction() as session:
            row = await locked_payment(session, UUID(order.payment_id))
            payment, client = row.payment, row.client
            if payment.status is not PaymentStatus.PROCESSING or payment.attempts != order.attempt:
                return None
            refuse_before_comparison(compared=row.compared)
            asking = await self.open_try(session, payment, client)
            number, method, customer = asking.number, asking.method, client.stripe_customer
        gateway = self.gateway_for(client)
        try:
            if payment.amount == payment.credit_used and payment.intent is not None:
                return await self._without_the_card(gateway, payment.intent, number=number)
            if method is None or customer is None:
                return Charged(intent=payment.intent or "", status=CARD_GONE)
            intent = await self.one_intent(gateway, payment, client, customer, number=number, is_open=_runs(order))
            if intent is None:
                return None
            if intent.status in UNCONFIRMED and not await self.has_said_no(gateway, intent, asking):
                intent = await gateway.confirm_intent(
                    intent=intent.id, payment_method=method, key=f"confirm:{payment.id}:{number}:{intent.id}:{method}"
                )
        except GatewayUnavailable as unavailable:
            if not unavailable.retry_with_same_key:
                # Stripe replays a stored failure to the same key: the next run asks first, then tries under a new one.
                await self.close_try(payment.id, number, result=UNKNOWN)
            raise
        except GatewayRejected as rejected:
            gone = await self.forget_what_is_gone(client, method=method)
            status = CARD_GONE if gone else REJECTED
            return Charged(intent=payment.intent or "", status=status, decline_code=rejected.code)
        if intent.status == "processing":
            raise StillProcessing(intent.id)
        if intent.status == "canceled":
            # By an archive's errand that came late: the payment was restored, and the next run makes another intent.
            await self.close_try(payment.id, number, result=UNKNOWN)
            message = f"{intent.id} was called off while it was confirmed"
            raise GatewayUnavailable(message, ambiguous=False, retry_with_same_key=False)
        return charged_of(intent)

    @activity.defn
    async def finish_attempt(self, result: AttemptResult) -> Settled:
        """Record how the try ended, and what follows: paid, tried again, the client is needed, or owed."""
        now = await self.now()
        async with self.transaction() as session:
            row = await locked_payment(session, UUID(result.payment_id))
            payment, charged = row.payment, result.charged
            if payment.status is not PaymentStatus.PROCESSING or payment.attempts != result.attempt or charged is None:
                return await row.settled(session, changed=False)
            tried = await finish_try(session, payment, charged, at=now)
            if charged.status == "succeeded":
                if not await paid(session, row, at=now, deps=self.deps, by_card=charged.amount):
                    await owe(session, row, at=now, because=Because.AMOUNT_DIFFERS)
            elif charged.status == REJECTED:
                await owe(session, row, at=now, because=Because.REJECTED)
            elif row.client.status is ClientStatus.ARCHIVED:
                block_if_hard(session, row.client, DeclineClass(charged.decline or DeclineClass.SOFT), tried)
                move(payment, PaymentEvent.STOPPED, because=Because.ARCHIVED, at=now)
                await give_back(session, payment, at=now)
                text = "The payment was declined; it is not tried again while archived."
                tell_payment(session, row.client, payment, at=now, text=text)
                if charged.intent:  # no old link may still pay
                    kind, reason = OutboxKind.CANCEL_INTENT, f"{payment.id}:{result.attempt}"
                    await order_errands(session, row.client.id, kind, [charged.intent], reason=reason, at=now)
            elif charged.status == CARD_GONE:
                await card_gone(session, row, tried=tried, at=now)
            else:
                decline = DeclineClass(charged.decline or DeclineClass.SOFT)
                await declined(session, row, decline, tried=tried, at=now)
            return await row.settled(session)

    @activity.defn
    async def owe_payment(self, payment_id: str) -> Settled:
        """The deadline has passed: what is not paid is owed. Stripe is asked first: its word that the client paid by
        the link may have been lost on the way.
        """
        now = await self.now()
        async with self.transaction() as session:
            row = await locked_payment(session, UUID(payment_id))
            if row.payment.status not in WAITING:
                return await row.settled(session, changed=False)
            client, payment = row.client, row.payment
        intent = await self.intent_as_it_stands(self.gateway_for(client), payment, client)
        async with self.transaction() as session:
            row = await locked_payment(session, UUID(payment_id))
            changed = row.payment.status in WAITING
            is_its = intent is not None and row.payment.intent in (intent.id, payment.intent)
            if changed and intent is not None and intent.status == "succeeded" and is_its:
                row.payment.intent = intent.id
                if not await paid(session, row, at=now, deps=self.deps, by_card=intent.amount):
                    await owe(session, row, at=now, because=Because.AMOUNT_DIFFERS)
            elif changed and _is_tried_at_once(row, at=now):
                changed = False  # another card came in this very moment: whoever asks learns of it, and tries it
            elif changed:
                await owe(session, row, at=now, because=Because.DEADLINE_PASSED)
            return await row.settled(session, changed=changed)

    async def _without_the_card(self, gateway: PaymentGateway, made: str, *, number: int) -> Charged:
        """Credit pays all of it now, and an intent of an earlier try is still there: it is called off first."""
        intent = await gateway.retrieve_intent(intent=made)
        if intent is not None:
            intent = await self.call_off(gateway, intent, number=number)
        if intent is not None and intent.status == "processing":
            raise StillProcessing(intent.id)
        took = intent.amount if intent is not None and intent.status == "succeeded" else 0
        return Charged(intent=made, status="succeeded", amount=took)
