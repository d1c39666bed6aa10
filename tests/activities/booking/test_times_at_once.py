"""One time from two sides at the same moment: what waited for the other is told the truth, and never an error."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.types.booking import Booked, Changed, RescheduleOrder
from models.tables.booking.occupied_time import OccupiedTime
from models.writes.booking.holds import put_hold
from rules.accounts.budgets import CountedFor
from rules.accounts.caller import Caller
from rules.enums import AppointmentType, Role
from rules.refusals import Problem, Refusal
from tests.care.practice import DESK, MONDAY, POLICY, Practice

HOUR = timedelta(hours=1)
WEEK = timedelta(weeks=1)
SITE = Caller(role=Role.BOOKING_SITE, name="site")
WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()")


async def held(practice: Practice, starts_at: datetime = MONDAY, *, slug: str = "ana") -> OccupiedTime | Refusal:
    """A hold of a time for a session, or why it cannot be had; the practice's, so that hours do not matter."""
    async with practice.sessions() as session:
        got = await put_hold(
            session,
            hold_id=uuid4(),
            slug=slug,
            type=AppointmentType.SESSION,
            starts_at=starts_at,
            by=DESK,
            now=practice.clock.instant,
            whom=CountedFor(),
            policy=POLICY,
        )
        assert got is not None
        await session.commit()
        return got


async def hold_id(practice: Practice, starts_at: datetime = MONDAY) -> str:
    got = await held(practice, starts_at)
    assert isinstance(got, OccupiedTime)
    return str(got.id)


async def occupied(practice: Practice) -> list[tuple[datetime, bool]]:
    """What is taken, in order: when it begins, and whether it is an appointment."""
    async with practice.sessions() as session:
        connection = await session.connection()
        rows = await connection.execute(
            text("SELECT starts_at, appointment_id IS NOT NULL FROM occupied_time ORDER BY starts_at")
        )
        return [(row[0], row[1]) for row in rows]


@asynccontextmanager
async def somebody_else(practice: Practice) -> AsyncIterator[AsyncConnection]:
    """Another transaction, which the test commits."""
    async with practice.sessions() as session:
        yield await session.connection()


async def in_line(practice: Practice, *steps: Awaitable[Any]) -> list[asyncio.Future[Any]]:
    """Start steps one by one, each once the one before it waits for a lock."""
    tasks: list[asyncio.Future[Any]] = []
    async with practice.sessions() as session:
        connection = await session.connection()
        for number, step in enumerate(steps, 1):
            tasks.append(asyncio.ensure_future(step))
            async with asyncio.timeout(30):
                while (await connection.execute(WAITING)).scalar_one() < number:
                    assert not tasks[-1].done(), tasks[-1]
                    await asyncio.sleep(0.01)
    return tasks


async def write(connection: AsyncConnection, practice: Practice, starts_at: datetime, *, slug: str = "ana") -> None:
    """A row written past every lock, as a person at the database would."""
    await connection.execute(
        text(
            "INSERT INTO occupied_time (id, therapist_id, type, starts_at, ends_at, made_by, made_at, expires_at)"
            " SELECT :id, id, 'session', :starts_at, :ends_at, 'nobody', :now, :ends_at FROM therapist"
            " WHERE slug = :slug"
        ),
        {
            "id": uuid4(),
            "slug": slug,
            "starts_at": starts_at,
            "ends_at": starts_at + HOUR,
            "now": practice.clock.instant,
        },
    )


def refused(answer: Booked | Changed, name: Problem = Problem.SLOT_TAKEN) -> Sequence[Any]:
    """The alternatives (of a series: the conflicts) of a refusal."""
    assert answer.refusal is not None
    assert answer.refusal.name is name
    found: Sequence[Any] = answer.refusal.data["alternatives" if name is Problem.SLOT_TAKEN else "conflicts"]
    return found


# ---------------------------------------------------------------- holds


@pytest.mark.parametrize("holder_first", [True, False])
async def test_a_hold_runs_out_while_its_booking_waits_in_line(practice: Practice, holder_first: bool) -> None:
    """The booking asked in time; another asked when the hold was over. Whoever is first in line has the time."""
    sara, otto = await practice.client(), await practice.client(name="Otto")
    hold = await hold_id(practice)
    with_hold = practice.booking_order(sara, hold_id=hold)
    without = practice.booking_order(otto)

    async def late() -> Booked:
        practice.clock.instant += POLICY.hold_ttl
        return await practice.booking.book(without)

    async def in_time() -> Booked:
        practice.clock.instant = began
        return await practice.booking.book(with_hold)

    began = practice.clock.instant
    async with somebody_else(practice) as connection:
        await connection.execute(text("SELECT FROM therapist FOR UPDATE"))
        tasks = await in_line(practice, *((in_time(), late()) if holder_first else (late(), in_time())))
        await connection.commit()
    first, second = [await task for task in tasks]
    assert first.refusal is None
    refused(second)
    assert await occupied(practice) == [(MONDAY, True)]


