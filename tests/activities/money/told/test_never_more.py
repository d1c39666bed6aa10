"""Never more is given back than was paid, whoever gives it: the desk, the dashboard, a bank, in whichever order."""

from datetime import timedelta
from random import Random

import pytest

from rules.enums import PaymentStatus, RefundTo, TaskKind
from tests.care.client_money import ClientMoney
from tests.care.practice import FEE, Practice
from tests.care.reconciler import Reconciler

MOVES = ("card", "card", "credit", "credit", "dashboard", "dashboard", "fails", "dispute", "inquiry", "compare")


class Mixture:
    """One payment, and everybody who may give of it. ``told``: how often Stripe's word arrives."""

    def __init__(self, practice: Practice, money: ClientMoney, payment: str, intent: str, random: Random) -> None:
        self.practice, self.money, self.payment, self.intent, self.random = practice, money, payment, intent, random
        self.reconciler = Reconciler(practice)

    async def tells(self, event: str, id: str, object: str) -> None:
        if self.random.random() < 0.5:
            await self.money.reported(event, id, object)

    async def at_stripe(self) -> list[dict[str, object]]:
        state = await self.practice.stripe()
        return [row for row in state["refunds"] if row["payment_intent"] == self.intent]

    async def really(self) -> int:
        """What went back, by Stripe's own word for the card and the bank."""
        state = await self.practice.stripe()
        card = sum(int(str(row["amount"])) for row in await self.at_stripe() if row["status"] != "failed")
        lost = sum(int(row["amount"]) for row in state["disputes"] if row["status"] == "lost")
        ours = [refund for refund in await self.money.refunds() if str(refund.payment_id) == self.payment]
        credit = sum(refund.credit_amount for refund in ours)
        return card + lost + credit - await self.money.credit_taken_back(self.payment)

    async def gives(self, to: RefundTo) -> None:
        before = await self.really()
        order = self.money.refund_order(self.payment, self.random.choice((None, 1, 3000, 7000, FEE)), to=to)
        done = await self.money.begun(order)
        if done.refusal is None and self.random.random() < 0.8:
            await self.practice.refunds.send_refund(order.refund_id)
        if done.refusal is None and before <= FEE:
            assert await self.really() <= FEE

    async def makes(self, move: str) -> None:
        gateway = self.practice.at_stripe
        if move in ("card", "credit"):
            await self.gives(RefundTo(move))
        elif move == "dashboard":
            data: dict[str, str | int] = {
                "payment_intent": self.intent,
                "amount": self.random.choice((1, 2500, 6000, FEE)),
            }
            made = await gateway.form("refunds", data, key="sk_test_dashboard")
            if made.is_success:
                await self.tells("refund.created", made.json()["id"], "refund")
        elif move == "fails":
            for row in await self.at_stripe():
                if row["status"] != "failed":
                    await self.money.bank(f"_refunds/{row['id']}", status="failed")
                    await self.tells("refund.failed", str(row["id"]), "refund")
                    return
        elif move in ("dispute", "inquiry"):
            body = {"payment_intent": self.intent, "inquiry": move == "inquiry"}
            asked = await gateway.http.post(f"{gateway.sandbox_url}/stripe/_disputes", json=body)
            if asked.is_success:
                id = asked.json()["id"]
                await self.tells("charge.dispute.created", id, "dispute")
                end = "warning_closed" if move == "inquiry" else self.random.choice(("won", "lost"))
                await gateway.http.post(f"{gateway.sandbox_url}/stripe/_disputes/{id}", json={"status": end})
                await self.tells("charge.dispute.closed", id, "dispute")
        else:
            await self.reconciler.compares()


@pytest.mark.parametrize("seed", range(16))
async def test_whoever_gives_it(practice: Practice, money: ClientMoney, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - the same mixtures every time
    if seed % 2:
        await money.granted(5000)  # credit pays a part of it
    payment = await money.pays_a_fee()
    intent = (await practice.payment(payment)).intent
    assert intent is not None
    mixture = Mixture(practice, money, payment, intent, random)
    for _ in range(10):
        await mixture.makes(random.choice(MOVES))
        practice.clock.instant += timedelta(minutes=1)
    for refund in await money.refunds():  # what is on its way arrives, or is refused
        await practice.refunds.send_refund(str(refund.id))
    practice.clock.instant += timedelta(hours=2)
    await mixture.reconciler.compares()
    assert await mixture.really() == await money.given_back(payment) <= FEE
    assert (await mixture.reconciler.compares()).silent


async def test_a_credit_that_is_spent_is_a_persons_to_ask_for(practice: Practice, money: ClientMoney) -> None:
    payment = await money.pays_a_fee()
    intent = (await practice.payment(payment)).intent
    await money.refunded(payment, to=RefundTo.CREDIT)
    await money.pays_a_fee(weeks=1)  # all of it
    made = await practice.at_stripe.gives_back(intent, 7000)
    await money.reported("refund.created", made, "refund")
    row = await practice.payment(payment)
    assert (row.status, row.refunded) == (PaymentStatus.REFUNDED, FEE)
    [task] = await money.tasks()
    assert (task.kind, "70.00 USD more than was paid" in task.text) == (TaskKind.LEDGER_DIFFERENCE, True)
    reconciler = Reconciler(practice)
    assert (await reconciler.compares()).silent
    assert [open.id for open in await money.tasks()] == [task.id]  # it is there until a person has seen to it


@pytest.mark.parametrize("lost_webhook", [True, False])
async def test_credit_that_was_given_is_taken_back_as_far_as_it_is_there(
    practice: Practice, money: ClientMoney, lost_webhook: bool
) -> None:
    payment = await money.pays_a_fee()
    intent = (await practice.payment(payment)).intent
    await money.refunded(payment, to=RefundTo.CREDIT)
    made = await practice.at_stripe.gives_back(intent, 7000)
    if lost_webhook:
        assert (await Reconciler(practice).compares()).healed == ["refund_by_hand"]
    else:
        await money.reported("refund.created", made, "refund")
    assert (await money.balance(), await money.given_back(payment)) == ((5000, 0), FEE)
    assert (await practice.facts(money.client)).count("credit_reversed") == 1
    assert await money.tasks() == []


async def test_the_same_of_a_dispute_that_is_lost(practice: Practice, money: ClientMoney) -> None:
    payment = await money.pays_a_fee()
    await money.refunded(payment, 7000, to=RefundTo.CREDIT)
    dispute = await money.disputed(payment)
    await money.bank(f"_disputes/{dispute}", status="lost")
    await money.reported("charge.dispute.closed", dispute, "dispute")
    assert (await money.balance(), await money.given_back(payment)) == ((0, 0), FEE)
