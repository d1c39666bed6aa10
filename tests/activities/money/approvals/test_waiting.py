"""Above the ceiling nothing happens until another person says so; and then just what was asked for, once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from activities.booking.series import SeriesActivities
from activities.types.booking import CancelOrder, FollowingCancelOrder, OutcomeOrder
from activities.types.money import GrantOrder
from models.reads.clients.timeline import facts_of
from models.tables.booking.therapist import Therapist
from models.tables.clients.fact import Fact
from rules.accounts.caller import Caller, therapist_caller, through_temporal
from rules.enums import AppointmentStatus, ApprovalAct, ApprovalStatus, Outcome, PaymentStatus, RefundTo, Role, TaskKind
from rules.refusals import Problem
from tests.activities.money.approvals.ceiling import ALONE, IVO, MARIA, Ceilinged
from tests.care.practice import DESK, FEE, MONDAY
from tests.care.rows import Rows

ACTS = list(ApprovalAct)


async def told(ceiling: Ceilinged, kind: str) -> list[tuple[Fact, str | None]]:
    async with ceiling.practice.sessions() as session:
        client = await ceiling.practice.row(ceiling.money.client)
        found = await facts_of(session, client.id, after_seq=0, limit=1000)
    return [(each.fact, each.words) for each in found if each.fact.kind == kind]


@pytest.mark.parametrize("act", ACTS)
async def test_it_waits_and_is_carried_out_once_in_the_name_of_both(ceiling: Ceilinged, act: ApprovalAct) -> None:
    order = await ceiling.order(act)
    before = await ceiling.given()
    row = await ceiling.asked(order, act)
    assert (row.amount, row.currency, row.asked_by, row.settled) == (FEE, "USD", "care_team:maria", None)
    assert row.lapses_at - row.asked_at == timedelta(days=7)
    assert await ceiling.given() == before  # nothing has happened
    [task] = [task for task in await ceiling.money.tasks() if task.kind is TaskKind.SECOND_PERSON]
    assert task.data["approval_id"] == str(row.id)
    # The same request again, its answer lost: it is the same that waits.
    assert (await ceiling.asked(order, act)).id == row.id

    for _ in range(2):  # the second finds it done
        done = await ceiling.approves(order, act)
        assert (done.refusal, done.approval) == (None, None)
    assert await ceiling.given() == before + FEE
    row = await ceiling.of_request(order)
    assert (row.settled, row.settled_by) == (ApprovalStatus.APPROVED, "care_team:ivo")
    assert TaskKind.SECOND_PERSON not in [task.kind for task in await ceiling.money.tasks()]
    kind = {"credit": "credit_granted", "refund": "refund_begun", "waive": "payment_waived"}.get(
        act.value, "payment_written_off"
    )
    [(fact, words)] = await told(ceiling, kind)
    assert (fact.actor, words) == ("care_team:maria", order.reason)
    assert "care_team:ivo" in str(fact.data)
    [(asked, why)] = await told(ceiling, "approval_asked")
    assert (asked.actor, why, asked.data["approval_id"]) == ("care_team:maria", words, str(row.id))
    # And whoever asked first, and never heard, is told how it ended.
    again = await ceiling.step(act)(order)
    assert (again.refusal, again.approval, await ceiling.given()) == (None, None, before + FEE)


@pytest.mark.parametrize("act", ACTS)
async def test_up_to_the_ceiling_and_without_one_nobody_is_asked(ceiling: Ceilinged, act: ApprovalAct) -> None:
    order = await ceiling.order(act, by=Caller(role=Role.CARE_TEAM, name="office"))
    deps = ceiling.practice.credits.deps
    for group in (ceiling.practice.credits, ceiling.practice.refunds, ceiling.practice.waivers):
        above = tuple(replace(one, amount=FEE) for one in deps.policy.second_person_above)
        group.deps = replace(deps, policy=replace(deps.policy, second_person_above=above))
    done = await ceiling.step(act)(order)
    assert (done.refusal, done.approval) == (None, None)


@pytest.mark.parametrize("act", ACTS)
async def test_with_nobody_else_it_is_refused_and_nothing_waits(ceiling: Ceilinged, act: ApprovalAct) -> None:
    order = replace(await ceiling.order(act), another=None)
    before = await ceiling.given()
    refusal = (await ceiling.step(act)(order)).refusal
    assert refusal is not None
    assert refusal.name is Problem.SECOND_PERSON_REQUIRED
    assert (await ceiling.given(), await told(ceiling, "approval_asked")) == (before, [])


@pytest.mark.parametrize("act", ACTS)
async def test_what_somebody_has_sent_cannot_be_sent_again_with_other_contents(
    ceiling: Ceilinged, act: ApprovalAct
) -> None:
    """By another one, who would then approve it: the API's word is for what it was asked."""
    order = await ceiling.order(act)
    forged: list[Any] = [replace(order, request_id=str(uuid4())), replace(order, by=IVO), replace(order, another="0")]
    if isinstance(order, GrantOrder):
        forged.append(replace(order, amount=order.amount + 1))
    else:
        forged.append(replace(order, payment_id=await ceiling.money.owes_a_fee(weeks=3)))
    for wrong in forged:
        done = await ceiling.step(act)(wrong)
        assert (done.refusal is not None, done.approval) == (True, None)
    assert await told(ceiling, "approval_asked") == []