async def test_a_hold_is_released_while_its_booking_uses_it(practice: Practice) -> None:
    sara = await practice.client()
    hold = await hold_id(practice)
    async with somebody_else(practice) as connection:
        await connection.execute(text("DELETE FROM occupied_time WHERE id = :id"), {"id": hold})
        [booking] = await in_line(practice, practice.booking.book(practice.booking_order(sara, hold_id=hold)))
        await connection.commit()
    assert (await booking).refusal is None
    assert await occupied(practice) == [(MONDAY, True)]


async def test_one_hold_for_a_booking_and_a_move_at_once(practice: Practice) -> None:
    sara, otto = await practice.client(), await practice.client(name="Otto")
    [appointment] = await practice.booked(otto, MONDAY + WEEK)
    hold = await hold_id(practice)
    answers = await asyncio.gather(
        practice.booking.book(practice.booking_order(sara, hold_id=hold)),
        practice.appointments.reschedule_appointment(moving(appointment.id, MONDAY, hold_id=hold)),
    )
    [loser] = [answer for answer in answers if answer.refusal is not None]
    refused(loser)
    stands = [(MONDAY, True)] if loser is answers[0] else [(MONDAY, True), (MONDAY + WEEK, True)]
    assert await occupied(practice) == stands


def moving(appointment: str, to: datetime, **more: Any) -> RescheduleOrder:
    return RescheduleOrder(request_id=str(uuid4()), appointment_id=appointment, by=DESK, starts_at=to, **more)


# ---------------------------------------------------------------- what was written past the locks


@pytest.mark.parametrize("weeks", [1, 3])
async def test_a_booking_that_meets_a_stranger_at_the_write(practice: Practice, weeks: int) -> None:
    """The rows could not be seen at the look; the constraint holds the booking until they are there to stay."""
    sara = await practice.client()
    before = await practice.facts(sara)
    first = MONDAY + 2 * WEEK  # clocks are summer's by then, for the whole series
    last = first + (weeks - 1) * WEEK
    async with somebody_else(practice) as connection:
        await write(connection, practice, last + timedelta(minutes=20))
        [booking] = await in_line(practice, practice.booking.book(practice.booking_order(sara, first, weeks=weeks)))
        await connection.commit()
    found = refused(await booking, Problem.SLOT_TAKEN if weeks == 1 else Problem.SERIES_CONFLICT)
    if weeks > 1:
        assert [line["week"] for line in found] == [weeks]
    assert await occupied(practice) == [(last + timedelta(minutes=20), False)]
    assert await practice.facts(sara) == before


async def test_a_stranger_who_gives_up_leaves_the_time_to_the_booking(practice: Practice) -> None:
    sara = await practice.client()
    async with somebody_else(practice) as connection:
        await write(connection, practice, MONDAY)
        [booking] = await in_line(practice, practice.booking.book(practice.booking_order(sara)))
        await connection.rollback()
    assert (await booking).refusal is None
    assert await occupied(practice) == [(MONDAY, True)]


async def test_a_move_that_meets_a_stranger_at_the_write(practice: Practice) -> None:
    sara = await practice.client()
    [appointment] = await practice.booked(sara)
    aim = MONDAY + timedelta(days=1)
    async with somebody_else(practice) as connection:
        await write(connection, practice, aim)
        [move] = await in_line(practice, practice.appointments.reschedule_appointment(moving(appointment.id, aim)))
        await connection.commit()
    refused(await move)
    assert await occupied(practice) == [(MONDAY, True), (aim, False)]


async def test_a_hold_that_meets_a_stranger_at_the_write(practice: Practice) -> None:
    async with somebody_else(practice) as connection:
        await write(connection, practice, MONDAY)
        [hold] = await in_line(practice, held(practice))
        await connection.commit()
    answer = await hold
    assert isinstance(answer, Refusal)
    assert answer.name is Problem.SLOT_TAKEN
    assert await occupied(practice) == [(MONDAY, False)]


async def test_two_therapists_and_one_client(practice: Practice) -> None:
    """A session with the one is booked while another with the other is moved: the client can be in one place only."""
    ben = await practice.therapist("ben")
    people = [await practice.client(name=f"Sara{number}") for number in range(8)]
    aims = [MONDAY + number * HOUR for number in range(len(people))]
    moves, bookings = [], []
    for client, aim in zip(people, aims, strict=True):
        [appointment] = await practice.booked(client, aim + WEEK)
        moves.append(practice.appointments.reschedule_appointment(moving(appointment.id, aim)))
        bookings.append(practice.booking.book(practice.booking_order(client, aim + timedelta(minutes=20))))
    async with practice.sessions() as session:
        connection = await session.connection()
        await connection.execute(text("UPDATE client SET therapist_id = :ben"), {"ben": ben})
        await session.commit()
    moved, booked = await asyncio.gather(asyncio.gather(*moves), asyncio.gather(*bookings))
    for answers in zip(moved, booked, strict=True):
        [loser] = [answer for answer in answers if answer.refusal is not None]
        refused(loser)
    in_march = [start for start, _ in await occupied(practice) if start < MONDAY + timedelta(days=2)]
    assert len(in_march) == len(people)
