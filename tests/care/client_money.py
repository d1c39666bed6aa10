"""One client's money: what is asked for, what Stripe reports, and the sums that must always be right."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlmodel import col, select

from activities.types.archive import ArchiveOrder, UnarchiveOrder
from activities.types.clients import Done, TaskResolution
from activities.types.money import EventHandled, GrantOrder, LetGoOrder, RefundOrder, RetryOrder
from models.reads.money.balance import credits_of_all, payment_line
from models.tables.clients.task import Task
from models.tables.mail.inbound_event import InboundEvent
from models.tables.money.credit import Credit, CreditReversal, CreditUse
from models.tables.money.payment import Payment
from models.tables.money.refund import Dispute, Refund
from rules.archive.plan import owed_by_currency
from rules.enums import CreditSource, PaymentStatus, RefundStatus, RefundTo
from rules.money.disputes import LOST
from tests.care.practice import DESK, MONDAY, Practice
from tests.care.rows import Rows

Row = TypeVar("Row", Credit, Dispute, Payment, Refund, Task)
PAID = (PaymentStatus.PAID, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED)


class ClientMoney:
    def __init__(self, practice: Practice, client: str) -> None:
        self.practice = practice
        self.client = client

    @classmethod
    async def of(cls, practice: Practice, *, card: str | None = "pm_card_visa") -> ClientMoney:
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

    def _asked(self) -> dict[str, Any]:
        return {"request_id": str(uuid4()), "client_id": self.client, "by": DESK}

    def grant_order(self, amount: int, *, currency: str = "USD", reason: str = "a fault of ours") -> GrantOrder:
        return GrantOrder(**self._asked(), amount=amount, currency=currency, reason=reason)

    async def granted(self, amount: int) -> None:
        done = await self.practice.credits.grant_credit(self.grant_order(amount))
        assert done.refusal is None, done.refusal

    def refund_order(
        self, payment: str, amount: int | None = None, *, to: RefundTo = RefundTo.CARD, reason: str = "a mistake"
    ) -> RefundOrder:
        return RefundOrder(
            **self._asked(), refund_id=str(uuid4()), payment_id=payment, to=to, reason=reason, amount=amount
        )

    async def refunded(
        self, payment: str, amount: int | None = None, *, to: RefundTo = RefundTo.CARD, send: bool = True
    ) -> str:
        """Asked for, and sent unless told otherwise; the refund's id."""
        order = self.refund_order(payment, amount, to=to)
        done = await self.begun(order)
        assert done.refusal is None, done.refusal
        if send:
            await self.practice.refunds.send_refund(order.refund_id)
        return order.refund_id

    async def begun(self, order: RefundOrder) -> Done:
        """As the journey does it: Stripe is asked before credit is given."""
        if order.to is RefundTo.CREDIT:
            looked = await self.practice.refunds.look_for_refunds(order)
            assert looked.refusal is None, looked.refusal
        return await self.practice.refunds.begin_refund(order)

    def let_go_order(self, payment: str, reason: str = "hardship") -> LetGoOrder:
        return LetGoOrder(**self._asked(), payment_id=payment, reason=reason)

    async def waived(self, payment: str) -> Done:
        return await self.practice.waivers.waive_payment(self.let_go_order(payment))

    async def written_off(self, payment: str) -> Done:
        return await self.practice.waivers.write_off_payment(self.let_go_order(payment))

    async def retried(self, payment: str) -> Done:
        return await self.practice.retries.retry_payment(RetryOrder(**self._asked(), payment_id=payment))

    def archive_order(self) -> ArchiveOrder:
        return ArchiveOrder(client_id=self.client, request_id=str(uuid4()), by="care_team:desk")

    async def archived(self) -> None:
        await self.practice.archive.archive_client(self.archive_order())

    async def unarchived(self) -> None:
        order = UnarchiveOrder(client_id=self.client, request_id=str(uuid4()), by="care_team:desk")
        await self.practice.archive.unarchive_client(order)

    async def resolved(self, task: Task) -> None:
        order = TaskResolution(**self._asked(), task_id=str(task.id), note="done")
        assert (await self.practice.accounts.resolve_task(order)).refusal is None

    # ------------------------------------------------------------ what Stripe does and reports

    async def bank(self, path: str, **body: object) -> Any:
        """What the bank does, played by hand."""
        return await self.practice.at_stripe.ask("POST", path, body)

    async def disputed(self, payment: str, reason: str = "fraudulent") -> str:
        return await self.practice.at_stripe.disputed((await self.practice.payment(payment)).intent, reason)

    async def asked_about(self, payment: str, reason: str = "fraudulent") -> str:
        return await self.practice.at_stripe.asked_about((await self.practice.payment(payment)).intent, reason)

    async def reported(self, type: str, id: str, object: str, **more: str) -> EventHandled:
        """An event arrives, and is looked at."""
        event, about = f"evt_{uuid4()}", {"data": {"object": {"id": id, "object": object, **more}}}
        at = self.practice.clock.instant
        arrived = InboundEvent(id=event, vendor="stripe", type=type, payload=about, received_at=at)
        await Rows(self.practice.sessions).add(arrived)
        return await self.practice.inbound.handle_inbound_event(event)

    # ------------------------------------------------------------ looking

    async def _mine(self, table: type[Row], *order: Any) -> list[Row]:
        async with self.practice.sessions() as session:
            statement = select(table).where(col(table.client_id) == UUID(self.client)).order_by(*order)
            return list((await session.exec(statement)).all())

    async def payments_let_go(self) -> list[int]:
        """What was waived or written off."""
        ends = (PaymentStatus.WAIVED, PaymentStatus.WRITTEN_OFF)
        return [payment.amount for payment in await self._mine(Payment) if payment.status in ends]

    async def credits(self) -> list[Credit]:
        return await self._mine(Credit, col(Credit.given_at), col(Credit.id))

    async def refunds(self) -> list[Refund]:
        return await self._mine(Refund, col(Refund.asked_at), col(Refund.id))

    async def disputes(self) -> list[Dispute]:
        return await self._mine(Dispute)

    async def tasks(self) -> list[Task]:
        """The open ones."""
        return [task for task in await self._mine(Task) if task.resolved_at is None]

    async def refunds_at_stripe(self) -> list[tuple[int, str]]:
        return await self.practice.at_stripe.refunds()

    async def balance(self) -> tuple[int, int]:
        """Credit and debt."""
        async with self.practice.sessions() as session:
            credit = await credits_of_all(session, UUID(self.client))
        owed = owed_by_currency(map(payment_line, await self._mine(Payment)), now=self.practice.clock.instant)
        return credit.get("USD", 0), owed.get("USD", 0)

    async def _taken_back(self, payments: list[UUID]) -> dict[UUID, int]:
        """By credit."""
        async with self.practice.sessions() as session:
            mine = col(CreditReversal.payment_id).in_(payments)
            rows = (await session.exec(select(CreditReversal).where(mine))).all()
        taken: dict[UUID, int] = {}
        for row in rows:
            taken[row.refund_id] = taken.get(row.refund_id, 0) + row.amount
        return taken

    async def credit_taken_back(self, payment: str) -> int:
        return sum((await self._taken_back([UUID(payment)])).values())

    async def given_back(self, payment: str) -> int:
        """All that went back of a payment, to card, credit and bank, less the credit that was taken back."""
        refunds = [refund for refund in await self.refunds() if str(refund.payment_id) == payment]
        to_card = sum(refund.card_amount for refund in refunds if refund.status is not RefundStatus.FAILED)
        as_credit = sum(refund.credit_amount for refund in refunds)
        lost = sum(dispute.amount for dispute in await self.disputes() if dispute.status == LOST)
        return to_card + as_credit + lost - await self.credit_taken_back(payment)

    async def adds_up(self) -> None:
        """Not a cent of credit came from nowhere or is gone, and the card gave what the ledger says."""
        credits, payments, refunds = await self.credits(), await self._mine(Payment), await self.refunds()
        async with self.practice.sessions() as session:
            of_mine = col(CreditUse.credit_id).in_([credit.id for credit in credits])
            uses = (await session.exec(select(CreditUse).where(of_mine))).all()
        running = [use for use in uses if use.given_back_at is None]
        granted = sum(credit.amount for credit in credits if credit.source is CreditSource.GRANTED)
        back = sum(refund.credit_amount for refund in refunds)
        taken_back = await self._taken_back([payment.id for payment in payments])
        left = sum(credit.remaining for credit in credits) + sum(taken_back.values())
        assert back == sum(credit.amount for credit in credits if credit.source is CreditSource.REFUND)
        assert granted + back == left + sum(use.amount for use in running)
        for credit in credits:
            in_use = sum(use.amount for use in running if use.credit_id == credit.id)
            assert credit.remaining + in_use + taken_back.get(credit.id, 0) == credit.amount
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
