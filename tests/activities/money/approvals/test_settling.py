"""Settled once: whoever comes first, whatever died in between, and whatever has become of the payment meanwhile."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from activities.clients.joining import JoiningActivities
from activities.types.clients import JoinOrder
from rules.accounts.caller import Caller
from rules.enums import ApprovalAct, ApprovalStatus, PaymentStatus, Role, TaskKind
from rules.refusals import Problem
from tests.activities.money.approvals.ceiling import IVO, MARIA, Ceilinged
from tests.care.client_money import ClientMoney
from tests.care.crash_points import Death
from tests.care.practice import DESK, FEE

WAIVE, CREDIT = ApprovalAct.WAIVE, ApprovalAct.CREDIT
EVA = Caller(role=Role.CARE_TEAM, name="eva")


async def test_of_two_who_approve_at_once_one_does_and_it_is_done_once(ceiling: Ceilinged) -> None:
    for _ in range(5):
        order = await ceiling.order(CREDIT)
        await ceiling.asked(order, CREDIT)
        before = await ceiling.given()
        done = await asyncio.gather(*(ceiling.approves(order, CREDIT, by=by) for by in (IVO, EVA)))
        assert [one.refusal for one in done] == [None, None]
        assert await ceiling.given() == before + FEE


async def test_of_one_who_approves_and_one_who_refuses_at_once_one_is_told_so(ceiling: Ceilinged) -> None:
    ends = set()
    for turn in range(6):
        order = await ceiling.order(CREDIT)
        await ceiling.asked(order, CREDIT)
        before = await ceiling.given()
        asked = [ceiling.approves(order, CREDIT), ceiling.refuses(order, by=EVA)]
        done = await asyncio.gather(*(asked if turn % 2 else reversed(asked)))
        refusals = [one.refusal for one in done if one.refusal is not None]
        assert [refusal.name for refusal in refusals] == [Problem.SECOND_PERSON_REQUIRED]
        row = await ceiling.of_request(order)
        assert await ceiling.given() == before + (FEE if row.settled is ApprovalStatus.APPROVED else 0)
        ends.add(row.settled)
    assert ends <= {ApprovalStatus.APPROVED, ApprovalStatus.REFUSED}


@pytest.mark.parametrize("act", list(ApprovalAct))
async def test_dead_before_or_after_the_commit_it_is_settled_and_done_or_neither(
    ceiling: Ceilinged, act: ApprovalAct
) -> None:
    order = await ceiling.order(act)
    await ceiling.asked(order, act)
    before = await ceiling.given()
    ceiling.practice.points.reset(1)
    with pytest.raises(Death):
        await ceiling.approves(order, act)
    assert ((await ceiling.of_request(order)).settled, await ceiling.given()) == (None, before)
    ceiling.practice.points.reset(2)
    with pytest.raises(Death):
        await ceiling.approves(order, act)
    ceiling.practice.points.reset()
    assert ((await ceiling.of_request(order)).settled, await ceiling.given()) == (
        ApprovalStatus.APPROVED, before + FEE
    )  # fmt: skip
    assert (await ceiling.approves(order, act)).refusal is None  # asked again, as the answer was lost
    assert await ceiling.given() == before + FEE


async def test_refused_or_taken_back_nothing_comes_of_it(ceiling: Ceilinged) -> None:
    for by in (IVO, MARIA):
        order = await ceiling.order(CREDIT)
        await ceiling.asked(order, CREDIT)
        assert (await ceiling.refuses(order, by=by)).refusal is None
        row = await ceiling.of_request(order)
        assert (row.settled, row.settled_by, row.answer) == (ApprovalStatus.REFUSED, by.actor, "too much")
        refusal = (await ceiling.approves(order, CREDIT)).refusal
        assert refusal is not None
        assert refusal.data == {"approval_status": "refused"}
    assert (await ceiling.given(), await ceiling.money.tasks()) == (0, [])
    assert (await ceiling.practice.facts(ceiling.money.client)).count("approval_refused") == 2


async def test_after_seven_days_it_has_lapsed_and_is_asked_for_anew(ceiling: Ceilinged) -> None:
    order = await ceiling.order(CREDIT)
    row = await ceiling.asked(order, CREDIT)
    ceiling.practice.clock.instant = row.lapses_at
    for done in (await ceiling.approves(order, CREDIT), await ceiling.refuses(order)):
        assert done.refusal is not None
        assert done.refusal.data == {"approval_status": "lapsed"}
    assert (await ceiling.given(), await ceiling.money.tasks()) == (0, [])
    later = await ceiling.order(CREDIT)
    await ceiling.asked(later, CREDIT)
    assert (await ceiling.approves(later, CREDIT)).refusal is None
    last = await ceiling.order(CREDIT)
    row = await ceiling.asked(last, CREDIT)
    ceiling.practice.clock.instant = row.lapses_at - timedelta(microseconds=1)
    assert (await ceiling.approves(last, CREDIT)).refusal is None


async def test_what_cannot_be_done_any_more_is_refused_as_ever_and_waits_on(ceiling: Ceilinged) -> None:
    order = await ceiling.order(WAIVE)
    await ceiling.asked(order, WAIVE)
    payment = order.payment_id
    await ceiling.practice.attempt(payment)
    assert (await ceiling.practice.payment(payment)).status is PaymentStatus.PAID
    refusal = (await ceiling.approves(order, WAIVE)).refusal
    assert refusal is not None
    assert (refusal.name, (await ceiling.of_request(order)).settled) == (Problem.PAYMENT_NOT_OPEN, None)
    assert [task.kind for task in await ceiling.money.tasks()] == [TaskKind.SECOND_PERSON]

    refund = await ceiling.order(ApprovalAct.REFUND, week=1)
    await ceiling.asked(refund, ApprovalAct.REFUND)
    dispute = await ceiling.money.disputed(refund.payment_id)
    await ceiling.money.reported("charge.dispute.created", dispute, "dispute")
    refusal = (await ceiling.approves(refund, ApprovalAct.REFUND)).refusal
    assert refusal is not None
    assert (refusal.name, (await ceiling.of_request(refund)).settled) == (Problem.PAYMENT_NOT_REFUNDABLE, None)
    await ceiling.money.bank(f"_disputes/{dispute}", status="won")
    await ceiling.money.reported("charge.dispute.closed", dispute, "dispute")
    assert (await ceiling.approves(refund, ApprovalAct.REFUND)).refusal is None


async def test_it_comes_along_when_the_record_is_joined_into_another(ceiling: Ceilinged) -> None:
    order = await ceiling.order(CREDIT)
    await ceiling.asked(order, CREDIT)
    into = await ceiling.practice.client(name="Sarah")
    join = JoinOrder(request_id=str(uuid4()), client_id=ceiling.money.client, by=DESK, into_id=into)
    joined = await JoiningActivities(ceiling.practice.credits.deps).join_records(join)
    assert joined.refusal is None, joined.refusal
    ceiling.money = ClientMoney(ceiling.practice, into)
    order = type(order)(**{**vars(order), "client_id": into})
    assert (await ceiling.approves(order, CREDIT)).refusal is None
    assert await ceiling.given() == FEE
    assert TaskKind.SECOND_PERSON not in [task.kind for task in await ceiling.money.tasks()]
