"""Refunds that Stripe tells of, whoever made them: recorded with ours, or written down as made past the ledger."""

from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from activities.base import Activities
from activities.locked import locked_payment
from activities.money.reconciliation.comparison import Comparison
from activities.money.reconciliation.discrepancies import close, discrepancy_of, open_discrepancy_task
from activities.money.reported.disputes import write_dispute
from activities.money.reported.refund_rows import adopt_refund, record_refund, refund_of
from activities.ports import RefundMade
from models.reads.journey import project
from models.reads.money.reconciliation import TASK_KEY
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.tables.money.payment import Payment
from models.writes.locks import lock_client
from rules.enums import TaskKind
from rules.journey.stage import JourneyFacts
from rules.money.discrepancies import DiscrepancyKind


class ToldRefunds(Activities):
    async def learn_what_was_given_back(self, payment_id: UUID, *, at: datetime) -> bool:
        """Record all that Stripe has given back of a payment, and every dispute about it, whoever was told of them.
        False for a payment that Stripe has no part in. Raises GatewayUnavailable."""
        async with self.transaction() as session:
            payment = await session.get_one(Payment, payment_id)
            client = await session.get_one(Client, payment.client_id)
        if payment.intent is None:
            return False
        gateway = self.gateway_for(client)
        disputes = await gateway.disputes_of(intent=payment.intent)
        refunds = await gateway.refunds_of(intent=payment.intent)
        for seen in disputes:
            async with self.transaction() as session:
                await write_dispute(session, await locked_payment(session, payment_id), seen, at=at)
        for made in reversed(refunds):  # oldest first
            await self.take_in_refund(made, at=at)
        return True

    async def take_in_refund(self, made: RefundMade, *, at: datetime) -> JourneyFacts | None:
        """Record a refund as Stripe has it now. None if it is about no money of ours."""
        async with self.transaction() as session:
            refund = await refund_of(session, made)
            if refund is not None:
                return (await record_refund(session, refund.id, made, at=at)).journey
        return await self._made_past_the_ledger(made, at=at)

    async def _made_past_the_ledger(self, made: RefundMade, *, at: datetime) -> JourneyFacts | None:
        """As the comparison with Stripe would find it within the hour, and with the same rows and tasks."""
        assert made.id is not None, "Stripe tells of none without an id"
        comparison = Comparison(self.deps.sessions, self.deps.payments, now=at)
        found = next(iter(await comparison.of_refund(made.id)), None)
        if found is None or found.payment_id is None:
            return await self._books_agree_again(comparison, made, at=at)
        async with self.transaction() as session:
            payment_id = UUID(found.payment_id)
            adopted = None
            if found.kind is DiscrepancyKind.REFUND_BY_HAND:
                adopted = await adopt_refund(session, payment_id, made, at=at)
            if adopted is not None:
                return adopted.journey
            row = await locked_payment(session, payment_id)
            if not found.certain:
                await open_discrepancy_task(session, row.client, found, at=at)
            return await project(session, row.client)

    async def _books_agree_again(
        self, comparison: Comparison, made: RefundMade, *, at: datetime
    ) -> JourneyFacts | None:
        """Money went back that the ledger had never counted: a task may have asked for just that."""
        async with self.transaction() as session:
            payment = (await session.exec(select(Payment).where(col(Payment.intent) == made.intent))).first()
            if payment is None:
                return None
            asked = select(Task).where(
                col(Task.client_id) == payment.client_id,
                col(Task.kind) == TaskKind.LEDGER_DIFFERENCE,
                col(Task.key).startswith(TASK_KEY),
                col(Task.resolved_at).is_(None),
                col(Task.data)["intent"].astext == made.intent,
            )
            tasks = (await session.exec(asked)).all()
        closed = False
        for task in tasks:
            discrepancy = discrepancy_of(task)
            if discrepancy is None or await comparison.still(discrepancy) is not None:
                continue
            async with self.transaction() as session:
                await close(session, task.id, at=at)
            closed = True
        if not closed:
            return None
        async with self.transaction() as session:
            return await project(session, await lock_client(session, payment.client_id))
