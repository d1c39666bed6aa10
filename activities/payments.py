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

from activities.core import Activities, appointment_facts, derived_id, open_task_once
from activities.ports import GatewayRejected, GatewayUnavailable, Intent, PaymentGateway
from activities.types import (
    AppointmentFacts,
    AttemptOrder,
    AttemptResult,
    AttemptStarted,
    Charged,
    EventHandled,
    Settled,
)
from models.appointment import Appointment
from models.client import Client
from models.inbound_event import InboundEvent
from models.locks import lock_client, lock_payment
from models.payment import Payment, PaymentTry
from models.snapshots import project
from models.therapist import Therapist
from models.timeline import append_fact
from rules.archive import BECAUSE_ARCHIVED
from rules.fees import classify_decline, minimum_charge, next_try
from rules.policy import JourneyPolicy
from rules.words import ClientStatus, DeclineClass, PaymentStatus, TaskKind

CHARGEABLE = frozenset({PaymentStatus.SCHEDULED, PaymentStatus.FAILED, PaymentStatus.OWED})

REJECTED = "rejected"  # Stripe will never take this request: a person must look


class StillProcessing(Exception):
    """The bank has not answered yet; asked again later."""


class PaymentActivities(Activities):
    @activity.defn
    async def start_attempt(self, order: AttemptOrder) -> AttemptStarted:
        """Win the payment for one try, or learn that it may no longer be charged. Without a card: failed, and a task."""
        now = await self.now()
        async with self.transaction() as session:
            row = await _locked(session, UUID(order.payment_id))
            payment, client = row.payment, row.client
            if payment.status is PaymentStatus.PROCESSING and payment.attempts == order.attempt:
                return await row.started(session, True)
            if payment.status not in CHARGEABLE or payment.attempts + 1 != order.attempt:
                return await row.started(session, False)
            if payment.amount < minimum_charge(payment.currency):
                await _owe(session, row, at=now, because="below_minimum")
            elif client.stripe_payment_method is None or client.card_blocked:
                await _no_card(session, row, at=now)
            else:
                payment.status, payment.because, payment.next_try_at = PaymentStatus.PROCESSING, None, None
                payment.attempts = order.attempt
                session.add(payment)
                await _new_try(session, payment, client.stripe_payment_method, at=now)
                _say(session, row, at=now, text="The payment is being made.")
            return await row.started(session, payment.status is PaymentStatus.PROCESSING)

    @activity.defn
    async def charge_card(self, order: AttemptOrder) -> Charged | None:
        """Create, store, confirm; or find out how that already ended. None if this try is not running any more."""
        async with self.transaction() as session:
            row = await _locked(session, UUID(order.payment_id))
            payment, client = row.payment, row.client
            if payment.status is not PaymentStatus.PROCESSING or payment.attempts != order.attempt:
                return None
            attempt = await self._open_try(session, payment, client)
            number, method, customer = attempt.number, attempt.payment_method, client.stripe_customer
        if method is None or customer is None:
            return None
        gateway = self.gateway_for(client)
        try:
            intent = await self._intent(gateway, payment, client, customer)
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
            row = await _locked(session, UUID(result.payment_id))
            payment, charged = row.payment, result.charged
            if payment.status is not PaymentStatus.PROCESSING or payment.attempts != result.attempt or charged is None:
                return await row.settled(session, changed=False)
            await _finish_try(session, payment, charged, at=now)
            if charged.status == "succeeded":
                _paid(session, row, at=now)
            elif charged.status == REJECTED:
                await _owe(session, row, at=now, because="rejected")
            elif row.client.status is ClientStatus.ARCHIVED:
                payment.status, payment.because = PaymentStatus.CANCELLED, BECAUSE_ARCHIVED
                _say(
                    session,
                    row,
                    at=now,
                    text="The payment was declined; it is not tried again while archived.",
                )
            else:
                await _declined(session, row, DeclineClass(charged.decline or DeclineClass.SOFT), at=now, policy=policy)
            session.add(payment)
            return await row.settled(session)

    @activity.defn
    async def owe_payment(self, payment_id: str) -> Settled:
        """The deadline has passed: what is not paid is owed."""
        now = await self.now()
        async with self.transaction() as session:
            row = await _locked(session, UUID(payment_id))
            waiting = (PaymentStatus.SCHEDULED, PaymentStatus.FAILED, PaymentStatus.REQUIRES_ACTION)
            changed = row.payment.status in waiting
            if changed:
                await _owe(session, row, at=now, because="deadline_passed")
            return await row.settled(session, changed=changed)

    @activity.defn
    async def handle_inbound_event(self, event_id: str) -> EventHandled:
        """Act on one stored Stripe event. What it says is not believed: the intent is fetched again."""
        now = await self.now()
        async with self.transaction() as session:
            event = await session.get(InboundEvent, event_id)
            if event is None or event.handled_at is not None:
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
            row = await _locked(session, payment_id)
            if row.payment.status is PaymentStatus.PROCESSING:
                return None, "the running try records it"
            unpaid = CHARGEABLE | {PaymentStatus.REQUIRES_ACTION, PaymentStatus.CANCELLED}
            if row.payment.status not in unpaid:
                return None, "already recorded"
            _paid(session, row, at=at)
            return await row.settled(session), "recorded as paid"

    async def _open_try(self, session: AsyncSession, payment: Payment, client: Client) -> PaymentTry:
        """The try whose end nobody knows, or a new one: its number is part of the key that Stripe remembers."""
        statement = select(PaymentTry).where(col(PaymentTry.payment_id) == payment.id)
        tries = (await session.exec(statement.order_by(col(PaymentTry.number).desc()))).all()
        if tries and tries[0].result is None:
            return tries[0]
        return await _new_try(session, payment, client.stripe_payment_method, at=await self.now())

    async def _close_try(self, payment_id: UUID, number: int, *, result: str) -> None:
        now = await self.now()
        async with self.transaction() as session:
            statement = select(PaymentTry).where(
                col(PaymentTry.payment_id) == payment_id, col(PaymentTry.number) == number
            )
            attempt = (await session.exec(statement)).one()
            attempt.result, attempt.finished_at = result, now
            session.add(attempt)

    async def _intent(self, gateway: PaymentGateway, payment: Payment, client: Client, customer: str) -> Intent:
        """The payment's one intent: looked up if there is one, else made and its id stored before anything moves."""
        if payment.intent is not None:
            intent = await gateway.retrieve_intent(intent=payment.intent)
            if intent is not None and intent.status != "canceled":
                return intent
        # A cancelled intent never pays: the next one has a key of its own.
        key = f"create:{payment.id}" if payment.intent is None else f"create:{payment.id}:{payment.intent}"
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
            stored.intent = intent.id
            session.add(stored)
        return intent


