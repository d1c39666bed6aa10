"""Debts that a journey is to try at once: owed, and a card that was not asked for them yet."""

from datetime import timedelta
from uuid import UUID

from models.reads.journey import journey_facts
from models.tables.clients.client import Client
from models.tables.money.payment import Payment
from rules.enums import ClientStatus, PaymentStatus
from tests.care.practice import MONDAY, Practice

DAY = timedelta(days=1)


async def debts(practice: Practice, client: str) -> list[tuple[str, int]]:
    async with practice.sessions() as session:
        facts = await journey_facts(session, await session.get_one(Client, UUID(client)))
    return [(debt.payment_id, debt.attempts) for debt in facts.debts]


async def change(practice: Practice, table: type[Client] | type[Payment], id: str, **columns: object) -> None:
    async with practice.sessions() as session:
        row = await session.get_one(table, UUID(id))
        for name, value in columns.items():
            setattr(row, name, value)
        await session.commit()


async def owes(practice: Practice, client: str, *, tried: bool) -> str:
    """A session was held; its fee was not to be had."""
    [held] = await practice.booked(client)
    payment = await practice.occurred(held)
    if tried:
        await practice.bank_says(client, "insufficient_funds")
        await practice.attempt(payment)
    practice.clock.instant = MONDAY + 5 * DAY
    await practice.money.owe_payment(payment)
    assert (await practice.payment(payment)).status is PaymentStatus.OWED
    return payment


async def test_a_card_that_came_later_is_asked_and_the_one_that_was_asked_is_not(practice: Practice) -> None:
    sara = await practice.client()
    await practice.gives_card(sara)
    payment = await owes(practice, sara, tried=True)
    assert await debts(practice, sara) == []
    await practice.gives_card(sara, "pm_card_mastercard")
    assert await debts(practice, sara) == [(payment, 1)]
    await change(practice, Client, sara, charges_frozen=True)
    assert await debts(practice, sara) == []  # nothing new while a dispute runs
    await change(practice, Client, sara, charges_frozen=False, card_blocked=True)
    assert await debts(practice, sara) == []
    await change(practice, Client, sara, card_blocked=False, status=ClientStatus.ARCHIVED)
    assert await debts(practice, sara) == []


async def test_of_who_had_no_card_the_first_one_is_asked(practice: Practice) -> None:
    sara = await practice.client()
    payment = await owes(practice, sara, tried=False)
    assert await debts(practice, sara) == []
    await practice.gives_card(sara)
    assert await debts(practice, sara) == [(payment, 0)]


async def test_a_debt_that_a_person_wants_tried_is_tried_with_the_same_card(practice: Practice) -> None:
    sara = await practice.client()
    await practice.gives_card(sara)
    payment = await owes(practice, sara, tried=True)
    await change(practice, Payment, payment, next_try_at=practice.clock.instant)
    assert await debts(practice, sara) == [(payment, 1)]
