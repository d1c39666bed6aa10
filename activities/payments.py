"""Taking the money: win the payment in the database, ask Stripe, record the answer. Each step is safe to run twice.

A payment must win ``processing`` before it may touch a card; that compare-and-set is where archive, correction and
charge meet. The intent is created unconfirmed, its id stored, then confirmed under a key made of the payment's id and
the stored number of the try. Whatever fails in between, the next run asks Stripe first, and only then acts.
"""

from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.core import Activities
from activities.ledger import DEBT, declined, finish_try, locked, new_try, no_card, owe, paid, say
from activities.ports import GatewayRejected, GatewayUnavailable, Intent, PaymentGateway
from activities.types import (
    AttemptOrder,
    AttemptResult,
    AttemptStarted,
    Charged,
    ConfirmationOrder,
    Done,
    EventHandled,
    Settled,
)
from models.client import Client
from models.inbound_event import InboundEvent
from models.locks import lock_payment
from models.payment import Payment, PaymentTry
from rules.archive import BECAUSE_ARCHIVED
from rules.fees import classify_decline, minimum_charge
from rules.policy import JourneyPolicy
from rules.refusals import Problem, Refusal
from rules.words import ClientStatus, DeclineClass, PaymentStatus

CHARGEABLE = frozenset({PaymentStatus.SCHEDULED, PaymentStatus.FAILED, PaymentStatus.OWED})

CONFIRMABLE = frozenset({PaymentStatus.REQUIRES_ACTION, PaymentStatus.FAILED, PaymentStatus.OWED})

RECORDED = "recorded as paid"  # what came of an event
REJECTED = "rejected"  # Stripe will never take this request: a person must look


class StillProcessing(Exception):
    """The bank has not answered yet; asked again later."""


