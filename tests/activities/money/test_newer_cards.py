"""A card that comes at the wrong moment settles what is owed all the same; a stolen one is asked no more."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlmodel import col, select

from activities.clients.join_rows import take_card
from activities.types.archive import UnarchiveOrder
from activities.types.booking import Booked
from activities.types.clients import Done, TaskResolution
from activities.types.money import AttemptOrder, AttemptResult
from models.tables.clients.task import Task
from rules.enums import PaymentStatus, TaskKind
from rules.journey.stage import Debt
from tests.care.client_money import ClientMoney
from tests.care.practice import DESK, MONDAY, Practice

REFUSED = "pm_card_chargeCustomerFail"
DAY = timedelta(days=1)


@pytest.fixture
async def money(practice: Practice) -> ClientMoney:
    return await ClientMoney.of(practice, card=REFUSED)


async def a_debt(practice: Practice, money: ClientMoney, *, weeks: int = 0) -> str:
    """Declined once, and owed since the deadline."""
    payment = await money.owes_a_fee(weeks=weeks)
    await practice.attempt(payment)
    practice.clock.instant += DAY
    await practice.money.owe_payment(payment)
    return payment


async def gives(practice: Practice, money: ClientMoney, card: str = "pm_card_visa") -> tuple[Debt, ...]:
    done = await practice.forms.submit_form(await practice.billing_form(money.client, card))
    assert done.refusal is None
    assert done.facts is not None
    return done.facts.debts


def debts_of(answer: Done | Booked) -> tuple[Debt, ...]:
    assert answer.facts is not None
    return answer.facts.debts


def ids(debts: tuple[Debt, ...]) -> list[str]:
    return [debt.payment_id for debt in debts]


async def settled(practice: Practice, debts: tuple[Debt, ...]) -> None:
    """As the journey does it."""
    for debt in debts:
        await practice.attempt(debt.payment_id, debt.attempts + 1)
        assert (await practice.payment(debt.payment_id)).status is PaymentStatus.PAID


async def test_a_card_that_comes_while_a_debt_is_tried_settles_it(practice: Practice, money: ClientMoney) -> None:
    payment = await a_debt(practice, money)
    await money.retried(payment)
    order = AttemptOrder(payment_id=payment, attempt=2)
    assert (await practice.money.start_attempt(order)).started
    assert ids(await gives(practice, money)) == [payment]  # the try that runs
    charged = await practice.money.charge_card(order)
    ended = await practice.money.finish_attempt(AttemptResult(payment_id=payment, attempt=2, charged=charged))
    assert (ids(ended.journey.debts), (await practice.payment(payment)).status) == ([payment], PaymentStatus.OWED)
    await settled(practice, ended.journey.debts)
    await money.adds_up()


async def test_a_card_that_comes_at_the_deadline_is_tried_at_once(practice: Practice, money: ClientMoney) -> None:
    trying, waiting = await money.owes_a_fee(), await money.owes_a_fee(weeks=1)
    await practice.attempt(waiting)
    order = AttemptOrder(payment_id=trying, attempt=1)
    assert (await practice.money.start_attempt(order)).started
    charged = await practice.money.charge_card(order)
    await gives(practice, money)
    practice.clock.instant += DAY
    await practice.money.finish_attempt(AttemptResult(payment_id=trying, attempt=1, charged=charged))
    assert not (await practice.money.owe_payment(waiting)).changed  # the deadline's timer runs out just then
    for payment in (trying, waiting):
        row = await practice.payment(payment)
        assert (row.status, row.because, (row.next_try_at or MONDAY) <= practice.clock.instant) == (
            PaymentStatus.FAILED, "new_card", True
        )  # fmt: skip
        await practice.attempt(payment, 2)
        assert (await practice.payment(payment)).status is PaymentStatus.PAID


async def test_a_card_that_comes_while_charges_are_held_settles_what_is_owed_afterwards(practice: Practice) -> None:
    money = await ClientMoney.of(practice)
    paid, untried = await money.pays_a_fee(), await money.owes_a_fee(weeks=1)
    dispute = await money.disputed(paid)
    await money.reported("charge.dispute.created", dispute, "dispute")
    practice.clock.instant += DAY
    await practice.money.owe_payment(untried)
    async with practice.sessions() as session:
        task = (await session.exec(select(Task).where(col(Task.key) == f"dispute:{dispute}"))).one()
    resolution = TaskResolution(
        request_id=str(uuid4()), client_id=money.client, by=DESK, task_id=str(task.id), note="looked at"
    )
    assert await gives(practice, money) == ()
    resolved = await practice.accounts.resolve_task(resolution)
    assert ids(debts_of(resolved)) == [untried]
    assert ids(debts_of(await practice.accounts.resolve_task(resolution))) == [untried]  # told again
    await settled(practice, debts_of(resolved))
    assert debts_of(await practice.accounts.resolve_task(resolution)) == ()


async def test_without_another_card_what_is_owed_waits_for_a_person(practice: Practice) -> None:
    money = await ClientMoney.of(practice)
    paid, untried = await money.pays_a_fee(), await money.owes_a_fee(weeks=1)
    dispute = await money.disputed(paid)
    await money.reported("charge.dispute.created", dispute, "dispute")
    practice.clock.instant += DAY
    await practice.money.owe_payment(untried)
    [task] = [one for one in await money.tasks() if one.kind is TaskKind.DISPUTE]
    order = TaskResolution(request_id=str(uuid4()), client_id=money.client, by=DESK, task_id=str(task.id), note="ok")
    assert debts_of(await practice.accounts.resolve_task(order)) == ()


@pytest.mark.parametrize("how", ["by hand", "by a booking"])
async def test_a_card_that_comes_while_archived_settles_what_was_owed_and_nothing_else(
    practice: Practice, money: ClientMoney, how: str
) -> None:
    owed, stopped = await a_debt(practice, money), await money.owes_a_fee(weeks=1)
    await money.archived()
    assert await gives(practice, money) == ()
    if how == "by hand":
        order = UnarchiveOrder(client_id=money.client, request_id=str(uuid4()), by="care_team:desk")
        debts = (await practice.archive.unarchive_client(order)).facts.debts
    else:
        booking = practice.booking_order(money.client, MONDAY + timedelta(weeks=3))
        debts = debts_of(await practice.booking.book(booking))
        assert debts_of(await practice.booking.book(booking)) == debts
    assert ids(debts) == [owed]
    await settled(practice, debts)
    assert (await practice.payment(stopped)).status is PaymentStatus.CANCELLED
    await money.adds_up()


async def test_what_no_card_is_asked_for_is_not_tried_with_another(practice: Practice, money: ClientMoney) -> None:
    payment = await a_debt(practice, money)
    for because, settles in (("amount_differs", []), ("below_minimum", []), ("tries_used_up", [payment])):
        async with practice.sessions() as session:
            row = await practice.payment(payment)
            row.because = because
            session.add(row)
            await session.commit()
        assert ids(await gives(practice, money)) == settles


# ------------------------------------------------------------ never asked again


async def test_a_stolen_card_is_never_asked_again_though_archived_or_typed_in_anew(practice: Practice) -> None:
    money = await ClientMoney.of(practice)
    payment = await money.owes_a_fee()
    await practice.bank_says(money.client, "stolen_card")
    assert (await practice.money.start_attempt(AttemptOrder(payment_id=payment, attempt=1))).started
    await money.archived()
    await practice.attempt(payment)
    assert (await practice.payment(payment)).status is PaymentStatus.CANCELLED
    assert (await practice.row(money.client)).card_blocked
    order = UnarchiveOrder(client_id=money.client, request_id=str(uuid4()), by="care_team:desk", restore=True)
    await practice.archive.unarchive_client(order)
    assert await practice.attempt(payment, 2) is None
    assert await practice.charges_of(payment) == ["failed"]

    again = await practice.forms.submit_form(await practice.billing_form(money.client, "pm_card_visa"))
    assert again.refusal is not None
    assert [error["field"] for error in again.refusal.data["errors"]] == ["setup_intent"]
    assert (await practice.row(money.client)).card_blocked
    await gives(practice, money, "pm_card_mastercard")
    await practice.attempt(payment, 2)
    assert await practice.charges_of(payment) == ["failed", "succeeded"]


async def test_the_stolen_card_typed_in_anew_while_it_is_asked_is_blocked_too(practice: Practice) -> None:
    money = await ClientMoney.of(practice)
    payment = await money.owes_a_fee()
    await practice.bank_says(money.client, "stolen_card")
    order = AttemptOrder(payment_id=payment, attempt=1)
    assert (await practice.money.start_attempt(order)).started
    await gives(practice, money, "pm_card_visa")
    charged = await practice.money.charge_card(order)
    await practice.money.finish_attempt(AttemptResult(payment_id=payment, attempt=1, charged=charged))
    row = await practice.payment(payment)
    assert (row.because, (await practice.row(money.client)).card_blocked) == ("new_card_needed", True)


async def test_a_record_whose_card_is_blocked_takes_the_duplicates(practice: Practice) -> None:
    record, duplicate = await practice.client(), await practice.client(name="Sally")
    for client, card in ((record, "pm_card_visa"), (duplicate, "pm_card_mastercard")):
        await practice.gives_card(client, card)
    mine, theirs = await practice.row(record), await practice.row(duplicate)
    method = theirs.stripe_payment_method
    assert not take_card(theirs, mine)  # a card that may be charged is kept
    mine.card_blocked, number = True, theirs.card
    theirs.card = mine.card  # the very same number
    assert not take_card(theirs, mine)
    theirs.card = number
    assert take_card(theirs, mine)
    assert (mine.stripe_payment_method, mine.card, mine.card_blocked) == (method, number, False)
