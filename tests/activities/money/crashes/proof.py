"""What must be true of money at the end, whatever happened on the way: Stripe, ledger, receipts and timeline agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from models.tables.money.credit import Credit, CreditUse
from models.tables.money.payment import Payment, PaymentTry
from rules.enums import ClientStatus, PaymentStatus
from tests.activities.money.crashes.side_by_side import Fee, Lanes

Json = dict[str, Any]
_UNCONFIRMED = ("requires_payment_method", "requires_confirmation")


@dataclass
class PaymentRecords:
    """Everything that is known of some payments, read once, by payment."""

    payments: dict[str, Payment]
    tries: dict[str, list[PaymentTry]]
    facts: Counter[tuple[str, str]]  # payment and kind of fact
    uses: dict[str, list[CreditUse]]
    intents: dict[str, list[Json]]
    charges: dict[str, list[Json]]
    attempts: dict[str, dict[str, int]]  # by intent
    receipts: Counter[str]
    archived: set[str]  # clients, who are told nothing

    @classmethod
    async def read(cls, lanes: Lanes) -> PaymentRecords:
        ids = [UUID(fee.id) for fee in lanes.fees]
        async with lanes.practice.sessions() as session:
            payments = (await session.exec(select(Payment).where(col(Payment.id).in_(ids)))).all()
            tries = (await session.exec(select(PaymentTry).order_by(col(PaymentTry.number)))).all()
            facts = (await session.exec(select(Fact).where(col(Fact.kind).startswith("payment_")))).all()
            archived = select(Client.id).where(col(Client.status) == ClientStatus.ARCHIVED)
            silent = {str(id) for id in (await session.exec(archived)).all()}
            uses = (await session.exec(select(CreditUse).where(col(CreditUse.given_back_at).is_(None)))).all()
        state = await lanes.steps.ask("GET", "_state")
        intents = {
            str(id): [i for i in state["payment_intents"] if i["metadata"]["payment_id"] == str(id)] for id in ids
        }
        owner = {intent["id"]: id for id, found in intents.items() for intent in found}
        charges: dict[str, list[Json]] = {str(id): [] for id in ids}
        for charge in state["charges"]:
            charges[owner[charge["payment_intent"]]].append(charge)
        receipts = Counter(mail.key.split(":")[1] for mail in lanes.practice.post.sent if mail.template == "receipt")
        return cls(
            payments={str(payment.id): payment for payment in payments},
            tries={str(id): [t for t in tries if t.payment_id == id] for id in ids},
            facts=Counter((fact.data.get("payment_id", ""), fact.kind) for fact in facts),
            uses={str(id): [use for use in uses if use.payment_id == id] for id in ids},
            intents=intents,
            charges=charges,
            attempts=state["attempts"],
            receipts=receipts,
            archived=silent,
        )

    def check_paid(self, fee: Fee, *, credit: int = 0, declines: int = 0) -> None:
        """Charged exactly once: the fee less the credit, after so many declines that the bank was asked for."""
        told, payment, intents = fee.label, self.payments[fee.id], self.intents[fee.id]
        assert (payment.status, payment.credit_used) == (PaymentStatus.PAID, credit), told
        assert fee.payment.status is PaymentStatus.PAID, f"{told}: the workflow knows"
        taken = [intent for intent in intents if intent["status"] == "succeeded"]
        if payment.amount == credit:
            assert taken == [], told
        else:
            assert [(i["id"], i["amount_received"]) for i in taken] == [(payment.intent, payment.amount - credit)], told
            assert self.attempts[taken[0]["id"]]["successes"] == 1, told
        self._check_rest(fee, declines=declines)
        assert self.facts[fee.id, "payment_paid"] == 1, told
        assert self.receipts[fee.id] == (0 if fee.client in self.archived else 1), told
        assert sum(use.amount for use in self.uses[fee.id]) == credit, told

    def check_not_paid(self, fee: Fee, status: PaymentStatus, *, declines: int = 0) -> None:
        """Nothing was taken, no credit is held, and nobody was told of a payment."""
        told, payment = fee.label, self.payments[fee.id]
        assert (payment.status, fee.payment.status) == (status, status), told
        assert [i["status"] for i in self.intents[fee.id] if i["status"] == "succeeded"] == [], told
        self._check_rest(fee, declines=declines)
        assert self.facts[fee.id, "payment_paid"] == 0, told
        assert self.receipts[fee.id] == 0, told
        assert self.uses[fee.id] == [], told

    def _check_rest(self, fee: Fee, *, declines: int) -> None:
        told = fee.label
        others = [i["status"] for i in self.intents[fee.id] if i["status"] != "succeeded"]
        assert all(status in (*_UNCONFIRMED, "canceled") for status in others), f"{told}: {others}"
        answers = Counter(charge["status"] for charge in self.charges[fee.id])
        assert answers["failed"] == declines, f"{told}: the bank was asked {dict(answers)}"
        assert all(attempt.result is not None for attempt in self.tries[fee.id]), told

    def left_over(self, fees: Sequence[Fee]) -> list[str]:
        """Intents that nobody needs and that could still be confirmed."""
        return [
            intent["id"]
            for fee in fees
            for intent in self.intents[fee.id]
            if intent["status"] in _UNCONFIRMED and intent["id"] != self.payments[fee.id].intent
        ]


async def check_chains(lanes: Lanes) -> None:
    """Every client's timeline is whole."""
    for client in lanes.clients:
        await lanes.practice.facts(client)


async def check_credit(lanes: Lanes) -> None:
    """What was credited is there, or is used by a payment: none was lost, and none was made."""
    async with lanes.practice.sessions() as session:
        credits = (await session.exec(select(Credit))).all()
        uses = (await session.exec(select(CreditUse).where(col(CreditUse.given_back_at).is_(None)))).all()
    for credit in credits:
        used = sum(use.amount for use in uses if use.credit_id == credit.id)
        assert credit.amount == credit.remaining + used, credit.id


async def check_reconciler(lanes: Lanes, *, heals: Counter[str] | None = None) -> None:
    """The reconciler heals exactly what it must, hands nothing to a person, and is silent from then on."""
    first = await lanes.steps.reconcile(lanes.news)
    assert first.differences == []
    assert Counter(healed["kind"] for healed in first.healed) == (heals or Counter())
    second = await lanes.steps.reconcile(lanes.news)
    assert (second.healed, second.differences) == ([], [])