class PaymentActivities(Activities):
    @activity.defn
    async def start_attempt(self, order: AttemptOrder) -> AttemptStarted:
        """Win the payment for one try, or learn that it may no longer be charged. Without a card: failed and a task."""
        now = await self.now()
        async with self.transaction() as session:
            row = await locked(session, UUID(order.payment_id))
            payment, client = row.payment, row.client
            if payment.status is PaymentStatus.PROCESSING and payment.attempts == order.attempt:
                return await row.started(session, True)
            archived = client.status is ClientStatus.ARCHIVED
            if archived or payment.status not in CHARGEABLE or payment.attempts + 1 != order.attempt:
                return await row.started(session, False)
            if payment.amount < minimum_charge(payment.currency):
                await owe(session, row, at=now, because="below_minimum")
            elif client.stripe_payment_method is None or client.stripe_customer is None or client.card_blocked:
                await no_card(session, row, at=now)
            else:
                payment.because = DEBT if payment.status is PaymentStatus.OWED else None
                payment.status, payment.next_try_at = PaymentStatus.PROCESSING, None
                payment.attempts = order.attempt
                session.add(payment)
                await new_try(session, payment, client.stripe_payment_method, at=now)
                say(session, row, at=now, text="The payment is being made.")
            return await row.started(session, payment.status is PaymentStatus.PROCESSING)

    @activity.defn
    async def charge_card(self, order: AttemptOrder) -> Charged | None:
        """Create, store, confirm; or find out how that already ended. None if this try is not running any more."""
        async with self.transaction() as session:
            row = await locked(session, UUID(order.payment_id))
            payment, client = row.payment, row.client
            if payment.status is not PaymentStatus.PROCESSING or payment.attempts != order.attempt:
                return None
            attempt = await self._open_try(session, payment, client)
            number, method, customer = attempt.number, attempt.payment_method, client.stripe_customer
        if method is None or customer is None:
            return None
        gateway = self.gateway_for(client)
        try:
            intent = await self._intent(gateway, payment, client, customer, number=number)
            if intent.status in ("requires_payment_method", "requires_confirmation", "requires_action"):
                intent = await gateway.confirm_intent(
                    intent=intent.id, payment_method=method, key=f"confirm:{payment.id}:{number}"
                )
        except GatewayUnavailable as unavailable:
            if not unavailable.retry_with_same_key:
                # Stripe replays a stored failure to the same key: the next run asks first, then tries under a new one.
                await self._close_try(payment.id, number, result="gateway_error")
            raise
        except GatewayRejected as rejected:
            return Charged(intent=payment.intent or "", status=REJECTED, decline_code=rejected.code)
        if intent.status == "processing":
            message = f"the bank has not answered yet for {intent.id}"
            raise StillProcessing(message)
        decline = intent.decline
        kind = classify_decline(decline.code, decline.decline_code) if decline else None
        if intent.status == "requires_action":
            kind = DeclineClass.AUTHENTICATION_REQUIRED
        return Charged(
            intent=intent.id,
            status=intent.status,
            decline=kind.value if kind else None,
            decline_code=(decline.decline_code or decline.code) if decline else None,
        )

    @activity.defn
    async def finish_attempt(self, result: AttemptResult, policy: JourneyPolicy) -> Settled:
        """Record how the try ended, and what follows: paid, tried again, the client is needed, or owed."""
        now = await self.now()
        async with self.transaction() as session:
            row = await locked(session, UUID(result.payment_id))
            payment, charged = row.payment, result.charged
            if payment.status is not PaymentStatus.PROCESSING or payment.attempts != result.attempt or charged is None:
                return await row.settled(session, changed=False)
            tried = await finish_try(session, payment, charged, at=now)
            if charged.status == "succeeded":
                await paid(session, row, at=now)
            elif charged.status == REJECTED:
                await owe(session, row, at=now, because="rejected")
            elif row.client.status is ClientStatus.ARCHIVED:
                payment.status, payment.because = PaymentStatus.CANCELLED, BECAUSE_ARCHIVED
                say(
                    session,
                    row,
                    at=now,
                    text="The payment was declined; it is not tried again while archived.",
                )
            else:
                decline = DeclineClass(charged.decline or DeclineClass.SOFT)
                await declined(session, row, decline, tried=tried, at=now, policy=policy)
            session.add(payment)
            return await row.settled(session)

    @activity.defn
    async def owe_payment(self, payment_id: str) -> Settled:
        """The deadline has passed: what is not paid is owed."""
        now = await self.now()
        async with self.transaction() as session:
            row = await locked(session, UUID(payment_id))
            waiting = (PaymentStatus.SCHEDULED, PaymentStatus.FAILED, PaymentStatus.REQUIRES_ACTION)
            changed = row.payment.status in waiting
            if changed:
                await owe(session, row, at=now, because="deadline_passed")
            return await row.settled(session, changed=changed)

    @activity.defn
    async def prepare_confirmation(self, order: ConfirmationOrder) -> Done:
        """What the client's browser needs to confirm a payment at Stripe: its one intent, made if there is none yet."""
        async with self.transaction() as session:
            row = await locked(session, UUID(order.payment_id))
            payment, client = row.payment, row.client
        if client.id != UUID(order.client_id):
            return Done(refusal=Refusal(name=Problem.NOT_FOUND, detail="There is no such payment."))
        if payment.status not in CONFIRMABLE or payment.amount < minimum_charge(payment.currency):
            detail = "This payment does not wait for the client."
            return Done(refusal=Refusal(name=Problem.PAYMENT_NOT_OPEN, detail=detail))
        customer = await self.customer_of(client, request_id=order.request_id)
        # A key of its own: Stripe would replay a stored failure to one that every later look shares.
        mark = f"{order.request_id}:{activity.info().attempt if activity.in_activity() else 1}"
        intent = await self._intent(self.gateway_for(client), payment, client, customer, number=mark)
        return Done(
            changed=False,
            document={"payment_intent": intent.id, "client_secret": intent.client_secret, "status": intent.status},
        )

    @activity.defn
    async def handle_inbound_event(self, event_id: str) -> EventHandled:
        """Act on one stored Stripe event. What it says is not believed: the intent is fetched again."""
        now = await self.now()
        async with self.transaction() as session:
            event = await session.get(InboundEvent, event_id)
            # What was recorded is told again: the run that recorded it may have died before it could say so.
            if event is None or (event.handled_at is not None and event.outcome != RECORDED):
                return EventHandled()
            intent_id = str(event.payload.get("data", {}).get("object", {}).get("id", ""))
            about_payment = event.type.startswith("payment_intent.")
            payment = None
            if about_payment:
                payment = (await session.exec(select(Payment).where(col(Payment.intent) == intent_id))).first()
            client = await session.get(Client, payment.client_id) if payment else None
        settled, outcome = None, "not about a payment of ours"
        if payment is not None and client is not None:
            intent = await self.gateway_for(client).retrieve_intent(intent=intent_id)
            settled, outcome = await self._settle_from(payment.id, intent, at=now)
        async with self.transaction() as session:
            event = await session.get_one(InboundEvent, event_id)
            event.handled_at, event.outcome = now, outcome
            session.add(event)
        return EventHandled(settled=settled)

    async def _settle_from(
        self, payment_id: UUID, intent: Intent | None, *, at: datetime
    ) -> tuple[Settled | None, str]:
        if intent is None or intent.status != "succeeded":
            return None, "nothing to record"
        async with self.transaction() as session:
            row = await locked(session, payment_id)
            if row.payment.status is PaymentStatus.PROCESSING:
                return None, "the running try records it"
            unpaid = CHARGEABLE | {PaymentStatus.REQUIRES_ACTION, PaymentStatus.CANCELLED}
            if row.payment.status is PaymentStatus.PAID:
                return await row.settled(session, changed=False), RECORDED
            if row.payment.status not in unpaid:
                return None, "not open any more"
            await paid(session, row, at=at)
            return await row.settled(session), RECORDED

    async def _open_try(self, session: AsyncSession, payment: Payment, client: Client) -> PaymentTry:
        """The try whose end nobody knows, or a new one: its number is part of the key that Stripe remembers."""
        statement = select(PaymentTry).where(col(PaymentTry.payment_id) == payment.id)
        tries = (await session.exec(statement.order_by(col(PaymentTry.number).desc()))).all()
        if tries and tries[0].result is None:
            return tries[0]
        return await new_try(session, payment, client.stripe_payment_method, at=await self.now())

    async def _close_try(self, payment_id: UUID, number: int, *, result: str) -> None:
        now = await self.now()
        async with self.transaction() as session:
            statement = select(PaymentTry).where(
                col(PaymentTry.payment_id) == payment_id, col(PaymentTry.number) == number
            )
            attempt = (await session.exec(statement)).one()
            attempt.result, attempt.finished_at = result, now
            session.add(attempt)

    async def _intent(
        self, gateway: PaymentGateway, payment: Payment, client: Client, customer: str, *, number: int | str
    ) -> Intent:
        """The payment's one intent: looked up if there is one, else made and its id stored before anything moves.

        ``number`` is the try's: Stripe would replay a stored failure to a key that every try shares.
        """
        if payment.intent is not None:
            intent = await gateway.retrieve_intent(intent=payment.intent)
            if intent is not None and intent.status != "canceled":
                return intent
        # A cancelled intent never pays: the next one has a key of its own.
        key = f"create:{payment.id}:{number}" + (f":{payment.intent}" if payment.intent else "")
        intent = await gateway.create_intent(
            payment_id=str(payment.id),
            client_id=str(client.id),
            customer=customer,
            amount=payment.amount - payment.credit_used,
            currency=payment.currency,
            key=key,
        )
        async with self.transaction() as session:
            stored = await lock_payment(session, payment.id)
            if stored.intent == payment.intent:
                stored.intent = intent.id
                session.add(stored)
            first = stored.intent or intent.id
        if first == intent.id:
            return intent
        # A twin of this step was faster: there is one intent for a payment, and a stray one is never confirmed.
        winner = await gateway.retrieve_intent(intent=first)
        return winner or intent
