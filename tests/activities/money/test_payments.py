"""X2: whatever crashes, one appointment is charged at most once, and what happened at Stripe is found out again."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from temporalio.testing import ActivityEnvironment

from activities.delivery.outbox import DeliveryActivities
from activities.ports import GatewayUnavailable, Intent
from activities.trying import TryActivities
from activities.types.facts import PaymentFacts
from activities.types.money import AttemptOrder, AttemptResult, CardSetupOrder, Tried
from models.reads.money.balance import payment_line
from models.tables.mail.outbox import OutboxItem, OutboxStatus
from rules.archive.plan import owed_by_currency
from rules.enums import ClientStatus, PaymentStatus
from tests.activities.money.due_payments import a_due_payment, archive_of
from tests.care.client_money import ClientMoney
from tests.care.crash_points import Death
from tests.care.practice import DESK, FEE, Practice

LOST_ANSWER = {"ambiguous": True, "retry_with_same_key": True}
STORED_500 = {"ambiguous": True, "retry_with_same_key": False}


@pytest.mark.parametrize(("card", "end"), [("pm_card_visa", "paid"), ("pm_card_chargeCustomerFail", "failed")])
async def test_x2_dead_at_any_point_and_run_again_the_bank_was_asked_once(
    practice: Practice, card: str, end: str
) -> None:
    sara = await practice.client()
    sessions = await practice.booked(sara, weeks=52)
    await practice.gives_card(sara, card)
    payments: list[str] = []

    async def die(*at: int) -> list[str]:
        payment = await practice.occurred(sessions.pop(0))
        practice.points.reset(*at)
        settled = await practice.attempt(payment)
        passed = list(practice.points.passed)
        practice.points.reset()
        assert settled is not None
        told = settled.appointment.payment
        assert told is not None
        assert (told.status.value, told.attempts) == (end, 1)
        assert [t.result for t in await practice.tries(payment)] == ["succeeded" if end == "paid" else "soft"]
        payments.append(payment)
        return passed

    undisturbed = await die()
    assert undisturbed.count("before a commit") == 4  # won, the try read, the intent stored, the end recorded
    assert {"before create", "after create", "before confirm", "after confirm"} <= set(undisturbed)
    for point in range(1, len(undisturbed) + 1):
        await die(point)
        await die(point, point + 1)  # and again in the middle of picking up the pieces
    state = await practice.stripe()
    assert sorted(intent["metadata"]["payment_id"] for intent in state["payment_intents"]) == sorted(payments)
    answers = [charge["status"] for charge in state["charges"]]
    assert answers == ["succeeded" if end == "paid" else "failed"] * len(payments)
    for intent in state["payment_intents"]:
        stored = await practice.payment(intent["metadata"]["payment_id"])
        assert (stored.status.value, stored.intent) == (end, intent["id"])
    assert (await practice.facts(sara)).count("payment_processing") == len(payments)


@pytest.mark.parametrize("call", ["create", "confirm"])
@pytest.mark.parametrize("trouble", [LOST_ANSWER, STORED_500])
async def test_x2_an_answer_that_never_came(practice: Practice, call: str, trouble: dict[str, bool]) -> None:
    _, payment = await a_due_payment(practice)
    practice.gateway.breaks[call] = [GatewayUnavailable("no answer", **trouble)] * 2
    settled = await practice.attempt(payment)
    assert settled is not None
    assert (await practice.payment(payment)).status is PaymentStatus.PAID
    assert await practice.charges_of(payment) == ["succeeded"]
    keys = [key for key in practice.gateway.keys if key.startswith(call)]
    if call == "confirm":
        # The first run did charge, though nobody heard: the next asks Stripe, and does not confirm again.
        assert len(keys) == 1
    else:
        # The first run did make one, though nobody heard: the next finds it at Stripe.
        assert len(keys) == 1
        assert len(await practice.intents_of(payment)) == 1


async def test_a_busy_stripe_is_asked_again_under_another_key_and_a_twin_under_the_same(practice: Practice) -> None:
    _, payment = await a_due_payment(practice)
    calls = 0
    real = practice.gateway.confirm_intent

    async def refuses(*, intent: str, payment_method: str, key: str) -> object:
        nonlocal calls
        calls += 1
        practice.gateway.keys.append(key)
        if calls < 3:  # first 429, then 409: neither was carried out
            raise GatewayUnavailable("not now", ambiguous=calls == 2, retry_with_same_key=calls == 2)
        return await real(intent=intent, payment_method=payment_method, key=key)

    practice.gateway.confirm_intent = refuses  # type: ignore[assignment, method-assign]
    await practice.attempt(payment)
    first, second, third, _ = [key for key in practice.gateway.keys if key.startswith("confirm")]
    assert first != second == third
    assert [t.result for t in await practice.tries(payment)] == ["gateway_error", "succeeded"]
    assert (await practice.payment(payment)).attempts == 1  # the bank said nothing: this was no try of the client's
    assert await practice.charges_of(payment) == ["succeeded"]


async def test_two_runs_of_one_step_at_the_same_time_share_one_charge(practice: Practice) -> None:
    _, payment = await a_due_payment(practice)
    order = AttemptOrder(payment_id=payment, attempt=1)
    await practice.money.start_attempt(order)

    async def run() -> object:
        return await practice.until_done(lambda: practice.money.charge_card(order))

    one, two = await asyncio.gather(run(), run())
    assert one == two
    assert await practice.charges_of(payment) == ["succeeded"]
    # And a start that is late finds that this try runs, or that it is over.
    assert (await practice.money.start_attempt(order)).started
    assert not (await practice.money.start_attempt(AttemptOrder(payment_id=payment, attempt=2))).started


async def try_once(practice: Practice, payment: str) -> Tried:
    """The whole try, as the workflow asks for it."""
    tries = TryActivities(practice.money.deps)
    return await ActivityEnvironment().run(tries.try_payment, AttemptOrder(payment_id=payment, attempt=1))


async def receipt_of(practice: Practice, payment: str) -> OutboxStatus:
    async with practice.sessions() as session:
        return (await session.get_one(OutboxItem, f"receipt:{payment}:paid:1")).status


async def test_one_step_charges_and_mails_the_receipt_and_may_be_run_twice(practice: Practice) -> None:
    _, payment = await a_due_payment(practice)
    for _ in range(2):
        tried = await try_once(practice, payment)
        assert tried.appointment.payment is not None
        assert tried.appointment.payment.status is PaymentStatus.PAID
        assert tried.appointment.deliver_at is None
        assert await receipt_of(practice, payment) is OutboxStatus.SENT
    assert await practice.charges_of(payment) == ["succeeded"]


async def test_a_receipt_that_cannot_be_delivered_holds_no_payment_up(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is left to the workflow, as of a step that died."""

    async def breaks(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(DeliveryActivities, "deliver", breaks)
    _, payment = await a_due_payment(practice)
    for _ in range(2):
        tried = await try_once(practice, payment)
        assert tried.appointment.payment is not None
        assert tried.appointment.payment.status is PaymentStatus.PAID
        assert tried.appointment.deliver_at is not None
    assert await receipt_of(practice, payment) is OutboxStatus.WAITING


@pytest.mark.parametrize(("late", "told"), [(timedelta(minutes=1), 0), (timedelta(days=5), 1)])
@pytest.mark.parametrize("card", ["pm_card_visa", "pm_card_chargeCustomerFail"])
async def test_a_try_long_after_the_deadline_is_made_and_recorded_as_a_breach(
    practice: Practice, card: str, late: timedelta, told: int
) -> None:
    sara, payment = await a_due_payment(practice, card)
    practice.clock.instant = (await practice.payment(payment)).deadline + late
    order = AttemptOrder(payment_id=payment, attempt=1)
    for _ in range(2):
        assert (await practice.money.start_attempt(order)).started
    await practice.attempt(payment)
    after = await practice.payment(payment)
    assert after.status is (PaymentStatus.PAID if card == "pm_card_visa" else PaymentStatus.OWED)
    assert (await practice.facts(sara)).count("charge_breach") == told
    if after.status is PaymentStatus.OWED:  # a debt that is tried again is no other breach
        await ClientMoney(practice, sara).retried(payment)
        await practice.attempt(payment, 2)
        assert (await practice.facts(sara)).count("charge_breach") == told


async def test_a_stored_failure_of_stripes_spoils_no_card_setup(practice: Practice) -> None:
    sara = await practice.client()
    for call in ("customers.create", "setup_intents.create"):
        fault = [{"kind": "error_after", "call": call, "times": 1}]
        async with httpx.AsyncClient(trust_env=False) as by_hand:
            (await by_hand.post(f"{practice.sandbox_url}/stripe/_faults", json=fault)).raise_for_status()
    order = CardSetupOrder(request_id=str(uuid4()), client_id=sara, by=DESK)
    environment = ActivityEnvironment()
    for run in (1, 2):
        environment.info = replace(ActivityEnvironment.default_info(), attempt=run)
        with pytest.raises(GatewayUnavailable):
            await environment.run(practice.forms.set_up_card, order)
    environment.info = replace(ActivityEnvironment.default_info(), attempt=3)
    done = await environment.run(practice.forms.set_up_card, order)
    assert done.document is not None
    assert done.document["customer"] == (await practice.row(sara)).stripe_customer


async def test_a_new_card_that_comes_while_the_stolen_one_is_asked_is_not_blamed(practice: Practice) -> None:
    sara, payment = await a_due_payment(practice)
    await practice.bank_says(sara, "stolen_card")
    order = AttemptOrder(payment_id=payment, attempt=1)
    await practice.money.start_attempt(order)
    await practice.gives_card(sara, "pm_card_mastercard")
    charged = await practice.money.charge_card(order)
    assert charged is not None
    settled = await practice.money.finish_attempt(AttemptResult(payment_id=payment, attempt=1, charged=charged))
    told = settled.appointment.payment
    assert isinstance(told, PaymentFacts)
    assert (told.status, told.because, told.next_try_at) == (PaymentStatus.FAILED, "new_card", practice.clock.instant)
    assert not (await practice.row(sara)).card_blocked
    await practice.attempt(payment, 2)
    assert (await practice.payment(payment)).status is PaymentStatus.PAID


async def test_a_cancelled_intent_never_pays_and_the_next_try_makes_another(practice: Practice) -> None:
    sara, payment = await a_due_payment(practice, "pm_card_chargeCustomerFail")
    await practice.attempt(payment)
    first = (await practice.payment(payment)).intent
    assert first is not None
    await practice.archive.cancel_intent(sara, first)  # an errand that comes late leaves alone what is open again
    assert [i["status"] for i in await practice.intents_of(payment)] == ["requires_payment_method"]
    _ = await practice.gateway.cancel_intent(intent=first, key="by hand, in the dashboard")
    await practice.bank_says(sara, None)
    await practice.attempt(payment, 2)
    assert [i["status"] for i in await practice.intents_of(payment)] == ["canceled", "succeeded"]
    assert (await practice.payment(payment)).status is PaymentStatus.PAID


async def test_a_fee_too_small_for_a_card_is_owed_without_asking(practice: Practice) -> None:
    sara, payment = await a_due_payment(practice)
    async with practice.sessions() as session:
        row = await practice.payment(payment)
        row.amount = 49
        session.add(row)
        await session.commit()
    assert await practice.attempt(payment) is None
    after = await practice.payment(payment)
    assert (after.status, after.because) == (PaymentStatus.OWED, "below_minimum")
    assert (await practice.stripe())["payment_intents"] == []
    assert (await practice.facts(sara))[-2:] == ["payment_owed", "task_opened"]
    assert not (await practice.money.owe_payment(payment)).changed  # the deadline passes: it is owed already
    assert (await practice.facts(sara))[-2:] == ["payment_owed", "task_opened"]


@pytest.mark.parametrize("stripe_is_away", [False, True])
async def test_at_the_deadline_stripe_is_asked_whether_the_client_has_paid_meanwhile(
    practice: Practice, stripe_is_away: bool
) -> None:
    sara, payment = await a_due_payment(practice)
    await practice.bank_says(sara, "authentication_required")
    await practice.attempt(payment)
    before = await practice.payment(payment)
    card = (await practice.row(sara)).stripe_payment_method
    assert before.status is PaymentStatus.REQUIRES_ACTION
    assert before.intent is not None
    assert card is not None
    await practice.bank_says(sara, None)
    await practice.gateway.confirm_intent(intent=before.intent, payment_method=card, key="the client's own")
    practice.clock.instant = before.deadline
    if stripe_is_away:

        async def away(*, intent: str) -> Intent | None:
            raise GatewayUnavailable(intent, ambiguous=True, retry_with_same_key=True)

        practice.gateway.retrieve_intent = away  # type: ignore[method-assign]
    await practice.money.owe_payment(payment)
    after = await practice.payment(payment)
    assert after.status is (PaymentStatus.OWED if stripe_is_away else PaymentStatus.PAID)
    assert ("payment_owed" in await practice.facts(sara)) is stripe_is_away


async def test_what_dies_is_really_dead(practice: Practice) -> None:
    """The points do interrupt: a death before the commit leaves nothing, one after it leaves everything."""
    _, payment = await a_due_payment(practice)
    order = AttemptOrder(payment_id=payment, attempt=1)
    for point, status in ((1, PaymentStatus.SCHEDULED), (2, PaymentStatus.PROCESSING)):
        practice.points.reset(point)
        with pytest.raises(Death):
            await practice.money.start_attempt(order)
        practice.points.reset()
        assert (await practice.payment(payment)).status is status


@pytest.mark.parametrize("card", ["pm_card_visa", "pm_card_chargeCustomerFail"])
async def test_an_archive_while_the_card_is_asked_waits_for_the_end_and_tries_no_more(
    practice: Practice, card: str
) -> None:
    sara, payment = await a_due_payment(practice, card)
    order = AttemptOrder(payment_id=payment, attempt=1)
    await practice.money.start_attempt(order)
    done = await practice.archive.archive_client(archive_of(sara))
    assert (done.changed, await practice.to_call_off()) == (True, [])
    record = (await practice.row(sara)).archive_record
    assert record is not None
    assert [line["id"] for line in record["in_flight"]] == [payment]

    charged = await practice.money.charge_card(order)
    settled = await practice.money.finish_attempt(AttemptResult(payment_id=payment, attempt=1, charged=charged))
    after = await practice.payment(payment)
    owed = owed_by_currency([payment_line(after)], now=practice.clock.instant).get("USD", 0)
    if card == "pm_card_visa":
        assert (after.status, owed) == (PaymentStatus.PAID, 0)
    else:
        assert (after.status, after.because, owed) == (PaymentStatus.CANCELLED, "archived", FEE)
        assert after.next_try_at is None
    assert settled.journey.archived
    assert await practice.attempt(payment, 2) is None
    assert len(await practice.charges_of(payment)) == 1
    assert (await practice.row(sara)).status is ClientStatus.ARCHIVED


async def test_an_archive_before_the_card_is_asked_wins(practice: Practice) -> None:
    sara, payment = await a_due_payment(practice)
    await practice.archive.archive_client(archive_of(sara))
    assert await practice.attempt(payment) is None
    assert await practice.money.charge_card(AttemptOrder(payment_id=payment, attempt=1)) is None
    assert (await practice.payment(payment)).status is PaymentStatus.CANCELLED
    assert (await practice.stripe())["payment_intents"] == []
