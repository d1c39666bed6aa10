"""Reconciliation as its workflow makes it, without the engine: step by step, each as often as it takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlmodel import col, select

from activities.money.reconcile import ReconcileActivities
from activities.types.reconciliation import (
    ComparisonCursor,
    ComparisonOrder,
    ComparisonPart,
    DiscrepanciesOrder,
    JourneyNews,
    OldDiscrepanciesOrder,
    ReconciliationEnd,
    ReconciliationOrder,
    Reconciling,
)
from models.tables.clients.task import Task
from models.tables.money.reconciliation import Reconciliation
from models.tables.money.refund import Refund
from rules.enums import TaskKind
from rules.money.discrepancies import Discrepancy
from tests.care.client_money import ClientMoney
from tests.care.practice import Practice


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


Run = Callable[[str, Any], Awaitable[Any]]


async def compare(run: Run, order: ReconciliationOrder) -> tuple[list[JourneyNews], int]:
    """One comparison; ``run`` runs a step, by its name. What journeys are to be told, and how many looks it took."""
    reconciling = await run("begin_reconciliation", order)
    place: ComparisonCursor | None = ComparisonCursor(part=ComparisonPart.PAYMENTS)
    compared: Counter[str] = Counter()
    news: list[JourneyNews] = []
    looks = left_out = 0
    while place is not None:
        look = await run("compare_books", ComparisonOrder(reconciling=reconciling, place=place))
        found = DiscrepanciesOrder(reconciling=reconciling, findings=look.findings)
        settled = await run("settle_differences", found)
        news += settled.news
        left_out += settled.left_out
        compared.update(look.compared)
        place, looks = look.place, looks + 1
    old = await run("close_old_differences", OldDiscrepanciesOrder(reconciling=reconciling))
    news += old.news
    while old.after is not None:
        old = await run("close_old_differences", OldDiscrepanciesOrder(reconciling=reconciling, after=old.after))
        news += old.news
    end = ReconciliationEnd(id=order.id, compared=dict(compared), left_out=left_out)
    await run("finish_reconciliation", end)
    return news, looks


class Reconciler:
    def __init__(self, practice: Practice) -> None:
        self.practice = practice
        self.steps = ReconcileActivities(practice.money.deps)
        self.refunds = practice.refunds

    # ------------------------------------------------------------ as the workflow does

    async def compares(self, **window: Any) -> Shown:
        order = ReconciliationOrder(id=str(uuid4()), asked_by="care_team:desk", **window)

        async def run(step: str, asked: Any) -> Any:
            return await self.practice.until_done(lambda: getattr(self.steps, step)(asked))

        news, looks = await compare(run, order)
        async with self.practice.sessions() as session:
            return Shown(await session.get_one(Reconciliation, UUID(order.id)), news, looks)

    async def finds(self, part: ComparisonPart, **window: Any) -> tuple[Reconciling, tuple[Discrepancy, ...]]:
        """What one part of a comparison shows; nothing is done about it yet."""
        order = ReconciliationOrder(id=str(uuid4()), asked_by="care_team:desk", **window)
        reconciling = await self.steps.begin_reconciliation(order)
        look = await self.steps.compare_books(
            ComparisonOrder(reconciling=reconciling, place=ComparisonCursor(part=part))
        )
        return reconciling, look.findings

    # ------------------------------------------------------------ at Stripe, by hand

    async def at_stripe(self, path: str, *, json: Any = None, **data: str | int) -> dict[str, Any]:
        """What somebody does in Stripe's dashboard, or a bank."""
        if json is not None:
            return dict(await self.practice.at_stripe.ask("POST", path.removeprefix("/"), json))
        return await self.practice.at_stripe.made(path.removeprefix("/v1/"), **data)

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
        return await ClientMoney(self.practice, client).refunded(payment, amount, send=send)

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


async def a_payment(practice: Practice, *, card: str = "pm_card_visa") -> tuple[str, str]:
    """A client and the payment of a session that took place; not tried yet."""
    client = await practice.client()
    [session] = await practice.booked(client)
    await practice.gives_card(client, card)
    return client, await practice.occurred(session)


async def a_paid_one(practice: Practice) -> tuple[str, str, str]:
    client, payment = await a_payment(practice)
    await practice.attempt(payment)
    return client, payment, await _intent_of(practice, payment)


async def an_owed_one(practice: Practice) -> tuple[str, str, str]:
    """The bank said no until the deadline; its intent can still be confirmed by the mailed link."""
    client, payment = await a_payment(practice, card="pm_card_chargeCustomerFail")
    await practice.attempt(payment)
    await practice.money.owe_payment(payment)
    return client, payment, await _intent_of(practice, payment)


async def _intent_of(practice: Practice, payment: str) -> str:
    intent = (await practice.payment(payment)).intent
    assert intent is not None
    return intent


async def silent_afterwards(reconciler: Reconciler) -> None:
    again = await reconciler.compares()
    assert again.silent, (again.healed, again.differences, again.news)