class _Row:
    """One payment with everything it belongs to; client and payment are locked."""

    def __init__(self, payment: Payment, client: Client, appointment: Appointment, therapist: Therapist) -> None:
        self.payment = payment
        self.client = client
        self.appointment = appointment
        self.therapist = therapist

    def facts(self) -> AppointmentFacts:
        return appointment_facts(self.appointment, self.client, self.therapist, self.payment)

    async def started(self, session: AsyncSession, started: bool) -> AttemptStarted:
        journey = await project(session, self.client)
        return AttemptStarted(started=started, appointment=self.facts(), journey=journey)

    async def settled(self, session: AsyncSession, *, changed: bool = True) -> Settled:
        journey = await project(session, self.client)
        return Settled(appointment=self.facts(), journey=journey, changed=changed)


async def _locked(session: AsyncSession, payment_id: UUID) -> _Row:
    seen = await session.get_one(Payment, payment_id)
    client = await lock_client(session, seen.client_id)
    payment = await lock_payment(session, payment_id)
    appointment = await session.get_one(Appointment, payment.appointment_id)
    return _Row(payment, client, appointment, await session.get_one(Therapist, appointment.therapist_id))


async def _new_try(session: AsyncSession, payment: Payment, method: str | None, *, at: datetime) -> PaymentTry:
    statement = select(PaymentTry.number).where(col(PaymentTry.payment_id) == payment.id)
    number = max((await session.exec(statement)).all(), default=0) + 1
    attempt = PaymentTry(
        id=derived_id(payment.id, "try", number),
        payment_id=payment.id,
        number=number,
        payment_method=method,
        started_at=at,
    )
    session.add(attempt)
    await session.flush()
    return attempt