@pytest.mark.parametrize("act", ACTS)
async def test_who_acts_in_the_engines_ui_neither_asks_nor_approves(ceiling: Ceilinged, act: ApprovalAct) -> None:
    """Whatever is pasted: there nobody knows who it is, so that it might be the one who asked."""
    order = await ceiling.order(act)
    before = await ceiling.given()
    by_hand = replace(order, by=through_temporal("maria@laptop"), request_id=str(uuid4()))
    await ceiling.asked(order, act)
    pasted = str((await ceiling.of_request(order)).id)
    for wrong in (
        by_hand,
        ceiling.by(by_hand, act, by_hand.by),
        replace(by_hand, approval=pasted),
        replace(by_hand, approval="no id at all"),
        replace(by_hand, approval=pasted, request_id=order.request_id),
    ):
        refusal = (await ceiling.step(act)(wrong)).refusal
        assert refusal is not None
        assert (refusal.name, "sign in" in refusal.detail) == (Problem.SECOND_PERSON_REQUIRED, True)
    refused = (await ceiling.refuses(order, by=through_temporal())).refusal
    assert refused is not None
    assert (await ceiling.given(), (await ceiling.of_request(order)).settled) == (before, None)


async def test_who_asked_approves_in_no_role_and_by_no_program(ceiling: Ceilinged) -> None:
    rows = Rows(ceiling.practice.sessions)
    async with ceiling.practice.sessions() as session:
        client = await ceiling.practice.row(ceiling.money.client)
        ana = await session.get_one(Therapist, client.therapist_id)
    await rows.staff("maria", Role.CARE_TEAM, Role.ADMIN, Role.THERAPIST, therapist=ana)
    in_any_role = (MARIA, therapist_caller("ana"))
    for asker in in_any_role:
        order = await ceiling.order(ApprovalAct.CREDIT, by=asker)
        await ceiling.asked(order, ApprovalAct.CREDIT)
        for same in in_any_role:
            refusal = (await ceiling.approves(order, ApprovalAct.CREDIT, by=same)).refusal
            assert refusal is not None
            assert (refusal.name, "another person" in refusal.detail) == (Problem.SECOND_PERSON_REQUIRED, True)
    order = await ceiling.order(ApprovalAct.CREDIT, by=DESK)
    await ceiling.asked(order, ApprovalAct.CREDIT)
    assert (await ceiling.approves(order, ApprovalAct.CREDIT, by=DESK)).refusal is not None
    assert await ceiling.given() == 0
    assert (await ceiling.approves(order, ApprovalAct.CREDIT, by=MARIA)).refusal is None
    assert await ceiling.given() == FEE


