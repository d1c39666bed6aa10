"""What Stripe reports: stored by the API, looked at here. What an event says is not believed: the object is fetched
again. What the mail service reports is stored the same way, and acted on in `activities.mail.events`."""

from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.locked import locked_payment
from activities.mail.events import take_in
from activities.money.at_stripe.checkouts import COMPLETED, take_in_checkout
from activities.money.cards import renew
from activities.money.payments import paid
from activities.money.reconciliation.unexpected_charge import UnexpectedChargeActivities
from activities.money.refunds import record_refund
from activities.ports import DisputeSeen, Intent, RefundMade
from activities.snapshots import facts_of_appointments
from activities.tasks import open_task_once
from activities.types.money import EventHandled
from models.reads.journey import project
from models.reads.money.payments import client_of_customer
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.tables.mail.inbound_event import InboundEvent
from models.tables.money.payment import Payment
from models.tables.money.refund import Dispute, Refund
from models.writes.locks import lock_client
from models.writes.timeline import tell
from rules.accounts.caller import STRIPE
from rules.enums import PaymentStatus, TaskKind
from rules.mail import events as mail_events
from rules.money.payment_states import OUTSTANDING, WAITING, is_stopped
from rules.timeline import FactKind

RECORDED = "recorded"  # what came of an event
ASKED = "a person is asked"


class InboundActivities(UnexpectedChargeActivities):
    @activity.defn
    async def handle_inbound_event(self, event_id: str) -> EventHandled:
        """Act on one stored event: a payment that succeeded, a refund that ended, a dispute, a renewed card, and what
        became of a mail."""
        now = await self.now()
        async with self.transaction() as session:
            event = await session.get(InboundEvent, event_id)
            if event is not None and event.vendor == mail_events.VENDOR:
                return await take_in(session, event, care_team=self.deps.practice.care_team_email, at=now)
            # What was recorded is told again: the run that recorded it may have died before it could say so.
            if event is None or (event.handled_at is not None and event.outcome not in (RECORDED, ASKED)):
                return EventHandled()
            told = event.payload.get("data", {}).get("object", {})
            id = str(told.get("id", ""))
        if event.type.startswith("payment_intent."):
            handled, outcome = await self._payment(id, at=now)
        elif event.type.startswith("charge.dispute."):
            handled, outcome = await self._dispute(id, at=now)
        elif told.get("object") == "refund":
            handled, outcome = await self._refund(id, at=now)
        elif event.type == COMPLETED:
            customer = str(told.get("customer", ""))
            handled, why_not = await take_in_checkout(self, id, customer=customer, at=now)
            outcome = why_not or RECORDED
        elif event.type.startswith("payment_method."):
            handled, outcome = await self._card(id, customer=str(told.get("customer", "")), at=now)
        else:
            handled, outcome = EventHandled(), "nothing to act on"
        async with self.transaction() as session:
            event = await session.get_one(InboundEvent, event_id)
            event.handled_at, event.outcome = now, outcome
            session.add(event)
        return handled

    async def _payment(self, intent_id: str, *, at: datetime) -> tuple[EventHandled, str]:
        async with self.transaction() as session:
            payment = (await session.exec(select(Payment).where(col(Payment.intent) == intent_id))).first()
            client = await session.get(Client, payment.client_id) if payment else None
        if payment is None or client is None:
            return await self._lost_payment(intent_id, at=at)
        intent = await self.gateway_for(client).retrieve_intent(intent=intent_id)
        return await self.settle_from(payment.id, intent, at=at)

    async def _lost_payment(self, intent_id: str, *, at: datetime) -> tuple[EventHandled, str]:
        """An intent that no payment has: one that names a payment of ours whose own intent cannot pay is its own, which
        the ledger has lost."""
        intent = await self.deps.payments.retrieve_intent(intent=intent_id)
        id = intent.our_payment if intent is not None else None
        async with self.transaction() as session:
            payment = await session.get(Payment, id) if id is not None else None
        if intent is None or payment is None:
            return EventHandled(), "not about a payment of ours"
        own = await self.deps.payments.retrieve_intent(intent=payment.intent) if payment.intent else None
        if own is not None and own.status != "canceled":
            return EventHandled(), "not the intent that its payment uses"
        return await self.settle_from(payment.id, intent, instead_of=payment.intent, at=at)

    async def settle_from(
        self, payment_id: UUID, intent: Intent | None, *, instead_of: str | None = None, at: datetime
    ) -> tuple[EventHandled, str]:
        """Record that a payment was paid, if Stripe says so and nobody has yet. Money that was taken for a payment that
        waits for none, or is not what the ledger says, is a person's to judge: a task is opened at once."""
        if intent is None or intent.status != "succeeded":
            return EventHandled(), "nothing to record"
        async with self.transaction() as session:
            row = await locked_payment(session, payment_id)
            if row.payment.status is PaymentStatus.PROCESSING:
                return EventHandled(), "the running try records it"
            if row.payment.intent not in (intent.id, instead_of):
                return EventHandled(), "not the intent that its payment uses"
            # What a person called off or let go stays so.
            stopped = is_stopped(status=row.payment.status, because=row.payment.because)
            by_card = row.payment.amount - row.payment.credit_used
            if row.payment.status is PaymentStatus.PAID and by_card == intent.amount:
                return EventHandled(settled=await row.settled(session, changed=False)), RECORDED
            if row.payment.status in OUTSTANDING or stopped:
                row.payment.intent = intent.id
                if await paid(session, row, at=at, deps=self.deps, by_card=intent.amount):
                    return EventHandled(settled=await row.settled(session)), RECORDED
                return EventHandled(facts=await project(session, row.client)), ASKED
        asked = await self.report_unexpected_charge(payment_id, intent.id, at=at)
        return (EventHandled(facts=asked.journey), ASKED) if asked else (EventHandled(), "not open any more")

    async def _refund(self, stripe_id: str, *, at: datetime) -> tuple[EventHandled, str]:
        made = await self.deps.payments.retrieve_refund(id=stripe_id)
        if made is None:
            return EventHandled(), "nothing to record"
        async with self.transaction() as session:
            found = select(Refund).where(col(Refund.stripe_refund) == stripe_id)
            refund = (await session.exec(found)).first() or await _by_own_id(session, made)
            if refund is None:
                return EventHandled(), "not about a refund of ours"
            settled = await record_refund(session, refund.id, made, at=at)
        return EventHandled(facts=settled.journey), RECORDED

    async def _card(self, method: str, *, customer: str, at: datetime) -> tuple[EventHandled, str]:
        """Banks renew cards by themselves: the same card, good for longer."""
        async with self.transaction() as session:
            client = await client_of_customer(session, customer)
        if client is None or client.stripe_payment_method != method:
            return EventHandled(), "not about the saved card of a client of ours"
        card = await self.gateway_for(client).card(payment_method=method)
        if card is None:
            return EventHandled(), "nothing to record"
        async with self.transaction() as session:
            client = await lock_client(session, client.id)
            _ = renew(session, client, card, at=at)
            return EventHandled(facts=await project(session, client)), RECORDED

    async def _dispute(self, dispute_id: str, *, at: datetime) -> tuple[EventHandled, str]:
        seen = await self.deps.payments.retrieve_dispute(id=dispute_id)
        if seen is None or seen.intent is None:
            return EventHandled(), "nothing to record"
        async with self.transaction() as session:
            payment = (await session.exec(select(Payment).where(col(Payment.intent) == seen.intent))).first()
            if payment is None:
                return EventHandled(), "not about a payment of ours"
            client = (await locked_payment(session, payment.id)).client
            await _write_down(session, client, payment, seen, at=at)
            facts = await project(session, client)
            # Charges that wait are told: they are held while the task is open, whatever became of the dispute.
            waiting = select(Payment.appointment_id).where(
                col(Payment.client_id) == client.id, col(Payment.status).in_(WAITING)
            )
            ids = list((await session.exec(waiting)).all())
            told = await facts_of_appointments(session, client, ids) if ids else ()
            return EventHandled(facts=facts, told=told), RECORDED


