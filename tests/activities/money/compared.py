"""Comparing the books as the workflow does, without the engine: step by step, each as often as it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import text
from sqlmodel import col, select

from activities.money.reconciliation import ReconcileActivities
from activities.money.refunds import RefundActivities
from activities.types.money import RefundOrder
from activities.types.reconciliation import (
    BooksOrder,
    BooksPart,
    BooksPlace,
    DifferencesOrder,
    JourneyNews,
    OldDifferencesOrder,
    ReconciliationEnd,
    ReconciliationOrder,
    Reconciling,
)
from models.tables.clients.task import Task
from models.tables.money.reconciliation import Reconciliation
from models.tables.money.refund import Refund
from rules.enums import RefundTo, TaskKind
from rules.money.discrepancies import Finding
from tests.activities.practice import DESK, Practice


@dataclass
class Shown:
    """What one comparison has shown."""

    row: Reconciliation
    news: list[JourneyNews]
    steps: int

    @property
    def healed(self) -> list[str]:
        return [found["kind"] for found in self.row.healed]

    @property
    def differences(self) -> list[str]:
        return [found["kind"] for found in self.row.differences]

    @property
    def silent(self) -> bool:
        return not (self.row.healed or self.row.differences or self.news)


@dataclass
class Bookkeeper:
    practice: Practice
    steps: ReconcileActivities = field(init=False)
    refunds: RefundActivities = field(init=False)

    def __post_init__(self) -> None:
        deps = self.practice.money.deps
        self.steps, self.refunds = ReconcileActivities(deps), RefundActivities(deps)

    # ------------------------------------------------------------ as the workflow does

    async def compares(self, **window: Any) -> Shown:
        order = ReconciliationOrder(id=str(uuid4()), asked_by="care_team:desk", **window)
        run = self.practice.until_done
        reconciling = await run(lambda: self.steps.begin_reconciliation(order))
        place: BooksPlace | None = BooksPlace(part=BooksPart.PAYMENTS)
        compared: dict[str, int] = {}
        news: list[JourneyNews] = []
        looks = left_out = 0
        while place is not None:
            asked = BooksOrder(reconciling=reconciling, place=place)
            look = await run(_step(self.steps.compare_books, asked))
            found = DifferencesOrder(reconciling=reconciling, findings=look.findings)
            settled = await run(_step(self.steps.settle_differences, found))
            news += settled.news
            left_out += settled.left_out
            compared = {
                name: compared.get(name, 0) + look.compared.get(name, 0) for name in {*compared, *look.compared}
            }
            place, looks = look.place, looks + 1
        after: str | None = None
        while True:
            old = await run(
                _step(self.steps.close_old_differences, OldDifferencesOrder(reconciling=reconciling, after=after))
            )
            news += old.news
            after = old.after
            if after is None:
                break
        end = ReconciliationEnd(id=order.id, compared=compared, left_out=left_out)
        await run(lambda: self.steps.finish_reconciliation(end))
        async with self.practice.sessions() as session:
            return Shown(await session.get_one(Reconciliation, UUID(order.id)), news, looks)

    async def finds(self, part: BooksPart, **window: Any) -> tuple[Reconciling, tuple[Finding, ...]]:
        """What one part of a comparison shows; nothing is done about it yet."""
        order = ReconciliationOrder(id=str(uuid4()), asked_by="care_team:desk", **window)
        reconciling = await self.steps.begin_reconciliation(order)
        look = await self.steps.compare_books(BooksOrder(reconciling=reconciling, place=BooksPlace(part=part)))
        return reconciling, look.findings

    # ------------------------------------------------------------ at Stripe, by hand

    async def at_stripe(self, path: str, *, json: Any = None, **data: str | int) -> dict[str, Any]:
        """What somebody does in Stripe's dashboard, or a bank."""
        async with httpx.AsyncClient(trust_env=False) as http:
            asked = {"json": json} if json is not None else {"data": data}
            answer = await http.post(
                f"{self.practice.sandbox_url}/stripe{path}",
                headers={"Authorization": "Bearer sk_test_dashboard"},
                **asked,
            )
        assert answer.is_success, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def makes_an_intent(self, client: str, payment: str, *, amount: int = 12000) -> str:
        """One that no step stores: its answer was lost."""
        customer = (await self.practice.row(client)).stripe_customer
        assert customer is not None
        made = await self.practice.gateway.create_intent(
            payment_id=payment, client_id=client, customer=customer, amount=amount, currency="USD", key=str(uuid4())
        )
        return made.id

    async def takes(self, client: str, intent: str) -> None:
        """The client confirms it, and no webhook tells."""
        method = (await self.practice.row(client)).stripe_payment_method
        assert method is not None
        await self.practice.bank_says(client, None)
        taken = await self.practice.gateway.confirm_intent(intent=intent, payment_method=method, key=str(uuid4()))
        assert taken.status == "succeeded"

    async def state_of(self, intent: str) -> str:
        found = await self.practice.gateway.retrieve_intent(intent=intent)
        assert found is not None
        return found.status

    # ------------------------------------------------------------ in the ledger

    async def refunds_of(self, payment: str) -> list[Refund]:
        async with self.practice.sessions() as session:
            statement = select(Refund).where(col(Refund.payment_id) == UUID(payment))
            return list((await session.exec(statement.order_by(col(Refund.asked_at)))).all())

    async def refunds_some(self, client: str, payment: str, amount: int, *, send: bool = True) -> str:
        order = RefundOrder(
            request_id=str(uuid4()),
            client_id=client,
            by=DESK,
            refund_id=str(uuid4()),
            payment_id=payment,
            to=RefundTo.CARD,
            reason="kindness",
            amount=amount,
        )
        done = await self.refunds.begin_refund(order)
        assert done.refusal is None, done.refusal
        if send:
            await self.refunds.send_refund(order.refund_id)
        return order.refund_id

    async def writes(self, statement: str, **values: Any) -> None:
        """What no step would write: a database that is not as it was."""
        async with self.practice.sessions() as session:
            await session.exec(text(statement).bindparams(**values))  # type: ignore[call-overload]
            await session.commit()

    async def tasks(self) -> list[Task]:
        """Open tasks about the books."""
        async with self.practice.sessions() as session:
            statement = select(Task).where(
                col(Task.kind) == TaskKind.LEDGER_DIFFERENCE, col(Task.resolved_at).is_(None)
            )
            return list((await session.exec(statement)).all())

    def passes(self, **delta: float) -> None:
        self.practice.clock.instant += timedelta(**delta)


def _step(step: Callable[[Any], Any], order: Any) -> Callable[[], Any]:
    return lambda: step(order)


async def a_payment(practice: Practice, *, card: str = "pm_card_visa") -> tuple[str, str]:
    """A client and the payment of a session that took place; not tried yet."""
    client = await practice.client()
    [session] = await practice.booked(client)
    await practice.gives_card(client, card)
    return client, await practice.occurred(session)


async def a_paid_one(practice: Practice) -> tuple[str, str, str]:
    client, payment = await a_payment(practice)
    await practice.attempt(payment)
    intent = (await practice.payment(payment)).intent
    assert intent is not None
    return client, payment, intent


async def an_owed_one(practice: Practice) -> tuple[str, str, str]:
    """The bank said no until the deadline; its intent can still be confirmed by the mailed link."""
    client, payment = await a_payment(practice, card="pm_card_chargeCustomerFail")
    await practice.attempt(payment)
    await practice.money.owe_payment(payment)
    intent = (await practice.payment(payment)).intent
    assert intent is not None
    return client, payment, intent


async def silent_afterwards(books: Bookkeeper) -> None:
    again = await books.compares()
    assert again.silent, (again.healed, again.differences, again.news)
