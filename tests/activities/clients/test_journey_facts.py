"""The facts of a journey: one question to the database, whose answer does not grow with what is over."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from models.reads.journey import journey_facts
from models.tables.booking.appointment import Appointment
from models.tables.care.goal import Goal
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.tables.money.payment import Payment
from rules.enums import AppointmentStatus, AppointmentType, Mode, PaymentKind, PaymentStatus, TaskKind
from rules.forms.intake import INTAKE_FORMS
from rules.journey.goals import GoalReminder
from rules.journey.stage import JourneyFacts, OpenAppointment, OpenTask, TaskPayment
from tests.care.practice import FEE, MONDAY, Practice
from tests.statements import statements

DAY = timedelta(days=1)
S, T = AppointmentStatus, AppointmentType


async def facts_of(practice: Practice, client: str) -> JourneyFacts:
    async with practice.sessions() as session:
        return await journey_facts(session, await session.get_one(Client, UUID(client)))


async def adds(practice: Practice, *rows: Any) -> None:
    async with practice.sessions() as session:
        for row in rows:
            session.add(row)
            await session.flush()
        await session.commit()


async def appointment(
    practice: Practice, client: str, starts_at: datetime, type: AppointmentType, status: AppointmentStatus, **more: Any
) -> Appointment:
    row = await practice.row(client)
    assert row.therapist_id is not None
    return Appointment(
        id=uuid4(),
        client_id=row.id,
        therapist_id=more.pop("therapist_id", row.therapist_id),
        type=type,
        status=status,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=50),
        mode=Mode.PHONE,
        fee_amount=FEE,
        fee_currency="USD",
        booked_by="staff:desk",
        booked_at=MONDAY,
        planned_at=MONDAY,
        terms={},
        fee_policy_version=1,
        **more,
    )


def payment(of: Appointment, status: PaymentStatus) -> Payment:
    return Payment(
        id=uuid4(),
        appointment_id=of.id,
        client_id=of.client_id,
        kind=PaymentKind.SESSION,
        amount=FEE,
        currency="USD",
        status=status,
        created_at=MONDAY,
        due_at=MONDAY + DAY,
        deadline=MONDAY + 4 * DAY,
    )


async def test_of_who_has_only_a_therapist_there_is_little(practice: Practice) -> None:
    facts = await facts_of(practice, await practice.client())
    assert (facts.therapist, facts.outstanding_forms) == ("ana", tuple(INTAKE_FORMS))
    assert (facts.open_appointments, facts.open_tasks, facts.goals, facts.debts, facts.asked_forms) == ((),) * 5
    assert (facts.intro_occurred_at, facts.unbooked_since, facts.forms_requested_at) == (None,) * 3
    assert (facts.session_booked, facts.session_occurred, facts.payment_open) == (False,) * 3


@pytest.mark.parametrize("past", [S.SCHEDULED, S.OCCURRED, S.NO_SHOW, S.CANCELLED])
async def test_what_is_open_comes_in_rows_and_what_is_over_in_sums(practice: Practice, past: AppointmentStatus) -> None:
    sara = await practice.client()
    await practice.booked(sara)
    former = await practice.therapist("bea")
    intros = [
        await appointment(practice, sara, MONDAY - n * DAY, T.INTRO_CALL, S.OCCURRED, outcome_at=MONDAY - n * DAY)
        for n in (9, 8)
    ]
    with_another = await appointment(
        practice, sara, MONDAY - 2 * DAY, T.INTRO_CALL, S.OCCURRED, therapist_id=former, outcome_at=MONDAY - 2 * DAY
    )
    cancelled_at = MONDAY - DAY if past is S.CANCELLED else None
    [booked] = (await facts_of(practice, sara)).open_appointments
    session = await appointment(practice, sara, MONDAY - 3 * DAY, T.SESSION, past, cancelled_at=cancelled_at)
    await adds(practice, *intros, with_another, session)
    facts = await facts_of(practice, sara)
    still_open = OpenAppointment(
        id=str(session.id), type=T.SESSION, starts_at=session.starts_at, ends_at=session.ends_at, planned_at=MONDAY
    )
    assert facts.open_appointments == ((still_open, booked) if past is S.SCHEDULED else (booked,))
    assert facts.intro_occurred_at == intros[1].ends_at  # the last one with the present therapist
    assert facts.unbooked_since == (cancelled_at or with_another.outcome_at)
    assert facts.session_booked  # the one of today
    assert facts.session_occurred is (past is S.OCCURRED)


async def test_tasks_goals_and_payments(practice: Practice) -> None:
    sara = await practice.client()
    await practice.booked(sara)
    held = await appointment(practice, sara, MONDAY - 3 * DAY, T.SESSION, S.OCCURRED, outcome_at=MONDAY)
    owed = payment(held, PaymentStatus.OWED)
    client = UUID(sara)
    about = Task(
        id=uuid4(),
        key="b",
        client_id=client,
        kind=TaskKind.DISPUTE,
        text="Look.",
        data={"payment_id": str(owed.id), "appointment_id": str(held.id), "amount": 5, "state": "won"},
        opened_at=MONDAY,
    )
    bare = Task(id=uuid4(), key="a", client_id=client, kind=TaskKind.MATCH_BY_HAND, text="Look.", opened_at=MONDAY)
    done = Task(id=uuid4(), key="c", client_id=client, kind=about.kind, text=".", opened_at=MONDAY, resolved_at=MONDAY)
    goal = Goal(id=uuid4(), client_id=client, text="Sleep", made_by="staff:desk", made_at=MONDAY)
    reminded = Goal(
        id=uuid4(),
        client_id=client,
        text="Walk",
        made_by="staff:desk",
        made_at=MONDAY,
        remind_weekday=1,
        remind_minute=540,
        remind_since=MONDAY,
    )
    await adds(practice, held, owed, about, bare, done, goal, reminded)
    facts = await facts_of(practice, sara)
    at_hand = TaskPayment(
        id=str(owed.id), status=PaymentStatus.OWED, amount=FEE, currency="USD", deadline=MONDAY + 4 * DAY
    )
    assert facts.open_tasks == (
        OpenTask(key="a", kind=bare.kind.value, id=str(bare.id)),
        OpenTask(
            key="b",
            kind=about.kind.value,
            id=str(about.id),
            appointment_id=str(held.id),
            payment=at_hand,
            amount=5,
            over=True,
        ),
    )
    assert facts.goals == (GoalReminder(id=str(reminded.id), weekday=1, minute=540, since=MONDAY),)
    assert facts.payment_open
    async with practice.sessions() as session:
        (await session.get_one(Client, client)).unsubscribed = True
        await session.commit()
    assert (await facts_of(practice, sara)).goals == ()


async def test_a_thousand_sessions_cost_one_question_with_one_row(practice: Practice, database: AsyncEngine) -> None:
    sara = await practice.client()
    await practice.booked(sara)
    held = [
        await appointment(practice, sara, MONDAY - n * DAY, T.SESSION, S.OCCURRED, outcome_at=MONDAY)
        for n in range(2, 1002)
    ]
    async with practice.sessions() as session:
        session.add_all(held)
        await session.commit()
    async with practice.sessions() as session:
        client = await session.get_one(Client, UUID(sara))
        with statements(database) as asked:
            facts = await journey_facts(session, client)
        assert len(asked) == 1
        assert set(map(type, session.identity_map.values())) == {Client}  # no row of the past was read
    assert facts.session_occurred
    assert len(facts.open_appointments) == 1
