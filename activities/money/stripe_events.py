"""What Stripe reports: stored by the API, looked at here. What an event says is not believed: the object is fetched
again. What the mail service reports is stored the same way, and acted on in `activities.mail.events`."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.locked import LockedPayment, locked_payment
from activities.mail.events import take_in
from activities.money.at_stripe.checkouts import take_in_checkout
from activities.money.cards import renew
from activities.money.payments import paid
from activities.money.reconciliation.unexpected_charge import UnexpectedChargeActivities
from activities.money.reported.cards import forget_card, forget_customer
from activities.money.reported.disputes import write_dispute
from activities.money.reported.refunds import ToldRefunds
from activities.money.reported.setups import tell_unfinished_setup
from activities.ports import Intent
from activities.snapshots import facts_of_appointments
from activities.types.money import EventHandled
from models.reads.journey import project
from models.reads.money.payments import client_of_card, client_of_customer, payment_of_intent
from models.tables.mail.inbound_event import InboundEvent
from models.tables.money.payment import Payment
from models.writes.locks import lock_client
from models.writes.mail.inbound_events import mark_handled
from rules.enums import PaymentStatus
from rules.mail import events as mail_events
from rules.money.payment_states import OUTSTANDING, WAITING, is_stopped
from rules.money.stripe_events import Reaction, act_on

RECORDED = "recorded"  # what came of an event
ASKED = "a person is asked"


class InboundActivities(UnexpectedChargeActivities, ToldRefunds):
    @activity.defn
    async def handle_inbound_event(self, event_id: str) -> EventHandled:
        """Reaction on one stored event, by the table of what Stripe can tell; or on what became of a mail."""
        now = await self.now()
        async with self.transaction() as session:
            event = await session.get(InboundEvent, event_id)
            if event is not None and event.vendor == mail_events.VENDOR:
                return await take_in(session, event, care_team=self.deps.practice.care_team_email, at=now)
            # What was recorded is told again: the run that recorded it may have died before it could say so.
            if event is None or (event.handled_at is not None and event.outcome not in (RECORDED, ASKED)):
                return EventHandled()
            told = event.payload.get("data", {}).get("object", {})
            act, id = act_on(event.type), str(told.get("id", ""))
            paid = await payment_of_intent(session, id) if act is Reaction.PAYMENT else None
        if paid is not None:
            payment, client = paid
            intent = await self.gateway_for(client).retrieve_intent(intent=id)
            handled, outcome = await self.settle_from(payment.id, intent, at=now, told_by=event_id)
            if outcome == RECORDED:
                return handled  # and so marked, in the same transaction
        else:
            handled, outcome = await self._look_again(act, told, at=now)
        async with self.transaction() as session:
            await mark_handled(session, event_id, outcome=outcome, at=now)
        return handled

    async def _look_again(
        self, act: Reaction | None, told: dict[str, Any], *, at: datetime
    ) -> tuple[EventHandled, str]:
        """Ask Stripe how the object stands that an event is about, and record that."""
        id = str(told.get("id", ""))
        match act:
            case Reaction.PAYMENT:
                return await self._lost_payment(id, at=at)
            case Reaction.REFUND:
                return await self._refund(id, at=at)
            case Reaction.CHARGE_REFUNDS:
                return await self._refunds_of_charge(str(told.get("payment_intent", "")), at=at)
            case Reaction.DISPUTE:
                return await self._dispute(id, at=at)
            case Reaction.CARD:
                return await self._card(id, at=at)
            case Reaction.CUSTOMER:
                return await self._customer(id, at=at)
            case Reaction.SETUP:
                return await self._setup(id, at=at)
            case Reaction.SESSION:
                customer = str(told.get("customer", ""))
                handled, why_not = await take_in_checkout(self, id, customer=customer, at=at)
                return handled, why_not or RECORDED
            case _:
                return EventHandled(), "nothing to act on"

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
        self,
        payment_id: UUID,
        intent: Intent | None,
        *,
        instead_of: str | None = None,
        at: datetime,
        told_by: str | None = None,
    ) -> tuple[EventHandled, str]:
        """Record that a payment was paid, if Stripe says so and nobody has yet. Money that was taken for a payment that
        waits for none, or is not what the ledger says, is a person's to judge: a task is opened at once. ``told_by`` is
        the event that says so, by id: it is marked with what it has recorded."""
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
                return await _recorded(session, row, told_by, changed=False, at=at)
            if row.payment.status in OUTSTANDING or stopped:
                row.payment.intent = intent.id
                if await paid(session, row, at=at, deps=self.deps, by_card=intent.amount):
                    return await _recorded(session, row, told_by, changed=True, at=at)
                return EventHandled(facts=await project(session, row.client)), ASKED
        asked = await self.report_unexpected_charge(payment_id, intent.id, at=at)
        return (EventHandled(facts=asked.journey), ASKED) if asked else (EventHandled(), "not open any more")

    async def _refund(self, stripe_id: str, *, at: datetime) -> tuple[EventHandled, str]:
        made = await self.deps.payments.retrieve_refund(id=stripe_id)
        if made is None:
            return EventHandled(), "nothing to record"
        facts = await self.take_in_refund(made, at=at)
        return (EventHandled(facts=facts), RECORDED) if facts else (EventHandled(), "not about a refund of ours")

    async def _refunds_of_charge(self, intent_id: str, *, at: datetime) -> tuple[EventHandled, str]:
        async with self.transaction() as session:
            payment = (await session.exec(select(Payment).where(col(Payment.intent) == intent_id))).first()
        if payment is None:
            return EventHandled(), "not about a payment of ours"
        await self.learn_what_was_given_back(payment.id, at=at)
        async with self.transaction() as session:
            client = (await locked_payment(session, payment.id)).client
            return EventHandled(facts=await project(session, client)), RECORDED

    async def _card(self, method: str, *, at: datetime) -> tuple[EventHandled, str]:
        """Banks renew cards by themselves: the same card, good for longer. And one may be taken off its customer."""
        async with self.transaction() as session:
            client = await client_of_card(session, method)
        if client is None:
            return EventHandled(), "not about the saved card of a client of ours"
        card = await self.gateway_for(client).card(payment_method=method)
        async with self.transaction() as session:
            client = await lock_client(session, client.id)
            if client.stripe_payment_method != method:
                return EventHandled(), "not about the saved card of a client of ours"
            if card is None or not card.attached:
                forget_card(session, client, at=at)
            else:
                _ = renew(session, client, card, at=at)
            return EventHandled(facts=await project(session, client)), RECORDED

    async def _customer(self, customer: str, *, at: datetime) -> tuple[EventHandled, str]:
        async with self.transaction() as session:
            client = await client_of_customer(session, customer)
        if client is None or client.stripe_customer != customer:
            return EventHandled(), "not the customer of a client of ours"
        if await self.gateway_for(client).has_customer(customer=customer):
            return EventHandled(), "nothing to record"
        async with self.transaction() as session:
            client = await lock_client(session, client.id)
            if client.stripe_customer == customer:
                forget_customer(session, client, at=at)
            return EventHandled(facts=await project(session, client)), RECORDED

    async def _setup(self, setup_intent: str, *, at: datetime) -> tuple[EventHandled, str]:
        setup = await self.deps.payments.retrieve_setup_intent(id=setup_intent)
        async with self.transaction() as session:
            found = await client_of_customer(session, setup.customer) if setup and setup.customer else None
            if setup is None or found is None:
                return EventHandled(), "no client of ours"
            client = await lock_client(session, found.id)
            if not await tell_unfinished_setup(session, client, setup, at=at):
                return EventHandled(), "nothing to record"
            return EventHandled(facts=await project(session, client)), RECORDED

    async def _dispute(self, dispute_id: str, *, at: datetime) -> tuple[EventHandled, str]:
        seen = await self.deps.payments.retrieve_dispute(id=dispute_id)
        if seen is None or seen.intent is None:
            return EventHandled(), "nothing to record"
        async with self.transaction() as session:
            payment = (await session.exec(select(Payment).where(col(Payment.intent) == seen.intent))).first()
            if payment is None:
                return EventHandled(), "not about a payment of ours"
            row = await locked_payment(session, payment.id)
            await write_dispute(session, row, seen, at=at)
            facts = await project(session, row.client)
            # Charges that wait are told: they are held while the task is open, whatever became of the dispute.
            waiting = select(Payment.appointment_id).where(
                col(Payment.client_id) == row.client.id, col(Payment.status).in_(WAITING)
            )
            ids = list((await session.exec(waiting)).all())
            told = await facts_of_appointments(session, row.client, ids) if ids else ()
            return EventHandled(facts=facts, told=told), RECORDED


async def _recorded(
    session: AsyncSession, row: LockedPayment, told_by: str | None, *, changed: bool, at: datetime
) -> tuple[EventHandled, str]:
    if told_by is not None:
        await mark_handled(session, told_by, outcome=RECORDED, at=at)
    return EventHandled(settled=await row.settled(session, changed=changed)), RECORDED
