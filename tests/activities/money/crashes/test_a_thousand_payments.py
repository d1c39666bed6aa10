"""X2: a thousand payments, with faults at Stripe and deaths of processes drawn from one seed, add up to the cent."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from random import Random
from uuid import UUID

import pytest
from sqlmodel import col, select

from activities.snapshots import facts_of_appointments
from models.reads.money.balance import payment_line
from models.tables.clients.client import Client
from models.tables.money.credit import Credit
from rules.archive.plan import owed_by_currency
from rules.enums import PaymentStatus
from rules.journey.settling import next_step
from tests.activities.money.crashes.decisions import archive, grant, waive
from tests.activities.money.crashes.failpoints import CLOSING, POINTS
from tests.activities.money.crashes.proof import PaymentRecords, check_chains, check_credit
from tests.activities.money.crashes.side_by_side import Fee, Lanes, add_due
from tests.activities.money.crashes.steps import PaymentSteps
from tests.care.practice import MONDAY, POLICY

SEED = 20270104
CLIENTS, EACH = 40, 25
AT_ONCE = 16
DYING = 0.3  # of the payments
ANYWHERE = (*POINTS, *CLOSING, "before_retrieve", "after_retrieve", "before_cancel", "after_cancel")
FAULTS = {"lost_request": 0.03, "lost_answer": 0.04, "error_before": 0.03, "error_after": 0.04, "rate_limited": 0.03}
# What the bank says of the clients' cards, and of how many; None is yes. "later" has money after the first try.
CARDS = {
    "good": (20, None),
    "rich": (8, None),
    "later": (4, "insufficient_funds"),
    "empty": (1, "insufficient_funds"),
    "stolen": (2, "stolen_card"),
}
WITHOUT_CARD = "none"  # what the others have
CREDIT = {"rich": (300_000, 400_000), "good": (0, 60_000), "later": (0, 30_000), "empty": (0, 30_000)}
ARCHIVED, WAIVED = 3, 50


@dataclass
class Crowd:
    lanes: Lanes
    cards: dict[str, str]  # by client
    granted: int = 0

    @property
    def fees(self) -> list[Fee]:
        return self.lanes.fees

    def with_card(self, name: str) -> list[str]:
        return [client for client, card in self.cards.items() if card == name]


@pytest.mark.crowd
@pytest.mark.timeout(900)
async def test_x2_a_thousand_payments_add_up(steps: PaymentSteps) -> None:
    dice = Random(SEED)  # noqa: S311 - always the same, on purpose
    crowd = await a_crowd(steps, dice)
    for fee in dice.sample(crowd.fees, WAIVED):
        await waive(steps, fee)
    await steps.arrange(
        [
            {"kind": kind, "call": "payment_intents.*", "probability": share, "seed": number}
            for number, (kind, share) in enumerate(FAULTS.items(), start=1)
        ]
    )
    archived = crowd.with_card("good")[:ARCHIVED]
    for client in archived:  # in the middle, while the process that charges one of theirs is dead
        theirs = [fee for fee in crowd.fees if fee.client == client]
        last = next(fee for fee in theirs[EACH // 2 :] if fee.open)
        last.deaths = ("after_create",)
        last.arm()
        steps.meanwhile[last.workflow] = partial(archive, steps, client, theirs)
    await everybody_pays(crowd)
    for client in crowd.with_card("later"):
        await steps.practice.bank_says(client, None)
    for wait in (*POLICY.charge_retries, POLICY.charge_deadline):
        steps.practice.clock.instant += wait
        await everybody_pays(crowd)
    faults = await steps.ask("GET", "_faults")
    await steps.arrange([])
    records = await PaymentRecords.read(crowd.lanes)
    told = await it_adds_up(crowd, records, archived=archived)
    fired = sum(fault["fired"] for fault in faults)
    print(f"{told}; {sum(steps.deaths.values())} deaths, {fired} faults at Stripe")  # noqa: T201 - shown with -s
    assert sum(steps.deaths.values()) > 120
    assert all(fault["fired"] > 25 for fault in faults), faults

    first = await steps.reconcile()
    assert first.differences == []
    assert (first.healed, records.left_over(crowd.fees)) == ([], [])


async def a_crowd(steps: PaymentSteps, dice: Random) -> Crowd:
    """Clients, cards and credit; and of everybody twenty-five sessions that occurred, whose payments are due now."""
    practice = steps.practice
    clients = [await practice.client(name=f"client{number}") for number in range(CLIENTS)]
    kinds = [name for name, (count, _) in CARDS.items() for _ in range(count)]
    crowd = Crowd(Lanes(steps, clients, []), dict(zip(clients, [*kinds, *[WITHOUT_CARD] * CLIENTS], strict=False)))
    for name, (_, word) in CARDS.items():
        for client in crowd.with_card(name):
            await practice.gives_card(client)
            if word:
                await practice.bank_says(client, word)
    for client, card in crowd.cards.items():
        amount = dice.randrange(*CREDIT.get(card, (0, 1)))
        if amount:
            await grant(practice, client, amount)
            crowd.granted += amount
    practice.clock.instant = MONDAY + POLICY.charge_after + timedelta(hours=1)
    async with practice.sessions() as session:
        for client in clients:
            client_row = await session.get_one(Client, UUID(client))
            ids = []
            for _ in range(EACH):
                id, amount = UUID(int=dice.getrandbits(128)), dice.randrange(5_000, 25_000)
                add_due(session, client_row, id=id, amount=amount, ended=MONDAY)
                ids.append(id)
            found = await facts_of_appointments(session, client_row, ids)
            crowd.fees.extend(Fee(steps, client, facts, tells=False) for facts in found)
        await session.commit()
    dice.shuffle(crowd.fees)
    for fee in crowd.fees:
        if dice.random() < DYING:
            fee.deaths = tuple(dice.choices(ANYWHERE, k=dice.choice((1, 1, 2))))
            fee.arm()
    return crowd


async def everybody_pays(crowd: Crowd) -> None:
    """Whatever is due by now, so many at a time."""
    free, now = asyncio.Semaphore(AT_ONCE), crowd.lanes.practice.clock.instant

    async def pays(fee: Fee) -> None:
        async with free:
            while fee.open and next_step(fee.payment).at <= now:
                await fee.next_step()

    async with asyncio.TaskGroup() as at_once:
        for fee in crowd.fees:
            at_once.create_task(pays(fee))


async def it_adds_up(crowd: Crowd, records: PaymentRecords, *, archived: list[str]) -> str:
    """What Stripe took is what the ledger took by card: the fees due, less credit; all else is accounted for."""
    payments = list(records.payments.values())
    sums, counts = Counter[PaymentStatus](), Counter(payment.status for payment in payments)
    for payment in payments:
        sums[payment.status] += payment.amount
    assert set(sums) == {PaymentStatus.PAID, PaymentStatus.OWED, PaymentStatus.WAIVED, PaymentStatus.CANCELLED}
    taken = [i for intents in records.intents.values() for i in intents if i["status"] == "succeeded"]
    at_stripe = sum(intent["amount_received"] for intent in taken)
    by_credit = sum(payment.credit_used for payment in payments if payment.status is PaymentStatus.PAID)
    reserved = sum(payment.credit_used for payment in payments) - by_credit  # for debts
    due = sum(payment.amount for payment in payments) - sums[PaymentStatus.WAIVED]
    owed = sums[PaymentStatus.OWED] + sums[PaymentStatus.CANCELLED]
    assert at_stripe == sums[PaymentStatus.PAID] - by_credit
    assert at_stripe == due - by_credit - owed

    assert len(taken) == len({intent["metadata"]["payment_id"] for intent in taken})
    for fee in crowd.fees:
        status = records.payments[fee.id].status
        assert fee.payment.status is status, fee.label
        if status is PaymentStatus.PAID:
            assert records.facts[fee.id, "payment_paid"] == 1, fee.label
        elif status is PaymentStatus.CANCELLED:
            assert fee.client in archived, fee.label
        elif status is PaymentStatus.OWED:
            assert crowd.cards[fee.client] in ("empty", "stolen", WITHOUT_CARD), fee.label
    async with crowd.lanes.practice.sessions() as session:
        left = sum((await session.exec(select(col(Credit.remaining)))).all())
    assert by_credit + reserved == crowd.granted - left
    now = crowd.lanes.practice.clock.instant
    assert {"USD": owed - reserved} == owed_by_currency(map(payment_line, payments), now=now)
    assert counts[PaymentStatus.WAIVED] == WAIVED
    await check_credit(crowd.lanes)
    await check_chains(crowd.lanes)
    shown = ", ".join(f"{count} {status.value} {sums[status] / 100:.2f}" for status, count in counts.items())
    return f"{len(payments)} payments ({shown}); {at_stripe / 100:.2f} by card, {by_credit / 100:.2f} by credit"
