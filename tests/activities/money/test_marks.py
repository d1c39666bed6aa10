"""What is marked late, again, or otherwise: one breach by whom it was, and a fee that was let go stays so."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlmodel import col, select

from activities.types.archive import UnarchiveOrder
from activities.types.booking import Changed, OutcomeOrder
from activities.types.facts import AppointmentFacts
from models.reads.clients.timeline import facts_of
from models.tables.clients.fact import Fact
from rules.enums import Outcome, PaymentKind, PaymentStatus
from rules.refusals import Problem
from tests.care.client_money import ClientMoney
from tests.care.practice import DESK, Practice


@pytest.fixture
async def money(practice: Practice) -> ClientMoney:
    return await ClientMoney.of(practice)


async def marked(
    practice: Practice,
    session: AppointmentFacts,
    outcome: Outcome = Outcome.OCCURRED,
    *,
    why: str | None = None,
    **more: str,
) -> Changed:
    order = OutcomeOrder(
        request_id=str(uuid4()),
        appointment_id=session.id,
        by=DESK,
        outcome=outcome,
        waive_fee=why is not None,
        waive_reason=why,
        reason=more.get("reason"),
    )
    return await practice.appointments.record_outcome(order)


async def told(practice: Practice, client: str, kind: str) -> list[Fact]:
    async with practice.sessions() as session:
        found = select(Fact).where(col(Fact.client_id) == UUID(client), col(Fact.kind) == kind)
        return list((await session.exec(found.order_by(col(Fact.seq)))).all())


async def said(practice: Practice, fact: Fact) -> str | None:
    """In the words of whoever did it."""
    async with practice.sessions() as session:
        [told] = await facts_of(session, fact.client_id, after_seq=fact.seq - 1, limit=1)
    return told.words


@pytest.mark.parametrize("noticed", [True, False])
async def test_x6_a_late_mark_says_who_made_it_how_late_and_why(
    practice: Practice, money: ClientMoney, noticed: bool
) -> None:
    [session] = await practice.booked(money.client)
    practice.clock.instant = session.ends_at + timedelta(hours=48)
    if noticed:
        await practice.appointments.record_breach(session.id)
    practice.clock.instant += timedelta(hours=12, seconds=30)
    await marked(practice, session, reason="was on leave")
    [fact] = await told(practice, money.client, "outcome_recorded")
    assert (fact.actor, fact.data["late"], fact.data["late_by_minutes"], await said(practice, fact)) == (
        "care_team:desk", True, 721, "was on leave"
    )  # fmt: skip
    [breach] = await told(practice, money.client, "outcome_breach")
    assert (breach.actor, breach.data.get("late"), await said(practice, breach)) == (
        ("system", None, None) if noticed else ("care_team:desk", True, "was on leave")
    )


async def test_what_was_marked_in_time_is_no_breach_later(practice: Practice, money: ClientMoney) -> None:
    [session] = await practice.booked(money.client)
    payment = await practice.occurred(session)
    [fact] = await told(practice, money.client, "outcome_recorded")
    assert "late" not in fact.data
    await money.archived()
    practice.clock.instant += timedelta(days=10)
    order = UnarchiveOrder(client_id=money.client, request_id=str(uuid4()), by="care_team:desk", restore=True)
    await practice.archive.unarchive_client(order)
    restored = await practice.payment(payment)
    await marked(practice, session, Outcome.NO_SHOW)
    corrected = await practice.payment(payment)
    assert (corrected.kind, corrected.status, corrected.deadline) == (
        PaymentKind.NO_SHOW, PaymentStatus.SCHEDULED, restored.deadline
    )  # fmt: skip
    await marked(practice, session, Outcome.NO_SHOW, why="goodwill")
    assert (await practice.payment(payment)).status is PaymentStatus.WAIVED
    assert await told(practice, money.client, "outcome_breach") == []


async def test_a_waived_fee_stays_waived_and_what_a_card_was_asked_for_is_not_corrected(
    practice: Practice, money: ClientMoney
) -> None:
    [first, second] = await practice.booked(money.client, weeks=2)
    payment = await practice.occurred(first)
    await money.waived(payment)
    before = await practice.payment(payment)
    corrected = await marked(practice, first, Outcome.NO_SHOW)
    assert corrected.refusal is None
    after = await practice.payment(payment)
    assert (after.kind, after.status, after.because, after.exception) == (
        PaymentKind.NO_SHOW, PaymentStatus.WAIVED, "waived", before.exception
    )  # fmt: skip

    payment = await practice.occurred(second)
    await practice.bank_says(money.client, "insufficient_funds")
    await practice.attempt(payment)
    await money.waived(payment)
    refusal = (await marked(practice, second, Outcome.NO_SHOW)).refusal
    assert refusal is not None
    assert refusal.name is Problem.APPOINTMENT_NOT_OPEN
    assert (await practice.payment(payment)).status is PaymentStatus.WAIVED
