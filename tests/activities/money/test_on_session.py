"""The saved card is confirmed while the client waits: whatever crashes, and whoever decides meanwhile, one charge."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from activities.ports import GatewayUnavailable
from activities.types.clients import Done
from activities.types.money import ConfirmationOrder
from rules.enums import PaymentStatus
from tests.activities.money.due_payments import archive_of, assert_does_not_wait
from tests.care.client_money import ClientMoney
from tests.care.crash_points import Death
from tests.care.practice import DESK, FEE, Practice
from tests.care.reconciler import Reconciler

BACK = "http://portal.example/pay"
ASKS = "pm_card_authenticationRequired"
STRAY = frozenset({"stray_intent"})
STANDS = ("failed", "requires_action", "owed", "stopped")


class AtTheLink:
    """One client after the other pays a fee that stands so, with a bank that answers so."""

    def __init__(self, practice: Practice, stands: str, *, asks: bool = False) -> None:
        self.practice, self.stands, self.asks = practice, stands, asks
        self.weeks = 0

    async def arrives(self) -> tuple[ClientMoney, str]:
        """A fee that was tried, and stands as it is to."""
        card = ASKS if self.asks or self.stands == "requires_action" else "pm_card_chargeCustomerFail"
        self.weeks += 1
        money = ClientMoney(self.practice, await self.practice.client(name=f"Sara{self.weeks}"))
        await self.practice.gives_card(money.client, card)
        payment = await money.owes_a_fee(weeks=self.weeks)
        await self.practice.attempt(payment)
        if self.stands == "owed":
            await self.practice.money.owe_payment(payment)
        elif self.stands == "stopped":
            await money.archived()
            for intent in await self.practice.to_call_off():
                await self.practice.archive.cancel_intent(money.client, intent)
        if not self.asks:
            method = (await self.practice.row(money.client)).stripe_payment_method
            await self.practice.at_stripe.ask("POST", f"_payment_methods/{method}", {"card": "pm_card_visa"})
        return money, payment


def click(money: ClientMoney, payment: str) -> ConfirmationOrder:
    return ConfirmationOrder(
        request_id=str(uuid4()), client_id=money.client, by=DESK, payment_id=payment, return_url=BACK
    )


async def charged_once(practice: Practice, money: ClientMoney, payment: str) -> None:
    assert (await practice.payment(payment)).status is PaymentStatus.PAID
    assert (await practice.charges_of(payment)).count("succeeded") == 1
    assert (await practice.facts(money.client)).count("payment_paid") == 1
    await money.adds_up()
    assert all(tried.result is not None for tried in await practice.tries(payment))


async def nothing_is_left_to_say(practice: Practice, *, but: frozenset[str] = frozenset()) -> None:
    """The comparison with Stripe finds nothing, and nobody is asked anything."""
    practice.clock.instant += timedelta(hours=2)
    shown = await Reconciler(practice).compares()
    assert (set(shown.healed) - but, shown.differences) == (set(), [])


@pytest.mark.parametrize("stands", STANDS)
async def test_dead_at_any_point_and_run_again_it_is_charged_once(practice: Practice, stands: str) -> None:
    link = AtTheLink(practice, stands)

    async def die(*at: int) -> list[str]:
        money, payment = await link.arrives()
        order = click(money, payment)
        practice.points.reset(*at)
        done = await practice.until_done(lambda: practice.confirmations.prepare_confirmation(order))
        passed = list(practice.points.passed)
        practice.points.reset()
        assert done.document == {"status": "succeeded"}
        await charged_once(practice, money, payment)
        assert (await practice.facts(money.client)).count("payment_retry_asked") == 1
        return passed

    undisturbed = await die()
    assert "before confirm" in undisturbed
    for point in range(1, len(undisturbed) + 1):
        await die(point, point + 1)  # and again in the middle of picking up the pieces


@pytest.mark.parametrize("same_key", [True, False])
@pytest.mark.parametrize("call", ["create", "confirm"])
async def test_an_answer_that_never_came(practice: Practice, call: str, same_key: bool) -> None:
    money, payment = await AtTheLink(practice, "stopped").arrives()
    trouble = GatewayUnavailable("no answer", ambiguous=True, retry_with_same_key=same_key)
    practice.gateway.breaks[call] = [trouble] * 2
    order = click(money, payment)
    done = await practice.until_done(lambda: practice.confirmations.prepare_confirmation(order))
    assert done.document == {"status": "succeeded"}
    await charged_once(practice, money, payment)


async def test_a_decline_that_nobody_heard_is_not_asked_for_again(practice: Practice) -> None:
    money = await ClientMoney.of(practice, card="pm_card_chargeCustomerFail")
    payment = await money.owes_a_fee()
    await practice.money.owe_payment(payment)
    order = click(money, payment)
    trouble = GatewayUnavailable("no answer", ambiguous=True, retry_with_same_key=False)
    practice.gateway.breaks["confirm"] = [trouble]
    done = await practice.until_done(lambda: practice.confirmations.prepare_confirmation(order))
    assert done.document == {"status": "requires_payment_method"}
    assert await practice.charges_of(payment) == ["failed"]
    assert (await practice.payment(payment)).status is PaymentStatus.OWED


@pytest.mark.parametrize("stands", STANDS)
async def test_the_banks_page_is_shown_again_to_who_clicks_again(practice: Practice, stands: str) -> None:
    money, payment = await AtTheLink(practice, stands, asks=True).arrives()
    first = await practice.confirmations.prepare_confirmation(click(money, payment))
    assert first.document is not None
    assert first.document["status"] == "requires_action"
    order = click(money, payment)
    for point in (None, "before confirm", "after retrieve"):
        again = await practice.confirmations.prepare_confirmation(order)
        assert again.document == first.document, point
    page = first.document["redirect_url"]
    assert (await practice.at_stripe.at_bank(page)).startswith(f"{BACK}?payment_intent=")
    paid = (await practice.payment(payment)).intent
    assert paid is not None
    for _ in range(2):  # Stripe's report, twice; and the client who comes back
        await money.reported("payment_intent.succeeded", paid, "payment_intent")
    done = await practice.confirmations.prepare_confirmation(order)
    assert done.document == {"status": "succeeded"}
    await charged_once(practice, money, payment)
    await nothing_is_left_to_say(practice)


@pytest.mark.parametrize("stands", STANDS)
async def test_two_clicks_at_once_are_one_charge(practice: Practice, stands: str) -> None:
    money, payment = await AtTheLink(practice, stands).arrives()

    async def clicks() -> Done:
        order = click(money, payment)
        return await practice.until_done(lambda: practice.confirmations.prepare_confirmation(order))

    answers = await asyncio.gather(*(clicks() for _ in range(4)))
    assert [done.document for done in answers] == [{"status": "succeeded"}] * 4
    await charged_once(practice, money, payment)
    await nothing_is_left_to_say(practice, but=STRAY)  # a twin's, which nobody has confirmed


# ---------------------------------------------------------------- somebody decides meanwhile


async def archives(practice: Practice, money: ClientMoney, payment: str) -> None:
    await practice.archive.archive_client(archive_of(money.client))
    for intent in await practice.to_call_off():
        await practice.archive.cancel_intent(money.client, intent)


async def tries(practice: Practice, money: ClientMoney, payment: str) -> None:
    """The charge timer, or the journey that settles a debt."""
    if (await practice.payment(payment)).status is PaymentStatus.OWED:
        await money.retried(payment)
    await practice.attempt(payment, (await practice.payment(payment)).attempts + 1)


async def compares(practice: Practice, money: ClientMoney, payment: str) -> None:
    await Reconciler(practice).compares()


async def owes(practice: Practice, money: ClientMoney, payment: str) -> None:
    await practice.money.owe_payment(payment)


async def credits(practice: Practice, money: ClientMoney, payment: str) -> None:
    await money.granted(5000)


MEANWHILE: dict[str, Callable[[Practice, ClientMoney, str], Awaitable[None]]] = {
    "archive": archives,
    "another try": tries,
    "comparison": compares,
    "deadline": owes,
    "credit": credits,
}


@pytest.mark.parametrize("where", ["create", "confirm"])
@pytest.mark.parametrize("what", MEANWHILE)
@pytest.mark.parametrize("stands", ["failed", "owed", "stopped"])
async def test_whoever_acts_at_the_same_moment_it_is_charged_once(
    practice: Practice, stands: str, what: str, where: str
) -> None:
    if where == "create" and stands != "stopped":
        money = await ClientMoney.of(practice)
        payment = await money.owes_a_fee()
        await practice.money.owe_payment(payment)  # nothing was ever made at Stripe
    else:
        money, payment = await AtTheLink(practice, stands).arrives()

    async def meanwhile() -> None:
        await MEANWHILE[what](practice, money, payment)

    practice.gateway.meanwhile[where] = meanwhile
    order = click(money, payment)
    done = await practice.until_done(lambda: practice.confirmations.prepare_confirmation(order))
    assert practice.gateway.meanwhile == {}
    assert done.document == {"status": "succeeded"}
    await charged_once(practice, money, payment)
    await nothing_is_left_to_say(practice)


@pytest.mark.parametrize("made_before", [False, True])
async def test_what_is_waived_before_the_bank_is_asked_is_not_paid(practice: Practice, made_before: bool) -> None:
    if made_before:
        money, payment = await AtTheLink(practice, "owed").arrives()
    else:
        money = await ClientMoney.of(practice)
        payment = await money.owes_a_fee()
        await practice.money.owe_payment(payment)
    order = click(money, payment)
    at = "before retrieve" if made_before else "after create"
    reach = practice.points.reach

    def waive(name: str) -> None:
        reach(name)
        if name == at:
            practice.points.reach = reach  # type: ignore[method-assign]
            raise Death(name)

    practice.points.reach = waive  # type: ignore[method-assign]
    with pytest.raises(Death):
        await practice.confirmations.prepare_confirmation(order)
    assert (await money.waived(payment)).refusal is None
    assert_does_not_wait(await practice.confirmations.prepare_confirmation(order))
    for intent in await practice.to_call_off():
        await practice.archive.cancel_intent(money.client, intent)
    assert "succeeded" not in await practice.charges_of(payment)
    assert (await practice.payment(payment)).status is PaymentStatus.WAIVED


async def test_what_is_waived_while_the_bank_pays_is_a_persons_to_judge(practice: Practice) -> None:
    """As at the link that a browser confirms: the task says that Stripe took it after all."""
    money, payment = await AtTheLink(practice, "owed").arrives()

    async def waives() -> None:
        assert (await money.waived(payment)).refusal is None

    practice.gateway.meanwhile["confirm"] = waives
    done = await practice.confirmations.prepare_confirmation(click(money, payment))
    assert done.document == {"status": "succeeded"}
    assert (await practice.payment(payment)).status is PaymentStatus.WAIVED
    assert [task.kind.value for task in await money.tasks()] == ["ledger_difference"]
    assert (await practice.charges_of(payment)).count("succeeded") == 1


@pytest.mark.parametrize("credit", [5000, FEE])
@pytest.mark.parametrize("stands", STANDS)
async def test_credit_pays_first(practice: Practice, stands: str, credit: int) -> None:
    money, payment = await AtTheLink(practice, stands).arrives()
    await money.granted(credit)
    order = click(money, payment)
    done = await practice.confirmations.prepare_confirmation(order)
    assert done.document == {"status": "succeeded"}
    after = await practice.payment(payment)
    assert (after.status, after.credit_used) == (PaymentStatus.PAID, credit)
    assert (await practice.charges_of(payment)).count("succeeded") == (0 if credit == FEE else 1)
    await money.adds_up()
    await nothing_is_left_to_say(practice)