async def test_an_approval_stands_behind_its_own_order_and_no_other(ceiling: Ceilinged) -> None:
    first = await ceiling.order(ApprovalAct.WAIVE)
    other = await ceiling.order(ApprovalAct.WAIVE, week=1)
    await ceiling.asked(first, ApprovalAct.WAIVE)
    id = str((await ceiling.of_request(first)).id)
    for wrong, act in (
        (replace(other, by=IVO, approval=id), ApprovalAct.WAIVE),
        (replace(other, by=IVO, approval=id, request_id=first.request_id), ApprovalAct.WAIVE),
        (replace(first, by=IVO, approval=id), ApprovalAct.WRITE_OFF),
        (replace(first, by=IVO, approval=str(uuid4())), ApprovalAct.WAIVE),
    ):
        refusal = (await ceiling.step(act)(wrong)).refusal
        assert refusal is not None
        assert refusal.name is Problem.NOT_FOUND
    assert await ceiling.given() == 0


async def test_a_refund_of_all_that_is_left_is_of_what_was_left_when_it_was_asked_for(ceiling: Ceilinged) -> None:
    order = await ceiling.order(ApprovalAct.REFUND)
    row = await ceiling.asked(order, ApprovalAct.REFUND)
    assert (row.amount, row.order["amount"]) == (FEE, FEE)
    forged = replace(order, amount=1, to=RefundTo.CARD)  # what the message says does not count
    await ceiling.approves(forged, ApprovalAct.REFUND)
    [refund] = await ceiling.money.refunds()
    assert (refund.credit_amount, refund.card_amount, refund.approved_by) == (FEE, 0, "care_team:ivo")


async def test_a_fee_above_it_is_not_waived_beside_an_outcome_or_a_cancellation(ceiling: Ceilinged) -> None:
    """The mark waits for nobody: it is made without the waiver, which is asked for on the payment."""
    practice, client = ceiling.practice, ceiling.money.client
    first, second = [
        *await practice.booked(client, MONDAY),
        *await practice.booked(client, MONDAY + timedelta(weeks=1)),
    ]
    practice.clock.instant = first.ends_at
    waiver: dict[str, Any] = {"waive_fee": True, "waive_reason": "the flu"}
    mark = OutcomeOrder(request_id=str(uuid4()), appointment_id=first.id, by=MARIA, outcome=Outcome.NO_SHOW, **waiver)
    refusal = (await practice.appointments.record_outcome(mark)).refusal
    assert refusal is not None
    assert (refusal.name, "/waive" in refusal.detail) == (Problem.SECOND_PERSON_REQUIRED, True)
    marked = await practice.appointments.record_outcome(
        OutcomeOrder(request_id=str(uuid4()), appointment_id=first.id, by=MARIA, outcome=Outcome.NO_SHOW)
    )
    assert (marked.refusal, marked.appointment and marked.appointment.status) == (None, AppointmentStatus.NO_SHOW)
    again = await practice.appointments.record_outcome(replace(mark, request_id=str(uuid4())))
    assert again.refusal is not None

    practice.clock.instant = second.starts_at - timedelta(hours=1)
    cancel = CancelOrder(
        request_id=str(uuid4()),
        appointment_id=second.id,
        by=MARIA,
        reason="ill",
        requested_by_client=True,
        confirm=True,
        **waiver,
    )
    for order in (replace(cancel, confirm=False), cancel):
        refusal = (await practice.appointments.cancel_appointment(order)).refusal
        assert refusal is not None
        assert refusal.name is Problem.SECOND_PERSON_REQUIRED
    following = FollowingCancelOrder(**{**vars(cancel), "client_id": client, "request_id": str(uuid4())})
    refused = (await SeriesActivities(practice.appointments.deps).cancel_following(following)).refusal
    assert refused is not None
    assert refused.name is Problem.SECOND_PERSON_REQUIRED
    assert await ceiling.given() == 0


async def test_of_an_archived_client_too(ceiling: Ceilinged) -> None:
    order = await ceiling.order(ApprovalAct.WAIVE)
    await ceiling.asked(order, ApprovalAct.WAIVE)
    await ceiling.money.archived()
    assert (await ceiling.approves(order, ApprovalAct.WAIVE)).refusal is None
    assert (await ceiling.practice.payment(order.payment_id)).status is PaymentStatus.WAIVED
    assert ALONE < FEE
