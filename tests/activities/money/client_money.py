"""One client's money: what is asked for, what Stripe reports, and the sums that must always be right."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import httpx
from sqlmodel import col, select

from activities.types.archive import ArchiveOrder, UnarchiveOrder
from activities.types.clients import Done
from activities.types.money import EventHandled, GrantOrder, LetGoOrder, RefundOrder, RetryOrder
from models.reads.money.balance import credit_of, payment_line
from models.tables.clients.task import Task
from models.tables.mail.inbound_event import InboundEvent
from models.tables.money.credit import Credit, CreditUse
from models.tables.money.payment import Payment
from models.tables.money.refund import Dispute, Refund
from rules.archive.plan import owed_by_currency
from rules.enums import CreditSource, PaymentStatus, RefundTo
from tests.activities.practice import DESK, MONDAY, POLICY, Practice

PAID = (PaymentStatus.PAID, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED)


class Purse:
    def __init__(self, practice: Practice, client: str) -> None:
        self.practice = practice
        self.client = client

    @classmethod
    async def of(cls, practice: Practice, *, card: str | None = "pm_card_visa") -> Purse:
        client = await practice.client()
        if card is not None:
            await practice.gives_card(client, card)
        return cls(practice, client)

    async def owes_a_fee(self, *, weeks: int = 0) -> str:
        """A session took place, and its payment is due now."""
        [session] = await self.practice.booked(self.client, MONDAY + timedelta(weeks=weeks))
        return await self.practice.occurred(session)

    async def pays_a_fee(self, *, weeks: int = 0) -> str:
        payment = await self.owes_a_fee(weeks=weeks)
        await self.practice.attempt(payment)
        assert (await self.practice.payment(payment)).status is PaymentStatus.PAID
        return payment

    # ------------------------------------------------------------ asked for

    def grant_order(self, amount: int, *, currency: str = "USD", reason: str = "a fault of ours") -> GrantOrder:
        return GrantOrder(
            request_id=str(uuid4()), client_id=self.client, by=DESK, amount=amount, currency=currency, reason=reason
        )

    async def granted(self, amount: int) -> None:
        done = await self.practice.credits.grant_credit(self.grant_order(amount))
        assert done.refusal is None, done.refusal

    def refund_order(
        self, payment: str, amount: int | None = None, *, to: RefundTo = RefundTo.CARD, reason: str = "a mistake"
    ) -> RefundOrder:
        return RefundOrder(
            request_id=str(uuid4()),
            client_id=self.client,
            by=DESK,
            refund_id=str(uuid4()),
            payment_id=payment,
            to=to,
            reason=reason,
            amount=amount,
        )

    async def refunded(self, payment: str, amount: int | None = None, *, to: RefundTo = RefundTo.CARD) -> str:
        """Asked for and sent; the refund's id."""
        order = self.refund_order(payment, amount, to=to)
        done = await self.practice.refunds.begin_refund(order)
        assert done.refusal is None, done.refusal
        await self.practice.refunds.send_refund(order.refund_id)
        return order.refund_id

    def let_go_order(self, payment: str, reason: str = "hardship") -> LetGoOrder:
        return LetGoOrder(request_id=str(uuid4()), client_id=self.client, by=DESK, payment_id=payment, reason=reason)

    async def waived(self, payment: str) -> Done:
        return await self.practice.exceptions.waive_payment(self.let_go_order(payment))

    async def written_off(self, payment: str) -> Done:
        return await self.practice.exceptions.write_off_payment(self.let_go_order(payment))

    async def retried(self, payment: str) -> Done:
        order = RetryOrder(request_id=str(uuid4()), client_id=self.client, by=DESK, payment_id=payment)
        return await self.practice.exceptions.retry_payment(order)

    async def archived(self) -> None:
        order = ArchiveOrder(client_id=self.client, request_id=str(uuid4()), by="care_team:desk")
        await self.practice.archive.archive_client(order, POLICY)

    async def unarchived(self) -> None:
        order = UnarchiveOrder(client_id=self.client, request_id=str(uuid4()), by="care_team:desk")
        await self.practice.archive.unarchive_client(order)

    # ------------------------------------------------------------ what Stripe does and reports

    async def bank(self, path: str, **body: object) -> dict[str, object]:
        """What the bank does, played by hand."""
        async with httpx.AsyncClient(trust_env=False) as browser:
            told = await browser.post(f"{self.practice.sandbox_url}/stripe/{path}", json=body)
            told.raise_for_status()
            done: dict[str, object] = told.json()
            return done

    async def disputed(self, payment: str, reason: str = "fraudulent") -> str:
        intent = (await self.practice.payment(payment)).intent
        return str((await self.bank("_disputes", payment_intent=intent, reason=reason))["id"])

    async def reported(self, type: str, id: str, object: str) -> EventHandled:
        """An event arrives, and is looked at."""
        event = f"evt_{uuid4()}"
        async with self.practice.sessions() as session:
            session.add(
                InboundEvent(
                    id=event,
                    vendor="stripe",
                    type=type,
                    payload={"data": {"object": {"id": id, "object": object}}},
                    received_at=self.practice.clock.instant,
                )
            )
            await session.commit()
        return await self.practice.inbound.handle_inbound_event(event)

    # ------------------------------------------------------------ looking

    async def credits(self) -> list[Credit]:
        async with self.practice.sessions() as session:
            statement = select(Credit).where(col(Credit.client_id) == UUID(self.client))
            return list((await session.exec(statement.order_by(col(Credit.given_at), col(Credit.id)))).all())

    async def refunds(self) -> list[Refund]:
        async with self.practice.sessions() as session:
            statement = select(Refund).where(col(Refund.client_id) == UUID(self.client))
            return list((await session.exec(statement.order_by(col(Refund.asked_at), col(Refund.id)))).all())

    async def disputes(self) -> list[Dispute]:
        async with self.practice.sessions() as session:
            return list((await session.exec(select(Dispute).where(col(Dispute.client_id) == UUID(self.client)))).all())

    async def tasks(self) -> list[Task]:
        """The open ones."""
        async with self.practice.sessions() as session:
            statement = select(Task).where(col(Task.client_id) == UUID(self.client), col(Task.resolved_at).is_(None))
            return list((await session.exec(statement)).all())

    async def refunds_at_stripe(self) -> list[tuple[int, str]]:
        return [(row["amount"], row["status"]) for row in (await self.practice.stripe())["refunds"]]

    async def balance(self) -> tuple[int, int]:
        """Credit and debt."""
        async with self.practice.sessions() as session:
            payments = (await session.exec(select(Payment).where(col(Payment.client_id) == UUID(self.client)))).all()
            credit = await credit_of(session, UUID(self.client), "USD")
        owed = owed_by_currency(map(payment_line, payments), now=self.practice.clock.instant)
        return credit, owed.get("USD", 0)

    async def adds_up(self) -> None:
        """Not a cent of credit came from nowhere or is gone, and the card gave what the ledger says."""
        async with self.practice.sessions() as session:
            mine = UUID(self.client)
            credits = (await session.exec(select(Credit).where(col(Credit.client_id) == mine))).all()
            payments = (await session.exec(select(Payment).where(col(Payment.client_id) == mine))).all()
            refunds = (await session.exec(select(Refund).where(col(Refund.client_id) == mine))).all()
            uses = (
                await session.exec(
                    select(CreditUse, Credit)
                    .join(Credit, col(Credit.id) == col(CreditUse.credit_id))
                    .where(col(Credit.client_id) == mine)
                )
            ).all()
        running = [use for use, _ in uses if use.given_back_at is None]
        granted = sum(credit.amount for credit in credits if credit.source is CreditSource.GRANTED)
        back = sum(refund.credit_amount for refund in refunds)
        assert back == sum(credit.amount for credit in credits if credit.source is CreditSource.REFUND)
        assert granted + back == sum(credit.remaining for credit in credits) + sum(use.amount for use in running)
        for credit in credits:
            in_use = sum(use.amount for use in running if use.credit_id == credit.id)
            assert credit.remaining + in_use == credit.amount
        for payment in payments:
            assert payment.credit_used == sum(use.amount for use in running if use.payment_id == payment.id)
            if payment.status in (PaymentStatus.CANCELLED, PaymentStatus.WAIVED, PaymentStatus.WRITTEN_OFF):
                assert payment.credit_used == 0
        took: dict[str, int] = {}
        for intent in (await self.practice.stripe())["payment_intents"]:
            paid = intent["amount_received"]
            took[intent["metadata"]["payment_id"]] = took.get(intent["metadata"]["payment_id"], 0) + paid
        for payment in payments:
            by_card = payment.amount - payment.credit_used if payment.status in PAID else 0
            assert took.get(str(payment.id), 0) == by_card, payment.status