async def _finish_try(session: AsyncSession, payment: Payment, charged: Charged, *, at: datetime) -> None:
    statement = select(PaymentTry).where(col(PaymentTry.payment_id) == payment.id, col(PaymentTry.result).is_(None))
    for attempt in await session.exec(statement):
        attempt.result = charged.decline or charged.status
        attempt.decline_code, attempt.finished_at = charged.decline_code, at
        session.add(attempt)


def _paid(session: AsyncSession, row: _Row, *, at: datetime) -> None:
    row.payment.status, row.payment.because = PaymentStatus.PAID, None
    row.payment.paid_at, row.payment.next_try_at = at, None
    session.add(row.payment)
    _say(session, row, at=at, text="The payment was made.")


async def _declined(
    session: AsyncSession, row: _Row, decline: DeclineClass, *, at: datetime, policy: JourneyPolicy
) -> None:
    payment = row.payment
    if decline is DeclineClass.HARD:
        row.client.card_blocked = True
        session.add(row.client)
    if at >= payment.deadline:
        await _owe(session, row, at=at, because="deadline_passed")
        return
    if decline is DeclineClass.SOFT:
        again = next_try(
            tries_made=payment.attempts,
            last_try_at=at,
            deadline=payment.deadline,
            retries=policy.charge_retries,
        )
        if again is None:
            await _owe(session, row, at=at, because="tries_used_up")
            return
        payment.status, payment.because, payment.next_try_at = PaymentStatus.FAILED, "declined", again
        text = "The bank declined; it will be tried again."
    elif decline is DeclineClass.AUTHENTICATION_REQUIRED:
        payment.status, payment.because = PaymentStatus.REQUIRES_ACTION, "authentication_required"
        text = "The bank wants the client to confirm the payment."
    else:
        payment.status, payment.because = PaymentStatus.FAILED, "new_card_needed"
        text = "The bank declined; another card is needed."
    session.add(payment)
    _say(session, row, at=at, text=text)


async def _no_card(session: AsyncSession, row: _Row, *, at: datetime) -> None:
    because = "new_card_needed" if row.client.card_blocked else "no_card"
    if at >= row.payment.deadline:
        await _owe(session, row, at=at, because=because)
        return
    row.payment.status, row.payment.because, row.payment.next_try_at = PaymentStatus.FAILED, because, None
    session.add(row.payment)
    _say(session, row, at=at, text="The payment is due, and there is no card to charge.")
    await open_task_once(
        session,
        row.client,
        key=f"card_missing:{row.payment.id}",
        kind=TaskKind.CARD_MISSING,
        text=f"A payment of client {row.client.ref} is due and there is no card; please ask for one.",
        at=at,
        appointment_id=row.appointment.id,
        payment_id=row.payment.id,
    )


async def _owe(session: AsyncSession, row: _Row, *, at: datetime, because: str) -> None:
    row.payment.status, row.payment.because, row.payment.next_try_at = PaymentStatus.OWED, because, None
    session.add(row.payment)
    _say(session, row, at=at, text="The payment could not be made in time; the amount is owed.")
    await open_task_once(
        session,
        row.client,
        key=f"payment_owed:{row.payment.id}",
        kind=TaskKind.PAYMENT_OWED,
        text=f"Client {row.client.ref} owes a payment that could not be made in time.",
        at=at,
        appointment_id=row.appointment.id,
        payment_id=row.payment.id,
    )


def _say(session: AsyncSession, row: _Row, *, at: datetime, text: str) -> None:
    """Every change of a payment is a fact, named after the status it now has."""
    payment = row.payment
    append_fact(
        session,
        row.client,
        at=at,
        actor="system",
        kind=f"payment_{payment.status.value}",
        text=text,
        data={
            "payment_id": str(payment.id),
            "appointment_id": str(payment.appointment_id),
            "amount": payment.amount,
            "currency": payment.currency,
            "attempts": payment.attempts,
            **({"because": payment.because} if payment.because else {}),
        },
    )