async def _by_own_id(session: AsyncSession, made: RefundMade) -> Refund | None:
    """The refund that Stripe tells of before the step that asked for it could store Stripe's id."""
    try:
        return await session.get(Refund, UUID(made.refund_id or ""))
    except ValueError:  # not made by this product
        return None


async def _write_down(
    session: AsyncSession, client: Client, payment: Payment, seen: DisputeSeen, *, at: datetime
) -> None:
    """Record a dispute, and what changed about it. A new one freezes charges until its task is resolved."""
    known = await session.get(Dispute, seen.id)
    if known is not None and known.status == seen.status:
        return
    dispute = known or Dispute(
        id=seen.id,
        payment_id=payment.id,
        client_id=client.id,
        amount=seen.amount,
        currency=seen.currency,
        status=seen.status,
        opened_at=at,
    )
    dispute.status = seen.status
    dispute.closed_at = (dispute.closed_at or at) if seen.closed else None
    session.add(dispute)
    tell(
        session,
        client,
        FactKind.DISPUTE_CLOSED
        if seen.closed
        else FactKind.DISPUTE_OPENED
        if known is None
        else FactKind.DISPUTE_CHANGED,
        at=at,
        by=STRIPE,
        text=f"The client's bank disputes a charge; it stands at: {seen.status.replace('_', ' ')}.",
        data={
            "dispute_id": seen.id,
            "payment_id": str(payment.id),
            "amount": seen.amount,
            "currency": seen.currency,
            "status": seen.status,
        },
    )
    if known is None:
        client.charges_frozen = True
        session.add(client)
        await open_task_once(
            session,
            client,
            key=f"dispute:{seen.id}",
            kind=TaskKind.DISPUTE,
            text=f"The bank of client {client.ref} disputes a charge ({seen.reason.replace('_', ' ')}). "
            + (f"It was decided already: {seen.status.replace('_', ' ')}. " if seen.closed else "Answer it in Stripe. ")
            + "Nothing is charged automatically until this task is resolved.",
            at=at,
            appointment_id=payment.appointment_id,
            payment_id=payment.id,
        )


async def unfreeze(session: AsyncSession, client: Client) -> list[UUID]:
    """Let charges go on once no dispute's task is open any more. The appointments whose payment may have waited."""
    still = select(Task.id).where(
        col(Task.client_id) == client.id, col(Task.kind) == TaskKind.DISPUTE, col(Task.resolved_at).is_(None)
    )
    if (await session.exec(still)).first() is not None:
        return []
    client.charges_frozen = False
    session.add(client)
    waiting = select(Payment.appointment_id).where(
        col(Payment.client_id) == client.id, col(Payment.status).in_(WAITING)
    )
    return list((await session.exec(waiting)).all())
