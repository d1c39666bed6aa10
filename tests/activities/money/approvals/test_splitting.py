"""Many small ones are one large one: what one person gives one client alone within a day is added up."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from models.tables import Therapist
from rules.accounts.caller import therapist_caller, through_temporal
from rules.enums import ApprovalAct, RefundTo, Role
from rules.refusals import Problem
from tests.activities.money.approvals.ceiling import ALONE, IVO, MARIA, Ceilinged
from tests.care.client_money import ClientMoney
from tests.care.practice import FEE
from tests.care.rows import Rows


async def waits(ceiling: Ceilinged, act: ApprovalAct, amount: int | None = None, **more: object) -> bool:
    order = await ceiling.order(act, amount=amount, **more)  # type: ignore[arg-type]
    done = await ceiling.step(act)(order)
    assert done.refusal is None, done.refusal
    return done.approval is not None


async def test_several_small_refunds_of_one_payment(ceiling: Ceilinged) -> None:
    payment = await ceiling.money.pays_a_fee()

    async def refund(amount: int) -> bool:
        order = ceiling.by(ceiling.money.refund_order(payment, amount), ApprovalAct.REFUND, MARIA)
        return (await ceiling.practice.refunds.begin_refund(order)).approval is not None

    assert [await refund(amount) for amount in (ALONE - 100, 100, 1)] == [False, False, True]
    ceiling.practice.clock.instant += timedelta(hours=24)
    assert not await refund(1)  # another day


async def test_in_different_ways_at_different_payments(ceiling: Ceilinged) -> None:
    half = FEE // 2
    assert not await waits(ceiling, ApprovalAct.REFUND, half)  # as credit, which is counted once
    assert not await waits(ceiling, ApprovalAct.CREDIT, ALONE - half)
    assert await waits(ceiling, ApprovalAct.CREDIT, 1)
    assert not await waits(ceiling, ApprovalAct.CREDIT, 1, by=IVO)  # somebody else's own


async def test_in_one_role_after_the_other_and_in_the_engines_ui(ceiling: Ceilinged) -> None:
    async with ceiling.practice.sessions() as session:
        ana = await session.get_one(Therapist, (await ceiling.practice.row(ceiling.money.client)).therapist_id)
    await Rows(ceiling.practice.sessions).staff("maria", Role.CARE_TEAM, Role.ADMIN, Role.THERAPIST, therapist=ana)
    half = FEE // 2
    assert not await waits(ceiling, ApprovalAct.CREDIT, half, by=MARIA)
    assert await waits(ceiling, ApprovalAct.CREDIT, half, by=therapist_caller("ana"))
    by_hand = replace(await ceiling.order(ApprovalAct.CREDIT, amount=half), by=through_temporal("somebody"))
    refusal = (await ceiling.practice.credits.grant_credit(by_hand)).refusal
    assert refusal is not None
    assert refusal.name is Problem.SECOND_PERSON_REQUIRED
    # What was given there may have been anybody's, and is counted with everybody's own.
    little = replace(by_hand, amount=ALONE - half, request_id=str(uuid4()))
    assert (await ceiling.practice.credits.grant_credit(little)).refusal is None
    assert await waits(ceiling, ApprovalAct.CREDIT, half + 1, by=IVO)
    assert not await waits(ceiling, ApprovalAct.CREDIT, half - 1, by=IVO)


async def test_what_was_approved_or_only_asked_for_does_not_count(ceiling: Ceilinged) -> None:
    for week, act in enumerate((ApprovalAct.CREDIT, ApprovalAct.WAIVE, ApprovalAct.REFUND)):
        order = await ceiling.order(act, week=week)
        await ceiling.asked(order, act)
        assert not await waits(ceiling, ApprovalAct.CREDIT, 1)
        assert (await ceiling.approves(order, act)).refusal is None
        assert not await waits(ceiling, ApprovalAct.CREDIT, 1)


async def test_another_client_and_another_currency_are_counted_apart(ceiling: Ceilinged) -> None:
    assert not await waits(ceiling, ApprovalAct.CREDIT, ALONE)
    tom = ClientMoney(ceiling.practice, await ceiling.practice.client(name="Tom"))
    order = replace(tom.grant_order(ALONE), by=MARIA)
    assert (await ceiling.practice.credits.grant_credit(order)).approval is None


async def test_a_refund_that_failed_at_the_bank_has_given_nothing(ceiling: Ceilinged) -> None:
    await ceiling.practice.gives_card(ceiling.money.client, "pm_card_refundFail")
    payment = await ceiling.money.pays_a_fee()
    order = ceiling.money.refund_order(payment, ALONE, to=RefundTo.CARD)
    assert (await ceiling.practice.refunds.begin_refund(replace(order, by=MARIA))).refusal is None
    assert await waits(ceiling, ApprovalAct.CREDIT, 1)
    await ceiling.practice.refunds.send_refund(order.refund_id)
    [refund] = await ceiling.money.refunds()
    await ceiling.money.bank(f"_refunds/{refund.stripe_refund}")
    await ceiling.money.reported("refund.failed", str(refund.stripe_refund), "refund")
    assert not await waits(ceiling, ApprovalAct.CREDIT, 1)
